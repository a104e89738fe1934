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
  %e1 = arith.constant dense<[1.2090056, 0x7FC00000, -1.0]> : tensor<3xf32>
  %b1 = tensor.cast %e1 : tensor<3xf32> to tensor<?xf32>
  %a1 = tensor.cast %mean_std : tensor<3xf32> to tensor<?xf32>
  %ok1 = call @near1(%a1, %b1, %tol) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok1, "mean minus standard deviation"
  %second = et.statistic #et.kth_largest<rate = 0.5> ins(%s : tensor<4x3xf32>) outs(%init : tensor<3xf32>)
  %e2 = arith.constant dense<[3.0, 0x7FC00000, -1.0]> : tensor<3xf32>
  %b2 = tensor.cast %e2 : tensor<3xf32> to tensor<?xf32>
  %a2 = tensor.cast %second : tensor<3xf32> to tensor<?xf32>
  %ok2 = call @near1(%a2, %b2, %exact) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok2, "the second largest of four"
  %zeroth = et.statistic #et.kth_largest<rate = 0.2> ins(%s : tensor<4x3xf32>) outs(%init : tensor<3xf32>)
  %e3 = arith.constant dense<0x7FC00000> : tensor<3xf32>
  %b3 = tensor.cast %e3 : tensor<3xf32> to tensor<?xf32>
  %a3 = tensor.cast %zeroth : tensor<3xf32> to tensor<?xf32>
  %ok3 = call @near1(%a3, %b3, %exact) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok3, "k = 0 has no value"
  %median = et.statistic #et.quantile<q = 0.5> ins(%s : tensor<4x3xf32>) outs(%init : tensor<3xf32>)
  %e4 = arith.constant dense<[2.5, 0x7FC00000, -1.0]> : tensor<3xf32>
  %b4 = tensor.cast %e4 : tensor<3xf32> to tensor<?xf32>
  %a4 = tensor.cast %median : tensor<3xf32> to tensor<?xf32>
  %ok4 = call @near1(%a4, %b4, %exact) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok4, "the median"
  %quarter = et.statistic #et.quantile<q = 0.25> ins(%s : tensor<4x3xf32>) outs(%init : tensor<3xf32>)
  %e5 = arith.constant dense<[1.75, 0x7FC00000, -1.0]> : tensor<3xf32>
  %b5 = tensor.cast %e5 : tensor<3xf32> to tensor<?xf32>
  %a5 = tensor.cast %quarter : tensor<3xf32> to tensor<?xf32>
  %ok5 = call @near1(%a5, %b5, %exact) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok5, "linear interpolation"
  %least = et.statistic #et.quantile<q = 0.0> ins(%s : tensor<4x3xf32>) outs(%init : tensor<3xf32>)
  %e6 = arith.constant dense<[1.0, 0x7FC00000, -1.0]> : tensor<3xf32>
  %b6 = tensor.cast %e6 : tensor<3xf32> to tensor<?xf32>
  %a6 = tensor.cast %least : tensor<3xf32> to tensor<?xf32>
  %ok6 = call @near1(%a6, %b6, %exact) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok6, "the least"
  %most = et.statistic #et.quantile<q = 1.0> ins(%s : tensor<4x3xf32>) outs(%init : tensor<3xf32>)
  %e7 = arith.constant dense<[4.0, 0x7FC00000, -1.0]> : tensor<3xf32>
  %b7 = tensor.cast %e7 : tensor<3xf32> to tensor<?xf32>
  %a7 = tensor.cast %most : tensor<3xf32> to tensor<?xf32>
  %ok7 = call @near1(%a7, %b7, %exact) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok7, "the largest"

  %one = arith.constant dense<[[7.0, 8.0, 9.0]]> : tensor<1x3xf32>
  %one_std = et.statistic #et.mean_minus_std ins(%one : tensor<1x3xf32>) outs(%init : tensor<3xf32>)
  %e8 = arith.constant dense<0x7FC00000> : tensor<3xf32>
  %b8 = tensor.cast %e8 : tensor<3xf32> to tensor<?xf32>
  %a8 = tensor.cast %one_std : tensor<3xf32> to tensor<?xf32>
  %ok8 = call @near1(%a8, %b8, %exact) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok8, "one token has no deviation"
  %one_median = et.statistic #et.quantile<q = 0.5> ins(%one : tensor<1x3xf32>) outs(%init : tensor<3xf32>)
  %e9 = arith.constant dense<[7.0, 8.0, 9.0]> : tensor<3xf32>
  %b9 = tensor.cast %e9 : tensor<3xf32> to tensor<?xf32>
  %a9 = tensor.cast %one_median : tensor<3xf32> to tensor<?xf32>
  %ok9 = call @near1(%a9, %b9, %exact) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok9, "one token is its own median"

  %c0 = arith.constant 0 : index
  %empty = tensor.empty(%c0) : tensor<?x3xf32>
  %no_median = et.statistic #et.quantile<q = 0.5> ins(%empty : tensor<?x3xf32>) outs(%init : tensor<3xf32>)
  %e10 = arith.constant dense<0x7FC00000> : tensor<3xf32>
  %b10 = tensor.cast %e10 : tensor<3xf32> to tensor<?xf32>
  %a10 = tensor.cast %no_median : tensor<3xf32> to tensor<?xf32>
  %ok10 = call @near1(%a10, %b10, %exact) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok10, "no token has no quantile"
  return
}
