//===- layer.mlir - one feed-forward layer of a sentence encoder ----------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The layer's 1536 hidden units as 16 experts of 96, and as it was trained.
// The weights come from a safetensors file, by the names given here.
//
//===----------------------------------------------------------------------===//

func.func @experts(
    %x: tensor<?x384xf32>,
    %theta: tensor<16xf32>,
    %router: tensor<384x16xf32> {et.weight = "router"},
    %w1: tensor<16x384x96xf32> {et.weight = "w1"},
    %b1: tensor<16x96xf32> {et.weight = "b1"},
    %w2: tensor<16x96x384xf32> {et.weight = "w2"},
    %b2: tensor<16x384xf32> {et.weight = "b2"}) -> tensor<?x384xf32> {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x384xf32>
  %init = tensor.empty(%t) : tensor<?x384xf32>
  %y = et.moe linear #et.threshold<gate = binary> gelu
    ins(%x, %router, %w1, %w2 : tensor<?x384xf32>, tensor<384x16xf32>,
        tensor<16x384x96xf32>, tensor<16x96x384xf32>)
    theta(%theta : tensor<16xf32>)
    b1(%b1 : tensor<16x96xf32>) b2(%b2 : tensor<16x384xf32>)
    outs(%init : tensor<?x384xf32>)
  return %y : tensor<?x384xf32>
}

// One expert that takes every token.
func.func @dense(
    %x: tensor<?x384xf32>,
    %w1: tensor<1x384x1536xf32> {et.weight = "dense.w1"},
    %b1: tensor<1x1536xf32> {et.weight = "dense.b1"},
    %w2: tensor<1x1536x384xf32> {et.weight = "dense.w2"},
    %b2: tensor<1x384xf32> {et.weight = "dense.b2"}) -> tensor<?x384xf32> {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x384xf32>
  %init = tensor.empty(%t) : tensor<?x384xf32>
  %y = et.expert_ffn gelu
    ins(%x, %w1, %w2 : tensor<?x384xf32>, tensor<1x384x1536xf32>, tensor<1x1536x384xf32>)
    b1(%b1 : tensor<1x1536xf32>) b2(%b2 : tensor<1x384xf32>)
    outs(%init : tensor<?x384xf32>)
  return %y : tensor<?x384xf32>
}
