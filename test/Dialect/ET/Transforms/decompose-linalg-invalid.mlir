// RUN: et-opt %s --et-decompose-linalg --split-input-file --verify-diagnostics

func.func @softmax(%x: memref<4x8xf32>, %y: memref<4x8xf32>) {
  // expected-error @+1 {{'linalg.softmax' op has no lowering for these operands; write it with linalg.generic}}
  linalg.softmax dimension(1) ins(%x : memref<4x8xf32>) outs(%y : memref<4x8xf32>)
  return
}

// -----

func.func @softmax(%x: tensor<4x8xi32>, %y: tensor<4x8xi32>) -> tensor<4x8xi32> {
  // expected-error @+1 {{'linalg.softmax' op has no lowering for these operands; write it with linalg.generic}}
  %0 = linalg.softmax dimension(1) ins(%x : tensor<4x8xi32>) outs(%y : tensor<4x8xi32>) -> tensor<4x8xi32>
  return %0 : tensor<4x8xi32>
}

// -----

func.func @winograd(%x: tensor<?x6x6x2xf32>, %y: tensor<6x6x1x1x?x2xf32>) -> tensor<6x6x1x1x?x2xf32> {
  // expected-error @+1 {{'linalg.winograd_input_transform' op has dynamic sizes, and nothing checks that its tiles fit them; give it static ones, or use a convolution}}
  %0 = linalg.winograd_input_transform fmr(F_4_3) ins(%x : tensor<?x6x6x2xf32>) outs(%y : tensor<6x6x1x1x?x2xf32>) -> tensor<6x6x1x1x?x2xf32>
  return %0 : tensor<6x6x1x1x?x2xf32>
}
