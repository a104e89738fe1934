//===- gate-threshold.mlir - et.gate with #et.threshold, executed -----------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=reference
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=cpu

// Expected values by hand; 1 / (1 + exp(-r)) is 0.6224593, 0.8807971, 0.5621765
// at r = 0.5, 2, 0.25.
func.func @main() {
  %exact = arith.constant 0.0 : f32
  %tol = arith.constant 1.0e-6 : f32
  %s = arith.constant dense<[[0.5, -1.0], [0x7FC00000, 2.0], [0.25, 0.25], [0x7F800000, 0xFF800000]]> : tensor<4x2xf32>
  %theta = arith.constant dense<[0.25, 0.0]> : tensor<2xf32>
  %m0 = tensor.empty() : tensor<2x1xi32>
  %g0 = tensor.empty() : tensor<4x2xf32>
  %m_gt, %g_gt = et.gate #et.threshold<compare = gt, gate = binary>
    ins(%s : tensor<4x2xf32>) theta(%theta : tensor<2xf32>)
    outs(%m0, %g0 : tensor<2x1xi32>, tensor<4x2xf32>)
  %expected_1 = arith.constant dense<[[9], [6]]> : tensor<2x1xi32>
  %want_1 = tensor.cast %expected_1 : tensor<2x1xi32> to tensor<?x?xi32>
  %got_1 = tensor.cast %m_gt : tensor<2x1xi32> to tensor<?x?xi32>
  %ok_1 = call @equal2(%got_1, %want_1) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok_1, "gt is strict; NaN selects nothing"
  %expected_2 = arith.constant dense<[[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]> : tensor<4x2xf32>
  %want_2 = tensor.cast %expected_2 : tensor<4x2xf32> to tensor<?x?xf32>
  %got_2 = tensor.cast %g_gt : tensor<4x2xf32> to tensor<?x?xf32>
  %ok_2 = call @near2(%got_2, %want_2, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_2, "binary gates"
  %m_ge, %g_ge = et.gate #et.threshold<compare = ge, gate = sigmoid>
    ins(%s : tensor<4x2xf32>) theta(%theta : tensor<2xf32>)
    outs(%m0, %g0 : tensor<2x1xi32>, tensor<4x2xf32>)
  %expected_3 = arith.constant dense<[[13], [6]]> : tensor<2x1xi32>
  %want_3 = tensor.cast %expected_3 : tensor<2x1xi32> to tensor<?x?xi32>
  %got_3 = tensor.cast %m_ge : tensor<2x1xi32> to tensor<?x?xi32>
  %ok_3 = call @equal2(%got_3, %want_3) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok_3, "ge admits equality"
  %expected_4 = arith.constant dense<[[0.6224593, 0.0], [0.0, 0.8807971], [0.5621765, 0.5621765], [1.0, 0.0]]> : tensor<4x2xf32>
  %want_4 = tensor.cast %expected_4 : tensor<4x2xf32> to tensor<?x?xf32>
  %got_4 = tensor.cast %g_ge : tensor<4x2xf32> to tensor<?x?xf32>
  %ok_4 = call @near2(%got_4, %want_4, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_4, "sigmoid gates"

  // -inf admits every score but NaN and, strictly, -inf itself.
  %low = arith.constant dense<0xFF800000> : tensor<2xf32>
  %m_relu, %g_relu = et.gate #et.threshold<compare = gt, gate = relu>
    ins(%s : tensor<4x2xf32>) theta(%low : tensor<2xf32>)
    outs(%m0, %g0 : tensor<2x1xi32>, tensor<4x2xf32>)
  %expected_5 = arith.constant dense<[[13], [7]]> : tensor<2x1xi32>
  %want_5 = tensor.cast %expected_5 : tensor<2x1xi32> to tensor<?x?xi32>
  %got_5 = tensor.cast %m_relu : tensor<2x1xi32> to tensor<?x?xi32>
  %ok_5 = call @equal2(%got_5, %want_5) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok_5, "a threshold of -inf"
  %expected_6 = arith.constant dense<[[0.5, 0.0], [0.0, 2.0], [0.25, 0.25], [0x7F800000, 0.0]]> : tensor<4x2xf32>
  %want_6 = tensor.cast %expected_6 : tensor<4x2xf32> to tensor<?x?xf32>
  %got_6 = tensor.cast %g_relu : tensor<4x2xf32> to tensor<?x?xf32>
  %ok_6 = call @near2(%got_6, %want_6, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_6, "relu gates"
  %m_raw, %g_raw = et.gate #et.threshold<compare = gt, gate = raw>
    ins(%s : tensor<4x2xf32>) theta(%low : tensor<2xf32>)
    outs(%m0, %g0 : tensor<2x1xi32>, tensor<4x2xf32>)
  %expected_7 = arith.constant dense<[[0.5, -1.0], [0.0, 2.0], [0.25, 0.25], [0x7F800000, 0.0]]> : tensor<4x2xf32>
  %want_7 = tensor.cast %expected_7 : tensor<4x2xf32> to tensor<?x?xf32>
  %got_7 = tensor.cast %g_raw : tensor<4x2xf32> to tensor<?x?xf32>
  %ok_7 = call @near2(%got_7, %want_7, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_7, "raw gates"

  %nothing = arith.constant dense<[0x7F800000, 0x7FC00000]> : tensor<2xf32>
  %m_none, %g_none = et.gate #et.threshold<compare = gt, gate = binary>
    ins(%s : tensor<4x2xf32>) theta(%nothing : tensor<2xf32>)
    outs(%m0, %g0 : tensor<2x1xi32>, tensor<4x2xf32>)
  %expected_8 = arith.constant dense<0> : tensor<2x1xi32>
  %want_8 = tensor.cast %expected_8 : tensor<2x1xi32> to tensor<?x?xi32>
  %got_8 = tensor.cast %m_none : tensor<2x1xi32> to tensor<?x?xi32>
  %ok_8 = call @equal2(%got_8, %want_8) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok_8, "thresholds of +inf and NaN select nothing"
  %expected_9 = arith.constant dense<0.0> : tensor<4x2xf32>
  %want_9 = tensor.cast %expected_9 : tensor<4x2xf32> to tensor<?x?xf32>
  %got_9 = tensor.cast %g_none : tensor<4x2xf32> to tensor<?x?xf32>
  %ok_9 = call @near2(%got_9, %want_9, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_9, "gates of unselected pairs are 0"

  // 33 tokens fill one word and one bit of the next.
  %s33 = arith.constant dense<1.0> : tensor<33x1xf32>
  %theta1 = arith.constant dense<0.0> : tensor<1xf32>
  %m33 = tensor.empty() : tensor<1x2xi32>
  %g33 = tensor.empty() : tensor<33x1xf32>
  %m_all, %g_all = et.gate #et.threshold<compare = gt, gate = binary>
    ins(%s33 : tensor<33x1xf32>) theta(%theta1 : tensor<1xf32>)
    outs(%m33, %g33 : tensor<1x2xi32>, tensor<33x1xf32>)
  %expected_10 = arith.constant dense<[[-1, 1]]> : tensor<1x2xi32>
  %want_10 = tensor.cast %expected_10 : tensor<1x2xi32> to tensor<?x?xi32>
  %got_10 = tensor.cast %m_all : tensor<1x2xi32> to tensor<?x?xi32>
  %ok_10 = call @equal2(%got_10, %want_10) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok_10, "bits beyond the last token are 0"

  %c0 = arith.constant 0 : index
  %no_s = tensor.empty(%c0) : tensor<?x2xf32>
  %no_m = tensor.empty(%c0) : tensor<2x?xi32>
  %m_no, %g_no = et.gate #et.threshold<compare = gt, gate = binary>
    ins(%no_s : tensor<?x2xf32>) theta(%theta : tensor<2xf32>)
    outs(%no_m, %no_s : tensor<2x?xi32>, tensor<?x2xf32>)
  %expected_11 = arith.constant dense<> : tensor<2x0xi32>
  %want_11 = tensor.cast %expected_11 : tensor<2x0xi32> to tensor<?x?xi32>
  %got_11 = tensor.cast %m_no : tensor<2x?xi32> to tensor<?x?xi32>
  %ok_11 = call @equal2(%got_11, %want_11) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok_11, "no token"
  return
}
