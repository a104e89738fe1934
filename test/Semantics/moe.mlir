//===- moe.mlir - et.moe, executed ------------------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=reference
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=cpu

// The router is the identity: token 0 scores 1 for expert 0, token 1 for expert 1,
// token 2 is below both thresholds, token 3 is NaN. 1 / (1 + exp(-1)) = 0.7310586.
func.func @main() {
  %exact = arith.constant 0.0 : f32
  %tol = arith.constant 1.0e-6 : f32
  %x = arith.constant dense<[[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0], [0x7FC00000, 0.0]]> : tensor<4x2xf32>
  %router = arith.constant dense<[[1.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf32>
  %w1 = arith.constant dense<[[[1.0], [1.0]], [[2.0], [3.0]]]> : tensor<2x2x1xf32>
  %w2 = arith.constant dense<[[[1.0, 2.0]], [[1.0, 0.0]]]> : tensor<2x1x2xf32>
  %theta = arith.constant dense<0.5> : tensor<2xf32>
  %init = tensor.empty() : tensor<4x2xf32>
  %y = et.moe linear #et.threshold<gate = sigmoid> relu_squared
    ins(%x, %router, %w1, %w2 : tensor<4x2xf32>, tensor<2x2xf32>, tensor<2x2x1xf32>, tensor<2x1x2xf32>)
    theta(%theta : tensor<2xf32>) outs(%init : tensor<4x2xf32>)
  %expected_1 = arith.constant dense<[[0.7310586, 1.4621172], [6.5795272, 0.0], [0.0, 0.0], [0.0, 0.0]]> : tensor<4x2xf32>
  %want_1 = tensor.cast %expected_1 : tensor<4x2xf32> to tensor<?x?xf32>
  %got_1 = tensor.cast %y : tensor<4x2xf32> to tensor<?x?xf32>
  %ok_1 = call @near2(%got_1, %want_1, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_1, "the paper form; 0 without an expert; NaN selects nothing"
  // By that router, x is its own scores.
  %given = et.moe given #et.threshold<gate = sigmoid> relu_squared
    ins(%x, %x, %w1, %w2 : tensor<4x2xf32>, tensor<4x2xf32>, tensor<2x2x1xf32>, tensor<2x1x2xf32>)
    theta(%theta : tensor<2xf32>) outs(%init : tensor<4x2xf32>)
  %got_given = tensor.cast %given : tensor<4x2xf32> to tensor<?x?xf32>
  %ok_given = call @near2(%got_given, %want_1, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_given, "given scores"
  %s1 = arith.constant dense<[[1.0], [0.0]]> : tensor<2x1xf32>
  %s2 = arith.constant dense<[[1.0, 1.0]]> : tensor<1x2xf32>
  %shared = et.moe linear #et.threshold<gate = sigmoid> relu_squared
    ins(%x, %router, %w1, %w2 : tensor<4x2xf32>, tensor<2x2xf32>, tensor<2x2x1xf32>, tensor<2x1x2xf32>)
    theta(%theta : tensor<2xf32>) shared(%s1, %s2 : tensor<2x1xf32>, tensor<1x2xf32>)
    outs(%init : tensor<4x2xf32>)
  %expected_2 = arith.constant dense<[[1.7310586, 2.4621172], [6.5795272, 0.0], [0.0, 0.0], [0x7FC00000, 0x7FC00000]]> : tensor<4x2xf32>
  %want_2 = tensor.cast %expected_2 : tensor<4x2xf32> to tensor<?x?xf32>
  %got_2 = tensor.cast %shared : tensor<4x2xf32> to tensor<?x?xf32>
  %ok_2 = call @near2(%got_2, %want_2, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_2, "the shared expert; a NaN reaches its own token only"

  // Every expert on every token but the NaN: relu(x w1 + b1) w2 + b2, summed.
  %low = arith.constant dense<0xFF800000> : tensor<2xf32>
  %b1 = arith.constant dense<[[1.0], [-1.0]]> : tensor<2x1xf32>
  %b2 = arith.constant dense<[[10.0, 0.0], [0.0, 100.0]]> : tensor<2x2xf32>
  %tutorial = et.moe cosine #et.threshold<gate = binary> relu
    ins(%x, %router, %w1, %w2 : tensor<4x2xf32>, tensor<2x2xf32>, tensor<2x2x1xf32>, tensor<2x1x2xf32>)
    theta(%low : tensor<2xf32>) b1(%b1 : tensor<2x1xf32>) b2(%b2 : tensor<2x2xf32>)
    outs(%init : tensor<4x2xf32>)
  %expected_3 = arith.constant dense<[[13.0, 104.0], [14.0, 104.0], [10.0, 100.0], [0.0, 0.0]]> : tensor<4x2xf32>
  %want_3 = tensor.cast %expected_3 : tensor<4x2xf32> to tensor<?x?xf32>
  %got_3 = tensor.cast %tutorial : tensor<4x2xf32> to tensor<?x?xf32>
  %ok_3 = call @near2(%got_3, %want_3, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_3, "the tutorial form"

  %high = arith.constant dense<0x7F800000> : tensor<2xf32>
  %none = et.moe cosine #et.threshold<gate = binary> relu
    ins(%x, %router, %w1, %w2 : tensor<4x2xf32>, tensor<2x2xf32>, tensor<2x2x1xf32>, tensor<2x1x2xf32>)
    theta(%high : tensor<2xf32>) b2(%b2 : tensor<2x2xf32>)
    outs(%init : tensor<4x2xf32>)
  %expected_4 = arith.constant dense<0.0> : tensor<4x2xf32>
  %want_4 = tensor.cast %expected_4 : tensor<4x2xf32> to tensor<?x?xf32>
  %got_4 = tensor.cast %none : tensor<4x2xf32> to tensor<?x?xf32>
  %ok_4 = call @near2(%got_4, %want_4, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_4, "no pair"

  %c0 = arith.constant 0 : index
  %no_x = tensor.empty(%c0) : tensor<?x2xf32>
  %empty = et.moe linear #et.threshold<gate = sigmoid> relu_squared
    ins(%no_x, %router, %w1, %w2 : tensor<?x2xf32>, tensor<2x2xf32>, tensor<2x2x1xf32>, tensor<2x1x2xf32>)
    theta(%theta : tensor<2xf32>) shared(%s1, %s2 : tensor<2x1xf32>, tensor<1x2xf32>)
    outs(%no_x : tensor<?x2xf32>)
  %expected_5 = arith.constant dense<> : tensor<0x2xf32>
  %want_5 = tensor.cast %expected_5 : tensor<0x2xf32> to tensor<?x?xf32>
  %got_5 = tensor.cast %empty : tensor<?x2xf32> to tensor<?x?xf32>
  %ok_5 = call @near2(%got_5, %want_5, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_5, "no token"
  return
}
