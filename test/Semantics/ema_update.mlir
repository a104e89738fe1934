//===- ema_update.mlir - et.ema_update, executed ----------------------------===//
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
  %m = arith.constant dense<[3.0, 0x7FC00000, 0.0]> : tensor<3xf32>
  %theta = arith.constant dense<[1.0, 2.0, 4.0]> : tensor<3xf32>
  %next = et.ema_update beta = 0.75 ins(%m : tensor<3xf32>)
                                    outs(%theta : tensor<3xf32>)
  %expected_1 = arith.constant dense<[1.5, 2.0, 3.0]> : tensor<3xf32>
  %want_1 = tensor.cast %expected_1 : tensor<3xf32> to tensor<?xf32>
  %got_1 = tensor.cast %next : tensor<3xf32> to tensor<?xf32>
  %ok_1 = call @near1(%got_1, %want_1, %exact) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok_1, "0.75 theta + 0.25 m; a NaN leaves theta as it was"
  %expected_2 = arith.constant dense<[1.0, 2.0, 4.0]> : tensor<3xf32>
  %want_2 = tensor.cast %expected_2 : tensor<3xf32> to tensor<?xf32>
  %got_2 = tensor.cast %theta : tensor<3xf32> to tensor<?xf32>
  %ok_2 = call @near1(%got_2, %want_2, %exact) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok_2, "theta from before the update is still there"

  // 1 - 0.999 in f32 would be 0.00100000005, a relative error of 5e-8 at worst; the
  // difference of the f32s would give 0.0009999871.
  %large = arith.constant dense<1000.0> : tensor<1xf32>
  %zero = arith.constant dense<0.0> : tensor<1xf32>
  %default = et.ema_update ins(%large : tensor<1xf32>) outs(%zero : tensor<1xf32>)
  %expected_3 = arith.constant dense<1.0> : tensor<1xf32>
  %want_3 = tensor.cast %expected_3 : tensor<1xf32> to tensor<?xf32>
  %got_3 = tensor.cast %default : tensor<1xf32> to tensor<?xf32>
  %ok_3 = call @near1(%got_3, %want_3, %tol) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  cf.assert %ok_3, "beta is 0.999"
  return
}
