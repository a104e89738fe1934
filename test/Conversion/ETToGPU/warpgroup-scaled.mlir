// RUN: et-opt %s --et-set-gpu-target=chips=sm_80,sm_90a --convert-et-to-gpu | FileCheck %s
// RUN: et-opt %s --et-lower-to-nvvm-pipeline="chip=sm_90a" | FileCheck %s --check-prefix=HOPPER
// RUN: et-opt %s --et-lower-to-nvvm-pipeline="chip=sm_80" | FileCheck %s --check-prefix=OTHERS

// A stage has as many bytes as with 16-bit weights, and is twice as deep.
// CHECK-LABEL: func @product
// CHECK:       llvm.call @et_cuda_tensor_map({{.*}}, %{{.*}}, %c1_i64{{.*}})
// CHECK:       function(@et_grouped_matmul_sm90)
// CHECK:         nvvm.mbarrier.arrive.expect_tx %{{.*}}, %c32768
// CHECK-COUNT-4: nvvm.cp.async.bulk.tensor.shared.cluster.global
// CHECK-COUNT-8: nvvm.cp.async.shared.global

// A consumer: the block's scale is on its way before the weights are waited for;
// these are widened, slab by slab, and multiplied from registers.
// CHECK:         nvvm.setmaxregister increase 224
// CHECK:           case 1 {
// CHECK:             scf.for
// CHECK:               memref.load %{{.*}} : memref<4x1x2xf32>
// CHECK:               nvvm.mbarrier.try_wait.parity
// CHECK-NEXT:          nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
// CHECK:               nvvm.ldmatrix %{{.*}} {eltType = #nvvm.ld_st_matrix_elt_type<b16>, layout = #nvvm.mma_layout<col>, num = 4 : i32
// CHECK:               nvvm.prmt
// CHECK-COUNT-2:       nvvm.convert.f8x2.to.f16x2
// CHECK:               llvm.inline_asm has_side_effects {{.*}}wgmma.fence
// CHECK-COUNT-64:      nvvm.convert.f8x2.to.f16x2
// CHECK:               llvm.inline_asm has_side_effects {{.*}}wgmma.fence
// CHECK:               llvm.inline_asm has_side_effects {{.*}}"wgmma.wait_group.sync.aligned 1;"
// CHECK-COUNT-4:       math.fma
// CHECK:               llvm.inline_asm has_side_effects {{.*}}"wgmma.wait_group.sync.aligned 0;"
// CHECK:               scf.if
// CHECK-NEXT:            nvvm.mbarrier.arrive
// CHECK-COUNT-4:       math.fma
// CHECK:           case 7 {
// CHECK:           default {

// The first product of a block starts its sums, the others add to them.
// HOPPER:      .entry et_grouped_matmul_sm90(
// HOPPER:      .minnctapersm 1
// HOPPER:      cvt.rn.f16x2.e4m3x2
// HOPPER:      wgmma.fence.sync.aligned;
// HOPPER:      wgmma.mma_async.sync.aligned.m64n{{[0-9]+}}k16.f32.f16.f16 {{.*}}, tokens, first, 1, 1, 0;
// HOPPER-COUNT-7: , tokens, later, 1, 1, 0;
// HOPPER:      wgmma.commit_group.sync.aligned;

// OTHERS-NOT:  e4m3
// OTHERS-NOT:  wgmma
func.func @product(%x: memref<?x128xf16>, %w: memref<4x128x256xf8E4M3FN>, %s: memref<4x1x2xf32>, %offsets: memref<5xi32>, %out: memref<?x256xf16>) {
  et.grouped_matmul none ins(%x, %w : memref<?x128xf16>, memref<4x128x256xf8E4M3FN>)
    offsets(%offsets : memref<5xi32>) scales(%s : memref<4x1x2xf32>) outs(%out : memref<?x256xf16>)
  return
}

// A shared expert's weights have 16 bits; on Hopper the two share a launch, whose
// tiles have 64 and 128 tokens, elsewhere each has its own.
// CHECK-LABEL: func @beside_shared
// CHECK-COUNT-1: function(@et_grouped_matmul_sm90)
// CHECK-COUNT-2: function(@et_grouped_matmul)
// CHECK-NOT:     gpu.launch
func.func @beside_shared(%x: memref<?x128xf16>, %w: memref<4x128x256xf8E4M3FN>, %s: memref<4x1x2xf32>, %offsets: memref<5xi32>, %mask: memref<4x?xi32>,
                         %v: memref<1x128x64xf16>) -> (memref<?x256xf16>, memref<?x64xf16>) {
  %c0 = arith.constant 0 : index
  %t = memref.dim %x, %c0 : memref<?x128xf16>
  %h = memref.alloc(%t) : memref<?x256xf16>
  %g = memref.alloc(%t) : memref<?x64xf16>
  et.grouped_matmul none ins(%x, %w : memref<?x128xf16>, memref<4x128x256xf8E4M3FN>)
    offsets(%offsets : memref<5xi32>) mask(%mask : memref<4x?xi32>) scales(%s : memref<4x1x2xf32>) outs(%h : memref<?x256xf16>)
  et.grouped_matmul none ins(%x, %v : memref<?x128xf16>, memref<1x128x64xf16>) outs(%g : memref<?x64xf16>)
  return %h, %g : memref<?x256xf16>, memref<?x64xf16>
}
