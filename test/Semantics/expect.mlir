//===- expect.mlir - the executed tests can fail --------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: cat %S/Inputs/expect.mlir %s > %t.mlir
// RUN: et-run %t.mlir --entry=equal --target=reference
// RUN: not et-run %t.mlir --entry=value --target=reference 2>&1 | FileCheck %s --check-prefix=VALUE
// RUN: not et-run %t.mlir --entry=nan --target=reference 2>&1 | FileCheck %s --check-prefix=NAN
// RUN: not et-run %t.mlir --entry=shape --target=reference 2>&1 | FileCheck %s --check-prefix=SHAPE
// RUN: not et-run %t.mlir --entry=integer --target=reference 2>&1 | FileCheck %s --check-prefix=INTEGER

func.func private @compare(%b: tensor<?xf32>) -> i1 {
  %a = arith.constant dense<[1.0, 0x7FC00000, 0x7F800000]> : tensor<3xf32>
  %0 = tensor.cast %a : tensor<3xf32> to tensor<?xf32>
  %tol = arith.constant 0.25 : f32
  %1 = call @near1(%0, %b, %tol) : (tensor<?xf32>, tensor<?xf32>, f32) -> i1
  return %1 : i1
}

func.func @equal() {
  %b = arith.constant dense<[1.25, 0x7FC00000, 0x7F800000]> : tensor<3xf32>
  %0 = tensor.cast %b : tensor<3xf32> to tensor<?xf32>
  %1 = call @compare(%0) : (tensor<?xf32>) -> i1
  cf.assert %1, "within the tolerance"
  return
}

// VALUE: out of tolerance
func.func @value() {
  %b = arith.constant dense<[1.5, 0x7FC00000, 0x7F800000]> : tensor<3xf32>
  %0 = tensor.cast %b : tensor<3xf32> to tensor<?xf32>
  %1 = call @compare(%0) : (tensor<?xf32>) -> i1
  cf.assert %1, "out of tolerance"
  return
}

// NAN: a number for a NaN
func.func @nan() {
  %b = arith.constant dense<[1.0, 0.0, 0x7F800000]> : tensor<3xf32>
  %0 = tensor.cast %b : tensor<3xf32> to tensor<?xf32>
  %1 = call @compare(%0) : (tensor<?xf32>) -> i1
  cf.assert %1, "a number for a NaN"
  return
}

// SHAPE: another shape
func.func @shape() {
  %b = arith.constant dense<[1.0, 0x7FC00000]> : tensor<2xf32>
  %0 = tensor.cast %b : tensor<2xf32> to tensor<?xf32>
  %1 = call @compare(%0) : (tensor<?xf32>) -> i1
  cf.assert %1, "another shape"
  return
}

// INTEGER: another integer
func.func @integer() {
  %a = arith.constant dense<[[1, 2]]> : tensor<1x2xi32>
  %b = arith.constant dense<[[1, 3]]> : tensor<1x2xi32>
  %0 = tensor.cast %a : tensor<1x2xi32> to tensor<?x?xi32>
  %1 = tensor.cast %b : tensor<1x2xi32> to tensor<?x?xi32>
  %2 = call @equal2(%0, %1) : (tensor<?x?xi32>, tensor<?x?xi32>) -> i1
  cf.assert %2, "another integer"
  return
}
