// RUN: et-opt %s | et-opt | FileCheck %s

func.func @layer(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>, %init: tensor<?x8xf32>, %b: tensor<4xf32>) -> tensor<?x8xf32> {
  %y = et.moe linear #et.threshold<gate = sigmoid> relu_squared
      ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
      theta(%theta : tensor<4xf32>) outs(%init : tensor<?x8xf32>)
  %z = et.moe cosine #et.top_k<k = 2, renormalize = true> gelu
      ins(%y, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
      bias(%b : tensor<4xf32>) outs(%init : tensor<?x8xf32>)
  %z1 = et.moe cosine #et.expert_choice<rate = 0.0625> gelu
      ins(%z, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
      outs(%init : tensor<?x8xf32>)
  return %z1 : tensor<?x8xf32>
}
