// RUN: et-opt %s --convert-et-to-vector | FileCheck %s

// CHECK-LABEL: func.func @combine
// CHECK-SAME:    %[[PAIRS:[^:]*]]: memref<?x100xf32>, %[[GATES:[^:]*]]: memref<?x7xf32>
// CHECK-SAME:    %[[MASK:[^:]*]]: memref<7x?xi32>, %[[OFFSETS:[^:]*]]: memref<8xi32>
// CHECK-SAME:    %[[SHARED:[^:]*]]: memref<?x100xbf16>, %[[OUT:[^:]*]]: memref<?x100xbf16>
// Where each expert's rows begin, for every word of the mask.
// CHECK:         %[[ROWS:.*]] = memref.alloc(%{{.*}}) : memref<?x?xi32>
// CHECK:         scf.parallel (%[[E:.*]]) =
// CHECK:           memref.load %[[OFFSETS]][%[[E]]]
// CHECK:           math.ctpop
// Each token by itself: sums stay in registers while experts pass in order.
// CHECK:         scf.parallel (%[[T:.*]]) =
// CHECK:           scf.for
// CHECK-COUNT-16:    vector.transfer_read %[[SHARED]][%[[T]]
// CHECK:             scf.for %[[EXPERT:.*]] = %c0{{.*}} to %c7{{.*}} step %c1
// CHECK:               scf.if
// CHECK:                 math.ctpop
// CHECK:                 memref.load %[[GATES]][%[[T]], %[[EXPERT]]]
// CHECK-COUNT-16:        vector.transfer_read %[[PAIRS]]
// CHECK-COUNT-16:    vector.transfer_write %{{.*}}, %[[OUT]][%[[T]]
// CHECK:         memref.dealloc %[[ROWS]]
func.func @combine(%pairs: memref<?x100xf32>, %gates: memref<?x7xf32>, %mask: memref<7x?xi32>,
                   %offsets: memref<8xi32>, %shared: memref<?x100xbf16>,
                   %out: memref<?x100xbf16>) {
  et.combine ins(%pairs, %gates, %mask, %offsets
      : memref<?x100xf32>, memref<?x7xf32>, memref<7x?xi32>, memref<8xi32>)
    shared(%shared : memref<?x100xbf16>) outs(%out : memref<?x100xbf16>)
  return
}
