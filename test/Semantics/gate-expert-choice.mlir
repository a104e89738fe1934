//===- gate-expert-choice.mlir - et.gate with #et.expert_choice, executed ---===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=reference
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=cpu

// Expected values by hand; 1 / (1 + exp(-r)) is 0.95257413, 0.99330715 at r = 3, 5.
func.func @main() {
  %tol = arith.constant 1.0e-6 : f32
  %s = arith.constant dense<[[1.0, 0x7FC00000], [3.0, 0x7FC00000], [2.0, 0x7FC00000], [3.0, 5.0]]> : tensor<4x2xf32>
  %m0 = tensor.empty() : tensor<2x1xi32>
  %g0 = tensor.empty() : tensor<4x2xf32>
  %m_half, %g_half = et.gate #et.expert_choice<rate = 0.5>
    ins(%s : tensor<4x2xf32>)
    outs(%m0, %g0 : tensor<2x1xi32>, tensor<4x2xf32>)
  %expected_1 = arith.constant dense<[[10], [8]]> : tensor<2x1xi32>
  %want_1 = tensor.cast %expected_1 : tensor<2x1xi32> to tensor<?x?xi32>
  %got_1 = tensor.cast %m_half : tensor<2x1xi32> to tensor<?x?xi32>
  %ok_1 = call @equal2(%got_1, %want_1) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok_1, "the two best tokens; NaN is never taken"
  %expected_2 = arith.constant dense<[[0.0, 0.0], [0.95257413, 0.0], [0.0, 0.0], [0.95257413, 0.99330715]]> : tensor<4x2xf32>
  %want_2 = tensor.cast %expected_2 : tensor<4x2xf32> to tensor<?x?xf32>
  %got_2 = tensor.cast %g_half : tensor<4x2xf32> to tensor<?x?xf32>
  %ok_2 = call @near2(%got_2, %want_2, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_2, "sigmoid gates"
  %m_one, %g_one = et.gate #et.expert_choice<rate = 0.25, gate = binary>
    ins(%s : tensor<4x2xf32>)
    outs(%m0, %g0 : tensor<2x1xi32>, tensor<4x2xf32>)
  %expected_3 = arith.constant dense<[[2], [8]]> : tensor<2x1xi32>
  %want_3 = tensor.cast %expected_3 : tensor<2x1xi32> to tensor<?x?xi32>
  %got_3 = tensor.cast %m_one : tensor<2x1xi32> to tensor<?x?xi32>
  %ok_3 = call @equal2(%got_3, %want_3) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok_3, "the lower token first among equal scores"
  %m_none, %g_none = et.gate #et.expert_choice<rate = 0.2, gate = binary>
    ins(%s : tensor<4x2xf32>)
    outs(%m0, %g0 : tensor<2x1xi32>, tensor<4x2xf32>)
  %expected_4 = arith.constant dense<0> : tensor<2x1xi32>
  %want_4 = tensor.cast %expected_4 : tensor<2x1xi32> to tensor<?x?xi32>
  %got_4 = tensor.cast %m_none : tensor<2x1xi32> to tensor<?x?xi32>
  %ok_4 = call @equal2(%got_4, %want_4) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok_4, "a rate below one token takes none"
  return
}
