// RUN: et-opt %s --et-loops-to-kernels --split-input-file | FileCheck %s

// CHECK-LABEL: func @nest
// CHECK-SAME:    (%[[M:.*]]: memref<?x?xf32>, %[[ROWS:.*]]: index, %[[COLUMNS:.*]]: index)
// CHECK:       %[[TOTAL:.*]] = arith.muli
// CHECK:       gpu.launch blocks(%[[B:[^,]*]], {{.*}} threads(%[[T:[^,]*]], {{.*}} in (%{{.*}} = %c128
// CHECK:         %[[BASE:.*]] = arith.muli %[[B]]
// CHECK:         %[[I:.*]] = arith.addi %[[BASE]], %[[T]]
// CHECK:         %[[IN:.*]] = arith.cmpi ult, %[[I]], %[[TOTAL]]
// CHECK:         scf.if %[[IN]]
// CHECK:           arith.remui %[[I]]
// CHECK:           arith.divui %[[I]]
// An inner parallel loop stays in the thread.
// CHECK:           scf.parallel
// CHECK:             memref.store {{.*}}, %[[M]]
func.func @nest(%m: memref<?x?xf32>, %rows: index, %columns: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %zero = arith.constant 0.0 : f32
  scf.parallel (%i, %j) = (%c0, %c1) to (%rows, %columns) step (%c1, %c3) {
    scf.parallel (%k) = (%c0) to (%c3) step (%c1) {
      %at = arith.addi %j, %k : index
      memref.store %zero, %m[%i, %at] : memref<?x?xf32>
    }
  }
  return
}

// -----

// CHECK-LABEL: func @strided_copy
// CHECK:       gpu.launch
// CHECK:         memref.load %arg0
// CHECK:         memref.store {{.*}}, %arg1
// CHECK-NOT:   memref.copy
func.func @strided_copy(%from: memref<4x?xf32, strided<[?, 1]>>, %to: memref<4x?xf32>) {
  memref.copy %from, %to : memref<4x?xf32, strided<[?, 1]>> to memref<4x?xf32>
  return
}
