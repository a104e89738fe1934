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
// LOOPS:       gpu.launch_func async {{.*}} @et_kernels::@et_moe_route
// LOOPS-NOT:   gpu.wait
// LOOPS:       gpu.launch_func async {{.*}} @et_kernels::@et_moe_grouped_matmul
// LOOPS-NOT:   gpu.wait
// LOOPS:       gpu.launch_func async {{.*}} @et_kernels::@et_moe_grouped_matmul
// LOOPS-NOT:   gpu.wait
// LOOPS:       gpu.launch_func async {{.*}} @et_kernels::@et_moe_combine
// LOOPS-NOT:   gpu.launch_func
// LOOPS:       gpu.dealloc async
// LOOPS:       gpu.wait [
// LOOPS-NEXT:  return
// LOOPS:       gpu.module @et_kernels

// So it is of two layers: all that is checked is checked before.
// LOOPS-LABEL: func @two_layers
// LOOPS-COUNT-5: cf.assert
// LOOPS-NOT:   cf.assert
// LOOPS:       gpu.wait async
// LOOPS-NOT:   gpu.wait
// LOOPS-NOT:   cf.assert
// LOOPS-COUNT-2: @et_kernels::@et_moe_combine
// LOOPS-NOT:   gpu.wait
// LOOPS:       gpu.dealloc async
// LOOPS-NOT:   gpu.wait async
// LOOPS:       gpu.wait [
// LOOPS-NEXT:  return

// Biases, gates and a shared expert add none.
// LOOPS-LABEL: func @all_in_four
// LOOPS:       gpu.launch_func async {{.*}} @et_kernels::@et_moe_route
// LOOPS-COUNT-2: gpu.launch_func async {{.*}} @et_kernels::@et_moe_grouped_matmul
// LOOPS-NOT:   gpu.launch_func
// LOOPS:       gpu.launch_func async {{.*}} @et_kernels::@et_moe_combine
// LOOPS-NOT:   gpu.launch_func

// LLVM:        gpu.binary @et_kernels
// LLVM-SAME:     chip = "sm_80"
// LLVM-SAME:     .target sm_80
// LLVM-SAME:     chip = "sm_90a"
// LLVM-SAME:     .target sm_90a
// LLVM-SAME:     chip = "sm_120"
// LLVM-SAME:     .target sm_120
// LLVM-NOT:    __nv_
// LLVM:        llvm.mlir.global external constant @et_function_layer

// CHIP: error: #et.gpu_target has an unknown chip 'sm_1'
func.func @layer(%x: tensor<?x24xbf16>, %router: tensor<24x5xbf16>, %theta: tensor<5xf32>, %w1: tensor<5x24x40xbf16>, %w2: tensor<5x40x24xbf16>) -> tensor<?x24xbf16> {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x24xbf16>
  %init = tensor.empty(%t) : tensor<?x24xbf16>
  %y = et.moe cosine #et.threshold<gate = sigmoid> gelu
      ins(%x, %router, %w1, %w2 : tensor<?x24xbf16>, tensor<24x5xbf16>, tensor<5x24x40xbf16>, tensor<5x40x24xbf16>)
      theta(%theta : tensor<5xf32>) outs(%init : tensor<?x24xbf16>)
  return %y : tensor<?x24xbf16>
}

func.func @two_layers(%x: tensor<?x24xf32>, %router: tensor<24x?xf32>, %theta: tensor<?xf32>, %w1: tensor<?x24x40xf32>, %w2: tensor<?x40x24xf32>) -> tensor<?x24xf32> {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x24xf32>
  %init = tensor.empty(%t) : tensor<?x24xf32>
  %a = et.moe linear #et.threshold relu
      ins(%x, %router, %w1, %w2 : tensor<?x24xf32>, tensor<24x?xf32>, tensor<?x24x40xf32>, tensor<?x40x24xf32>)
      theta(%theta : tensor<?xf32>) outs(%init : tensor<?x24xf32>)
  %ta = tensor.dim %a, %c0 : tensor<?x24xf32>
  %init2 = tensor.empty(%ta) : tensor<?x24xf32>
  %b = et.moe linear #et.top_k<k = 2> relu
      ins(%a, %router, %w1, %w2 : tensor<?x24xf32>, tensor<24x?xf32>, tensor<?x24x40xf32>, tensor<?x40x24xf32>)
      outs(%init2 : tensor<?x24xf32>)
  return %b : tensor<?x24xf32>
}

func.func @all_in_four(%x: tensor<?x24xf16>, %router: tensor<24x5xf16>, %theta: tensor<5xf32>, %w1: tensor<5x24x40xf16>, %w2: tensor<5x40x24xf16>,
                       %b1: tensor<5x40xf16>, %b2: tensor<5x24xf16>, %wg: tensor<5x24x40xf16>, %bg: tensor<5x40xf16>,
                       %s1: tensor<24x72xf16>, %s2: tensor<72x24xf16>, %sg: tensor<24x72xf16>, %init: tensor<?x24xf16>) -> tensor<?x24xf16> {
  %y = et.moe linear #et.threshold<gate = sigmoid> silu
      ins(%x, %router, %w1, %w2 : tensor<?x24xf16>, tensor<24x5xf16>, tensor<5x24x40xf16>, tensor<5x40x24xf16>)
      theta(%theta : tensor<5xf32>) b1(%b1 : tensor<5x40xf16>) b2(%b2 : tensor<5x24xf16>) gate(%wg : tensor<5x24x40xf16>)
      gate_bias(%bg : tensor<5x40xf16>) shared(%s1, %s2 : tensor<24x72xf16>, tensor<72x24xf16>) shared_gate(%sg : tensor<24x72xf16>)
      outs(%init : tensor<?x24xf16>)
  return %y : tensor<?x24xf16>
}
