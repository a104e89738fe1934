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
  %expected_1 = arith.constant dense<[[-1.0], [0.0], [2.0]]> : tensor<3x1xf32>
  %want_1 = tensor.cast %expected_1 : tensor<3x1xf32> to tensor<?x?xf32>
  %got_1 = tensor.cast %none : tensor<3x1xf32> to tensor<?x?xf32>
  %ok_1 = call @near2(%got_1, %want_1, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_1, "none"
  %relu = et.grouped_matmul relu ins(%v, %one : tensor<3x1xf32>, tensor<1x1x1xf32>)
    offsets(%all : tensor<2xi32>) outs(%init : tensor<3x1xf32>)
  %expected_2 = arith.constant dense<[[0.0], [0.0], [2.0]]> : tensor<3x1xf32>
  %want_2 = tensor.cast %expected_2 : tensor<3x1xf32> to tensor<?x?xf32>
  %got_2 = tensor.cast %relu : tensor<3x1xf32> to tensor<?x?xf32>
  %ok_2 = call @near2(%got_2, %want_2, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_2, "relu"
  %squared = et.grouped_matmul relu_squared ins(%v, %one : tensor<3x1xf32>, tensor<1x1x1xf32>)
    offsets(%all : tensor<2xi32>) outs(%init : tensor<3x1xf32>)
  %expected_3 = arith.constant dense<[[0.0], [0.0], [4.0]]> : tensor<3x1xf32>
  %want_3 = tensor.cast %expected_3 : tensor<3x1xf32> to tensor<?x?xf32>
  %got_3 = tensor.cast %squared : tensor<3x1xf32> to tensor<?x?xf32>
  %ok_3 = call @near2(%got_3, %want_3, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_3, "relu_squared"
  %gelu = et.grouped_matmul gelu ins(%v, %one : tensor<3x1xf32>, tensor<1x1x1xf32>)
    offsets(%all : tensor<2xi32>) outs(%init : tensor<3x1xf32>)
  %expected_4 = arith.constant dense<[[-0.15865525], [0.0], [1.95449974]]> : tensor<3x1xf32>
  %want_4 = tensor.cast %expected_4 : tensor<3x1xf32> to tensor<?x?xf32>
  %got_4 = tensor.cast %gelu : tensor<3x1xf32> to tensor<?x?xf32>
  %ok_4 = call @near2(%got_4, %want_4, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_4, "gelu"
  %tanh = et.grouped_matmul gelu_tanh ins(%v, %one : tensor<3x1xf32>, tensor<1x1x1xf32>)
    offsets(%all : tensor<2xi32>) outs(%init : tensor<3x1xf32>)
  %expected_5 = arith.constant dense<[[-0.15880801], [0.0], [1.95459769]]> : tensor<3x1xf32>
  %want_5 = tensor.cast %expected_5 : tensor<3x1xf32> to tensor<?x?xf32>
  %got_5 = tensor.cast %tanh : tensor<3x1xf32> to tensor<?x?xf32>
  %ok_5 = call @near2(%got_5, %want_5, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_5, "gelu_tanh"
  %silu = et.grouped_matmul silu ins(%v, %one : tensor<3x1xf32>, tensor<1x1x1xf32>)
    offsets(%all : tensor<2xi32>) outs(%init : tensor<3x1xf32>)
  %expected_6 = arith.constant dense<[[-0.26894142], [0.0], [1.76159416]]> : tensor<3x1xf32>
  %want_6 = tensor.cast %expected_6 : tensor<3x1xf32> to tensor<?x?xf32>
  %got_6 = tensor.cast %silu : tensor<3x1xf32> to tensor<?x?xf32>
  %ok_6 = call @near2(%got_6, %want_6, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_6, "silu"

  // relu(2 v + 1) (v - 3)
  %two = arith.constant dense<2.0> : tensor<1x1x1xf32>
  %bias = arith.constant dense<-3.0> : tensor<1x1xf32>
  %gate_bias = arith.constant dense<1.0> : tensor<1x1xf32>
  %gated = et.grouped_matmul relu ins(%v, %one : tensor<3x1xf32>, tensor<1x1x1xf32>)
    offsets(%all : tensor<2xi32>) bias(%bias : tensor<1x1xf32>)
    gate(%two : tensor<1x1x1xf32>) gate_bias(%gate_bias : tensor<1x1xf32>) outs(%init : tensor<3x1xf32>)
  %expected_7 = arith.constant dense<[[0.0], [-3.0], [-5.0]]> : tensor<3x1xf32>
  %want_7 = tensor.cast %expected_7 : tensor<3x1xf32> to tensor<?x?xf32>
  %got_7 = tensor.cast %gated : tensor<3x1xf32> to tensor<?x?xf32>
  %ok_7 = call @near2(%got_7, %want_7, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_7, "the gated form"

  // Three experts over listed tokens; the second has none, and one row is spare.
  %x = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %w = arith.constant dense<[[[1.0, 0.0], [0.0, 1.0]], [[9.0, 9.0], [9.0, 9.0]], [[0.0, 1.0], [1.0, 0.0]]]> : tensor<3x2x2xf32>
  %offsets = arith.constant dense<[0, 1, 1, 3]> : tensor<4xi32>
  %tokens = arith.constant dense<[1, 0, 1, 0]> : tensor<4xi32>
  %kept = arith.constant dense<-7.0> : tensor<4x2xf32>
  %rows = et.grouped_matmul none ins(%x, %w : tensor<2x2xf32>, tensor<3x2x2xf32>)
    offsets(%offsets : tensor<4xi32>) tokens(%tokens : tensor<4xi32>)
    outs(%kept : tensor<4x2xf32>)
  %expected_8 = arith.constant dense<[[3.0, 4.0], [2.0, 1.0], [4.0, 3.0], [-7.0, -7.0]]> : tensor<4x2xf32>
  %want_8 = tensor.cast %expected_8 : tensor<4x2xf32> to tensor<?x?xf32>
  %got_8 = tensor.cast %rows : tensor<4x2xf32> to tensor<?x?xf32>
  %ok_8 = call @near2(%got_8, %want_8, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_8, "each expert's own rows; the rest is kept"

  // The exact sum 2049 + 1 = 2050 has an f16; 2049 has none.
  %xh = arith.constant dense<[[2048.0, 1.0, 1.0]]> : tensor<1x3xf16>
  %wh = arith.constant dense<1.0> : tensor<1x3x1xf16>
  %row = arith.constant dense<[0, 1]> : tensor<2xi32>
  %init_h = tensor.empty() : tensor<1x1xf16>
  %sum = et.grouped_matmul none ins(%xh, %wh : tensor<1x3xf16>, tensor<1x3x1xf16>)
    offsets(%row : tensor<2xi32>) outs(%init_h : tensor<1x1xf16>)
  %expected_9 = arith.constant dense<2050.0> : tensor<1x1xf16>
  %want_9 = tensor.cast %expected_9 : tensor<1x1xf16> to tensor<?x?xf16>
  %got_9 = tensor.cast %sum : tensor<1x1xf16> to tensor<?x?xf16>
  %ok_9 = call @near2_f16(%got_9, %want_9, %exact) : (tensor<?x?xf16>, tensor<?x?xf16>, f32) -> i1
  cf.assert %ok_9, "f16 products are summed in f32 and rounded once"

  // Rows 0 to 127 are 2, row 128 the least normal number, row 129 the least number, and
  // column 129 is NaN. Up to column 127: 128 x 2 x 0.5 + 2^-6 x 2 - 448 x 2.
  %k = arith.constant dense<1.0> : tensor<1x130xf32>
  %w8 = tensor.generate {
  ^bb0(%expert: index, %depth: index, %column: index):
    %c128 = arith.constant 128 : index
    %c129 = arith.constant 129 : index
    %is128 = arith.cmpi eq, %depth, %c128 : index
    %is129 = arith.cmpi eq, %depth, %c129 : index
    %inSecond = arith.cmpi eq, %column, %c129 : index
    %even = arith.constant 0x40 : i8
    %small = arith.constant 0x08 : i8
    %least = arith.constant 0xfe : i8
    %nan = arith.constant 0x7f : i8
    %a = arith.select %is128, %small, %even : i8
    %b = arith.select %is129, %least, %a : i8
    %c = arith.select %inSecond, %nan, %b : i8
    %f = arith.bitcast %c : i8 to f8E4M3FN
    tensor.yield %f : f8E4M3FN
  } : tensor<1x130x130xf8E4M3FN>
  %scales = arith.constant dense<[[[0.5, 0.25], [2.0, -1.0]]]> : tensor<1x2x2xf32>
  %init_8 = tensor.empty() : tensor<1x130xf32>
  %scaled = et.grouped_matmul none ins(%k, %w8 : tensor<1x130xf32>, tensor<1x130x130xf8E4M3FN>)
    scales(%scales : tensor<1x2x2xf32>) outs(%init_8 : tensor<1x130xf32>)
  %got_10 = tensor.extract_slice %scaled[0, 126] [1, 3] [1, 1] : tensor<1x130xf32> to tensor<1x3xf32>
  %expected_10 = arith.constant dense<[[-767.96875, -767.96875, 511.984375]]> : tensor<1x3xf32>
  %want_10 = tensor.cast %expected_10 : tensor<1x3xf32> to tensor<?x?xf32>
  %cast_10 = tensor.cast %got_10 : tensor<1x3xf32> to tensor<?x?xf32>
  %ok_10 = call @near2(%cast_10, %want_10, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_10, "weights of 8 bits with scales of blocks"
  %c0 = arith.constant 0 : index
  %c129_0 = arith.constant 129 : index
  %last = tensor.extract %scaled[%c0, %c129_0] : tensor<1x130xf32>
  %isNaN = arith.cmpf uno, %last, %last : f32
  cf.assert %isNaN, "a weight that is NaN"
  return
}
