// RUN: et-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<?x8xf32>, %router: tensor<8x4xbf16>, %out: tensor<?x4xf32>) {
  // expected-error@+1 {{'et.scores' op operand 'router' has element type 'bf16', but 'x' has 'f32' [C3]}}
  %0 = et.scores linear ins(%x, %router : tensor<?x8xf32>, tensor<8x4xbf16>) outs(%out : tensor<?x4xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %out: tensor<?x4xf32>) {
  // expected-error@+1 {{unknown score 'euclidean'; expected one of: linear, cosine, given}}
  %0 = et.scores euclidean ins(%x, %router : tensor<?x8xf32>, tensor<8x4xf32>) outs(%out : tensor<?x4xf32>)
  return
}

// -----

func.func @f(%r: tensor<64x4xf32>, %m: tensor<4x2xi32>, %g: tensor<64x4xf32>) {
  // expected-error@+1 {{'et.gate' op needs operand 'theta' with #et.threshold [C3]}}
  %0:2 = et.gate #et.threshold ins(%r : tensor<64x4xf32>) outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
  return
}

// -----

func.func @f(%r: tensor<64x4xf32>, %m: tensor<4x2xi32>, %g: tensor<64x4xf32>) {
  // expected-error@+1 {{'et.gate' op needs operand 'theta' with #et.bounded_threshold<}}
  %0:2 = et.gate #et.bounded_threshold<rate = 0.25, slack = 0.5> ins(%r : tensor<64x4xf32>)
    outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
  return
}

// -----

func.func @f(%r: tensor<64x4xf32>, %theta: tensor<4xf32>, %m: tensor<4x2xi32>, %g: tensor<64x4xf32>) {
  // expected-error@+1 {{'et.gate' op takes no operand 'theta' with #et.top_k<k = 2> [C3]}}
  %0:2 = et.gate #et.top_k<k = 2> ins(%r : tensor<64x4xf32>) theta(%theta : tensor<4xf32>)
    outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
  return
}

// -----

func.func @f(%r: tensor<64x4xf32>, %theta: tensor<4xf32>, %m: tensor<4x2xi32>, %g: tensor<64x4xf32>) {
  // expected-error@+1 {{'et.gate' op takes no operand 'bias' with #et.threshold [C4]}}
  %0:2 = et.gate #et.threshold ins(%r : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) bias(%theta : tensor<4xf32>)
    outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
  return
}

// -----

func.func @f(%r: memref<64x4xf32>, %bias: memref<4xf32>, %m: memref<4x2xi32>, %g: memref<64x4xf32>) {
  // expected-error@+1 {{'et.gate' op takes no operand 'bias' with #et.top_p<p = 5.000000e-01> [C4]}}
  et.gate #et.top_p<p = 0.5> ins(%r : memref<64x4xf32>) bias(%bias : memref<4xf32>)
    outs(%m, %g : memref<4x2xi32>, memref<64x4xf32>)
  return
}

// -----

func.func @f(%r: tensor<64x4xf32>, %m: tensor<4x2xi32>, %g: tensor<64x4xf32>) {
  // expected-error@+1 {{'et.gate' op #et.top_k<k = 1, groups = 3> splits 4 experts into 3 groups of unequal size [A4]}}
  %0:2 = et.gate #et.top_k<k = 1, groups = 3> ins(%r : tensor<64x4xf32>)
    outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
  return
}

// -----

func.func @f(%r: tensor<64x4xf32>, %m: tensor<4x2xi32>, %g: tensor<64x4xf32>) {
  // expected-error@+1 {{'et.gate' op #et.top_k<k = 5> takes k = 5 of only 4 experts [A5]}}
  %0:2 = et.gate #et.top_k<k = 5> ins(%r : tensor<64x4xf32>) outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
  return
}

// -----

func.func @f(%r: tensor<64x8xf32>, %m: tensor<8x2xi32>, %g: tensor<64x8xf32>) {
  // Three of eight experts, but only the two of one group compete.
  // expected-error@+1 {{takes k = 3 of only 2 experts [A5]}}
  %0:2 = et.gate #et.top_k<k = 3, groups = 4> ins(%r : tensor<64x8xf32>) outs(%m, %g : tensor<8x2xi32>, tensor<64x8xf32>)
  return
}

// -----

func.func @f(%r: tensor<?x?xf32>, %m: tensor<0x?xi32>, %g: tensor<?x?xf32>) {
  // The mask alone says that there is no expert.
  // expected-error@+1 {{takes k = 1 of only 0 experts [A5]}}
  %0:2 = et.gate #et.top_k<k = 1> ins(%r : tensor<?x?xf32>) outs(%m, %g : tensor<0x?xi32>, tensor<?x?xf32>)
  return
}

// -----

func.func @f(%r: tensor<64x4xf32>, %m: tensor<4x2xi32>, %g: tensor<64x4xf32>) {
  // expected-error@+1 {{expected a routing, one of: #et.threshold, #et.bounded_threshold, #et.top_k, #et.expert_choice, #et.top_p}}
  %0:2 = et.gate #et.quantile<q = 0.5> ins(%r : tensor<64x4xf32>) outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
  return
}

// -----

func.func @f(%r: tensor<64x4xf32>, %m: tensor<4x2xi32>, %g: tensor<64x4xf32>) {
  // expected-error@+1 {{expected a routing, one of: #et.threshold, #et.bounded_threshold, #et.top_k, #et.expert_choice, #et.top_p}}
  %0:2 = et.gate ins(%r : tensor<64x4xf32>) outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
  return
}

// -----

func.func @f(%x: tensor<64x8xf32>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %m: tensor<4x2xi32>, %g: tensor<64x4xf32>, %o: tensor<5xi32>) {
  // expected-error@+1 {{'et.route' op operand 'router' has element type 'bf16', but 'x' has 'f32' [C3]}}
  %0:3 = et.route linear #et.threshold ins(%x, %router : tensor<64x8xf32>, tensor<8x4xbf16>) theta(%theta : tensor<4xf32>)
    outs(%m, %g, %o : tensor<4x2xi32>, tensor<64x4xf32>, tensor<5xi32>)
  return
}

// -----

func.func @f(%x: tensor<64x8xf32>, %router: tensor<8x4xf32>, %m: tensor<4x2xi32>, %g: tensor<64x4xf32>, %o: tensor<5xi32>) {
  // expected-error@+1 {{'et.route' op needs operand 'theta' with #et.threshold [C4]}}
  %0:3 = et.route linear #et.threshold ins(%x, %router : tensor<64x8xf32>, tensor<8x4xf32>)
    outs(%m, %g, %o : tensor<4x2xi32>, tensor<64x4xf32>, tensor<5xi32>)
  return
}

// -----

func.func @f(%x: tensor<64x8xf32>, %router: tensor<8x4xf32>, %b: tensor<4xf32>, %m: tensor<4x2xi32>, %g: tensor<64x4xf32>, %o: tensor<5xi32>) {
  // expected-error@+1 {{'et.route' op takes no operand 'bias' with #et.top_p<p = 5.000000e-01> [C5]}}
  %0:3 = et.route linear #et.top_p<p = 0.5> ins(%x, %router : tensor<64x8xf32>, tensor<8x4xf32>) bias(%b : tensor<4xf32>)
    outs(%m, %g, %o : tensor<4x2xi32>, tensor<64x4xf32>, tensor<5xi32>)
  return
}

// -----

func.func @f(%x: tensor<64x8xf32>, %router: tensor<8x4xf32>, %theta: tensor<4xf32>, %m: tensor<4x2xi32>, %g: tensor<64x4xf32>, %o: tensor<4xi32>) {
  // expected-error@+1 {{'et.route' op operand 'offsets' has size 4 in dimension 0, expected E+1 = 5 [C2]}}
  %0:3 = et.route linear #et.threshold ins(%x, %router : tensor<64x8xf32>, tensor<8x4xf32>) theta(%theta : tensor<4xf32>)
    outs(%m, %g, %o : tensor<4x2xi32>, tensor<64x4xf32>, tensor<4xi32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %out: tensor<?x4xf32>) {
  // expected-error@+1 {{'et.scores' op computes scores, which are not 'given' then; use linear or cosine, or the scores in its place [C4]}}
  %0 = et.scores given ins(%x, %router : tensor<?x8xf32>, tensor<8x4xf32>) outs(%out : tensor<?x4xf32>)
  return
}

// -----

func.func @f(%x: tensor<64x8xf32>, %router: tensor<8x4xf32>, %m: tensor<4x2xi32>, %g: tensor<64x4xf32>, %o: tensor<5xi32>) {
  // expected-error@+1 {{'et.route' op computes scores, which are not 'given' then; use linear or cosine, or the scores in its place [C6]}}
  %0:3 = et.route given #et.top_k<k = 1> ins(%x, %router : tensor<64x8xf32>, tensor<8x4xf32>)
    outs(%m, %g, %o : tensor<4x2xi32>, tensor<64x4xf32>, tensor<5xi32>)
  return
}
