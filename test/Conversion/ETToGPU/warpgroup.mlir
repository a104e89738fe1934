// RUN: et-opt %s --et-set-gpu-target=chips=sm_80,sm_90a --convert-et-to-gpu | FileCheck %s
// RUN: et-opt %s --et-set-gpu-target=chips=sm_90a --convert-et-to-gpu | FileCheck %s --check-prefix=ONLY --implicit-check-not='function(@et_grouped_matmul)'

// Code for sm_90a alone has no kernel that nothing launches.
// ONLY-COUNT-2: function(@et_grouped_matmul_sm90)
// RUN: et-opt %s --et-lower-to-nvvm-pipeline="chip=sm_90a" | FileCheck %s --check-prefix=HOPPER
// RUN: et-opt %s --et-lower-to-nvvm-pipeline="chip=sm_80,sm_90a" | FileCheck %s --check-prefix=BOTH
// RUN: et-opt %s --et-lower-to-nvvm-pipeline="chip=sm_80,sm_120" | FileCheck %s --check-prefix=OTHERS
// RUN: et-opt %s --et-lower-to-nvvm-pipeline="chip=sm_90,sm_90a" | FileCheck %s --check-prefix=OTHERS
// RUN: et-opt %s --convert-et-to-gpu | FileCheck %s --check-prefix=OTHERS

// The host launches the kernel that is the device's, and asks nothing between
// launches: what it asks comes first.
// CHECK-LABEL: func @product
// CHECK-COUNT-2: llvm.call @et_cuda_tensor_map
// CHECK:       %[[COUNT:.*]] = llvm.call @et_cuda_processors
// CHECK:       %[[PROCESSORS:.*]] = arith.index_cast %[[COUNT]]
// CHECK:       %[[IS:.*]] = arith.cmpi ne, %[[PROCESSORS]], %c0{{.*}} : index
// CHECK:       %[[BLOCKS:.*]] = arith.minui %{{.*}}, %[[PROCESSORS]]
// CHECK:       %[[SOME:.*]] = arith.maxui %[[BLOCKS]]
// CHECK:       %[[X:.*]] = arith.select %[[IS]], %[[SOME]], %c0
// CHECK:       gpu.launch blocks({{.*}}) in (%{{.*}} = %[[X]], {{.*}} threads({{.*}}) in (%{{.*}} = %c384{{.*}} function(@et_grouped_matmul_sm90)

// A stage is full when all of a warpgroup's copies and the weights have arrived,
// and empty when eight warps have read it.
// CHECK:         nvvm.mbarrier.init %{{.*}}, %c129
// CHECK:         nvvm.mbarrier.init %{{.*}}, %c8
// CHECK:         nvvm.fence.mbarrier.init
// CHECK-NEXT:    }
// CHECK-NEXT:    gpu.barrier

// The producer: one thread copies the weights, all the tokens.
// CHECK:         nvvm.setmaxregister decrease 56
// CHECK:         scf.for
// CHECK:           scf.for
// CHECK:             nvvm.mbarrier.try_wait.parity
// CHECK:             scf.if
// CHECK:               nvvm.mbarrier.arrive.expect_tx %{{.*}}, %c32768
// CHECK-COUNT-4:       nvvm.cp.async.bulk.tensor.shared.cluster.global
// CHECK-COUNT-8:     nvvm.cp.async.shared.global
// CHECK:             nvvm.cp.async.mbarrier.arrive %{{.*}} {noinc = true}

// A consumer: a loop for each number of eights of tokens.
// CHECK:         nvvm.setmaxregister increase 224
// CHECK:         scf.for
// CHECK:           nvvm.inline_ptx
// CHECK:           scf.index_switch
// CHECK:           case 1 {
// CHECK:             scf.for
// CHECK:               nvvm.mbarrier.try_wait.parity
// CHECK-NEXT:          nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
// CHECK-NEXT:          nvvm.wgmma.fence.aligned
// CHECK-COUNT-8:       nvvm.wgmma.mma_async {{.*}}<m = 64, n = 8, k = 16>, {{.*}}A[<bf16>, <one>, <col>], B[<bf16>, <one>, <col>]
// CHECK:               nvvm.wgmma.commit.group.sync.aligned
// One group stays in flight; what the one before it read goes back.
// CHECK-NEXT:          nvvm.wgmma.wait.group.sync.aligned 1
// CHECK:               scf.if
// CHECK-NEXT:            nvvm.mbarrier.arrive
// CHECK:             nvvm.wgmma.wait.group.sync.aligned 0
// CHECK:           case 15 {
// CHECK:             nvvm.wgmma.mma_async {{.*}}<m = 64, n = 120, k = 16>
// CHECK:           default {
// CHECK:             nvvm.wgmma.mma_async {{.*}}<m = 64, n = 128, k = 16>

// Results pass through shared memory, 32 tokens at a time, while the producer
// goes on: only the warpgroup waits.
// CHECK:           memref.store {{.*}} memref<1x32x132xf32
// CHECK:           nvvm.barrier id = %{{.*}} number_of_threads = %c128
// CHECK:           vector.load {{.*}} vector<4xf32>
// CHECK:           vector.load {{.*}} vector<4xf32>
// CHECK:           vector.store {{.*}} vector<8xbf16>

// The other kernel runs where this one does not.
// CHECK:       %[[OTHER:.*]] = arith.cmpi eq, %[[PROCESSORS]], %c0
// CHECK:       %[[X:.*]] = arith.select %[[OTHER]], %{{.*}}, %c0
// CHECK:       gpu.launch blocks({{.*}}) in (%{{.*}} = %[[X]], {{.*}} function(@et_grouped_matmul)

// Tensor maps are parameters, and only the back end knows which kernel is its
// chip's: the other one's body is empty.
// HOPPER:       .entry et_grouped_matmul_sm90(
// HOPPER:       .param .align 64 .b8 et_grouped_matmul_sm90_param_{{[0-9]+}}[128]
// HOPPER:       wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16
// HOPPER-NOT:   {{[^a]}}mma.sync
// BOTH:         chip = "sm_80"
// BOTH-NOT:     wgmma
// BOTH:         .pragma \22nounroll\22;
// BOTH-NOT:     wgmma
// BOTH:         {{[^a]}}mma.sync.aligned.m16n8k16
// BOTH:         chip = "sm_90a"
// BOTH:         wgmma.mma_async
// OTHERS-NOT:   wgmma
// OTHERS-NOT:   et_cuda_hopper
func.func @product(%x: memref<?x128xbf16>, %mask: memref<4x?xi32>, %w: memref<4x128x256xbf16>, %offsets: memref<5xi32>, %h: memref<?x256xbf16>, %w2: memref<4x256x128xbf16>, %out: memref<?x128xbf16>) {
  et.grouped_matmul none ins(%x, %w : memref<?x128xbf16>, memref<4x128x256xbf16>)
    offsets(%offsets : memref<5xi32>) outs(%h : memref<?x256xbf16>)
  et.grouped_matmul none ins(%h, %w2 : memref<?x256xbf16>, memref<4x256x128xbf16>)
    offsets(%offsets : memref<5xi32>) outs(%out : memref<?x128xbf16>)
  return
}
