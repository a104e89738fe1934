// RUN: et-opt %s --et-separate-results | FileCheck %s

// What shares memory with a result before it is copied, and no more.
// CHECK-LABEL: func.func private @shared
// CHECK:         %[[Y:.*]] = linalg.exp
// CHECK:         %[[PART:.*]] = tensor.extract_slice %[[Y]]
// CHECK:         %[[COPY0:.*]] = bufferization.alloc_tensor() copy(%[[PART]]) : tensor<2xf32>
// CHECK:         %[[COPY1:.*]] = bufferization.alloc_tensor() copy(%[[Y]]) : tensor<4xf32>
// CHECK:         return %[[Y]], %arg1, %[[COPY0]], %arg0, %[[COPY1]]
func.func private @shared(%x: tensor<4xf32>, %c: i1)
    -> (tensor<4xf32>, i1, tensor<2xf32>, tensor<4xf32>, tensor<4xf32>) {
  %e = tensor.empty() : tensor<4xf32>
  %y = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %part = tensor.extract_slice %y[1] [2] [1] : tensor<4xf32> to tensor<2xf32>
  return %y, %c, %part, %x, %y : tensor<4xf32>, i1, tensor<2xf32>, tensor<4xf32>, tensor<4xf32>
}

// Results of a call are apart already, but may be the caller's own tensor.
// CHECK-LABEL: func.func private @calls
// CHECK:         %[[CALL:.*]]:5 = call @shared
// CHECK-NEXT:    %[[COPY:.*]] = bufferization.alloc_tensor() copy(%[[CALL]]#3)
// CHECK-NEXT:    return %[[CALL]]#0, %[[CALL]]#4, %arg0, %[[COPY]]
func.func private @calls(%x: tensor<4xf32>, %c: i1)
    -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0:5 = call @shared(%x, %c) : (tensor<4xf32>, i1)
    -> (tensor<4xf32>, i1, tensor<2xf32>, tensor<4xf32>, tensor<4xf32>)
  return %0#0, %0#4, %x, %0#3 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// A value that is written over is another one, and not in the same place.
// CHECK-LABEL: func.func private @written
// CHECK-NOT:     alloc_tensor
func.func private @written(%x: tensor<4xf32>, %i: index) -> (tensor<4xf32>, tensor<4xf32>) {
  %one = arith.constant 1.0 : f32
  %y = tensor.insert %one into %x[%i] : tensor<4xf32>
  return %x, %y : tensor<4xf32>, tensor<4xf32>
}

// Whoever calls a function from outside gets copies anyway.
// CHECK-LABEL: func.func @main
// CHECK-NOT:     alloc_tensor
// CHECK:         return %[[R:.*]]#0, %[[R]]#0
func.func @main(%x: tensor<4xf32>, %c: i1, %i: index) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:4 = call @calls(%x, %c) : (tensor<4xf32>, i1)
    -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  %1:2 = call @written(%0#1, %i) : (tensor<4xf32>, index) -> (tensor<4xf32>, tensor<4xf32>)
  return %1#0, %1#0 : tensor<4xf32>, tensor<4xf32>
}
