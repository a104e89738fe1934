// RUN: et-opt %s --et-lower-asserts | FileCheck %s

// A text says where its op stands; equal ones are kept once.
// CHECK-DAG: llvm.mlir.global internal constant @[[A:et_check[_0-9]*]]("layer.mlir:3:8: too wide\00")
// CHECK-DAG: llvm.mlir.global internal constant @[[B:et_check[_0-9]*]]("too narrow\00")
// CHECK-DAG: llvm.func @et_check_failed(!llvm.ptr)

// CHECK-LABEL: func.func @checks(
// CHECK-SAME:    %[[OK:.*]]: i1, %[[FINE:.*]]: i1)
func.func @checks(%ok: i1, %fine: i1) {
  // CHECK: %[[BROKEN:.*]] = arith.xori %[[OK]]
  // CHECK: scf.if %[[BROKEN]] {
  // CHECK:   %[[TEXT:.*]] = llvm.mlir.addressof @[[A]]
  // CHECK:   llvm.call @et_check_failed(%[[TEXT]])
  cf.assert %ok, "too wide" loc("folder/layer.mlir":3:8)
  // CHECK: llvm.mlir.addressof @[[B]]
  cf.assert %fine, "too narrow" loc(unknown)
  // CHECK: llvm.mlir.addressof @[[A]]
  cf.assert %fine, "too wide" loc(fused["folder/layer.mlir":3:8])
  // CHECK: llvm.call @et_check_noted(
  cf.assert %fine, "nothing is read" {et.runs_on}
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
