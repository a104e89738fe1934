// RUN: et-opt %s --et-lower-to-nvvm-pipeline="compile-to=loops" | FileCheck %s --check-prefix=LOOPS
// RUN: et-opt %s --et-lower-to-nvvm-pipeline="chip=sm_80,sm_90a,sm_120" | FileCheck %s --check-prefix=LLVM
// RUN: not et-opt %s --et-lower-to-nvvm-pipeline="chip=sm_1" 2>&1 | FileCheck %s --check-prefix=CHIP

// Four launches, on one stream, in order; the host waits once, at the end.
// LOOPS-LABEL: func @layer
// LOOPS:       %[[T0:.*]] = gpu.wait async
// LOOPS-NOT:   gpu.wait
// LOOPS-NOT:   memref.alloc
// LOOPS:       gpu.memset async
// LOOPS-NOT:   gpu.wait
// LOOPS:       gpu.launch_func async {{.*}} @et_kernels::@et_route
// LOOPS-NOT:   gpu.wait
// LOOPS:       gpu.launch_func async {{.*}} @et_kernels::@et_grouped_matmul
// LOOPS-NOT:   gpu.wait
// LOOPS:       gpu.launch_func async {{.*}} @et_kernels::@et_grouped_matmul
// LOOPS-NOT:   gpu.wait
// LOOPS:       gpu.launch_func async {{.*}} @et_kernels::@et_combine
// LOOPS-NOT:   gpu.launch_func
// LOOPS:       gpu.dealloc async
// LOOPS:       gpu.wait [
// LOOPS-NEXT:  return
// LOOPS:       gpu.module @et_kernels

// LLVM:        gpu.binary @et_kernels
// LLVM-SAME:     chip = "sm_80"
// LLVM-SAME:     .target sm_80
// LLVM-SAME:     chip = "sm_90a"
// LLVM-SAME:     .target sm_90a
// LLVM-SAME:     chip = "sm_120"
// LLVM-SAME:     .target sm_120
// LLVM-NOT:    __nv_
// LLVM:        llvm.mlir.global external constant @et_function_layer

// CHIP: error: unknown GPU 'sm_1'
func.func @layer(%x: tensor<?x24xbf16>, %router: tensor<24x5xbf16>, %theta: tensor<5xf32>, %w1: tensor<5x24x40xbf16>, %w2: tensor<5x40x24xbf16>) -> tensor<?x24xbf16> {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x24xbf16>
  %init = tensor.empty(%t) : tensor<?x24xbf16>
  %y = et.moe cosine #et.threshold<gate = sigmoid> gelu
      ins(%x, %router, %w1, %w2 : tensor<?x24xbf16>, tensor<24x5xbf16>, tensor<5x24x40xbf16>, tensor<5x40x24xbf16>)
      theta(%theta : tensor<5xf32>) outs(%init : tensor<?x24xbf16>)
  return %y : tensor<?x24xbf16>
}
