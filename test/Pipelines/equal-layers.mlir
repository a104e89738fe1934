// RUN: et-opt %s --et-lower-to-cpu-pipeline="march=x86-64-v4 compile-to=loops" | FileCheck %s --check-prefix=CPU
// RUN: et-opt %s --et-lower-to-nvvm-pipeline="chip=sm_80 compile-to=loops" | FileCheck %s --check-prefix=GPU

// Three layers have the code of one, whose result goes where the caller says. The
// buffers of a layer are freed before the next.
// CPU-LABEL:     func.func @layers
// CPU-NOT:       omp.parallel
// CPU-COUNT-3:   call @et_layer({{.*}}) -> ()
// CPU-NOT:       {{call|omp.parallel}}
// CPU:           return
// CPU-LABEL:     func.func private @et_layer
// CPU:           omp.parallel
// CPU:           memref.dealloc
// CPU:           return
// CPU-NOT:       func.func

// The kernels are those of one layer. All launches are one chain, as if each layer
// had its own.
// GPU-NOT:       func.func private @et_layer
// GPU-LABEL:     func.func @layers
// GPU:           gpu.wait async
// GPU-NOT:       gpu.wait
// GPU-COUNT-12:  gpu.launch_func async
// GPU-NOT:       gpu.launch_func
// GPU:           gpu.wait [
// GPU-NEXT:      return
// GPU:           gpu.module
// GPU-COUNT-4:   gpu.func @
// GPU-NOT:       gpu.func @
func.func @layers(%x: tensor<?x16xf32>, %router: tensor<16x4xf32>, %theta: tensor<4xf32>, %v1: tensor<4x16x24xf32>, %v2: tensor<4x24x16xf32>,
                  %w1: tensor<4x16x24xf32>, %w2: tensor<4x24x16xf32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x16xf32>
  %init = tensor.empty(%tokens) : tensor<?x16xf32>
  %a = et.moe linear #et.threshold relu ins(%x, %router, %v1, %v2 : tensor<?x16xf32>, tensor<16x4xf32>, tensor<4x16x24xf32>, tensor<4x24x16xf32>)
    theta(%theta : tensor<4xf32>) outs(%init : tensor<?x16xf32>)
  %b = et.moe linear #et.threshold relu ins(%a, %router, %w1, %w2 : tensor<?x16xf32>, tensor<16x4xf32>, tensor<4x16x24xf32>, tensor<4x24x16xf32>)
    theta(%theta : tensor<4xf32>) outs(%init : tensor<?x16xf32>)
  %c = et.moe linear #et.threshold relu ins(%b, %router, %v1, %w2 : tensor<?x16xf32>, tensor<16x4xf32>, tensor<4x16x24xf32>, tensor<4x24x16xf32>)
    theta(%theta : tensor<4xf32>) outs(%init : tensor<?x16xf32>)
  return %c : tensor<?x16xf32>
}
