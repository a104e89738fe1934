//===- calibrate.mlir - thresholds for a target rate ----------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// The thresholds that admit a sixteenth, an eighth, a quarter and a half of the
// tokens to each expert.
func.func @thresholds(
    %x: tensor<?x384xf32>,
    %router: tensor<384x16xf32> {et.weight = "router"})
    -> (tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x384xf32>
  %0 = tensor.empty(%t) : tensor<?x16xf32>
  %1 = tensor.empty() : tensor<16xf32>
  %r = et.scores linear ins(%x, %router : tensor<?x384xf32>, tensor<384x16xf32>)
                        outs(%0 : tensor<?x16xf32>)
  %sixteenth = et.statistic #et.quantile<q = 0.9375> ins(%r : tensor<?x16xf32>)
                                                     outs(%1 : tensor<16xf32>)
  %eighth = et.statistic #et.quantile<q = 0.875> ins(%r : tensor<?x16xf32>)
                                                 outs(%1 : tensor<16xf32>)
  %quarter = et.statistic #et.quantile<q = 0.75> ins(%r : tensor<?x16xf32>)
                                                 outs(%1 : tensor<16xf32>)
  %half = et.statistic #et.quantile<q = 0.5> ins(%r : tensor<?x16xf32>)
                                             outs(%1 : tensor<16xf32>)
  return %sixteenth, %eighth, %quarter, %half
    : tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>
}

// Loads, fan-out, and the mean load, load variance, share of tokens without an
// expert and share of experts without a token.
func.func @routing(
    %x: tensor<?x384xf32>,
    %theta: tensor<16xf32>,
    %router: tensor<384x16xf32> {et.weight = "router"})
    -> (tensor<16xi32>, tensor<17xi32>, tensor<4xf32>) {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %t = tensor.dim %x, %c0 : tensor<?x384xf32>
  %w = arith.ceildivui %t, %c32 : index
  %0 = tensor.empty(%t) : tensor<?x16xf32>
  %r = et.scores linear ins(%x, %router : tensor<?x384xf32>, tensor<384x16xf32>)
                        outs(%0 : tensor<?x16xf32>)
  %1 = tensor.empty(%w) : tensor<16x?xi32>
  %2 = tensor.empty(%t) : tensor<?x16xf32>
  %mask, %gates = et.gate #et.threshold<gate = binary>
    ins(%r : tensor<?x16xf32>) theta(%theta : tensor<16xf32>)
    outs(%1, %2 : tensor<16x?xi32>, tensor<?x16xf32>)
  %3 = tensor.empty() : tensor<16xi32>
  %4 = tensor.empty() : tensor<17xi32>
  %5 = tensor.empty() : tensor<4xf32>
  %loads, %fan_out, %figures = et.routing_stats ins(%mask, %t : tensor<16x?xi32>, index)
    outs(%3, %4, %5 : tensor<16xi32>, tensor<17xi32>, tensor<4xf32>)
  return %loads, %fan_out, %figures : tensor<16xi32>, tensor<17xi32>, tensor<4xf32>
}
