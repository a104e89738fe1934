// RUN: et-opt %s --convert-et-to-gpu | FileCheck %s
// RUN: et-opt %s --et-lower-to-nvvm-pipeline="chip=sm_90a" | FileCheck %s --check-prefix=HOPPER
// RUN: et-opt %s --et-lower-to-nvvm-pipeline="chip=sm_80,sm_120" | FileCheck %s --check-prefix=OTHERS
// RUN: et-opt %s --et-lower-to-nvvm-pipeline="chip=sm_90" | FileCheck %s --check-prefix=OTHERS
// RUN: et-opt %s --convert-et-to-gpu=use-warpgroups=false | FileCheck %s --check-prefix=OTHERS

// Tiles of more than 32 rows go to wgmma where there is one, which only the back
// end knows: the other GPUs' kernels have no trace of it.
// CHECK-LABEL: func @product
// CHECK:       %[[ARCH:.*]] = llvm.call_intrinsic "llvm.nvvm.reflect"
// CHECK:       arith.cmpi eq, %[[ARCH]], %c900{{.*}} : i32
// CHECK:       scf.if
// A stage that this step reads is filled again two steps later.
// CHECK-COUNT-2: nvvm.cp.async.commit.group
// The first product starts from nothing.
// CHECK:         nvvm.cp.async.wait.group 1
// CHECK-NEXT:    nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
// CHECK-NEXT:    gpu.barrier
// CHECK-NEXT:    nvvm.wgmma.fence.aligned
// CHECK:         nvvm.wgmma.mma_async {{.*}}<m = 64, n = 128, k = 16>, D[{{.*}}<zero>], A[{{.*}}bf16{{.*}}row>], B[{{.*}}bf16{{.*}}row>]
// CHECK:         nvvm.wgmma.mma_async {{.*}}<m = 64, n = 128, k = 16>, D[{{.*}}<one>]
// CHECK-NOT:     nvvm.wgmma.mma_async
// CHECK:         nvvm.wgmma.commit.group.sync.aligned
// One group stays in flight while the next stage is copied.
// CHECK:         nvvm.cp.async.shared.global
// CHECK:         nvvm.wgmma.wait.group.sync.aligned 1
// CHECK:         scf.for
// CHECK-COUNT-2:   nvvm.wgmma.mma_async {{.*}} D[{{.*}}<one>]
// CHECK:         nvvm.wgmma.wait.group.sync.aligned 0
// CHECK:       } else {
// CHECK:         nvvm.mma.sync

// HOPPER:       wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16
// HOPPER:       mma.sync.aligned.m16n8k16
// OTHERS-NOT:   wgmma
// OTHERS-NOT:   fence.proxy
func.func @product(%x: memref<?x128xbf16>, %w: memref<4x128x256xbf16>, %offsets: memref<5xi32>, %out: memref<?x256xbf16>) {
  et.grouped_matmul none ins(%x, %w : memref<?x128xbf16>, memref<4x128x256xbf16>)
    offsets(%offsets : memref<5xi32>) outs(%out : memref<?x256xbf16>)
  return
}
