// RUN: et-opt %s -split-input-file -verify-diagnostics

func.func @f(%r: tensor<?x4xf32>, %out: tensor<4xf32>) {
  // expected-error@+1 {{expected a statistic, one of: #et.mean_minus_std, #et.kth_largest, #et.quantile}}
  %0 = et.statistic #et.top_k<k = 1> ins(%r : tensor<?x4xf32>) outs(%out : tensor<4xf32>)
  return
}

// -----

func.func @f(%r: tensor<?x4xf32>, %counts: tensor<4x16xi32>) {
  // expected-error@+1 {{'et.histogram' op needs lo < hi with a finite distance in f32, got (1.000000e+00, 1.000000e+00) [C3]}}
  %0 = et.histogram range(1.0, 1.0) ins(%r : tensor<?x4xf32>) outs(%counts : tensor<4x16xi32>)
  return
}

// -----

func.func @f(%r: tensor<?x4xf32>, %counts: tensor<4x16xi32>) {
  // expected-error@+1 {{'et.histogram' op needs lo < hi with a finite distance in f32, got (1.000000e+00, -1.000000e+00) [C3]}}
  %0 = et.histogram range(1.0, -1.0) ins(%r : tensor<?x4xf32>) outs(%counts : tensor<4x16xi32>)
  return
}

// -----

func.func @f(%r: tensor<?x4xf32>, %counts: tensor<4x16xi32>) {
  // Two numbers that are one in f32.
  // expected-error@+1 {{[C3]}}
  %0 = et.histogram range(1.0, 1.000000001) ins(%r : tensor<?x4xf32>) outs(%counts : tensor<4x16xi32>)
  return
}

// -----

func.func @f(%r: tensor<?x4xf32>, %counts: tensor<4x16xi32>) {
  // expected-error@+1 {{[C3]}}
  %0 = et.histogram range(-3.0e38, 3.0e38) ins(%r : tensor<?x4xf32>) outs(%counts : tensor<4x16xi32>)
  return
}

// -----

func.func @f(%r: tensor<?x4xf32>, %counts: tensor<4x16xi32>) {
  // expected-error@+1 {{got (nan, 1.000000e+00) [C3]}}
  %0 = "et.histogram"(%r, %counts) <{lo = 0x7FF8000000000000 : f64, hi = 1.0 : f64}> : (tensor<?x4xf32>, tensor<4x16xi32>) -> tensor<4x16xi32>
  return
}

// -----

func.func @f(%r: tensor<?x4xf32>, %counts: tensor<4x16xi32>) {
  // expected-error@+1 {{got (0.000000e+00, INF) [C3]}}
  %0 = "et.histogram"(%r, %counts) <{lo = 0.0 : f64, hi = 0x7FF0000000000000 : f64}> : (tensor<?x4xf32>, tensor<4x16xi32>) -> tensor<4x16xi32>
  return
}

// -----

func.func @f(%r: tensor<?x4xf32>, %counts: tensor<4x16xi32>) {
  // expected-error@+1 {{Invalid attribute `lo` in property conversion: 0 : i64}}
  %0 = "et.histogram"(%r, %counts) <{lo = 0 : i64, hi = 1.0 : f64}> : (tensor<?x4xf32>, tensor<4x16xi32>) -> tensor<4x16xi32>
  return
}

// -----

func.func @f(%r: tensor<?x4xf32>, %counts: tensor<4x0xi32>) {
  // expected-error@+1 {{'et.histogram' op operand 'counts' has no bin [C4]}}
  %0 = et.histogram range(0.0, 1.0) ins(%r : tensor<?x4xf32>) outs(%counts : tensor<4x0xi32>)
  return
}

// -----

func.func @f(%counts: tensor<4x16xi32>, %out: tensor<4xf32>) {
  // expected-error@+1 {{'et.histogram_quantile' op needs lo < hi with a finite distance in f32, got (2.000000e+00, 1.000000e+00) [C3]}}
  %0 = et.histogram_quantile 0.5 range(2.0, 1.0) ins(%counts : tensor<4x16xi32>) outs(%out : tensor<4xf32>)
  return
}

// -----

func.func @f(%counts: memref<4x0xi32>, %out: memref<4xf32>) {
  // expected-error@+1 {{'et.histogram_quantile' op operand 'counts' has no bin [C4]}}
  et.histogram_quantile 0.5 range(0.0, 1.0) ins(%counts : memref<4x0xi32>) outs(%out : memref<4xf32>)
  return
}

// -----

func.func @f(%counts: tensor<4x16xi32>, %out: tensor<4xf32>) {
  // expected-error@+1 {{'et.histogram_quantile' op needs q in [0, 1], got 1.010000e+00 [C5]}}
  %0 = et.histogram_quantile 1.01 range(0.0, 1.0) ins(%counts : tensor<4x16xi32>) outs(%out : tensor<4xf32>)
  return
}

// -----

func.func @f(%counts: tensor<4x16xi32>, %out: tensor<4xf32>) {
  // expected-error@+1 {{needs q in [0, 1], got nan [C5]}}
  %0 = "et.histogram_quantile"(%counts, %out) <{q = 0x7FF8000000000000 : f64, lo = 0.0 : f64, hi = 1.0 : f64}> : (tensor<4x16xi32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%m: tensor<4xf32>, %theta: tensor<4xf32>) {
  // expected-error@+1 {{'et.ema_update' op needs beta in [0, 1], got 1.001000e+00 [C3]}}
  %0 = et.ema_update beta = 1.001 ins(%m : tensor<4xf32>) outs(%theta : tensor<4xf32>)
  return
}

// -----

func.func @f(%m: memref<4xf32>, %theta: memref<4xf32>) {
  // expected-error@+1 {{'et.ema_update' op needs beta in [0, 1], got -1.000000e-01 [C3]}}
  et.ema_update beta = -0.1 ins(%m : memref<4xf32>) outs(%theta : memref<4xf32>)
  return
}

// -----

func.func @f(%m: tensor<4xf32>, %theta: tensor<4xf32>) {
  // expected-error@+1 {{'et.ema_update' op needs beta in [0, 1], got nan [C3]}}
  %0 = "et.ema_update"(%m, %theta) <{beta = 0x7FF8000000000000 : f64}> : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%m: tensor<4xf32>, %raw: tensor<4xf32>, %steps: tensor<4xi64>, %theta: tensor<4xf32>) {
  // 1 - beta^steps would be zero.
  // expected-error@+1 {{'et.ema_update_corrected' op needs beta in [0, 1), got 1.000000e+00 [C3]}}
  %0:3 = et.ema_update_corrected beta = 1.0 ins(%m : tensor<4xf32>)
    outs(%raw, %steps, %theta : tensor<4xf32>, tensor<4xi64>, tensor<4xf32>)
  return
}

// -----

func.func @f(%m: tensor<4xf32>, %raw: tensor<4xf32>, %steps: tensor<4xi32>, %theta: tensor<4xf32>) {
  // expected-error@+1 {{operand #2 must be 1-D tensor or memref of i64, but got 'tensor<4xi32>'}}
  %0:3 = et.ema_update_corrected ins(%m : tensor<4xf32>)
    outs(%raw, %steps, %theta : tensor<4xf32>, tensor<4xi32>, tensor<4xf32>)
  return
}

// -----

func.func @f(%mask: tensor<4x?xi32>, %t: i32, %l: tensor<4xi32>, %f: tensor<5xi32>, %s: tensor<4xf32>) {
  // expected-error@+1 {{invalid kind of type specified: expected builtin.index, but found 'i32'}}
  %0:3 = et.routing_stats ins(%mask, %t : tensor<4x?xi32>, i32) outs(%l, %f, %s : tensor<4xi32>, tensor<5xi32>, tensor<4xf32>)
  return
}
