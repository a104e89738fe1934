//===- ema_update_corrected.mlir - et.ema_update_corrected, executed --------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=reference
// RUN: cat %S/Inputs/expect.mlir %s | et-run - --entry=main --target=cpu

// beta = 0.5, so that 1 - beta^steps is 0.5, 0.75 after one and two steps.
func.func @main() {
  %exact = arith.constant 0.0 : f32
  %tol = arith.constant 1.0e-6 : f32
  %m = arith.constant dense<[4.0, 0x7FC00000, 2.0, 0x7FC00000]> : tensor<4xf32>
  %raw0 = arith.constant dense<[0.0, 0.0, 3.0, 3.0]> : tensor<4xf32>
  %steps0 = arith.constant dense<[0, 0, 1, 2]> : tensor<4xi64>
  %init = tensor.empty() : tensor<4xf32>
  %raw, %steps, %theta = et.ema_update_corrected beta = 0.5 ins(%m : tensor<4xf32>)
    outs(%raw0, %steps0, %init : tensor<4xf32>, tensor<4xi64>, tensor<4xf32>)
  %expected_1 = arith.constant dense<[2.0, 0.0, 2.5, 3.0]> : tensor<4xf32>
  %want_1 = tensor.cast %expected_1 : tensor<4xf32> to tensor<?xf32>
  %got_1 = tensor.cast %raw : tensor<4xf32> to tensor<?xf32>
  %ok_1 = call @near1(%got_1, %want_1, %exact) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok_1, "raw; a NaN leaves it as it was"
  %expected_2 = arith.constant dense<[1, 0, 2, 2]> : tensor<4xi64>
  %want_2 = tensor.cast %expected_2 : tensor<4xi64> to tensor<?xi64>
  %got_2 = tensor.cast %steps : tensor<4xi64> to tensor<?xi64>
  %ok_2 = call @equal1_i64(%got_2, %want_2) : (tensor<?xi64>, tensor<?xi64>) -> i1
  cf.assert %ok_2, "steps count the updates"
  %expected_3 = arith.constant dense<[4.0, 0.0, 3.3333333, 4.0]> : tensor<4xf32>
  %want_3 = tensor.cast %expected_3 : tensor<4xf32> to tensor<?xf32>
  %got_3 = tensor.cast %theta : tensor<4xf32> to tensor<?xf32>
  %ok_3 = call @near1(%got_3, %want_3, %tol) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok_3, "theta = raw / (1 - beta^steps), raw before the first update"
  return
}
