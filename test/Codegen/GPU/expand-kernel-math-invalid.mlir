// RUN: et-opt %s --pass-pipeline='builtin.module(gpu.module(et-expand-kernel-math))' --split-input-file --verify-diagnostics

gpu.module @kernels {
  gpu.func @unknown(%m: memref<1xf64>, %x: f64) kernel {
    %c0 = arith.constant 0 : index
    // expected-error @+1 {{'math.acosh' op is not computed in 'f64' on the GPU; convert its operands to f32}}
    %a = math.acosh %x : f64
    memref.store %a, %m[%c0] : memref<1xf64>
    gpu.return
  }
}

// -----

gpu.module @kernels {
  gpu.func @remainder(%m: memref<1xf32>, %x: f32) kernel {
    %c0 = arith.constant 0 : index
    // expected-error @+1 {{'arith.remf' op is not computed in 'f32' on the GPU; x - trunc(x / y) * y is near it where x / y is small}}
    %a = arith.remf %x, %x : f32
    memref.store %a, %m[%c0] : memref<1xf32>
    gpu.return
  }
}
