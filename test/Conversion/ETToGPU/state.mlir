// RUN: et-opt %s --convert-et-to-gpu --split-input-file | FileCheck %s

// A bit a step from the highest: no sort, and no loop over pairs of tokens.
// CHECK-LABEL: func @quantile
// CHECK:       gpu.launch {{.*}} function(@et_statistic_order)
// CHECK:         arith.cmpf uno
// CHECK:         scf.for
// CHECK:           arith.shrui
// CHECK:           scf.for
// CHECK:             arith.cmpi ult
// CHECK:           gpu.barrier
// CHECK-NOT:   scf.parallel
func.func @quantile(%r: memref<?x5xf32>, %out: memref<5xf32>) {
  et.statistic #et.quantile<q = 0.5> ins(%r : memref<?x5xf32>) outs(%out : memref<5xf32>)
  return
}

// -----

// CHECK-LABEL: func @mean_minus_std
// CHECK-NOT:   gpu.launch
// CHECK:       scf.parallel
func.func @mean_minus_std(%r: memref<?x5xf32>, %out: memref<5xf32>) {
  et.statistic #et.mean_minus_std ins(%r : memref<?x5xf32>) outs(%out : memref<5xf32>)
  return
}
