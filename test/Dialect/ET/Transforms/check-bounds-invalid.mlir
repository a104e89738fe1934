// RUN: et-opt %s --et-check-bounds --split-input-file --verify-diagnostics

// Constants that are values, or that were learnt, are no verifier's: what they show to be wrong in
// each call is an error.

func.func @offset(%x: tensor<4xf32>) -> tensor<2xf32> {
  %c = arith.constant 1000000000 : index
  // expected-error @below {{'tensor.extract_slice' op the slice is not inside the tensor in dimension 0 (offset: 1000000000, size: 2, whole: 4)}}
  %r = tensor.extract_slice %x[%c] [2] [1] : tensor<4xf32> to tensor<2xf32>
  return %r : tensor<2xf32>
}

// -----

func.func @casted(%x: tensor<?xf32>) -> (tensor<4xf32>, tensor<2xf32>) {
  %a = tensor.cast %x : tensor<?xf32> to tensor<4xf32>
  // expected-error @below {{'tensor.extract_slice' op the slice is not inside the tensor in dimension 0 (offset: 1000000000, size: 2, whole: 4)}}
  %r = tensor.extract_slice %x[1000000000] [2] [1] : tensor<?xf32> to tensor<2xf32>
  return %a, %r : tensor<4xf32>, tensor<2xf32>
}

// -----

func.func @padded(%x: tensor<?xf32>) -> (tensor<4xf32>, tensor<9xf32>) {
  %z = arith.constant 0.0 : f32
  %a = tensor.cast %x : tensor<?xf32> to tensor<4xf32>
  // expected-error @below {{'tensor.pad' op the size of the result in dimension 0 is not 9 (size: 4, low: 1, high: 1)}}
  %r = tensor.pad %x low[1] high[1] {
    ^bb0(%i: index):
    tensor.yield %z : f32
  } : tensor<?xf32> to tensor<9xf32>
  return %a, %r : tensor<4xf32>, tensor<9xf32>
}

// -----

func.func @window(%x: tensor<1x?x2xf32>) -> (tensor<1x4x2xf32>, tensor<1x1000000x1xf32>) {
  %a = tensor.cast %x : tensor<1x?x2xf32> to tensor<1x4x2xf32>
  %w = arith.constant dense<1.0> : tensor<3x2x1xf32>
  %y = arith.constant dense<0.0> : tensor<1x1000000x1xf32>
  // expected-error @below {{'linalg.conv_1d_nwc_wcf' op the size of operand 0 in dimension 1 is too small (size: 4)}}
  %r = linalg.conv_1d_nwc_wcf ins(%x, %w : tensor<1x?x2xf32>, tensor<3x2x1xf32>) outs(%y : tensor<1x1000000x1xf32>) -> tensor<1x1000000x1xf32>
  return %a, %r : tensor<1x4x2xf32>, tensor<1x1000000x1xf32>
}

// -----

func.func @size(%x: tensor<4xf32>, %i: index) -> tensor<?xf32> {
  %c = arith.constant 100000000 : index
  // expected-error @below {{'tensor.extract_slice' op the slice is not inside the tensor in dimension 0 (offset: 0, size: 100000000, whole: 4)}}
  %r = tensor.extract_slice %x[0] [%c] [1] : tensor<4xf32> to tensor<?xf32>
  return %r : tensor<?xf32>
}

// -----

func.func @empty(%n: index) -> tensor<?xf32> {
  %c4 = arith.constant 4 : index
  %z = arith.constant 1.0 : f32
  %e = tensor.empty(%c4) : tensor<?xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  // expected-error @below {{'tensor.extract_slice' op the slice is not inside the tensor in dimension 0 (offset: 0, size: 100000000, whole: 4)}}
  %r = tensor.extract_slice %f[0] [100000000] [1] : tensor<?xf32> to tensor<100000000xf32>
  %q = tensor.cast %r : tensor<100000000xf32> to tensor<?xf32>
  return %q : tensor<?xf32>
}

// -----

func.func @inserted(%x: tensor<?xf32>, %y : tensor<2xf32>) -> (tensor<4xf32>, tensor<?xf32>) {
  %a = tensor.cast %x : tensor<?xf32> to tensor<4xf32>
  // expected-error @below {{'tensor.insert_slice' op the slice is not inside the tensor in dimension 0 (offset: 1000000000, size: 2, whole: 4)}}
  %r = tensor.insert_slice %y into %x[1000000000] [2] [1] : tensor<2xf32> into tensor<?xf32>
  return %a, %r : tensor<4xf32>, tensor<?xf32>
}

// -----

func.func @near(%x: tensor<4xf32>) -> tensor<2xf32> {
  %c = arith.constant 5 : index
  // expected-error @below {{'tensor.extract_slice' op the slice is not inside the tensor in dimension 0 (offset: 5, size: 2, whole: 4)}}
  %r = tensor.extract_slice %x[%c] [2] [1] : tensor<4xf32> to tensor<2xf32>
  return %r : tensor<2xf32>
}

// -----

func.func @packed(%x: tensor<?xf32>, %y: tensor<?x2xf32>) -> (tensor<4xf32>, tensor<1000000x2xf32>, tensor<?x2xf32>) {
  %a = tensor.cast %x : tensor<?xf32> to tensor<4xf32>
  %b = tensor.cast %y : tensor<?x2xf32> to tensor<1000000x2xf32>
  // expected-error @below {{'linalg.pack' op the size of the packed operand in dimension 0 does not fit the other's (packed: 1000000, plain: 4)}}
  %r = linalg.pack %x inner_dims_pos = [0] inner_tiles = [2] into %y : tensor<?xf32> -> tensor<?x2xf32>
  return %a, %b, %r : tensor<4xf32>, tensor<1000000x2xf32>, tensor<?x2xf32>
}

// -----

func.func @vector(%x: memref<?xf32>) -> f32 {
  %c = arith.constant 1000000000 : index
  %z = arith.constant 0.0 : f32
  %y = memref.cast %x : memref<?xf32> to memref<4xf32>
  // expected-error @below {{'vector.transfer_read' op the vector is not inside the memref in dimension 0 (offset: 1000000000, size: 4, whole: 4)}}
  %v = vector.transfer_read %y[%c], %z {in_bounds = [true]} : memref<4xf32>, vector<4xf32>
  %r = vector.reduction <add>, %v : vector<4xf32> into f32
  return %r : f32
}
