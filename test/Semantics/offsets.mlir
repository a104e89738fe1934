//===- offsets.mlir - et.offsets, executed ----------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=reference
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=cpu

func.func @main() {
  %mask = arith.constant dense<[[7, 0], [0, 0], [-1, 1]]> : tensor<3x2xi32>
  %init = tensor.empty() : tensor<4xi32>
  %offsets = et.offsets ins(%mask : tensor<3x2xi32>) outs(%init : tensor<4xi32>)
  %expected_1 = arith.constant dense<[0, 3, 3, 36]> : tensor<4xi32>
  %want_1 = tensor.cast %expected_1 : tensor<4xi32> to tensor<?xi32>
  %got_1 = tensor.cast %offsets : tensor<4xi32> to tensor<?xi32>
  %ok_1 = call @equal1(%got_1, %want_1) : (tensor<?xi32>, tensor<?xi32>) -> i1
  cf.assert %ok_1, "bits counted before each expert"

  %c0 = arith.constant 0 : index
  %empty = tensor.empty(%c0) : tensor<3x?xi32>
  %none = et.offsets ins(%empty : tensor<3x?xi32>) outs(%init : tensor<4xi32>)
  %expected_2 = arith.constant dense<0> : tensor<4xi32>
  %want_2 = tensor.cast %expected_2 : tensor<4xi32> to tensor<?xi32>
  %got_2 = tensor.cast %none : tensor<4xi32> to tensor<?xi32>
  %ok_2 = call @equal1(%got_2, %want_2) : (tensor<?xi32>, tensor<?xi32>) -> i1
  cf.assert %ok_2, "no token"
  return
}
