// RUN: et-opt %s --load-dialect-plugin=%foreign_dialect --canonicalize | FileCheck %s

// What is said of our own routings and statistics is not taken for granted of others.

// CHECK-LABEL: func @bias
// CHECK: et.gate #foreign.everyone ins({{.*}}) bias(
func.func @bias(%r: tensor<64x4xf32>, %m: tensor<4x2xi32>, %g: tensor<64x4xf32>) -> (tensor<4x2xi32>, tensor<64x4xf32>) {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %0:2 = et.gate #foreign.everyone ins(%r : tensor<64x4xf32>) bias(%zero : tensor<4xf32>)
    outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
  return %0#0, %0#1 : tensor<4x2xi32>, tensor<64x4xf32>
}

// CHECK-LABEL: func @no_token
// CHECK: et.statistic #foreign.largest
func.func @no_token(%r: tensor<0x4xf32>, %out: tensor<4xf32>) -> tensor<4xf32> {
  %0 = et.statistic #foreign.largest ins(%r : tensor<0x4xf32>) outs(%out : tensor<4xf32>)
  return %0 : tensor<4xf32>
}
