//===- expert_ffn.mlir - et.expert_ffn, executed ----------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=reference
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=cpu

func.func @main() {
  %exact = arith.constant 0.0 : f32
  %tol = arith.constant 1.0e-6 : f32
  %x = arith.constant dense<[[1.0, -1.0], [2.0, 0.0]]> : tensor<2x2xf32>
  %w1 = arith.constant dense<[[[1.0, 0.0], [0.0, 1.0]]]> : tensor<1x2x2xf32>
  %w2 = arith.constant dense<[[[1.0, 2.0], [3.0, 4.0]]]> : tensor<1x2x2xf32>
  %offsets = arith.constant dense<[0, 2]> : tensor<2xi32>
  %init = arith.constant dense<-7.0> : tensor<3x2xf32>
  %x3 = arith.constant dense<[[1.0, -1.0], [2.0, 0.0], [5.0, 5.0]]> : tensor<3x2xf32>
  %y = et.expert_ffn relu ins(%x3, %w1, %w2 : tensor<3x2xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf32>)
    offsets(%offsets : tensor<2xi32>) outs(%init : tensor<3x2xf32>)
  %expected_1 = arith.constant dense<[[1.0, 2.0], [2.0, 4.0], [-7.0, -7.0]]> : tensor<3x2xf32>
  %want_1 = tensor.cast %expected_1 : tensor<3x2xf32> to tensor<?x?xf32>
  %got_1 = tensor.cast %y : tensor<3x2xf32> to tensor<?x?xf32>
  %ok_1 = call @near2(%got_1, %want_1, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_1, "relu(x w1) w2; the rest is kept"
  %b1 = arith.constant dense<[[0.0, 2.0]]> : tensor<1x2xf32>
  %b2 = arith.constant dense<[[10.0, 20.0]]> : tensor<1x2xf32>
  %tokens = arith.constant dense<[1, 0]> : tensor<2xi32>
  %init2 = tensor.empty() : tensor<2x2xf32>
  %z = et.expert_ffn relu ins(%x, %w1, %w2 : tensor<2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf32>)
    offsets(%offsets : tensor<2xi32>) tokens(%tokens : tensor<2xi32>)
    b1(%b1 : tensor<1x2xf32>) b2(%b2 : tensor<1x2xf32>) outs(%init2 : tensor<2x2xf32>)
  %expected_2 = arith.constant dense<[[18.0, 32.0], [14.0, 26.0]]> : tensor<2x2xf32>
  %want_2 = tensor.cast %expected_2 : tensor<2x2xf32> to tensor<?x?xf32>
  %got_2 = tensor.cast %z : tensor<2x2xf32> to tensor<?x?xf32>
  %ok_2 = call @near2(%got_2, %want_2, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_2, "listed tokens and biases"

  // silu(x) x: SwiGLU with all weights 1. silu(2) = 1.7615942.
  %g = et.expert_ffn silu ins(%x, %w1, %w1 : tensor<2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf32>)
    offsets(%offsets : tensor<2xi32>) gate(%w1 : tensor<1x2x2xf32>)
    outs(%init2 : tensor<2x2xf32>)
  %expected_3 = arith.constant dense<[[0.7310586, 0.2689414], [3.5231883, 0.0]]> : tensor<2x2xf32>
  %want_3 = tensor.cast %expected_3 : tensor<2x2xf32> to tensor<?x?xf32>
  %got_3 = tensor.cast %g : tensor<2x2xf32> to tensor<?x?xf32>
  %ok_3 = call @near2(%got_3, %want_3, %tol) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_3, "the gated form"

  // The hidden value 256 + 1 has no bf16 and is rounded to 256 between the products.
  %xb = arith.constant dense<1.0> : tensor<1x1xbf16>
  %w1b = arith.constant dense<256.0> : tensor<1x1x1xbf16>
  %b1b = arith.constant dense<1.0> : tensor<1x1xbf16>
  %w2b = arith.constant dense<1.0> : tensor<1x1x1xbf16>
  %one = arith.constant dense<[0, 1]> : tensor<2xi32>
  %init_b = tensor.empty() : tensor<1x1xf32>
  %h = et.expert_ffn relu ins(%xb, %w1b, %w2b : tensor<1x1xbf16>, tensor<1x1x1xbf16>, tensor<1x1x1xbf16>)
    offsets(%one : tensor<2xi32>) b1(%b1b : tensor<1x1xbf16>)
    outs(%init_b : tensor<1x1xf32>)
  %expected_4 = arith.constant dense<256.0> : tensor<1x1xf32>
  %want_4 = tensor.cast %expected_4 : tensor<1x1xf32> to tensor<?x?xf32>
  %got_4 = tensor.cast %h : tensor<1x1xf32> to tensor<?x?xf32>
  %ok_4 = call @near2(%got_4, %want_4, %exact) : (tensor<?x?xf32>, tensor<?x?xf32>, f32) -> i1
  cf.assert %ok_4, "hidden values are rounded to the storage type"
  return
}
