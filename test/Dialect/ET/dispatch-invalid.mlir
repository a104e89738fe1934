// RUN: et-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<?x8xf32>, %tokens: tensor<?xi32>, %offsets: tensor<5xi32>, %out: tensor<?x8xf16>) {
  // expected-error@+1 {{'et.gather' op operand 'out' has element type 'f16', but 'x' has 'f32' [C3]}}
  %0 = et.gather ins(%x, %tokens, %offsets : tensor<?x8xf32>, tensor<?xi32>, tensor<5xi32>) outs(%out : tensor<?x8xf16>)
  return
}

// -----

func.func @f(%x: memref<?x8xf32>, %tokens: memref<?xi32>, %offsets: memref<0xi32>, %out: memref<?x8xf32>) {
  // expected-error@+1 {{'et.gather' op operand 'offsets' has no entry [C4]}}
  et.gather ins(%x, %tokens, %offsets : memref<?x8xf32>, memref<?xi32>, memref<0xi32>) outs(%out : memref<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %tokens: tensor<?xi64>, %offsets: tensor<5xi32>, %out: tensor<?x8xf32>) {
  // expected-error@+1 {{operand #1 must be 1-D tensor or memref of i32, but got 'tensor<?xi64>'}}
  %0 = et.gather ins(%x, %tokens, %offsets : tensor<?x8xf32>, tensor<?xi64>, tensor<5xi32>) outs(%out : tensor<?x8xf32>)
  return
}

// -----

func.func @f(%mask: tensor<4x?xi1>, %offsets: tensor<5xi32>) {
  // expected-error@+1 {{operand #0 must be 2-D tensor or memref of i32, but got 'tensor<4x?xi1>'}}
  %0 = et.offsets ins(%mask : tensor<4x?xi1>) outs(%offsets : tensor<5xi32>)
  return
}

// -----

func.func @f(%mask: tensor<4x?xi32>, %offsets: tensor<5xi32>, %tokens: tensor<?x1xi32>) {
  // expected-error@+1 {{operand #2 must be 1-D tensor or memref of i32, but got 'tensor<?x1xi32>'}}
  %0 = et.token_list ins(%mask, %offsets : tensor<4x?xi32>, tensor<5xi32>) outs(%tokens : tensor<?x1xi32>)
  return
}

// -----

func.func @f(%pairs: tensor<?x8xf32>, %gates: tensor<?x4xbf16>, %mask: tensor<4x?xi32>, %offsets: tensor<5xi32>, %out: tensor<?x8xf32>) {
  // expected-error@+1 {{operand #1 must be 2-D tensor or memref of f32, but got 'tensor<?x4xbf16>'}}
  %0 = et.combine ins(%pairs, %gates, %mask, %offsets : tensor<?x8xf32>, tensor<?x4xbf16>, tensor<4x?xi32>, tensor<5xi32>)
    outs(%out : tensor<?x8xf32>)
  return
}

// -----

func.func @f(%pairs: tensor<?x8xf32>, %gates: tensor<?x4xf32>, %mask: tensor<4x?xi32>, %out: tensor<?x8xf32>) {
  // expected-error@+1 {{expected ','}}
  %0 = et.combine ins(%pairs, %gates, %mask : tensor<?x8xf32>, tensor<?x4xf32>, tensor<4x?xi32>) outs(%out : tensor<?x8xf32>)
  return
}
