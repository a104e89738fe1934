//===- combine_waves.mlir - et.combine_waves, executed ----------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=reference
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=cpu

// Expert 0 takes tokens 0 and 2, expert 1 none, expert 2 tokens 0 and 1. Expert e
// multiplies by 10^e.
func.func @main() {
  %exact = arith.constant 0.0 : f32
  %gates = arith.constant dense<[[0.5, 0.0, -1.0], [0.0, 0.0, 1.0], [2.0, 0.0, 0.0]]> : tensor<3x3xf32>
  %mask = arith.constant dense<[[5], [0], [3]]> : tensor<3x1xi32>
  %offsets = arith.constant dense<[0, 2, 2, 4]> : tensor<4xi32>
  %x = arith.constant dense<[[1.0], [2.0], [3.0]]> : tensor<3x1xf32>
  %w1 = arith.constant dense<[[[1.0]], [[10.0]], [[100.0]]]> : tensor<3x1x1xf32>
  %w2 = arith.constant dense<1.0> : tensor<3x1x1xf32>
  %init = tensor.empty() : tensor<3x1xf32>

  %h1 = tensor.empty() : tensor<1x1xf32>
  %one = arith.constant dense<[[7.0]]> : tensor<1x1xf32>
  %a:3 = et.combine_waves none ins(%gates, %mask, %offsets, %x, %w1, %w2
      : tensor<3x3xf32>, tensor<3x1xi32>, tensor<4xi32>, tensor<3x1xf32>, tensor<3x1x1xf32>, tensor<3x1x1xf32>)
    outs(%h1, %one, %init : tensor<1x1xf32>, tensor<1x1xf32>, tensor<3x1xf32>)
  %expected_1 = arith.constant dense<[[-96.5], [200.0], [6.0]]> : tensor<3x1xf32>
  %want_1 = tensor.cast %expected_1 : tensor<3x1xf32> to tensor<?x?xf32>
  %got_1 = tensor.cast %a#2 : tensor<3x1xf32> to tensor<?x?xf32>
  %ok_1 = call @near2(%got_1, %want_1, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_1, "the first row is given, three are made"

  %h5 = tensor.empty() : tensor<5x1xf32>
  %five = arith.constant dense<[[7.0], [8.0], [9.0], [10.0], [11.0]]> : tensor<5x1xf32>
  %b:3 = et.combine_waves none ins(%gates, %mask, %offsets, %x, %w1, %w2
      : tensor<3x3xf32>, tensor<3x1xi32>, tensor<4xi32>, tensor<3x1xf32>, tensor<3x1x1xf32>, tensor<3x1x1xf32>)
    shared(%x : tensor<3x1xf32>) outs(%h5, %five, %init : tensor<5x1xf32>, tensor<5x1xf32>, tensor<3x1xf32>)
  %expected_2 = arith.constant dense<[[-4.5], [12.0], [19.0]]> : tensor<3x1xf32>
  %want_2 = tensor.cast %expected_2 : tensor<3x1xf32> to tensor<?x?xf32>
  %got_2 = tensor.cast %b#2 : tensor<3x1xf32> to tensor<?x?xf32>
  %ok_2 = call @near2(%got_2, %want_2, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_2, "all rows are given: et.combine"

  // 257 has no bf16: h and the row are rounded to 256, the sum of f32 is not.
  %g1 = arith.constant dense<1.0> : tensor<2x1xf32>
  %m1 = arith.constant dense<3> : tensor<1x1xi32>
  %o1 = arith.constant dense<[0, 2]> : tensor<2xi32>
  %x1 = arith.constant dense<1.0> : tensor<2x1xbf16>
  %wide = arith.constant dense<256.0> : tensor<1x1x1xbf16>
  %same = arith.constant dense<1.0> : tensor<1x1x1xbf16>
  %add = arith.constant dense<1.0> : tensor<1x1xbf16>
  %shared = arith.constant dense<1.0> : tensor<2x1xf32>
  %h = tensor.empty() : tensor<1x1xbf16>
  %p = arith.constant dense<3.0> : tensor<1x1xbf16>
  %init2 = tensor.empty() : tensor<2x1xf32>
  %c:3 = et.combine_waves relu ins(%g1, %m1, %o1, %x1, %wide, %same
      : tensor<2x1xf32>, tensor<1x1xi32>, tensor<2xi32>, tensor<2x1xbf16>, tensor<1x1x1xbf16>, tensor<1x1x1xbf16>)
    b1(%add : tensor<1x1xbf16>) b2(%add : tensor<1x1xbf16>) shared(%shared : tensor<2x1xf32>)
    outs(%h, %p, %init2 : tensor<1x1xbf16>, tensor<1x1xbf16>, tensor<2x1xf32>)
  %expected_3 = arith.constant dense<[[4.0], [257.0]]> : tensor<2x1xf32>
  %want_3 = tensor.cast %expected_3 : tensor<2x1xf32> to tensor<?x?xf32>
  %got_3 = tensor.cast %c#2 : tensor<2x1xf32> to tensor<?x?xf32>
  %ok_3 = call @near2(%got_3, %want_3, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_3, "hidden units and rows are rounded to their type"
  return
}
