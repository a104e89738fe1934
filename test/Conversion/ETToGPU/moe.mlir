// RUN: et-opt %s --convert-et-to-gpu --split-input-file | FileCheck %s

// A whole layer is one kernel, and its memory for meeting is zero at first.
// CHECK-LABEL: func @one_launch
// CHECK:       %[[WORDS:.*]] = memref.alloc
// CHECK:       gpu.memset %[[WORDS]]
// CHECK:       gpu.launch {{.*}} module(@et_kernels) function(@et_moe_one_launch)
// Tickets are taken by a thread a block.
// CHECK:         llvm.atomicrmw add {{.*}} syncscope("device") monotonic
// CHECK:         gpu.barrier
// Scores: as long as tickets are for them.
// CHECK:         scf.while
// CHECK:           nvvm.cp.async.shared.global
// CHECK:           nvvm.mma.sync
// CHECK:           arith.cmpf ogt
// CHECK:           nvvm.vote.sync ballot
// CHECK:           llvm.fence syncscope("device") acq_rel
// CHECK:           llvm.atomicrmw add {{.*}} syncscope("device") monotonic
// CHECK:           llvm.fence syncscope("device") acq_rel
// All scores are waited for.
// CHECK:         llvm.load {{.*}} atomic syncscope("device") monotonic
// CHECK:         llvm.fence syncscope("device") acq_rel
// CHECK:         gpu.barrier
// Hidden units, then outputs, whose weights are copied before hidden units are
// waited for.
// CHECK:         scf.while
// CHECK:           nvvm.mma.sync
// CHECK:           arith.maximumf
// CHECK:           llvm.atomicrmw add
// CHECK:         } else {
// CHECK:           nvvm.cp.async.shared.global
// CHECK:           llvm.load {{.*}} atomic syncscope("device") monotonic
// CHECK:           nvvm.cp.async.shared.global
// CHECK:           nvvm.cp.async.commit.group
// CHECK:           nvvm.mma.sync
// CHECK:           llvm.atomicrmw add
// Who adds the last part combines.
// CHECK:           math.fma
// CHECK-NOT:   gpu.launch
// CHECK:       memref.dealloc %[[WORDS]]
func.func @one_launch(%x: memref<8x128xbf16>, %router: memref<128x16xbf16>, %w1: memref<16x128x64xbf16>, %w2: memref<16x64x128xbf16>, %theta: memref<16xf32>, %out: memref<8x128xbf16>) {
  et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : memref<8x128xbf16>, memref<128x16xbf16>, memref<16x128x64xbf16>, memref<16x64x128xbf16>)
    theta(%theta : memref<16xf32>) outs(%out : memref<8x128xbf16>) {lowering_config = #et.lowering_config<schedule = one_launch>}
  return
}

// -----

// The block that ends the last scores decides by a rule by token, and counts once more.
// CHECK-LABEL: func @by_token
// CHECK:       function(@et_moe_one_launch)
// CHECK:         scf.while
// CHECK:           nvvm.mma.sync
// CHECK:           %[[BEFORE:.*]] = llvm.atomicrmw add
// CHECK:           %[[IS_LAST:.*]] = arith.cmpi eq
// CHECK:           scf.if %[[IS_LAST]]
// CHECK:             math.exp
// CHECK:             nvvm.vote.sync ballot
// CHECK:             gpu.barrier
// CHECK:             llvm.fence syncscope("device") acq_rel
// CHECK:             llvm.atomicrmw add
// CHECK:         llvm.load {{.*}} atomic syncscope("device") monotonic
// CHECK-NOT:   gpu.launch
func.func @by_token(%x: memref<8x128xbf16>, %router: memref<128x16xbf16>, %w1: memref<16x128x64xbf16>, %w2: memref<16x64x128xbf16>, %out: memref<8x128xbf16>) {
  et.moe linear #et.top_k<k = 2> relu ins(%x, %router, %w1, %w2 : memref<8x128xbf16>, memref<128x16xbf16>, memref<16x128x64xbf16>, memref<16x64x128xbf16>)
    outs(%out : memref<8x128xbf16>) {lowering_config = #et.lowering_config<schedule = one_launch>}
  return
}

// -----

// As many blocks as are configured, or as there is work.
// CHECK-LABEL: func @workgroups
// CHECK:       %[[BLOCKS:.*]] = arith.constant 3 : index
// CHECK:       gpu.launch blocks({{.*}}) in (%{{.*}} = %[[BLOCKS]]
func.func @workgroups(%x: memref<8x128xbf16>, %router: memref<128x16xbf16>, %w1: memref<16x128x64xbf16>, %w2: memref<16x64x128xbf16>, %theta: memref<16xf32>, %out: memref<8x128xbf16>) {
  et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : memref<8x128xbf16>, memref<128x16xbf16>, memref<16x128x64xbf16>, memref<16x64x128xbf16>)
    theta(%theta : memref<16xf32>) outs(%out : memref<8x128xbf16>) {lowering_config = #et.lowering_config<schedule = one_launch, workgroups = 3>}
  return
}

// -----

// Weights that are not contiguous are copied first.
// CHECK-LABEL: func @strided
// CHECK:       %[[COPY:.*]] = memref.alloc() : memref<16x128x64xf16>
// CHECK:       memref.copy %arg2, %[[COPY]]
// CHECK:       function(@et_moe_one_launch)
// CHECK:       memref.dealloc %[[COPY]]
func.func @strided(%x: memref<?x128xf16>, %router: memref<128x16xf16>, %w1: memref<16x128x64xf16, strided<[9000, 65, 1], offset: 3>>, %w2: memref<16x64x128xf16>, %theta: memref<16xf32>, %out: memref<?x128xf32>) {
  et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : memref<?x128xf16>, memref<128x16xf16>, memref<16x128x64xf16, strided<[9000, 65, 1], offset: 3>>, memref<16x64x128xf16>)
    theta(%theta : memref<16xf32>) outs(%out : memref<?x128xf32>) {lowering_config = #et.lowering_config<schedule = one_launch>}
  return
}

// -----

// Nothing says that there are few tokens: a call with more ends in an error.
// CHECK-LABEL: func @unchecked
// CHECK:       %[[T:.*]] = memref.dim %arg0
// CHECK:       %[[MOST:.*]] = arith.constant 32 : index
// CHECK:       %[[FEW:.*]] = arith.cmpi ule, %[[T]], %[[MOST]]
// CHECK:       cf.assert %[[FEW]], "et.moe: more than 32 tokens do not fit in one launch; run --et-select-schedule, or configure schedule = grouped"
// CHECK:       function(@et_moe_one_launch)
// In a branch that does, there is no need, but in its other one, or in one for
// more.
// CHECK-LABEL: func @branch
// CHECK:       scf.if
// CHECK-NOT:     cf.assert
// CHECK:         function(@et_moe_one_launch)
// CHECK:       } else {
// CHECK:         cf.assert
// CHECK:         function(@et_moe_one_launch)
// CHECK-LABEL: func @branch_for_more
// CHECK:       scf.if
// CHECK:         cf.assert
// CHECK:         function(@et_moe_one_launch)
func.func @unchecked(%x: memref<?x128xbf16>, %router: memref<128x16xbf16>, %w1: memref<16x128x64xbf16>, %w2: memref<16x64x128xbf16>, %theta: memref<16xf32>, %out: memref<?x128xbf16>) {
  et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : memref<?x128xbf16>, memref<128x16xbf16>, memref<16x128x64xbf16>, memref<16x64x128xbf16>)
    theta(%theta : memref<16xf32>) outs(%out : memref<?x128xbf16>) {lowering_config = #et.lowering_config<schedule = one_launch>}
  return
}
func.func @branch(%x: memref<?x128xbf16>, %router: memref<128x16xbf16>, %w1: memref<16x128x64xbf16>, %w2: memref<16x64x128xbf16>, %theta: memref<16xf32>, %out: memref<?x128xbf16>) {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %t = memref.dim %x, %c0 : memref<?x128xbf16>
  %few = arith.cmpi ule, %t, %c32 : index
  scf.if %few {
    et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : memref<?x128xbf16>, memref<128x16xbf16>, memref<16x128x64xbf16>, memref<16x64x128xbf16>)
      theta(%theta : memref<16xf32>) outs(%out : memref<?x128xbf16>) {lowering_config = #et.lowering_config<schedule = one_launch>}
  } else {
    et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : memref<?x128xbf16>, memref<128x16xbf16>, memref<16x128x64xbf16>, memref<16x64x128xbf16>)
      theta(%theta : memref<16xf32>) outs(%out : memref<?x128xbf16>) {lowering_config = #et.lowering_config<schedule = one_launch>}
  }
  return
}
func.func @branch_for_more(%x: memref<?x128xbf16>, %router: memref<128x16xbf16>, %w1: memref<16x128x64xbf16>, %w2: memref<16x64x128xbf16>, %theta: memref<16xf32>, %out: memref<?x128xbf16>) {
  %c0 = arith.constant 0 : index
  %c33 = arith.constant 33 : index
  %t = memref.dim %x, %c0 : memref<?x128xbf16>
  %few = arith.cmpi ule, %t, %c33 : index
  scf.if %few {
    et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : memref<?x128xbf16>, memref<128x16xbf16>, memref<16x128x64xbf16>, memref<16x64x128xbf16>)
      theta(%theta : memref<16xf32>) outs(%out : memref<?x128xbf16>) {lowering_config = #et.lowering_config<schedule = one_launch>}
  }
  return
}
