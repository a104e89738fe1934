// RUN: et-opt %s --pass-pipeline='builtin.module(gpu.module(et-attach-gpu-targets{chips=sm_80,sm_90a,sm_120}))' | FileCheck %s
// RUN: not et-opt %s --pass-pipeline='builtin.module(gpu.module(et-attach-gpu-targets{chips=sm_81}))' 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// CHECK: gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_80", verifyTarget = false>, #nvvm.target<O = 3, chip = "sm_90a", verifyTarget = false>, #nvvm.target<O = 3, chip = "sm_120", verifyTarget = false>]
// UNKNOWN: error: unknown chip 'sm_81'; known: sm_80, {{.*}}sm_90, sm_90a, sm_100, {{.*}}, sm_120, sm_120a
gpu.module @kernels {
  // Vector accesses need aligned shared memory.
  // CHECK: workgroup(%{{.*}} : memref<8xf32, #gpu.address_space<workgroup>> {llvm.align = 16 : i64})
  gpu.func @kernel() workgroup(%s: memref<8xf32, #gpu.address_space<workgroup>>) kernel {
    gpu.return
  }
}

// Four blocks of a layer's one kernel share a multiprocessor.
// CHECK-LABEL: gpu.module @layers
// CHECK:       gpu.func @et_moe() kernel attributes {{.*}}nvvm.minctasm = 4 : i32
// CHECK:       gpu.func @et_moe_0() kernel attributes {{.*}}nvvm.minctasm = 4 : i32
// CHECK:       gpu.func @et_route() kernel
// CHECK-NOT:   minctasm
// A kernel that moves registers has a multiprocessor to itself.
// CHECK:       gpu.func @moves() kernel attributes {{.*}}nvvm.minctasm = 1 : i32
gpu.module @layers {
  gpu.func @et_moe() kernel {
    gpu.return
  }
  gpu.func @et_moe_0() kernel {
    gpu.return
  }
  gpu.func @et_route() kernel {
    gpu.return
  }
  gpu.func @moves() kernel {
    nvvm.setmaxregister increase 224
    gpu.return
  }
}
