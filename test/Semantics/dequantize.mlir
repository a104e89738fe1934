//===- dequantize.mlir - et.dequantize, executed ----------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=reference
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=cpu

// In functions of their own, where nothing is known of the weights.
func.func private @columns(%q: tensor<1x2x3xi8>, %s: tensor<1x1x3xf32>, %z: tensor<1x1x3xf32>) -> tensor<2x3xf32> {
  %init = tensor.empty() : tensor<1x2x3xf32>
  %w = et.dequantize #et.blocks<element = i8, k = all, n = 1> ins(%q, %s : tensor<1x2x3xi8>, tensor<1x1x3xf32>)
    zero_points(%z : tensor<1x1x3xf32>) outs(%init : tensor<1x2x3xf32>)
  %flat = tensor.collapse_shape %w [[0, 1], [2]] : tensor<1x2x3xf32> into tensor<2x3xf32>
  return %flat : tensor<2x3xf32>
}
// Two a byte, the first in the lower half: of i4, then of f4E2M1FN.
func.func private @half_bytes(%q: tensor<2x1x2xi8>, %s: tensor<2x1x2xf32>) -> (tensor<2x3xf32>, tensor<2x3xbf16>) {
  %init = tensor.empty() : tensor<2x1x3xf32>
  %w = et.dequantize #et.blocks<element = i4, k = 1, n = 2> ins(%q, %s : tensor<2x1x2xi8>, tensor<2x1x2xf32>)
    outs(%init : tensor<2x1x3xf32>)
  %init_b = tensor.empty() : tensor<2x1x3xbf16>
  %v = et.dequantize #et.blocks<element = f4E2M1FN, k = 1, n = 2> ins(%q, %s : tensor<2x1x2xi8>, tensor<2x1x2xf32>)
    outs(%init_b : tensor<2x1x3xbf16>)
  %flat = tensor.collapse_shape %w [[0, 1], [2]] : tensor<2x1x3xf32> into tensor<2x3xf32>
  %flat_b = tensor.collapse_shape %v [[0, 1], [2]] : tensor<2x1x3xbf16> into tensor<2x3xbf16>
  return %flat, %flat_b : tensor<2x3xf32>, tensor<2x3xbf16>
}

func.func @main() {
  %exact = arith.constant 0.0 : f32
  %q = arith.constant dense<[[[-128, 127, 1], [0, -1, 2]]]> : tensor<1x2x3xi8>
  %s = arith.constant dense<[[[0.5, 2.0, 3.0]]]> : tensor<1x1x3xf32>
  %z = arith.constant dense<[[[0.0, 1.0, -0.5]]]> : tensor<1x1x3xf32>
  %w = call @columns(%q, %s, %z) : (tensor<1x2x3xi8>, tensor<1x1x3xf32>, tensor<1x1x3xf32>) -> tensor<2x3xf32>
  %expected = arith.constant dense<[[-64.0, 252.0, 4.5], [0.0, -4.0, 7.5]]> : tensor<2x3xf32>
  %want = tensor.cast %expected : tensor<2x3xf32> to tensor<?x?xf32>
  %got = tensor.cast %w : tensor<2x3xf32> to tensor<?x?xf32>
  %ok = call @near2(%got, %want, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok, "a scale and a zero point for each column"

  // 0x8F, 0x71 and 0x29, 0xE3: the last half is of no column.
  %p = arith.constant dense<[[[0x8F, 0x71]], [[0x29, 0xE3]]]> : tensor<2x1x2xi8>
  %t = arith.constant dense<[[[1.0, 2.0]], [[0.5, 4.0]]]> : tensor<2x1x2xf32>
  %i4, %f4 = call @half_bytes(%p, %t) : (tensor<2x1x2xi8>, tensor<2x1x2xf32>) -> (tensor<2x3xf32>, tensor<2x3xbf16>)
  %expected_i4 = arith.constant dense<[[-1.0, -8.0, 2.0], [-3.5, 1.0, 12.0]]> : tensor<2x3xf32>
  %want_i4 = tensor.cast %expected_i4 : tensor<2x3xf32> to tensor<?x?xf32>
  %got_i4 = tensor.cast %i4 : tensor<2x3xf32> to tensor<?x?xf32>
  %ok_i4 = call @near2(%got_i4, %want_i4, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_i4, "integers of four bits"
  %wide = arith.extf %f4 : tensor<2x3xbf16> to tensor<2x3xf32>
  %expected_f4 = arith.constant dense<[[-6.0, -0.0, 1.0], [-0.25, 0.5, 6.0]]> : tensor<2x3xf32>
  %want_f4 = tensor.cast %expected_f4 : tensor<2x3xf32> to tensor<?x?xf32>
  %got_f4 = tensor.cast %wide : tensor<2x3xf32> to tensor<?x?xf32>
  %ok_f4 = call @near2(%got_f4, %want_f4, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_f4, "floats of four bits"
  return
}
