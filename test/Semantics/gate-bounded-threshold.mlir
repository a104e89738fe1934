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
  %expected_1 = arith.constant dense<[[1], [7], [1], [1]]> : tensor<4x1xi32>
  %want_1 = tensor.cast %expected_1 : tensor<4x1xi32> to tensor<?x?xi32>
  %got_1 = tensor.cast %m_half : tensor<4x1xi32> to tensor<?x?xi32>
  %ok_1 = call @equal2(%got_1, %want_1) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok_1, "loads within 1 and 3"
  %m_zero, %g_zero = et.gate #et.bounded_threshold<rate = 0.5, slack = 0.0, gate = raw>
    ins(%s : tensor<4x4xf32>) theta(%theta : tensor<4xf32>)
    outs(%m0, %g0 : tensor<4x1xi32>, tensor<4x4xf32>)
  %expected_2 = arith.constant dense<5> : tensor<4x1xi32>
  %want_2 = tensor.cast %expected_2 : tensor<4x1xi32> to tensor<?x?xi32>
  %got_2 = tensor.cast %m_zero : tensor<4x1xi32> to tensor<?x?xi32>
  %ok_2 = call @equal2(%got_2, %want_2) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok_2, "loads of exactly 2"
  %expected_3 = arith.constant dense<[[3.0, 3.0, 3.0, 3.0], [0.0, 0.0, 0.0, 0.0], [2.0, 2.0, 2.0, 2.0], [0.0, 0.0, 0.0, 0.0]]> : tensor<4x4xf32>
  %want_3 = tensor.cast %expected_3 : tensor<4x4xf32> to tensor<?x?xf32>
  %got_3 = tensor.cast %g_zero : tensor<4x4xf32> to tensor<?x?xf32>
  %ok_3 = call @near2(%got_3, %want_3, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_3, "added tokens keep their own gate"
  %equal = arith.constant dense<1.0> : tensor<4x4xf32>
  %m_tie, %g_tie = et.gate #et.bounded_threshold<rate = 0.5, slack = 0.0, gate = binary>
    ins(%equal : tensor<4x4xf32>) theta(%theta : tensor<4xf32>)
    outs(%m0, %g0 : tensor<4x1xi32>, tensor<4x4xf32>)
  %expected_4 = arith.constant dense<3> : tensor<4x1xi32>
  %want_4 = tensor.cast %expected_4 : tensor<4x1xi32> to tensor<?x?xi32>
  %got_4 = tensor.cast %m_tie : tensor<4x1xi32> to tensor<?x?xi32>
  %ok_4 = call @equal2(%got_4, %want_4) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok_4, "lower tokens first among equal scores"
  return
}
