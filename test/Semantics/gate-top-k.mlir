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
  %e1 = arith.constant dense<[[4], [4], [1], [1]]> : tensor<4x1xi32>
  %b1 = tensor.cast %e1 : tensor<4x1xi32> to tensor<?x?xi32>
  %a1 = tensor.cast %m_k : tensor<4x1xi32> to tensor<?x?xi32>
  %ok1 = call @equal2(%a1, %b1) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok1, "the two best; lower experts first among equals; none with a NaN"
  %e2 = arith.constant dense<[[0.0, 0.0, 0.3, 0.4], [0.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.0, 0.0]]> : tensor<3x4xf32>
  %b2 = tensor.cast %e2 : tensor<3x4xf32> to tensor<?x?xf32>
  %a2 = tensor.cast %g_k : tensor<3x4xf32> to tensor<?x?xf32>
  %ok2 = call @near2(%a2, %b2, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok2, "softmax gates"
  %m_n, %g_n = et.gate #et.top_k<k = 2, renormalize = true>
    ins(%s : tensor<3x4xf32>)
    outs(%m0, %g0 : tensor<4x1xi32>, tensor<3x4xf32>)
  %e3 = arith.constant dense<[[0.0, 0.0, 0.42857143, 0.57142857], [0.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0]]> : tensor<3x4xf32>
  %b3 = tensor.cast %e3 : tensor<3x4xf32> to tensor<?x?xf32>
  %a3 = tensor.cast %g_n : tensor<3x4xf32> to tensor<?x?xf32>
  %ok3 = call @near2(%a3, %b3, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok3, "gates over their sum"
  %m_s, %g_s = et.gate #et.top_k<k = 2, scoring = sigmoid>
    ins(%s : tensor<3x4xf32>)
    outs(%m0, %g0 : tensor<4x1xi32>, tensor<3x4xf32>)
  %e4 = arith.constant dense<[[6], [4], [3], [1]]> : tensor<4x1xi32>
  %b4 = tensor.cast %e4 : tensor<4x1xi32> to tensor<?x?xi32>
  %a4 = tensor.cast %m_s : tensor<4x1xi32> to tensor<?x?xi32>
  %ok4 = call @equal2(%a4, %b4) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok4, "under sigmoid a NaN expert alone is passed over"
  %e5 = arith.constant dense<[[0.0, 0.0, 0.75, 0.8], [0.5, 0.0, 0.88079708, 0.0], [0.73105858, 0.73105858, 0.0, 0.0]]> : tensor<3x4xf32>
  %b5 = tensor.cast %e5 : tensor<3x4xf32> to tensor<?x?xf32>
  %a5 = tensor.cast %g_s : tensor<3x4xf32> to tensor<?x?xf32>
  %ok5 = call @near2(%a5, %b5, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok5, "sigmoid gates"
  %bias = arith.constant dense<[1.0, 0.0, 0.0, 0.0]> : tensor<4xf32>
  %m_b, %g_b = et.gate #et.top_k<k = 2>
    ins(%s : tensor<3x4xf32>) bias(%bias : tensor<4xf32>)
    outs(%m0, %g0 : tensor<4x1xi32>, tensor<3x4xf32>)
  %e6 = arith.constant dense<[[5], [4], [0], [1]]> : tensor<4x1xi32>
  %b6 = tensor.cast %e6 : tensor<4x1xi32> to tensor<?x?xi32>
  %a6 = tensor.cast %m_b : tensor<4x1xi32> to tensor<?x?xi32>
  %ok6 = call @equal2(%a6, %b6) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok6, "a bias changes the choice"
  %e7 = arith.constant dense<[[0.1, 0.0, 0.0, 0.4], [0.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.0, 0.0]]> : tensor<3x4xf32>
  %b7 = tensor.cast %e7 : tensor<3x4xf32> to tensor<?x?xf32>
  %a7 = tensor.cast %g_b : tensor<3x4xf32> to tensor<?x?xf32>
  %ok7 = call @near2(%a7, %b7, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok7, "the gate does not see the bias"

  // Two groups of two. Token 0's second group sums to 0.7, its first to 0.3, or 1.3
  // with the bias.
  %m_g, %g_g = et.gate #et.top_k<k = 2, groups = 2, groupLimit = 1>
    ins(%s : tensor<3x4xf32>)
    outs(%m0, %g0 : tensor<4x1xi32>, tensor<3x4xf32>)
  %e8 = arith.constant dense<[[4], [4], [1], [1]]> : tensor<4x1xi32>
  %b8 = tensor.cast %e8 : tensor<4x1xi32> to tensor<?x?xi32>
  %a8 = tensor.cast %m_g : tensor<4x1xi32> to tensor<?x?xi32>
  %ok8 = call @equal2(%a8, %b8) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok8, "the best group"
  %m_gb, %g_gb = et.gate #et.top_k<k = 2, groups = 2, groupLimit = 1>
    ins(%s : tensor<3x4xf32>) bias(%bias : tensor<4xf32>)
    outs(%m0, %g0 : tensor<4x1xi32>, tensor<3x4xf32>)
  %e9 = arith.constant dense<[[5], [5], [0], [0]]> : tensor<4x1xi32>
  %b9 = tensor.cast %e9 : tensor<4x1xi32> to tensor<?x?xi32>
  %a9 = tensor.cast %m_gb : tensor<4x1xi32> to tensor<?x?xi32>
  %ok9 = call @equal2(%a9, %b9) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok9, "the best group by biased ranks"
  return
}
