// RUN: et-opt %s --pass-pipeline='builtin.module(gpu.module(et-expand-kernel-math))' --verify-diagnostics

gpu.module @kernels {
  gpu.func @unknown(%m: memref<1xf32>, %x: f32) kernel {
    %c0 = arith.constant 0 : index
    // expected-error @+1 {{'math.acosh' op has neither an instruction nor an expansion on the GPU}}
    %a = math.acosh %x : f32
    memref.store %a, %m[%c0] : memref<1xf32>
    gpu.return
  }
}
