// RUN: et-opt %s --convert-et-to-vector | FileCheck %s

// Rows of 16 bits are copied as they are, 64 bytes at a time; the end has a mask.

// CHECK-LABEL: func.func @gather
// CHECK:         %[[PAIRS:.*]] = arith.minui
// CHECK:         scf.parallel (%[[PAIR:.*]]) = (%c0) to (%[[PAIRS]])
// CHECK:           %[[WORD:.*]] = memref.load %arg1[%[[PAIR]]]
// CHECK:           %[[TOKEN:.*]] = arith.index_cast %[[WORD]] : i32 to index
// CHECK:           scf.for %[[COLUMN:.*]] = %c0 to %{{.*}} step %c32
// CHECK:             %[[PART:.*]] = vector.transfer_read %arg0[%[[TOKEN]], %[[COLUMN]]], %{{.*}} {in_bounds = [true]} : memref<?x100xbf16>, vector<32xbf16>
// CHECK-NEXT:        vector.transfer_write %[[PART]], %arg3[%[[PAIR]], %[[COLUMN]]] {in_bounds = [true]} : vector<32xbf16>, memref<?x100xbf16>
// CHECK:           scf.if
// CHECK:             vector.transfer_read %arg0[%[[TOKEN]], %[[WHOLE:.*]]], %{{.*}} : memref<?x100xbf16>, vector<32xbf16>
// CHECK-NEXT:        vector.transfer_write %{{.*}}, %arg3[%[[PAIR]], %[[WHOLE]]] : vector<32xbf16>, memref<?x100xbf16>
func.func @gather(%x: memref<?x100xbf16>, %tokens: memref<?xi32>, %offsets: memref<5xi32>,
                  %out: memref<?x100xbf16>) {
  et.gather ins(%x, %tokens, %offsets : memref<?x100xbf16>, memref<?xi32>, memref<5xi32>)
    outs(%out : memref<?x100xbf16>)
  return
}
