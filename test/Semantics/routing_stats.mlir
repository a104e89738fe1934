//===- routing_stats.mlir - et.routing_stats, executed ----------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=reference
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=cpu

// Expert 0 takes tokens 0 and 1, expert 1 takes token 1, expert 2 none; token 2 goes
// nowhere. The loads' mean is 1, their mean squared deviation 2/3. Expert 2's bits are
// those of tokens 3 and 31, which are not there.
func.func @main() {
  %exact = arith.constant 0.0 : f32
  %tol = arith.constant 1.0e-6 : f32
  %mask = arith.constant dense<[[3], [2], [0x80000008]]> : tensor<3x1xi32>
  %t = arith.constant 3 : index
  %l0 = tensor.empty() : tensor<3xi32>
  %f0 = tensor.empty() : tensor<4xi32>
  %s0 = tensor.empty() : tensor<4xf32>
  %loads, %fan_out, %figures = et.routing_stats ins(%mask, %t : tensor<3x1xi32>, index)
    outs(%l0, %f0, %s0 : tensor<3xi32>, tensor<4xi32>, tensor<4xf32>)
  %expected_1 = arith.constant dense<[2, 1, 0]> : tensor<3xi32>
  %want_1 = tensor.cast %expected_1 : tensor<3xi32> to tensor<?xi32>
  %got_1 = tensor.cast %loads : tensor<3xi32> to tensor<?xi32>
  %ok_1 = call @equal1(%got_1, %want_1) : (tensor<?xi32>, tensor<?xi32>) -> i1
  cf.assert %ok_1, "loads"
  %expected_2 = arith.constant dense<[1, 1, 1, 0]> : tensor<4xi32>
  %want_2 = tensor.cast %expected_2 : tensor<4xi32> to tensor<?xi32>
  %got_2 = tensor.cast %fan_out : tensor<4xi32> to tensor<?xi32>
  %ok_2 = call @equal1(%got_2, %want_2) : (tensor<?xi32>, tensor<?xi32>) -> i1
  cf.assert %ok_2, "fan-out"
  %expected_3 = arith.constant dense<[1.0, 0.6666667, 0.3333333, 0.3333333]> : tensor<4xf32>
  %want_3 = tensor.cast %expected_3 : tensor<4xf32> to tensor<?xf32>
  %got_3 = tensor.cast %figures : tensor<4xf32> to tensor<?xf32>
  %ok_3 = call @near1(%got_3, %want_3, %tol) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok_3, "mean, variance, tokens without expert, experts without token"

  %c0 = arith.constant 0 : index
  %empty = tensor.empty(%c0) : tensor<3x?xi32>
  %no_loads, %no_fan_out, %no_figures = et.routing_stats ins(%empty, %c0 : tensor<3x?xi32>, index)
    outs(%l0, %f0, %s0 : tensor<3xi32>, tensor<4xi32>, tensor<4xf32>)
  %expected_4 = arith.constant dense<0> : tensor<4xi32>
  %want_4 = tensor.cast %expected_4 : tensor<4xi32> to tensor<?xi32>
  %got_4 = tensor.cast %no_fan_out : tensor<4xi32> to tensor<?xi32>
  %ok_4 = call @equal1(%got_4, %want_4) : (tensor<?xi32>, tensor<?xi32>) -> i1
  cf.assert %ok_4, "fan-out of no token"
  %expected_5 = arith.constant dense<[0.0, 0.0, 0.0, 1.0]> : tensor<4xf32>
  %want_5 = tensor.cast %expected_5 : tensor<4xf32> to tensor<?xf32>
  %got_5 = tensor.cast %no_figures : tensor<4xf32> to tensor<?xf32>
  %ok_5 = call @near1(%got_5, %want_5, %exact) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok_5, "figures of no token"
  return
}
