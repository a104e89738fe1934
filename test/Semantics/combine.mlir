//===- combine.mlir - et.combine, executed ----------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=reference
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=cpu

// Expert 0 takes tokens 0 and 2, expert 1 none, expert 2 tokens 0 and 1.
func.func @main() {
  %exact = arith.constant 0.0 : f32
  %pairs = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]> : tensor<4x2xf32>
  %gates = arith.constant dense<[[0.5, 0.0, -1.0], [0.0, 0.0, 1.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0]]> : tensor<4x3xf32>
  %mask = arith.constant dense<[[5], [0], [3]]> : tensor<3x1xi32>
  %offsets = arith.constant dense<[0, 2, 2, 4]> : tensor<4xi32>
  %init = tensor.empty() : tensor<4x2xf32>
  %y = et.combine ins(%pairs, %gates, %mask, %offsets
      : tensor<4x2xf32>, tensor<4x3xf32>, tensor<3x1xi32>, tensor<4xi32>)
    outs(%init : tensor<4x2xf32>)
  %expected_1 = arith.constant dense<[[-4.5, -5.0], [7.0, 8.0], [6.0, 8.0], [0.0, 0.0]]> : tensor<4x2xf32>
  %want_1 = tensor.cast %expected_1 : tensor<4x2xf32> to tensor<?x?xf32>
  %got_1 = tensor.cast %y : tensor<4x2xf32> to tensor<?x?xf32>
  %ok_1 = call @near2(%got_1, %want_1, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_1, "weighted sums; 0 for a token that no expert took"
  %shared = arith.constant dense<[[1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [4.0, 4.0]]> : tensor<4x2xf32>
  %z = et.combine ins(%pairs, %gates, %mask, %offsets
      : tensor<4x2xf32>, tensor<4x3xf32>, tensor<3x1xi32>, tensor<4xi32>)
    shared(%shared : tensor<4x2xf32>) outs(%init : tensor<4x2xf32>)
  %expected_2 = arith.constant dense<[[-3.5, -4.0], [9.0, 10.0], [9.0, 11.0], [4.0, 4.0]]> : tensor<4x2xf32>
  %want_2 = tensor.cast %expected_2 : tensor<4x2xf32> to tensor<?x?xf32>
  %got_2 = tensor.cast %z : tensor<4x2xf32> to tensor<?x?xf32>
  %ok_2 = call @near2(%got_2, %want_2, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_2, "the shared expert, alone where no other is"

  // In f32 (1e8 + 1) - 1e8 = 0, and any other order of the experts gives 1.
  %order = arith.constant dense<[[1.0e8], [1.0], [-1.0e8]]> : tensor<3x1xf32>
  %ones = arith.constant dense<1.0> : tensor<1x3xf32>
  %every = arith.constant dense<1> : tensor<3x1xi32>
  %each = arith.constant dense<[0, 1, 2, 3]> : tensor<4xi32>
  %init1 = tensor.empty() : tensor<1x1xf32>
  %sum = et.combine ins(%order, %ones, %every, %each
      : tensor<3x1xf32>, tensor<1x3xf32>, tensor<3x1xi32>, tensor<4xi32>)
    outs(%init1 : tensor<1x1xf32>)
  %expected_3 = arith.constant dense<0.0> : tensor<1x1xf32>
  %want_3 = tensor.cast %expected_3 : tensor<1x1xf32> to tensor<?x?xf32>
  %got_3 = tensor.cast %sum : tensor<1x1xf32> to tensor<?x?xf32>
  %ok_3 = call @near2(%got_3, %want_3, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_3, "experts are added in ascending order"

  // 257 has no bf16: rounded after each expert, 256 + 1 + 1 would stay 256.
  %small = arith.constant dense<[[256.0], [1.0], [1.0]]> : tensor<3x1xf32>
  %init_b = tensor.empty() : tensor<1x1xbf16>
  %rounded = et.combine ins(%small, %ones, %every, %each
      : tensor<3x1xf32>, tensor<1x3xf32>, tensor<3x1xi32>, tensor<4xi32>)
    outs(%init_b : tensor<1x1xbf16>)
  %expected_4 = arith.constant dense<258.0> : tensor<1x1xbf16>
  %want_4 = tensor.cast %expected_4 : tensor<1x1xbf16> to tensor<?x?xbf16>
  %got_4 = tensor.cast %rounded : tensor<1x1xbf16> to tensor<?x?xbf16>
  %ok_4 = call @near2_bf16(%got_4, %want_4, %exact) : (tensor<?x?xbf16>, tensor<?x?xbf16>, f32) -> i1
  cf.assert %ok_4, "sums are f32, rounded once"
  return
}
