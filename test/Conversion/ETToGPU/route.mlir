// RUN: et-opt %s --convert-et-to-gpu --split-input-file | FileCheck %s

// One kernel scores, compares and counts; loads are summed up by the block that
// arrives last, which the memory they are gathered in counts too.
// CHECK-LABEL: func @matrix
// CHECK:       %[[MEETING:.*]] = memref.alloc
// CHECK:       gpu.memset %[[MEETING]]
// CHECK:       gpu.launch {{.*}} module(@et_kernels) function(@et_route)
// CHECK:         nvvm.mma.sync
// CHECK:         gpu.barrier
// CHECK:         arith.cmpf ogt
// CHECK:         memref.store %{{.*}}, %arg4
// CHECK:         arith.shli
// CHECK:         gpu.barrier
// CHECK:         memref.store %{{.*}}, %arg3
// CHECK:         llvm.atomicrmw add {{.*}} syncscope("device") monotonic
// CHECK:         gpu.barrier
// CHECK:         llvm.fence syncscope("device") acq_rel
// CHECK:         llvm.atomicrmw add {{.*}} syncscope("device") monotonic
// CHECK:         llvm.fence syncscope("device") acq_rel
// CHECK:         gpu.shuffle
// CHECK:         memref.store %{{.*}}, %arg5
// CHECK-NOT:   gpu.launch
// CHECK:       memref.dealloc %[[MEETING]]
func.func @matrix(%x: memref<?x64xbf16>, %router: memref<64x16xbf16>, %theta: memref<16xf32>, %m: memref<16x?xi32>, %g: memref<?x16xf32>, %o: memref<17xi32>) {
  et.route linear #et.threshold ins(%x, %router : memref<?x64xbf16>, memref<64x16xbf16>) theta(%theta : memref<16xf32>)
    outs(%m, %g, %o : memref<16x?xi32>, memref<?x16xf32>, memref<17xi32>)
  return
}

// -----

// CHECK-LABEL: func @cosine
// CHECK:       function(@et_route)
// CHECK-NOT:     nvvm.mma.sync
// CHECK:         math.sqrt
// CHECK:         arith.cmpf oge
func.func @cosine(%x: memref<?x64xbf16>, %router: memref<64x16xbf16>, %theta: memref<16xf32>, %m: memref<16x?xi32>, %g: memref<?x16xf32>, %o: memref<17xi32>) {
  et.route cosine #et.threshold<compare = ge> ins(%x, %router : memref<?x64xbf16>, memref<64x16xbf16>) theta(%theta : memref<16xf32>)
    outs(%m, %g, %o : memref<16x?xi32>, memref<?x16xf32>, memref<17xi32>)
  return
}

// -----

// Rules that compare scores with each other take a kernel for each step.
// CHECK-LABEL: func @top_k
// CHECK:       function(@et_scores)
// CHECK:       function(@et_gate_top_k)
// CHECK:       function(@et_offsets)
// CHECK-NOT:   et_route
func.func @top_k(%x: memref<?x64xbf16>, %router: memref<64x16xbf16>, %m: memref<16x?xi32>, %g: memref<?x16xf32>, %o: memref<17xi32>) {
  et.route linear #et.top_k<k = 2> ins(%x, %router : memref<?x64xbf16>, memref<64x16xbf16>)
    outs(%m, %g, %o : memref<16x?xi32>, memref<?x16xf32>, memref<17xi32>)
  return
}

// -----

// The tokens of a tile are found in the words of its expert, by all threads: a
// lane bisects the sums of its warp's words, and then a word.
// CHECK-LABEL: func @product_by_mask
// CHECK:       function(@et_grouped_matmul)
// CHECK:         scf.while
// CHECK:         scf.while
// CHECK:           memref.load %arg3
// CHECK:           math.ctpop
// CHECK:           scf.for
// CHECK-COUNT-7:     gpu.shuffle {{ *}}idx
// CHECK-COUNT-5:     math.ctpop
// CHECK:             memref.store
// CHECK:         gpu.barrier
// CHECK:         nvvm.cp.async.shared.global
// CHECK-NOT:   et_token_list
func.func @product_by_mask(%x: memref<?x64xf16>, %w: memref<4x64x256xf16>, %offsets: memref<5xi32>, %mask: memref<4x?xi32>, %out: memref<?x256xf16>) {
  et.grouped_matmul none ins(%x, %w : memref<?x64xf16>, memref<4x64x256xf16>)
    offsets(%offsets : memref<5xi32>) mask(%mask : memref<4x?xi32>) outs(%out : memref<?x256xf16>)
  return
}
