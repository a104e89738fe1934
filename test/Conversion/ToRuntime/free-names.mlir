// RUN: et-opt %s --et-free-names | FileCheck %s

// Code that is added names the runtime's, OpenMP's and C's symbols.
// CHECK: func.func @model.et_check_failed() attributes {et.entry_name = "et_check_failed"}
func.func @et_check_failed() {
  // CHECK-NEXT: call @model.expf_() : () -> ()
  call @expf() : () -> ()
  // CHECK-NEXT: call @model.expf() : () -> ()
  call @model.expf() : () -> ()
  return
}
// CHECK: func.func private @model.expf_() {
func.func private @expf() {
  return
}
// CHECK: func.func private @model.expf() {
func.func private @model.expf() {
  return
}
// CHECK: func.func private @model.mgpuStreamCreate()
func.func private @mgpuStreamCreate()
// CHECK: func.func private @model.omp_get_max_threads()
func.func private @omp_get_max_threads()
// CHECK: func.func private @model.__truncsfbf2()
func.func private @__truncsfbf2()
// CHECK: memref.global "private" @model.et_cuda_arch
memref.global "private" @et_cuda_arch : memref<2xi8>

// A name that has been freed stays.
// CHECK: func.func @model.et_call() attributes {et.entry_name = "et_call"}
func.func @model.et_call() attributes {et.entry_name = "et_call"} {
  return
}
// CHECK: func.func @scale()
func.func @scale() {
  return
}
