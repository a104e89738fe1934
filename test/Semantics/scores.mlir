//===- scores.mlir - et.scores, executed ------------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=reference
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=cpu

// Expected values by hand: 1 / sqrt 5 = 0.4472136.
func.func @main() {
  %exact = arith.constant 0.0 : f32
  %tol = arith.constant 1.0e-6 : f32
  %x = arith.constant dense<[[1.0, 2.0], [3.0, -4.0], [0.0, 0.0], [0x7FC00000, 1.0]]> : tensor<4x2xf32>
  %w = arith.constant dense<[[1.0, 0.0, 2.0], [0.0, 1.0, -1.0]]> : tensor<2x3xf32>
  %init = tensor.empty() : tensor<4x3xf32>
  %linear = et.scores linear ins(%x, %w : tensor<4x2xf32>, tensor<2x3xf32>)
                             outs(%init : tensor<4x3xf32>)
  %expected_1 = arith.constant dense<[[1.0, 2.0, 0.0], [3.0, -4.0, 10.0], [0.0, 0.0, 0.0], [0x7FC00000, 0x7FC00000, 0x7FC00000]]> : tensor<4x3xf32>
  %want_1 = tensor.cast %expected_1 : tensor<4x3xf32> to tensor<?x?xf32>
  %got_1 = tensor.cast %linear : tensor<4x3xf32> to tensor<?x?xf32>
  %ok_1 = call @near2(%got_1, %want_1, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_1, "linear scores"
  %cosine = et.scores cosine ins(%x, %w : tensor<4x2xf32>, tensor<2x3xf32>)
                             outs(%init : tensor<4x3xf32>)
  %expected_2 = arith.constant dense<[[0.4472136, 0.8944272, 0.0], [0.6, -0.8, 0.8944272], [0.0, 0.0, 0.0], [0x7FC00000, 0x7FC00000, 0x7FC00000]]> : tensor<4x3xf32>
  %want_2 = tensor.cast %expected_2 : tensor<4x3xf32> to tensor<?x?xf32>
  %got_2 = tensor.cast %cosine : tensor<4x3xf32> to tensor<?x?xf32>
  %ok_2 = call @near2(%got_2, %want_2, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_2, "cosine scores; a zero token scores 0"

  // 257 has no bf16: sums are f32 whatever the storage type.
  %xb = arith.constant dense<[[256.0, 1.0]]> : tensor<1x2xbf16>
  %wb = arith.constant dense<1.0> : tensor<2x1xbf16>
  %init_b = tensor.empty() : tensor<1x1xf32>
  %sum = et.scores linear ins(%xb, %wb : tensor<1x2xbf16>, tensor<2x1xbf16>)
                          outs(%init_b : tensor<1x1xf32>)
  %expected_3 = arith.constant dense<257.0> : tensor<1x1xf32>
  %want_3 = tensor.cast %expected_3 : tensor<1x1xf32> to tensor<?x?xf32>
  %got_3 = tensor.cast %sum : tensor<1x1xf32> to tensor<?x?xf32>
  %ok_3 = call @near2(%got_3, %want_3, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_3, "bf16 scores are summed in f32"

  %c0 = arith.constant 0 : index
  %no_x = tensor.empty(%c0) : tensor<?x2xf32>
  %no_init = tensor.empty(%c0) : tensor<?x3xf32>
  %none = et.scores cosine ins(%no_x, %w : tensor<?x2xf32>, tensor<2x3xf32>)
                           outs(%no_init : tensor<?x3xf32>)
  %expected_4 = arith.constant dense<> : tensor<0x3xf32>
  %want_4 = tensor.cast %expected_4 : tensor<0x3xf32> to tensor<?x?xf32>
  %got_4 = tensor.cast %none : tensor<?x3xf32> to tensor<?x?xf32>
  %ok_4 = call @near2(%got_4, %want_4, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_4, "no token"
  return
}
