//===- pack.mlir - et.pack, executed ----------------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=reference
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=cpu

// In functions of their own, where nothing is known of the weights.
func.func private @in_panels(%w: tensor<1x3x3xf32>) -> tensor<6x2xf32> {
  %full = arith.constant dense<-7.0> : tensor<1x2x3x2xf32>
  %panels = et.pack #et.panels<columns = 2> ins(%w : tensor<1x3x3xf32>) outs(%full : tensor<1x2x3x2xf32>)
  %flat = tensor.collapse_shape %panels [[0, 1, 2], [3]] : tensor<1x2x3x2xf32> into tensor<6x2xf32>
  return %flat : tensor<6x2xf32>
}
func.func private @in_pairs(%w: tensor<1x3x3xf32>) -> tensor<1x2x2x4xf32> {
  %full = arith.constant dense<-7.0> : tensor<1x2x2x4xf32>
  %pairs = et.pack #et.panels<columns = 2, interleave = 2, step = 4> ins(%w : tensor<1x3x3xf32>) outs(%full : tensor<1x2x2x4xf32>)
  return %pairs : tensor<1x2x2x4xf32>
}

func.func @main() {
  %exact = arith.constant 0.0 : f32
  %w = arith.constant dense<[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 0x7FC00000, 9.0]]]> : tensor<1x3x3xf32>
  %flat = call @in_panels(%w) : (tensor<1x3x3xf32>) -> tensor<6x2xf32>
  %expected_1 = arith.constant dense<[[1.0, 2.0], [4.0, 5.0], [7.0, 0x7FC00000], [3.0, 0.0], [6.0, 0.0], [9.0, 0.0]]> : tensor<6x2xf32>
  %want_1 = tensor.cast %expected_1 : tensor<6x2xf32> to tensor<?x?xf32>
  %got_1 = tensor.cast %flat : tensor<6x2xf32> to tensor<?x?xf32>
  %ok_1 = call @near2(%got_1, %want_1, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_1, "panels of two columns, the last filled up with zeros"

  // Depth 3 becomes 4, in two rows of two steps.
  %interleaved = call @in_pairs(%w) : (tensor<1x3x3xf32>) -> tensor<1x2x2x4xf32>
  %flat_2 = tensor.collapse_shape %interleaved [[0, 1, 2], [3]] : tensor<1x2x2x4xf32> into tensor<4x4xf32>
  %expected_2 = arith.constant dense<[[1.0, 4.0, 2.0, 5.0], [7.0, 0.0, 0x7FC00000, 0.0], [3.0, 6.0, 0.0, 0.0], [9.0, 0.0, 0.0, 0.0]]> : tensor<4x4xf32>
  %want_2 = tensor.cast %expected_2 : tensor<4x4xf32> to tensor<?x?xf32>
  %got_2 = tensor.cast %flat_2 : tensor<4x4xf32> to tensor<?x?xf32>
  %ok_2 = call @near2(%got_2, %want_2, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_2, "steps of K beside each other"

  // Constants are packed while compiling.
  %pairs = tensor.empty() : tensor<1x2x2x4xf32>
  %constant = et.pack #et.panels<columns = 2, interleave = 2, step = 4> ins(%w : tensor<1x3x3xf32>) outs(%pairs : tensor<1x2x2x4xf32>)
  %flat_3 = tensor.collapse_shape %constant [[0, 1, 2], [3]] : tensor<1x2x2x4xf32> into tensor<4x4xf32>
  %got_4 = tensor.cast %flat_3 : tensor<4x4xf32> to tensor<?x?xf32>
  %ok_4 = call @near2(%got_4, %want_2, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_4, "a packed constant"

  // A product with what is packed: [1, 1, 0] w, and a NaN in no other column.
  %x = arith.constant dense<[[1.0, 1.0, 0.0]]> : tensor<1x3xf32>
  %init = tensor.empty() : tensor<1x3xf32>
  %y = et.grouped_matmul none ins(%x, %interleaved : tensor<1x3xf32>, tensor<1x2x2x4xf32>)
    panels(#et.panels<columns = 2, interleave = 2, step = 4>) outs(%init : tensor<1x3xf32>)
  %expected_3 = arith.constant dense<[[5.0, 0x7FC00000, 9.0]]> : tensor<1x3xf32>
  %want_3 = tensor.cast %expected_3 : tensor<1x3xf32> to tensor<?x?xf32>
  %got_3 = tensor.cast %y : tensor<1x3xf32> to tensor<?x?xf32>
  %ok_3 = call @near2(%got_3, %want_3, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_3, "products read packed weights"
  return
}
