//===- grouped_matmul.mlir - et.grouped_matmul, executed --------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=reference
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=cpu

// Activations at -1, 0 and 2, from the formulas: x / 2 (1 + erf(x / sqrt 2)) and so on,
// to nine digits.
func.func @main() {
  %exact = arith.constant 0.0 : f32
  %tol = arith.constant 1.0e-6 : f32
  %v = arith.constant dense<[[-1.0], [0.0], [2.0]]> : tensor<3x1xf32>
  %one = arith.constant dense<1.0> : tensor<1x1x1xf32>
  %all = arith.constant dense<[0, 3]> : tensor<2xi32>
  %init = tensor.empty() : tensor<3x1xf32>
  %none = et.grouped_matmul none ins(%v, %one : tensor<3x1xf32>, tensor<1x1x1xf32>)
    offsets(%all : tensor<2xi32>) outs(%init : tensor<3x1xf32>)
  %e1 = arith.constant dense<[[-1.0], [0.0], [2.0]]> : tensor<3x1xf32>
  %b1 = tensor.cast %e1 : tensor<3x1xf32> to tensor<?x?xf32>
  %a1 = tensor.cast %none : tensor<3x1xf32> to tensor<?x?xf32>
  %ok1 = call @near2(%a1, %b1, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok1, "none"
  %relu = et.grouped_matmul relu ins(%v, %one : tensor<3x1xf32>, tensor<1x1x1xf32>)
    offsets(%all : tensor<2xi32>) outs(%init : tensor<3x1xf32>)
  %e2 = arith.constant dense<[[0.0], [0.0], [2.0]]> : tensor<3x1xf32>
  %b2 = tensor.cast %e2 : tensor<3x1xf32> to tensor<?x?xf32>
  %a2 = tensor.cast %relu : tensor<3x1xf32> to tensor<?x?xf32>
  %ok2 = call @near2(%a2, %b2, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok2, "relu"
  %squared = et.grouped_matmul relu_squared ins(%v, %one : tensor<3x1xf32>, tensor<1x1x1xf32>)
    offsets(%all : tensor<2xi32>) outs(%init : tensor<3x1xf32>)
  %e3 = arith.constant dense<[[0.0], [0.0], [4.0]]> : tensor<3x1xf32>
  %b3 = tensor.cast %e3 : tensor<3x1xf32> to tensor<?x?xf32>
  %a3 = tensor.cast %squared : tensor<3x1xf32> to tensor<?x?xf32>
  %ok3 = call @near2(%a3, %b3, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok3, "relu_squared"
  %gelu = et.grouped_matmul gelu ins(%v, %one : tensor<3x1xf32>, tensor<1x1x1xf32>)
    offsets(%all : tensor<2xi32>) outs(%init : tensor<3x1xf32>)
  %e4 = arith.constant dense<[[-0.15865525], [0.0], [1.95449974]]> : tensor<3x1xf32>
  %b4 = tensor.cast %e4 : tensor<3x1xf32> to tensor<?x?xf32>
  %a4 = tensor.cast %gelu : tensor<3x1xf32> to tensor<?x?xf32>
  %ok4 = call @near2(%a4, %b4, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok4, "gelu"
  %tanh = et.grouped_matmul gelu_tanh ins(%v, %one : tensor<3x1xf32>, tensor<1x1x1xf32>)
    offsets(%all : tensor<2xi32>) outs(%init : tensor<3x1xf32>)
  %e5 = arith.constant dense<[[-0.15880801], [0.0], [1.95459769]]> : tensor<3x1xf32>
  %b5 = tensor.cast %e5 : tensor<3x1xf32> to tensor<?x?xf32>
  %a5 = tensor.cast %tanh : tensor<3x1xf32> to tensor<?x?xf32>
  %ok5 = call @near2(%a5, %b5, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok5, "gelu_tanh"
  %silu = et.grouped_matmul silu ins(%v, %one : tensor<3x1xf32>, tensor<1x1x1xf32>)
    offsets(%all : tensor<2xi32>) outs(%init : tensor<3x1xf32>)
  %e6 = arith.constant dense<[[-0.26894142], [0.0], [1.76159416]]> : tensor<3x1xf32>
  %b6 = tensor.cast %e6 : tensor<3x1xf32> to tensor<?x?xf32>
  %a6 = tensor.cast %silu : tensor<3x1xf32> to tensor<?x?xf32>
  %ok6 = call @near2(%a6, %b6, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok6, "silu"

  // relu(2 v + 1) (v - 3)
  %two = arith.constant dense<2.0> : tensor<1x1x1xf32>
  %bias = arith.constant dense<-3.0> : tensor<1x1xf32>
  %gate_bias = arith.constant dense<1.0> : tensor<1x1xf32>
  %gated = et.grouped_matmul relu ins(%v, %one : tensor<3x1xf32>, tensor<1x1x1xf32>)
    offsets(%all : tensor<2xi32>) bias(%bias : tensor<1x1xf32>)
    gate(%two : tensor<1x1x1xf32>) gate_bias(%gate_bias : tensor<1x1xf32>) outs(%init : tensor<3x1xf32>)
  %e7 = arith.constant dense<[[0.0], [-3.0], [-5.0]]> : tensor<3x1xf32>
  %b7 = tensor.cast %e7 : tensor<3x1xf32> to tensor<?x?xf32>
  %a7 = tensor.cast %gated : tensor<3x1xf32> to tensor<?x?xf32>
  %ok7 = call @near2(%a7, %b7, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok7, "the gated form"

  // Three experts over listed tokens; the second has none, and one row is spare.
  %x = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %w = arith.constant dense<[[[1.0, 0.0], [0.0, 1.0]], [[9.0, 9.0], [9.0, 9.0]], [[0.0, 1.0], [1.0, 0.0]]]> : tensor<3x2x2xf32>
  %offsets = arith.constant dense<[0, 1, 1, 3]> : tensor<4xi32>
  %tokens = arith.constant dense<[1, 0, 1, 0]> : tensor<4xi32>
  %kept = arith.constant dense<-7.0> : tensor<4x2xf32>
  %rows = et.grouped_matmul none ins(%x, %w : tensor<2x2xf32>, tensor<3x2x2xf32>)
    offsets(%offsets : tensor<4xi32>) tokens(%tokens : tensor<4xi32>)
    outs(%kept : tensor<4x2xf32>)
  %e8 = arith.constant dense<[[3.0, 4.0], [2.0, 1.0], [4.0, 3.0], [-7.0, -7.0]]> : tensor<4x2xf32>
  %b8 = tensor.cast %e8 : tensor<4x2xf32> to tensor<?x?xf32>
  %a8 = tensor.cast %rows : tensor<4x2xf32> to tensor<?x?xf32>
  %ok8 = call @near2(%a8, %b8, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok8, "each expert's own rows; the rest is kept"

  // The exact sum 2049 + 1 = 2050 has an f16; 2049 has none.
  %xh = arith.constant dense<[[2048.0, 1.0, 1.0]]> : tensor<1x3xf16>
  %wh = arith.constant dense<1.0> : tensor<1x3x1xf16>
  %row = arith.constant dense<[0, 1]> : tensor<2xi32>
  %init_h = tensor.empty() : tensor<1x1xf16>
  %sum = et.grouped_matmul none ins(%xh, %wh : tensor<1x3xf16>, tensor<1x3x1xf16>)
    offsets(%row : tensor<2xi32>) outs(%init_h : tensor<1x1xf16>)
  %e9 = arith.constant dense<2050.0> : tensor<1x1xf16>
  %b9 = tensor.cast %e9 : tensor<1x1xf16> to tensor<?x?xf16>
  %a9 = tensor.cast %sum : tensor<1x1xf16> to tensor<?x?xf16>
  %ok9 = call @near2_f16(%a9, %b9, %exact) : (tensor<?x?xf16>, tensor<?x?xf16>, f32) -> i1
  cf.assert %ok9, "f16 products are summed in f32 and rounded once"
  return
}
