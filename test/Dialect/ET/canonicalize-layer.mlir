// RUN: et-opt %s --et-decompose-moe --canonicalize --cse | FileCheck %s

// Folds meet: a layer whose experts no token can reach is its shared expert, and
// the buffers of its pairs are gone with them.
// CHECK-LABEL: func @only_shared
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<64x8xf32>
// CHECK-NOT: et.scores
// CHECK: %[[Y:.*]] = et.expert_ffn relu ins(%[[X]], %{{.*}}, %{{.*}} : tensor<64x8xf32>, tensor<1x8x24xf32>, tensor<1x24x8xf32>) outs(%{{.*}} : tensor<64x8xf32>)
// CHECK-NEXT: return %[[Y]]
func.func @only_shared(%x: tensor<64x8xf32>, %router: tensor<8x4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>,
                       %s1: tensor<8x24xf32>, %s2: tensor<24x8xf32>, %out: tensor<64x8xf32>) -> tensor<64x8xf32> {
  %theta = arith.constant dense<0x7F800000> : tensor<4xf32>
  %y = et.moe linear #et.threshold relu
    ins(%x, %router, %w1, %w2 : tensor<64x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    theta(%theta : tensor<4xf32>) shared(%s1, %s2 : tensor<8x24xf32>, tensor<24x8xf32>) outs(%out : tensor<64x8xf32>)
  return %y : tensor<64x8xf32>
}
