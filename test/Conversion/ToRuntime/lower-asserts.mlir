// RUN: et-opt %s --et-lower-asserts | FileCheck %s

// Equal texts are kept once.
// CHECK-DAG: llvm.mlir.global internal constant @[[A:et_check[_0-9]*]]("too wide\00")
// CHECK-DAG: llvm.mlir.global internal constant @[[B:et_check[_0-9]*]]("too narrow\00")
// CHECK-DAG: llvm.func @et_check_failed(!llvm.ptr)

// CHECK-LABEL: func.func @checks(
// CHECK-SAME:    %[[OK:.*]]: i1, %[[FINE:.*]]: i1)
func.func @checks(%ok: i1, %fine: i1) {
  // CHECK: %[[BROKEN:.*]] = arith.xori %[[OK]]
  // CHECK: scf.if %[[BROKEN]] {
  // CHECK:   %[[TEXT:.*]] = llvm.mlir.addressof @[[A]]
  // CHECK:   llvm.call @et_check_failed(%[[TEXT]])
  cf.assert %ok, "too wide"
  // CHECK: llvm.mlir.addressof @[[B]]
  cf.assert %fine, "too narrow"
  // CHECK: llvm.mlir.addressof @[[A]]
  cf.assert %fine, "too wide"
  return
}

// CHECK-LABEL: gpu.func @kernel
gpu.module @kernels {
  gpu.func @kernel(%ok: i1) kernel {
    // CHECK: cf.assert
    cf.assert %ok, "on the device"
    gpu.return
  }
}
