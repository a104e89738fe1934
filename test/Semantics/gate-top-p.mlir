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
  %e1 = arith.constant dense<[[4], [4], [1], [1]]> : tensor<4x1xi32>
  %b1 = tensor.cast %e1 : tensor<4x1xi32> to tensor<?x?xi32>
  %a1 = tensor.cast %m_half : tensor<4x1xi32> to tensor<?x?xi32>
  %ok1 = call @equal2(%a1, %b1) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok1, "the smallest set that reaches 0.5"
  %e2 = arith.constant dense<[[0.0, 0.0, 0.3, 0.4], [0.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.0, 0.0]]> : tensor<3x4xf32>
  %b2 = tensor.cast %e2 : tensor<3x4xf32> to tensor<?x?xf32>
  %a2 = tensor.cast %g_half : tensor<3x4xf32> to tensor<?x?xf32>
  %ok2 = call @near2(%a2, %b2, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok2, "gates are the probabilities"
  %m_n, %g_n = et.gate #et.top_p<p = 0.5, renormalize = true>
    ins(%s : tensor<3x4xf32>)
    outs(%m0, %g0 : tensor<4x1xi32>, tensor<3x4xf32>)
  %e3 = arith.constant dense<[[0.0, 0.0, 0.42857143, 0.57142857], [0.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0]]> : tensor<3x4xf32>
  %b3 = tensor.cast %e3 : tensor<3x4xf32> to tensor<?x?xf32>
  %a3 = tensor.cast %g_n : tensor<3x4xf32> to tensor<?x?xf32>
  %ok3 = call @near2(%a3, %b3, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok3, "gates over their sum"
  %m_small, %g_small = et.gate #et.top_p<p = 0.1>
    ins(%s : tensor<3x4xf32>)
    outs(%m0, %g0 : tensor<4x1xi32>, tensor<3x4xf32>)
  %e4 = arith.constant dense<[[4], [0], [0], [1]]> : tensor<4x1xi32>
  %b4 = tensor.cast %e4 : tensor<4x1xi32> to tensor<?x?xi32>
  %a4 = tensor.cast %m_small : tensor<4x1xi32> to tensor<?x?xi32>
  %ok4 = call @equal2(%a4, %b4) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok4, "at least one expert"
  %m_all, %g_all = et.gate #et.top_p<p = 1.0>
    ins(%s : tensor<3x4xf32>)
    outs(%m0, %g0 : tensor<4x1xi32>, tensor<3x4xf32>)
  %e5 = arith.constant dense<5> : tensor<4x1xi32>
  %b5 = tensor.cast %e5 : tensor<4x1xi32> to tensor<?x?xi32>
  %a5 = tensor.cast %m_all : tensor<4x1xi32> to tensor<?x?xi32>
  %ok5 = call @equal2(%a5, %b5) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok5, "every expert"
  return
}
