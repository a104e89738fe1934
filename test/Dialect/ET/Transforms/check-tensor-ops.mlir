// RUN: et-opt %s --split-input-file --verify-diagnostics --et-check-tensor-ops

// What works on memory, or is bufferized, stays.
func.func @f(%x: tensor<4xf32>, %i: index, %y: memref<4xf32>) -> tensor<4xf32> {
  %0 = linalg.exp ins(%x : tensor<4xf32>) outs(%x : tensor<4xf32>) -> tensor<4xf32>
  %1 = tensor.extract %0[%i] : tensor<4xf32>
  memref.store %1, %y[%i] : memref<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{'tosa.abs' op works on tensors and has no lowering here; turn it into ops of linalg, tensor and arith before}}
  %0 = tosa.abs %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Results alone, in a loop.
func.func @f(%n: index) {
  scf.for %i = %n to %n step %n {
    // expected-error@+1 {{'tosa.const' op works on tensors}}
    %0 = "tosa.const"() <{values = dense<0.0> : tensor<4xf32>}> : () -> tensor<4xf32>
  }
  return
}
