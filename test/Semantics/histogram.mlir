//===- histogram.mlir - et.histogram, executed ------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=reference
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=cpu

// Four bins of width 1 in [0, 4).
func.func @main() {
  %s = arith.constant dense<[[-1.0], [0.0], [0.5], [1.0], [3.5], [4.0], [100.0], [0x7FC00000],
                             [0x7F800000], [0xFF800000]]> : tensor<10x1xf32>
  %init = tensor.empty() : tensor<1x4xi32>
  %counts = et.histogram range(0.0, 4.0) ins(%s : tensor<10x1xf32>)
                                         outs(%init : tensor<1x4xi32>)
  %expected_1 = arith.constant dense<[[4, 1, 0, 4]]> : tensor<1x4xi32>
  %want_1 = tensor.cast %expected_1 : tensor<1x4xi32> to tensor<?x?xi32>
  %got_1 = tensor.cast %counts : tensor<1x4xi32> to tensor<?x?xi32>
  %ok_1 = call @equal2(%got_1, %want_1) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok_1, "scores outside the range count in the end bins, NaN nowhere"

  %c0 = arith.constant 0 : index
  %empty = tensor.empty(%c0) : tensor<?x1xf32>
  %none = et.histogram range(0.0, 4.0) ins(%empty : tensor<?x1xf32>)
                                       outs(%init : tensor<1x4xi32>)
  %expected_2 = arith.constant dense<0> : tensor<1x4xi32>
  %want_2 = tensor.cast %expected_2 : tensor<1x4xi32> to tensor<?x?xi32>
  %got_2 = tensor.cast %none : tensor<1x4xi32> to tensor<?x?xi32>
  %ok_2 = call @equal2(%got_2, %want_2) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %ok_2, "no token"
  return
}
