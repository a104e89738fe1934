//===- histogram_quantile.mlir - et.histogram_quantile, executed ------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=reference
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=cpu

// Median of expert 0: rank 0.5 (4 - 1) = 1.5 lies in bin 1, half of whose two counts
// lie at or below it: 0 + (1 + (1.5 - 1 + 0.5) / 2) 1 = 1.5.
func.func @main() {
  %tol = arith.constant 1.0e-6 : f32
  %counts = arith.constant dense<[[1, 2, 1, 0], [0, 0, 0, 0], [0, 0, 5, 0]]> : tensor<3x4xi32>
  %init = tensor.empty() : tensor<3xf32>
  %median = et.histogram_quantile 0.5 range(0.0, 4.0)
    ins(%counts : tensor<3x4xi32>) outs(%init : tensor<3xf32>)
  %expected_1 = arith.constant dense<[1.5, 0x7FC00000, 2.5]> : tensor<3xf32>
  %want_1 = tensor.cast %expected_1 : tensor<3xf32> to tensor<?xf32>
  %got_1 = tensor.cast %median : tensor<3xf32> to tensor<?xf32>
  %ok_1 = call @near1(%got_1, %want_1, %tol) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok_1, "the median; no count has none"
  %most = et.histogram_quantile 1.0 range(0.0, 4.0)
    ins(%counts : tensor<3x4xi32>) outs(%init : tensor<3xf32>)
  %expected_2 = arith.constant dense<[2.5, 0x7FC00000, 2.9]> : tensor<3xf32>
  %want_2 = tensor.cast %expected_2 : tensor<3xf32> to tensor<?xf32>
  %got_2 = tensor.cast %most : tensor<3xf32> to tensor<?xf32>
  %ok_2 = call @near1(%got_2, %want_2, %tol) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok_2, "the largest lies inside its bin"
  return
}
