// RUN: et-opt %s --et-lower-to-cpu-pipeline="march=x86-64-v4 pack-weights compile-to=fuse" -o %t.fuse.mlir
// RUN: FileCheck %s --input-file=%t.fuse.mlir
// RUN: et-opt %t.fuse.mlir --et-lower-to-cpu-pipeline="march=x86-64-v4" | FileCheck %s --check-prefix=LLVM
// RUN: et-opt %s --et-lower-to-cpu-pipeline="march=x86-64-v4 compile-to=fuse" | FileCheck %s --check-prefix=ROWS

// Two layers in a function that is called: their weights are packed once, those
// of the shared expert and a weight that both layers read too, and constants
// while compiling. What is no matrix of a product stays.
// CHECK-LABEL: func.func @model
// CHECK-SAME: tensor<64x8xf32> {et.weight = "router"}
// CHECK-SAME: tensor<8xf32> {et.weight = "theta"}
// CHECK-SAME: tensor<8x2x64x64xf32> {et.name = "w1.panels_64_1_1", et.packed_by = "model_pack", et.weight = "w1.panels_64_1_1"}
// CHECK-SAME: tensor<8x1x96x64xf32> {et.name = "w2.panels_64_1_1", et.packed_by = "model_pack", et.weight = "w2.panels_64_1_1"}
// CHECK-SAME: tensor<1x1x64x32xf32> {et.name = "s1.panels_32_1_1", et.packed_by = "model_pack", et.weight = "s1.panels_32_1_1"}
// CHECK-SAME: tensor<1x1x32x64xf32> {et.name = "s2.panels_64_1_1", et.packed_by = "model_pack", et.weight = "s2.panels_64_1_1"}
// CHECK-NOT: et.pack
// CHECK: dense<1.000000e+00> : tensor<1x1x64x64xf32>
// CHECK-COUNT-9: et.grouped_matmul {{.*}} panels(
// CHECK-NOT: et.grouped_matmul
// CHECK-LABEL: func.func @model_pack
// CHECK-COUNT-4: = et.pack
// CHECK-NOT: = et.
// CHECK: return

// LLVM-DAG: llvm.mlir.global external constant @et_function_model()
// LLVM-DAG: llvm.mlir.global external constant @et_function_model_pack()

// ROWS-NOT: panels
func.func private @layer(%x: tensor<?x64xf32>, %router: tensor<64x8xf32>, %theta: tensor<8xf32>, %w1: tensor<8x64x96xf32>,
                         %w2: tensor<8x96x64xf32>, %s1: tensor<64x32xf32>, %s2: tensor<32x64xf32>) -> tensor<?x64xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x64xf32>
  %init = tensor.empty(%tokens) : tensor<?x64xf32>
  %y = et.moe linear #et.threshold relu
    ins(%x, %router, %w1, %w2 : tensor<?x64xf32>, tensor<64x8xf32>, tensor<8x64x96xf32>, tensor<8x96x64xf32>)
    theta(%theta : tensor<8xf32>) shared(%s1, %s2 : tensor<64x32xf32>, tensor<32x64xf32>) outs(%init : tensor<?x64xf32>)
  return %y : tensor<?x64xf32>
}
func.func @model(%x: tensor<?x64xf32> {et.name = "x"}, %router: tensor<64x8xf32> {et.weight = "router"},
                 %theta: tensor<8xf32> {et.weight = "theta"}, %w1: tensor<8x64x96xf32> {et.weight = "w1"},
                 %w2: tensor<8x96x64xf32> {et.weight = "w2"}, %s1: tensor<64x32xf32> {et.weight = "s1"},
                 %s2: tensor<32x64xf32> {et.weight = "s2"}) -> tensor<?x64xf32> {
  %a = call @layer(%x, %router, %theta, %w1, %w2, %s1, %s2)
    : (tensor<?x64xf32>, tensor<64x8xf32>, tensor<8xf32>, tensor<8x64x96xf32>, tensor<8x96x64xf32>, tensor<64x32xf32>, tensor<32x64xf32>) -> tensor<?x64xf32>
  %b = call @layer(%a, %router, %theta, %w1, %w2, %s1, %s2)
    : (tensor<?x64xf32>, tensor<64x8xf32>, tensor<8xf32>, tensor<8x64x96xf32>, tensor<8x96x64xf32>, tensor<64x32xf32>, tensor<32x64xf32>) -> tensor<?x64xf32>
  %ones = arith.constant dense<1.0> : tensor<1x64x64xf32>
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %b, %c0 : tensor<?x64xf32>
  %init = tensor.empty(%tokens) : tensor<?x64xf32>
  %y = et.grouped_matmul none ins(%b, %ones : tensor<?x64xf32>, tensor<1x64x64xf32>) outs(%init : tensor<?x64xf32>)
  return %y : tensor<?x64xf32>
}
