// RUN: et-opt %s --pass-pipeline='builtin.module(et-set-gpu-target{chips=sm_80,sm_90a,sm_120},gpu.module(et-attach-gpu-targets))' | FileCheck %s
// RUN: not et-opt %s --pass-pipeline='builtin.module(et-set-gpu-target{chips=sm_81})' 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// CHECK: gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_80", verifyTarget = false>, #nvvm.target<O = 3, chip = "sm_90a", verifyTarget = false>, #nvvm.target<O = 3, chip = "sm_120", verifyTarget = false>]
// UNKNOWN: error: #et.gpu_target has an unknown chip 'sm_81'; known: sm_80, {{.*}}sm_90, sm_90a, sm_100, {{.*}}, sm_120, sm_120a
gpu.module @kernels {
  // Vector accesses need aligned shared memory.
  // CHECK: workgroup(%{{.*}} : memref<8xf32, #gpu.address_space<workgroup>> {llvm.align = 16 : i64})
  gpu.func @kernel() workgroup(%s: memref<8xf32, #gpu.address_space<workgroup>>) kernel {
    gpu.return
  }
}
