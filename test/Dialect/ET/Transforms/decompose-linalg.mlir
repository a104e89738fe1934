// RUN: et-opt %s --et-decompose-linalg --split-input-file | FileCheck %s

// Sums of 16 bits would stop growing.
// CHECK-LABEL: func.func @softmax
// CHECK:         linalg.fill ins(%{{.*}} : f32) outs(%{{.*}} : tensor<?x8xf32>)
// CHECK:         linalg.generic {{.*}}iterator_types = ["parallel", "reduction", "parallel"]
// CHECK:           arith.extf
// CHECK:           arith.maximumf
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<?x4x8xf32>)
// CHECK:           math.exp %{{.*}} : f32
// CHECK:         linalg.generic {{.*}}iterator_types = ["parallel", "reduction", "parallel"]
// CHECK:           arith.addf
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<?x4x8xf16>)
// CHECK:           arith.divf
// CHECK:           arith.truncf
func.func @softmax(%x: tensor<?x4x8xf16>, %init: tensor<?x4x8xf16>) -> tensor<?x4x8xf16> {
  %y = linalg.softmax dimension(1) ins(%x : tensor<?x4x8xf16>) outs(%init : tensor<?x4x8xf16>) -> tensor<?x4x8xf16>
  return %y : tensor<?x4x8xf16>
}

// -----

// CHECK-LABEL: func.func @others
// CHECK-NOT:     linalg.pack
// CHECK-NOT:     linalg.unpack
// CHECK-NOT:     tensor.concat
// CHECK:         return
func.func @others(%x: tensor<8x32xf32>, %p: tensor<2x4x4x8xf32>, %u: tensor<8x32xf32>) -> tensor<16x32xf32> {
  %0 = linalg.pack %x inner_dims_pos = [0, 1] inner_tiles = [4, 8] into %p : tensor<8x32xf32> -> tensor<2x4x4x8xf32>
  %1 = linalg.unpack %0 inner_dims_pos = [0, 1] inner_tiles = [4, 8] into %u : tensor<2x4x4x8xf32> -> tensor<8x32xf32>
  %2 = tensor.concat dim(0) %1, %x : (tensor<8x32xf32>, tensor<8x32xf32>) -> tensor<16x32xf32>
  return %2 : tensor<16x32xf32>
}
