//===- gate-bounded-threshold.mlir - et.gate with #et.bounded_threshold, executed -===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=reference
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=cpu

// With rate 0.5 of 4 tokens, k = 2. Slack 0.5 holds the load in [1, 3], slack 0 at 2.
func.func @main() {
  %exact = arith.constant 0.0 : f32
  // The same scores for four experts that differ in their threshold.
  %s = arith.constant dense<[[3.0, 3.0, 3.0, 3.0], [1.0, 1.0, 1.0, 1.0], [2.0, 2.0, 2.0, 2.0],
                             [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]]> : tensor<4x4xf32>
  %theta = arith.constant dense<[0x7F800000, 0xFF800000, 2.5, 0x7FC00000]> : tensor<4xf32>
  %m0 = tensor.empty() : tensor<4x1xi32>
  %g0 = tensor.empty() : tensor<4x4xf32>
  %m_half, %g_half = et.gate #et.bounded_threshold<rate = 0.5, slack = 0.5, gate = raw>
    ins(%s : tensor<4x4xf32>) theta(%theta : tensor<4xf32>)
    outs(%m0, %g0 : tensor<4x1xi32>, tensor<4x4xf32>)
  %e1 = arith.constant dense<[[1], [7], [1], [1]]> : tensor<4x1xi32>
  %b1 = tensor.cast %e1 : tensor<4x1xi32> to tensor<?x?xi32>
  %a1 = tensor.cast %m_half : tensor<4x1xi32> to tensor<?x?xi32>
  %ok1 = call @equal2(%a1, %b1) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok1, "loads within 1 and 3"
  %m_zero, %g_zero = et.gate #et.bounded_threshold<rate = 0.5, slack = 0.0, gate = raw>
    ins(%s : tensor<4x4xf32>) theta(%theta : tensor<4xf32>)
    outs(%m0, %g0 : tensor<4x1xi32>, tensor<4x4xf32>)
  %e2 = arith.constant dense<5> : tensor<4x1xi32>
  %b2 = tensor.cast %e2 : tensor<4x1xi32> to tensor<?x?xi32>
  %a2 = tensor.cast %m_zero : tensor<4x1xi32> to tensor<?x?xi32>
  %ok2 = call @equal2(%a2, %b2) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok2, "loads of exactly 2"
  %e3 = arith.constant dense<[[3.0, 3.0, 3.0, 3.0], [0.0, 0.0, 0.0, 0.0], [2.0, 2.0, 2.0, 2.0], [0.0, 0.0, 0.0, 0.0]]> : tensor<4x4xf32>
  %b3 = tensor.cast %e3 : tensor<4x4xf32> to tensor<?x?xf32>
  %a3 = tensor.cast %g_zero : tensor<4x4xf32> to tensor<?x?xf32>
  %ok3 = call @near2(%a3, %b3, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok3, "added tokens keep their own gate"
  %equal = arith.constant dense<1.0> : tensor<4x4xf32>
  %m_tie, %g_tie = et.gate #et.bounded_threshold<rate = 0.5, slack = 0.0, gate = binary>
    ins(%equal : tensor<4x4xf32>) theta(%theta : tensor<4xf32>)
    outs(%m0, %g0 : tensor<4x1xi32>, tensor<4x4xf32>)
  %e4 = arith.constant dense<3> : tensor<4x1xi32>
  %b4 = tensor.cast %e4 : tensor<4x1xi32> to tensor<?x?xi32>
  %a4 = tensor.cast %m_tie : tensor<4x1xi32> to tensor<?x?xi32>
  %ok4 = call @equal2(%a4, %b4) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok4, "lower tokens first among equal scores"
  return
}
