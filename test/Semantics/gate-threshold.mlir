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
  %e1 = arith.constant dense<[[9], [6]]> : tensor<2x1xi32>
  %b1 = tensor.cast %e1 : tensor<2x1xi32> to tensor<?x?xi32>
  %a1 = tensor.cast %m_gt : tensor<2x1xi32> to tensor<?x?xi32>
  %ok1 = call @equal2(%a1, %b1) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok1, "gt is strict; NaN selects nothing"
  %e2 = arith.constant dense<[[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]> : tensor<4x2xf32>
  %b2 = tensor.cast %e2 : tensor<4x2xf32> to tensor<?x?xf32>
  %a2 = tensor.cast %g_gt : tensor<4x2xf32> to tensor<?x?xf32>
  %ok2 = call @near2(%a2, %b2, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok2, "binary gates"
  %m_ge, %g_ge = et.gate #et.threshold<compare = ge, gate = sigmoid>
    ins(%s : tensor<4x2xf32>) theta(%theta : tensor<2xf32>)
    outs(%m0, %g0 : tensor<2x1xi32>, tensor<4x2xf32>)
  %e3 = arith.constant dense<[[13], [6]]> : tensor<2x1xi32>
  %b3 = tensor.cast %e3 : tensor<2x1xi32> to tensor<?x?xi32>
  %a3 = tensor.cast %m_ge : tensor<2x1xi32> to tensor<?x?xi32>
  %ok3 = call @equal2(%a3, %b3) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok3, "ge admits equality"
  %e4 = arith.constant dense<[[0.6224593, 0.0], [0.0, 0.8807971], [0.5621765, 0.5621765], [1.0, 0.0]]> : tensor<4x2xf32>
  %b4 = tensor.cast %e4 : tensor<4x2xf32> to tensor<?x?xf32>
  %a4 = tensor.cast %g_ge : tensor<4x2xf32> to tensor<?x?xf32>
  %ok4 = call @near2(%a4, %b4, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok4, "sigmoid gates"

  // -inf admits every score but NaN and, strictly, -inf itself.
  %low = arith.constant dense<0xFF800000> : tensor<2xf32>
  %m_relu, %g_relu = et.gate #et.threshold<compare = gt, gate = relu>
    ins(%s : tensor<4x2xf32>) theta(%low : tensor<2xf32>)
    outs(%m0, %g0 : tensor<2x1xi32>, tensor<4x2xf32>)
  %e5 = arith.constant dense<[[13], [7]]> : tensor<2x1xi32>
  %b5 = tensor.cast %e5 : tensor<2x1xi32> to tensor<?x?xi32>
  %a5 = tensor.cast %m_relu : tensor<2x1xi32> to tensor<?x?xi32>
  %ok5 = call @equal2(%a5, %b5) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok5, "a threshold of -inf"
  %e6 = arith.constant dense<[[0.5, 0.0], [0.0, 2.0], [0.25, 0.25], [0x7F800000, 0.0]]> : tensor<4x2xf32>
  %b6 = tensor.cast %e6 : tensor<4x2xf32> to tensor<?x?xf32>
  %a6 = tensor.cast %g_relu : tensor<4x2xf32> to tensor<?x?xf32>
  %ok6 = call @near2(%a6, %b6, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok6, "relu gates"
  %m_raw, %g_raw = et.gate #et.threshold<compare = gt, gate = raw>
    ins(%s : tensor<4x2xf32>) theta(%low : tensor<2xf32>)
    outs(%m0, %g0 : tensor<2x1xi32>, tensor<4x2xf32>)
  %e7 = arith.constant dense<[[0.5, -1.0], [0.0, 2.0], [0.25, 0.25], [0x7F800000, 0.0]]> : tensor<4x2xf32>
  %b7 = tensor.cast %e7 : tensor<4x2xf32> to tensor<?x?xf32>
  %a7 = tensor.cast %g_raw : tensor<4x2xf32> to tensor<?x?xf32>
  %ok7 = call @near2(%a7, %b7, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok7, "raw gates"

  %nothing = arith.constant dense<[0x7F800000, 0x7FC00000]> : tensor<2xf32>
  %m_none, %g_none = et.gate #et.threshold<compare = gt, gate = binary>
    ins(%s : tensor<4x2xf32>) theta(%nothing : tensor<2xf32>)
    outs(%m0, %g0 : tensor<2x1xi32>, tensor<4x2xf32>)
  %e8 = arith.constant dense<0> : tensor<2x1xi32>
  %b8 = tensor.cast %e8 : tensor<2x1xi32> to tensor<?x?xi32>
  %a8 = tensor.cast %m_none : tensor<2x1xi32> to tensor<?x?xi32>
  %ok8 = call @equal2(%a8, %b8) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok8, "thresholds of +inf and NaN select nothing"
  %e9 = arith.constant dense<0.0> : tensor<4x2xf32>
  %b9 = tensor.cast %e9 : tensor<4x2xf32> to tensor<?x?xf32>
  %a9 = tensor.cast %g_none : tensor<4x2xf32> to tensor<?x?xf32>
  %ok9 = call @near2(%a9, %b9, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok9, "gates of unselected pairs are 0"

  // 33 tokens fill one word and one bit of the next.
  %s33 = arith.constant dense<1.0> : tensor<33x1xf32>
  %theta1 = arith.constant dense<0.0> : tensor<1xf32>
  %m33 = tensor.empty() : tensor<1x2xi32>
  %g33 = tensor.empty() : tensor<33x1xf32>
  %m_all, %g_all = et.gate #et.threshold<compare = gt, gate = binary>
    ins(%s33 : tensor<33x1xf32>) theta(%theta1 : tensor<1xf32>)
    outs(%m33, %g33 : tensor<1x2xi32>, tensor<33x1xf32>)
  %e10 = arith.constant dense<[[-1, 1]]> : tensor<1x2xi32>
  %b10 = tensor.cast %e10 : tensor<1x2xi32> to tensor<?x?xi32>
  %a10 = tensor.cast %m_all : tensor<1x2xi32> to tensor<?x?xi32>
  %ok10 = call @equal2(%a10, %b10) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok10, "bits beyond the last token are 0"

  %c0 = arith.constant 0 : index
  %no_s = tensor.empty(%c0) : tensor<?x2xf32>
  %no_m = tensor.empty(%c0) : tensor<2x?xi32>
  %m_no, %g_no = et.gate #et.threshold<compare = gt, gate = binary>
    ins(%no_s : tensor<?x2xf32>) theta(%theta : tensor<2xf32>)
    outs(%no_m, %no_s : tensor<2x?xi32>, tensor<?x2xf32>)
  %e11 = arith.constant dense<> : tensor<2x0xi32>
  %b11 = tensor.cast %e11 : tensor<2x0xi32> to tensor<?x?xi32>
  %a11 = tensor.cast %m_no : tensor<2x?xi32> to tensor<?x?xi32>
  %ok11 = call @equal2(%a11, %b11) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok11, "no token"
  return
}
