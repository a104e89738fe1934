// RUN: et-opt %s --et-decompose-linalg --split-input-file --verify-diagnostics

func.func @softmax(%x: memref<4x8xf32>, %y: memref<4x8xf32>) {
  // expected-error @+1 {{'linalg.softmax' op has no lowering for these operands; write it with linalg.generic}}
  linalg.softmax dimension(1) ins(%x : memref<4x8xf32>) outs(%y : memref<4x8xf32>)
  return
}
