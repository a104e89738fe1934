//===- route.mlir - et.route and products by mask, executed -----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=reference
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=cpu

// The router picks the columns of x, so the scores are x's own values.
func.func @main() {
  %exact = arith.constant 0.0 : f32
  %x = arith.constant dense<[[0.5, -1.0, 3.0], [0x7FC00000, 2.0, 0.0], [0.25, 0.25, -2.0], [4.0, -3.0, 1.0]]> : tensor<4x3xf32>
  %router = arith.constant dense<[[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]> : tensor<3x2xf32>
  %theta = arith.constant dense<[0.25, 0.0]> : tensor<2xf32>
  %m0 = tensor.empty() : tensor<2x1xi32>
  %g0 = tensor.empty() : tensor<4x2xf32>
  %o0 = tensor.empty() : tensor<3xi32>
  %mask, %gates, %offsets = et.route linear #et.threshold<gate = raw>
    ins(%x, %router : tensor<4x3xf32>, tensor<3x2xf32>) theta(%theta : tensor<2xf32>)
    outs(%m0, %g0, %o0 : tensor<2x1xi32>, tensor<4x2xf32>, tensor<3xi32>)
  // A NaN in a token's state is in all of its scores.
  %expected_1 = arith.constant dense<[[9], [4]]> : tensor<2x1xi32>
  %want_1 = tensor.cast %expected_1 : tensor<2x1xi32> to tensor<?x?xi32>
  %got_1 = tensor.cast %mask : tensor<2x1xi32> to tensor<?x?xi32>
  %ok_1 = call @equal2(%got_1, %want_1) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok_1, "mask"
  %expected_2 = arith.constant dense<[[0.5, 0.0], [0.0, 0.0], [0.0, 0.25], [4.0, 0.0]]> : tensor<4x2xf32>
  %want_2 = tensor.cast %expected_2 : tensor<4x2xf32> to tensor<?x?xf32>
  %got_2 = tensor.cast %gates : tensor<4x2xf32> to tensor<?x?xf32>
  %ok_2 = call @near2(%got_2, %want_2, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_2, "gates"
  %expected_3 = arith.constant dense<[0, 2, 3]> : tensor<3xi32>
  %want_3 = tensor.cast %expected_3 : tensor<3xi32> to tensor<?xi32>
  %got_3 = tensor.cast %offsets : tensor<3xi32> to tensor<?xi32>
  %ok_3 = call @equal1(%got_3, %want_3) : (tensor<?xi32>, tensor<?xi32>) -> i1
  cf.assert %ok_3, "offsets"

  // Another rule: each token's best expert; a NaN is no candidate.
  %m_k, %g_k, %o_k = et.route linear #et.top_k<k = 1>
    ins(%x, %router : tensor<4x3xf32>, tensor<3x2xf32>)
    outs(%m0, %g0, %o0 : tensor<2x1xi32>, tensor<4x2xf32>, tensor<3xi32>)
  %o_last = arith.constant 2 : index
  %pairs_k = tensor.extract %o_k[%o_last] : tensor<3xi32>
  %three = arith.constant 3 : i32
  %ok_4 = arith.cmpi eq, %pairs_k, %three : i32
  cf.assert %ok_4, "an expert a token"

  // Rows 0 and 1 are expert 0's tokens 0 and 3, row 2 is expert 1's token 2; row
  // 3 is nobody's.
  %w = arith.constant dense<[[[1.0], [10.0], [100.0]], [[-1.0], [-10.0], [-100.0]]]> : tensor<2x3x1xf32>
  %kept = arith.constant dense<7.0> : tensor<4x1xf32>
  %y = et.grouped_matmul none ins(%x, %w : tensor<4x3xf32>, tensor<2x3x1xf32>)
    offsets(%offsets : tensor<3xi32>) mask(%mask : tensor<2x1xi32>) outs(%kept : tensor<4x1xf32>)
  %expected_5 = arith.constant dense<[[290.5], [74.0], [197.25], [7.0]]> : tensor<4x1xf32>
  %want_5 = tensor.cast %expected_5 : tensor<4x1xf32> to tensor<?x?xf32>
  %got_5 = tensor.cast %y : tensor<4x1xf32> to tensor<?x?xf32>
  %ok_5 = call @near2(%got_5, %want_5, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_5, "products of the mask's tokens"

  // No token.
  %c0 = arith.constant 0 : index
  %none = tensor.empty(%c0) : tensor<?x3xf32>
  %m_e = tensor.empty(%c0) : tensor<2x?xi32>
  %g_e = tensor.empty(%c0) : tensor<?x2xf32>
  %m_0, %g_0, %o_0 = et.route cosine #et.threshold
    ins(%none, %router : tensor<?x3xf32>, tensor<3x2xf32>) theta(%theta : tensor<2xf32>)
    outs(%m_e, %g_e, %o0 : tensor<2x?xi32>, tensor<?x2xf32>, tensor<3xi32>)
  %expected_6 = arith.constant dense<0> : tensor<3xi32>
  %want_6 = tensor.cast %expected_6 : tensor<3xi32> to tensor<?xi32>
  %got_6 = tensor.cast %o_0 : tensor<3xi32> to tensor<?xi32>
  %ok_6 = call @equal1(%got_6, %want_6) : (tensor<?xi32>, tensor<?xi32>) -> i1
  cf.assert %ok_6, "no token"
  return
}
