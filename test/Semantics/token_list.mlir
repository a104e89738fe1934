//===- token_list.mlir - et.token_list, executed ----------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=reference
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=cpu

func.func @main() {
  %mask = arith.constant dense<[[5], [0], [3]]> : tensor<3x1xi32>
  %offsets = arith.constant dense<[0, 2, 2, 4]> : tensor<4xi32>
  %init = arith.constant dense<-7> : tensor<5xi32>
  %tokens = et.token_list ins(%mask, %offsets : tensor<3x1xi32>, tensor<4xi32>)
                          outs(%init : tensor<5xi32>)
  %expected_1 = arith.constant dense<[0, 2, 0, 1, -7]> : tensor<5xi32>
  %want_1 = tensor.cast %expected_1 : tensor<5xi32> to tensor<?xi32>
  %got_1 = tensor.cast %tokens : tensor<5xi32> to tensor<?xi32>
  %ok_1 = call @equal1(%got_1, %want_1) : (tensor<?xi32>, tensor<?xi32>) -> i1
  cf.assert %ok_1, "by expert, then ascending; the rest is kept"

  %mask2 = arith.constant dense<[[-2147483648, 1]]> : tensor<1x2xi32>
  %offsets2 = arith.constant dense<[0, 2]> : tensor<2xi32>
  %init2 = tensor.empty() : tensor<2xi32>
  %across = et.token_list ins(%mask2, %offsets2 : tensor<1x2xi32>, tensor<2xi32>)
                          outs(%init2 : tensor<2xi32>)
  %expected_2 = arith.constant dense<[31, 32]> : tensor<2xi32>
  %want_2 = tensor.cast %expected_2 : tensor<2xi32> to tensor<?xi32>
  %got_2 = tensor.cast %across : tensor<2xi32> to tensor<?xi32>
  %ok_2 = call @equal1(%got_2, %want_2) : (tensor<?xi32>, tensor<?xi32>) -> i1
  cf.assert %ok_2, "the last bit of a word and the first of the next"
  return
}
