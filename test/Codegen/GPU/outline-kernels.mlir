// RUN: et-opt %s --et-outline-kernels | FileCheck %s

// Each kernel has the attributes of its own launch.
// CHECK-LABEL: func.func @layer
// CHECK:         gpu.launch_func @et_kernels::@et_route
// CHECK:         scf.if
// CHECK:           gpu.launch_func @et_kernels::@et_moe
// CHECK:         gpu.launch_func @made::@before
// CHECK:         gpu.launch_func @et_kernels::@et_route_0
// CHECK:       gpu.module @et_kernels
// CHECK:         gpu.func @et_route() kernel attributes {et.stages = array<i64: 4>}
// CHECK:         gpu.func @et_moe() kernel attributes {nvvm.minctasm = 4 : i32}
// CHECK:         gpu.func @et_route_0() kernel {
module attributes {gpu.container_module} {
  func.func @layer(%n: index, %few: i1) {
    gpu.launch blocks(%a, %b, %c) in (%d = %n, %e = %n, %f = %n) threads(%g, %h, %i) in (%j = %n, %k = %n, %l = %n) module(@et_kernels) function(@et_route) {
      gpu.terminator
    } {et.stages = array<i64: 4>}
    scf.if %few {
      gpu.launch blocks(%a, %b, %c) in (%d = %n, %e = %n, %f = %n) threads(%g, %h, %i) in (%j = %n, %k = %n, %l = %n) module(@et_kernels) function(@et_moe) {
        gpu.terminator
      } {nvvm.minctasm = 4 : i32}
    }
    gpu.launch_func @made::@before blocks in (%n, %n, %n) threads in (%n, %n, %n)
    gpu.launch blocks(%a, %b, %c) in (%d = %n, %e = %n, %f = %n) threads(%g, %h, %i) in (%j = %n, %k = %n, %l = %n) module(@et_kernels) function(@et_route) {
      gpu.terminator
    }
    return
  }
  gpu.module @made {
    gpu.func @before() kernel {
      gpu.return
    }
  }
}
