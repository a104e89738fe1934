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
  %e1 = arith.constant dense<[0, 3, 3, 36]> : tensor<4xi32>
  %b1 = tensor.cast %e1 : tensor<4xi32> to tensor<?xi32>
  %a1 = tensor.cast %offsets : tensor<4xi32> to tensor<?xi32>
  %ok1 = call @equal1(%a1, %b1) : (tensor<?xi32>, tensor<?xi32>) -> i1
  cf.assert %ok1, "bits counted before each expert"

  %c0 = arith.constant 0 : index
  %empty = tensor.empty(%c0) : tensor<3x?xi32>
  %none = et.offsets ins(%empty : tensor<3x?xi32>) outs(%init : tensor<4xi32>)
  %e2 = arith.constant dense<0> : tensor<4xi32>
  %b2 = tensor.cast %e2 : tensor<4xi32> to tensor<?xi32>
  %a2 = tensor.cast %none : tensor<4xi32> to tensor<?xi32>
  %ok2 = call @equal1(%a2, %b2) : (tensor<?xi32>, tensor<?xi32>) -> i1
  cf.assert %ok2, "no token"
  return
}
