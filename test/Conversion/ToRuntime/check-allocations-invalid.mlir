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
