//===- statistic.mlir - et.statistic, executed ------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=reference
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=cpu

// Expert 0 scores 1, 2, 3, 4: mean 2.5, deviation sqrt(5 / 3) = 1.2909944. Expert 1
// has a NaN; expert 2's scores are equal.
func.func @main() {
  %exact = arith.constant 0.0 : f32
  %tol = arith.constant 1.0e-6 : f32
  %s = arith.constant dense<[[1.0, 1.0, -1.0], [4.0, 0x7FC00000, -1.0], [3.0, 1.0, -1.0], [2.0, 1.0, -1.0]]> : tensor<4x3xf32>
  %init = tensor.empty() : tensor<3xf32>
  %mean_std = et.statistic #et.mean_minus_std ins(%s : tensor<4x3xf32>) outs(%init : tensor<3xf32>)
  %expected_1 = arith.constant dense<[1.2090056, 0x7FC00000, -1.0]> : tensor<3xf32>
  %want_1 = tensor.cast %expected_1 : tensor<3xf32> to tensor<?xf32>
  %got_1 = tensor.cast %mean_std : tensor<3xf32> to tensor<?xf32>
  %ok_1 = call @near1(%got_1, %want_1, %tol) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok_1, "mean minus standard deviation"
  %second = et.statistic #et.kth_largest<rate = 0.5> ins(%s : tensor<4x3xf32>) outs(%init : tensor<3xf32>)
  %expected_2 = arith.constant dense<[3.0, 0x7FC00000, -1.0]> : tensor<3xf32>
  %want_2 = tensor.cast %expected_2 : tensor<3xf32> to tensor<?xf32>
  %got_2 = tensor.cast %second : tensor<3xf32> to tensor<?xf32>
  %ok_2 = call @near1(%got_2, %want_2, %exact) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok_2, "the second largest of four"
  %zeroth = et.statistic #et.kth_largest<rate = 0.2> ins(%s : tensor<4x3xf32>) outs(%init : tensor<3xf32>)
  %expected_3 = arith.constant dense<0x7FC00000> : tensor<3xf32>
  %want_3 = tensor.cast %expected_3 : tensor<3xf32> to tensor<?xf32>
  %got_3 = tensor.cast %zeroth : tensor<3xf32> to tensor<?xf32>
  %ok_3 = call @near1(%got_3, %want_3, %exact) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok_3, "k = 0 has no value"
  %median = et.statistic #et.quantile<q = 0.5> ins(%s : tensor<4x3xf32>) outs(%init : tensor<3xf32>)
  %expected_4 = arith.constant dense<[2.5, 0x7FC00000, -1.0]> : tensor<3xf32>
  %want_4 = tensor.cast %expected_4 : tensor<3xf32> to tensor<?xf32>
  %got_4 = tensor.cast %median : tensor<3xf32> to tensor<?xf32>
  %ok_4 = call @near1(%got_4, %want_4, %exact) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok_4, "the median"
  %quarter = et.statistic #et.quantile<q = 0.25> ins(%s : tensor<4x3xf32>) outs(%init : tensor<3xf32>)
  %expected_5 = arith.constant dense<[1.75, 0x7FC00000, -1.0]> : tensor<3xf32>
  %want_5 = tensor.cast %expected_5 : tensor<3xf32> to tensor<?xf32>
  %got_5 = tensor.cast %quarter : tensor<3xf32> to tensor<?xf32>
  %ok_5 = call @near1(%got_5, %want_5, %exact) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok_5, "linear interpolation"
  %least = et.statistic #et.quantile<q = 0.0> ins(%s : tensor<4x3xf32>) outs(%init : tensor<3xf32>)
  %expected_6 = arith.constant dense<[1.0, 0x7FC00000, -1.0]> : tensor<3xf32>
  %want_6 = tensor.cast %expected_6 : tensor<3xf32> to tensor<?xf32>
  %got_6 = tensor.cast %least : tensor<3xf32> to tensor<?xf32>
  %ok_6 = call @near1(%got_6, %want_6, %exact) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok_6, "the least"
  %most = et.statistic #et.quantile<q = 1.0> ins(%s : tensor<4x3xf32>) outs(%init : tensor<3xf32>)
  %expected_7 = arith.constant dense<[4.0, 0x7FC00000, -1.0]> : tensor<3xf32>
  %want_7 = tensor.cast %expected_7 : tensor<3xf32> to tensor<?xf32>
  %got_7 = tensor.cast %most : tensor<3xf32> to tensor<?xf32>
  %ok_7 = call @near1(%got_7, %want_7, %exact) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok_7, "the largest"

  %one = arith.constant dense<[[7.0, 8.0, 9.0]]> : tensor<1x3xf32>
  %one_std = et.statistic #et.mean_minus_std ins(%one : tensor<1x3xf32>) outs(%init : tensor<3xf32>)
  %expected_8 = arith.constant dense<0x7FC00000> : tensor<3xf32>
  %want_8 = tensor.cast %expected_8 : tensor<3xf32> to tensor<?xf32>
  %got_8 = tensor.cast %one_std : tensor<3xf32> to tensor<?xf32>
  %ok_8 = call @near1(%got_8, %want_8, %exact) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok_8, "one token has no deviation"
  %one_median = et.statistic #et.quantile<q = 0.5> ins(%one : tensor<1x3xf32>) outs(%init : tensor<3xf32>)
  %expected_9 = arith.constant dense<[7.0, 8.0, 9.0]> : tensor<3xf32>
  %want_9 = tensor.cast %expected_9 : tensor<3xf32> to tensor<?xf32>
  %got_9 = tensor.cast %one_median : tensor<3xf32> to tensor<?xf32>
  %ok_9 = call @near1(%got_9, %want_9, %exact) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok_9, "one token is its own median"

  %c0 = arith.constant 0 : index
  %empty = tensor.empty(%c0) : tensor<?x3xf32>
  %no_median = et.statistic #et.quantile<q = 0.5> ins(%empty : tensor<?x3xf32>) outs(%init : tensor<3xf32>)
  %expected_10 = arith.constant dense<0x7FC00000> : tensor<3xf32>
  %want_10 = tensor.cast %expected_10 : tensor<3xf32> to tensor<?xf32>
  %got_10 = tensor.cast %no_median : tensor<3xf32> to tensor<?xf32>
  %ok_10 = call @near1(%got_10, %want_10, %exact) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok_10, "no token has no quantile"
  return
}
