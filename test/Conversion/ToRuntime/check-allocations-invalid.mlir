// RUN: et-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(func.func(et-check-allocations))'

func.func @f() -> memref<1152921504606846976x4xf32> {
  // expected-error@+1 {{a buffer of f32[1152921504606846976x4] would have more than 2^63 - 1 bytes; use smaller sizes}}
  %x = memref.alloc() : memref<1152921504606846976x4xf32>
  return %x : memref<1152921504606846976x4xf32>
}

// -----

func.func @f(%n: index) -> memref<?x4611686018427387904xf64> {
  // expected-error@+1 {{a buffer of f64[?x4611686018427387904]}}
  %x = gpu.alloc(%n) : memref<?x4611686018427387904xf64>
  return %x : memref<?x4611686018427387904xf64>
}

// -----

// As large as it may be; of a function's own are only those that it uses.
memref.global "private" constant @fits : memref<2147483647xi8> = dense<1>
memref.global "private" constant @large : memref<536870912xf32> = dense<1.0>

func.func @f() -> (memref<2147483647xi8>, memref<536870912xf32>) {
  %x = memref.get_global @fits : memref<2147483647xi8>
  // expected-error@+1 {{a constant of f32[536870912] has more than 2^31 - 1 bytes, which no library holds; make it an argument}}
  %y = memref.get_global @large : memref<536870912xf32>
  return %x, %y : memref<2147483647xi8>, memref<536870912xf32>
}
