//===- gather.mlir - et.gather, executed ------------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=reference
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=cpu

func.func @main() {
  %exact = arith.constant 0.0 : f32
  %x = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [0x7FC00000, 6.0]]> : tensor<3x2xf32>
  %tokens = arith.constant dense<[2, 0, 1]> : tensor<3xi32>
  %offsets = arith.constant dense<[0, 1, 2]> : tensor<3xi32>
  %init = arith.constant dense<-7.0> : tensor<3x2xf32>
  %rows = et.gather ins(%x, %tokens, %offsets : tensor<3x2xf32>, tensor<3xi32>, tensor<3xi32>)
                    outs(%init : tensor<3x2xf32>)
  %expected_1 = arith.constant dense<[[0x7FC00000, 6.0], [1.0, 2.0], [-7.0, -7.0]]> : tensor<3x2xf32>
  %want_1 = tensor.cast %expected_1 : tensor<3x2xf32> to tensor<?x?xf32>
  %got_1 = tensor.cast %rows : tensor<3x2xf32> to tensor<?x?xf32>
  %ok_1 = call @near2(%got_1, %want_1, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_1, "rows of the listed tokens; the rest is kept"
  return
}
