//===- routing_stats.mlir - et.routing_stats, executed ----------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=reference
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=cpu

// Expert 0 takes tokens 0 and 1, expert 1 takes token 1, expert 2 none; token 2 goes
// nowhere. The loads' mean is 1, their mean squared deviation 2/3.
func.func @main() {
  %exact = arith.constant 0.0 : f32
  %tol = arith.constant 1.0e-6 : f32
  %mask = arith.constant dense<[[3], [2], [0]]> : tensor<3x1xi32>
  %t = arith.constant 3 : index
  %l0 = tensor.empty() : tensor<3xi32>
  %f0 = tensor.empty() : tensor<4xi32>
  %s0 = tensor.empty() : tensor<4xf32>
  %loads, %fan_out, %figures = et.routing_stats ins(%mask, %t : tensor<3x1xi32>, index)
    outs(%l0, %f0, %s0 : tensor<3xi32>, tensor<4xi32>, tensor<4xf32>)
  %e1 = arith.constant dense<[2, 1, 0]> : tensor<3xi32>
  %b1 = tensor.cast %e1 : tensor<3xi32> to tensor<?xi32>
  %a1 = tensor.cast %loads : tensor<3xi32> to tensor<?xi32>
  %ok1 = call @equal1(%a1, %b1) : (tensor<?xi32>, tensor<?xi32>) -> i1
  cf.assert %ok1, "loads"
  %e2 = arith.constant dense<[1, 1, 1, 0]> : tensor<4xi32>
  %b2 = tensor.cast %e2 : tensor<4xi32> to tensor<?xi32>
  %a2 = tensor.cast %fan_out : tensor<4xi32> to tensor<?xi32>
  %ok2 = call @equal1(%a2, %b2) : (tensor<?xi32>, tensor<?xi32>) -> i1
  cf.assert %ok2, "fan-out"
  %e3 = arith.constant dense<[1.0, 0.6666667, 0.3333333, 0.3333333]> : tensor<4xf32>
  %b3 = tensor.cast %e3 : tensor<4xf32> to tensor<?xf32>
  %a3 = tensor.cast %figures : tensor<4xf32> to tensor<?xf32>
  %ok3 = call @near1(%a3, %b3, %tol) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok3, "mean, variance, tokens without expert, experts without token"

  %c0 = arith.constant 0 : index
  %empty = tensor.empty(%c0) : tensor<3x?xi32>
  %no_loads, %no_fan_out, %no_figures = et.routing_stats ins(%empty, %c0 : tensor<3x?xi32>, index)
    outs(%l0, %f0, %s0 : tensor<3xi32>, tensor<4xi32>, tensor<4xf32>)
  %e4 = arith.constant dense<0> : tensor<4xi32>
  %b4 = tensor.cast %e4 : tensor<4xi32> to tensor<?xi32>
  %a4 = tensor.cast %no_fan_out : tensor<4xi32> to tensor<?xi32>
  %ok4 = call @equal1(%a4, %b4) : (tensor<?xi32>, tensor<?xi32>) -> i1
  cf.assert %ok4, "fan-out of no token"
  %e5 = arith.constant dense<[0.0, 0.0, 0.0, 1.0]> : tensor<4xf32>
  %b5 = tensor.cast %e5 : tensor<4xf32> to tensor<?xf32>
  %a5 = tensor.cast %no_figures : tensor<4xf32> to tensor<?xf32>
  %ok5 = call @near1(%a5, %b5, %exact) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok5, "figures of no token"
  return
}
