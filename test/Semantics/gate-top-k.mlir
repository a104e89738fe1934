//===- gate-top-k.mlir - et.gate with #et.top_k, executed -------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=reference
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=cpu

// Token 0 scores the logarithms of 1 to 4: its softmax is 0.1, 0.2, 0.3, 0.4. Token 1
// has a NaN, token 2 equal scores.
func.func @main() {
  %tol = arith.constant 1.0e-6 : f32
  %s = arith.constant dense<[[0.0, 0.69314718, 1.09861229, 1.38629436], [0.0, 0x7FC00000, 2.0, -2.0],
                             [1.0, 1.0, 1.0, 1.0]]> : tensor<3x4xf32>
  %m0 = tensor.empty() : tensor<4x1xi32>
  %g0 = tensor.empty() : tensor<3x4xf32>
  %m_k, %g_k = et.gate #et.top_k<k = 2>
    ins(%s : tensor<3x4xf32>)
    outs(%m0, %g0 : tensor<4x1xi32>, tensor<3x4xf32>)
  %expected_1 = arith.constant dense<[[4], [4], [1], [1]]> : tensor<4x1xi32>
  %want_1 = tensor.cast %expected_1 : tensor<4x1xi32> to tensor<?x?xi32>
  %got_1 = tensor.cast %m_k : tensor<4x1xi32> to tensor<?x?xi32>
  %ok_1 = call @equal2(%got_1, %want_1) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok_1, "the two best; lower experts first among equals; none with a NaN"
  %expected_2 = arith.constant dense<[[0.0, 0.0, 0.3, 0.4], [0.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.0, 0.0]]> : tensor<3x4xf32>
  %want_2 = tensor.cast %expected_2 : tensor<3x4xf32> to tensor<?x?xf32>
  %got_2 = tensor.cast %g_k : tensor<3x4xf32> to tensor<?x?xf32>
  %ok_2 = call @near2(%got_2, %want_2, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_2, "softmax gates"
  %m_n, %g_n = et.gate #et.top_k<k = 2, renormalize = true>
    ins(%s : tensor<3x4xf32>)
    outs(%m0, %g0 : tensor<4x1xi32>, tensor<3x4xf32>)
  %expected_3 = arith.constant dense<[[0.0, 0.0, 0.42857143, 0.57142857], [0.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0]]> : tensor<3x4xf32>
  %want_3 = tensor.cast %expected_3 : tensor<3x4xf32> to tensor<?x?xf32>
  %got_3 = tensor.cast %g_n : tensor<3x4xf32> to tensor<?x?xf32>
  %ok_3 = call @near2(%got_3, %want_3, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_3, "gates over their sum"
  %m_s, %g_s = et.gate #et.top_k<k = 2, scoring = sigmoid>
    ins(%s : tensor<3x4xf32>)
    outs(%m0, %g0 : tensor<4x1xi32>, tensor<3x4xf32>)
  %expected_4 = arith.constant dense<[[6], [4], [3], [1]]> : tensor<4x1xi32>
  %want_4 = tensor.cast %expected_4 : tensor<4x1xi32> to tensor<?x?xi32>
  %got_4 = tensor.cast %m_s : tensor<4x1xi32> to tensor<?x?xi32>
  %ok_4 = call @equal2(%got_4, %want_4) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok_4, "under sigmoid a NaN expert alone is passed over"
  %expected_5 = arith.constant dense<[[0.0, 0.0, 0.75, 0.8], [0.5, 0.0, 0.88079708, 0.0], [0.73105858, 0.73105858, 0.0, 0.0]]> : tensor<3x4xf32>
  %want_5 = tensor.cast %expected_5 : tensor<3x4xf32> to tensor<?x?xf32>
  %got_5 = tensor.cast %g_s : tensor<3x4xf32> to tensor<?x?xf32>
  %ok_5 = call @near2(%got_5, %want_5, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_5, "sigmoid gates"
  // Token 0's are the roots of the logarithms of 2 to 5.
  %m_q, %g_q = et.gate #et.top_k<k = 2, scoring = sqrt_softplus>
    ins(%s : tensor<3x4xf32>)
    outs(%m0, %g0 : tensor<4x1xi32>, tensor<3x4xf32>)
  %got_13 = tensor.cast %m_q : tensor<4x1xi32> to tensor<?x?xi32>
  %ok_13 = call @equal2(%got_13, %want_4) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok_13, "under sqrt_softplus a NaN expert alone is passed over"
  %expected_14 = arith.constant dense<[[0.0, 0.0, 1.17741002, 1.26863623], [0.83255461, 0.0, 1.45839912, 0.0],
                                       [1.14597631, 1.14597631, 0.0, 0.0]]> : tensor<3x4xf32>
  %want_14 = tensor.cast %expected_14 : tensor<3x4xf32> to tensor<?x?xf32>
  %got_14 = tensor.cast %g_q : tensor<3x4xf32> to tensor<?x?xf32>
  %ok_14 = call @near2(%got_14, %want_14, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_14, "gates above 1"
  %bias = arith.constant dense<[1.0, 0.0, 0.0, 0.0]> : tensor<4xf32>
  %m_b, %g_b = et.gate #et.top_k<k = 2>
    ins(%s : tensor<3x4xf32>) bias(%bias : tensor<4xf32>)
    outs(%m0, %g0 : tensor<4x1xi32>, tensor<3x4xf32>)
  %expected_6 = arith.constant dense<[[5], [4], [0], [1]]> : tensor<4x1xi32>
  %want_6 = tensor.cast %expected_6 : tensor<4x1xi32> to tensor<?x?xi32>
  %got_6 = tensor.cast %m_b : tensor<4x1xi32> to tensor<?x?xi32>
  %ok_6 = call @equal2(%got_6, %want_6) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok_6, "a bias changes the choice"
  %expected_7 = arith.constant dense<[[0.1, 0.0, 0.0, 0.4], [0.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.0, 0.0]]> : tensor<3x4xf32>
  %want_7 = tensor.cast %expected_7 : tensor<3x4xf32> to tensor<?x?xf32>
  %got_7 = tensor.cast %g_b : tensor<3x4xf32> to tensor<?x?xf32>
  %ok_7 = call @near2(%got_7, %want_7, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_7, "the gate does not see the bias"

  // Two groups of two. Token 0's second group sums to 0.7, its first to 0.3, or 1.3
  // with the bias.
  %m_g, %g_g = et.gate #et.top_k<k = 2, groups = 2, groupLimit = 1>
    ins(%s : tensor<3x4xf32>)
    outs(%m0, %g0 : tensor<4x1xi32>, tensor<3x4xf32>)
  %expected_8 = arith.constant dense<[[4], [4], [1], [1]]> : tensor<4x1xi32>
  %want_8 = tensor.cast %expected_8 : tensor<4x1xi32> to tensor<?x?xi32>
  %got_8 = tensor.cast %m_g : tensor<4x1xi32> to tensor<?x?xi32>
  %ok_8 = call @equal2(%got_8, %want_8) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok_8, "the best group"
  %m_gb, %g_gb = et.gate #et.top_k<k = 2, groups = 2, groupLimit = 1>
    ins(%s : tensor<3x4xf32>) bias(%bias : tensor<4xf32>)
    outs(%m0, %g0 : tensor<4x1xi32>, tensor<3x4xf32>)
  %expected_9 = arith.constant dense<[[5], [5], [0], [0]]> : tensor<4x1xi32>
  %want_9 = tensor.cast %expected_9 : tensor<4x1xi32> to tensor<?x?xi32>
  %got_9 = tensor.cast %m_gb : tensor<4x1xi32> to tensor<?x?xi32>
  %ok_9 = call @equal2(%got_9, %want_9) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok_9, "the best group by biased ranks"

  // Sigmoids that a bias lets choose: those of token 0 are all 0, one of token 1's is not.
  %far = arith.constant dense<[[-200.0, -300.0, -400.0, -500.0], [-200.0, 0.0, -400.0, 1.0]]> : tensor<2x4xf32>
  %push = arith.constant dense<[4.0, 3.0, 0.0, 0.0]> : tensor<4xf32>
  %g2 = tensor.empty() : tensor<2x4xf32>
  %m_e, %g_e = et.gate #et.top_k<k = 2, scoring = sigmoid, renormalize = true>
    ins(%far : tensor<2x4xf32>) bias(%push : tensor<4xf32>)
    outs(%m0, %g2 : tensor<4x1xi32>, tensor<2x4xf32>)
  %expected_10 = arith.constant dense<[[3], [3], [0], [0]]> : tensor<4x1xi32>
  %want_10 = tensor.cast %expected_10 : tensor<4x1xi32> to tensor<?x?xi32>
  %got_10 = tensor.cast %m_e : tensor<4x1xi32> to tensor<?x?xi32>
  %ok_10 = call @equal2(%got_10, %want_10) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok_10, "probabilities of 0 are chosen too"
  %none = arith.constant 0.0 : f32
  %expected_11 = arith.constant dense<[[0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]> : tensor<2x4xf32>
  %want_11 = tensor.cast %expected_11 : tensor<2x4xf32> to tensor<?x?xf32>
  %got_11 = tensor.cast %g_e : tensor<2x4xf32> to tensor<?x?xf32>
  %ok_11 = call @near2(%got_11, %want_11, %none) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_11, "gates over a sum of 0 are 0, others are not changed by epsilon"
  %m_l, %g_l = et.gate #et.top_k<k = 2, scoring = sigmoid, renormalize = true, epsilon = 0.5>
    ins(%far : tensor<2x4xf32>) bias(%push : tensor<4xf32>)
    outs(%m0, %g2 : tensor<4x1xi32>, tensor<2x4xf32>)
  %expected_12 = arith.constant dense<[[0.0, 0.0, 0.0, 0.0], [0.0, 0.5, 0.0, 0.0]]> : tensor<2x4xf32>
  %want_12 = tensor.cast %expected_12 : tensor<2x4xf32> to tensor<?x?xf32>
  %got_12 = tensor.cast %g_l : tensor<2x4xf32> to tensor<?x?xf32>
  %ok_12 = call @near2(%got_12, %want_12, %none) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_12, "epsilon is a part of the sum"
  return
}
