// RUN: et-opt %s --et-loop-sequential-ops | FileCheck %s

// CHECK-LABEL: func.func @sum
// CHECK:         scf.parallel
// CHECK-NEXT:      linalg.reduce
// CHECK:         scf.parallel
// CHECK-NEXT:      linalg.fill
func.func @sum(%x: memref<8x8xf32>, %y: memref<f32>, %s: f32) {
  linalg.reduce { arith.addf } ins(%x : memref<8x8xf32>) outs(%y : memref<f32>) dimensions = [0, 1]
  linalg.fill ins(%s : f32) outs(%y : memref<f32>)
  return
}

// Those with a parallel loop, and those in one, run there.
// CHECK-LABEL: func.func @rows
// CHECK-NEXT:    linalg.reduce
func.func @rows(%x: memref<8x8xf32>, %y: memref<8xf32>) {
  linalg.reduce { arith.addf } ins(%x : memref<8x8xf32>) outs(%y : memref<8xf32>) dimensions = [1]
  return
}
// CHECK-LABEL: func.func @inside
// CHECK-COUNT-1: scf.parallel
// CHECK-NOT:     scf.parallel
func.func @inside(%n: index, %y: memref<f32>, %s: f32) {
  scf.parallel (%i) = (%n) to (%n) step (%n) {
    linalg.fill ins(%s : f32) outs(%y : memref<f32>)
  }
  return
}
