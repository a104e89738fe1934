//===- gate-top-p.mlir - et.gate with #et.top_p, executed -------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=reference
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=cpu

// Token 0's probabilities are 0.1, 0.2, 0.3, 0.4; token 1 has a NaN; token 2's are
// all 0.25.
func.func @main() {
  %tol = arith.constant 1.0e-6 : f32
  %s = arith.constant dense<[[0.0, 0.69314718, 1.09861229, 1.38629436], [0.0, 0x7FC00000, 2.0, -2.0],
                             [1.0, 1.0, 1.0, 1.0]]> : tensor<3x4xf32>
  %m0 = tensor.empty() : tensor<4x1xi32>
  %g0 = tensor.empty() : tensor<3x4xf32>
  %m_half, %g_half = et.gate #et.top_p<p = 0.5>
    ins(%s : tensor<3x4xf32>)
    outs(%m0, %g0 : tensor<4x1xi32>, tensor<3x4xf32>)
  %expected_1 = arith.constant dense<[[4], [4], [1], [1]]> : tensor<4x1xi32>
  %want_1 = tensor.cast %expected_1 : tensor<4x1xi32> to tensor<?x?xi32>
  %got_1 = tensor.cast %m_half : tensor<4x1xi32> to tensor<?x?xi32>
  %ok_1 = call @equal2(%got_1, %want_1) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok_1, "the smallest set that reaches 0.5"
  %expected_2 = arith.constant dense<[[0.0, 0.0, 0.3, 0.4], [0.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.0, 0.0]]> : tensor<3x4xf32>
  %want_2 = tensor.cast %expected_2 : tensor<3x4xf32> to tensor<?x?xf32>
  %got_2 = tensor.cast %g_half : tensor<3x4xf32> to tensor<?x?xf32>
  %ok_2 = call @near2(%got_2, %want_2, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_2, "gates are the probabilities"
  %m_n, %g_n = et.gate #et.top_p<p = 0.5, renormalize = true>
    ins(%s : tensor<3x4xf32>)
    outs(%m0, %g0 : tensor<4x1xi32>, tensor<3x4xf32>)
  %expected_3 = arith.constant dense<[[0.0, 0.0, 0.42857143, 0.57142857], [0.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0]]> : tensor<3x4xf32>
  %want_3 = tensor.cast %expected_3 : tensor<3x4xf32> to tensor<?x?xf32>
  %got_3 = tensor.cast %g_n : tensor<3x4xf32> to tensor<?x?xf32>
  %ok_3 = call @near2(%got_3, %want_3, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_3, "gates over their sum"
  %m_small, %g_small = et.gate #et.top_p<p = 0.1>
    ins(%s : tensor<3x4xf32>)
    outs(%m0, %g0 : tensor<4x1xi32>, tensor<3x4xf32>)
  %expected_4 = arith.constant dense<[[4], [0], [0], [1]]> : tensor<4x1xi32>
  %want_4 = tensor.cast %expected_4 : tensor<4x1xi32> to tensor<?x?xi32>
  %got_4 = tensor.cast %m_small : tensor<4x1xi32> to tensor<?x?xi32>
  %ok_4 = call @equal2(%got_4, %want_4) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok_4, "at least one expert"
  %m_all, %g_all = et.gate #et.top_p<p = 1.0>
    ins(%s : tensor<3x4xf32>)
    outs(%m0, %g0 : tensor<4x1xi32>, tensor<3x4xf32>)
  %expected_5 = arith.constant dense<5> : tensor<4x1xi32>
  %want_5 = tensor.cast %expected_5 : tensor<4x1xi32> to tensor<?x?xi32>
  %got_5 = tensor.cast %m_all : tensor<4x1xi32> to tensor<?x?xi32>
  %ok_5 = call @equal2(%got_5, %want_5) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok_5, "every expert"
  return
}
