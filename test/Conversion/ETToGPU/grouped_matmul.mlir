// RUN: et-opt %s --convert-et-to-gpu --split-input-file | FileCheck %s

// The expert of a block is found by bisection, rows are gathered as they are
// loaded, and the loops run over the depth and over the rows of a finished tile.
// CHECK-LABEL: func @gathered
// CHECK:       gpu.launch {{.*}} function(@et_grouped_matmul_relu)
// CHECK-SAME:    workgroup(%{{.*}} : memref<16x68xf32, #gpu.address_space<workgroup>>, %{{.*}} : memref<16x64xf32, #gpu.address_space<workgroup>>, %[[SUMS:.*]] : memref<1x64x64xf32, #gpu.address_space<workgroup>>)
// CHECK:         scf.while
// CHECK:           arith.divui
// CHECK:         memref.load %arg3
// CHECK:         scf.for
// CHECK:           arith.extf {{.*}} : bf16 to f32
// CHECK:           gpu.barrier
// CHECK:           scf.for
// CHECK-COUNT-4:     math.fma {{.*}} : vector<4xf32>
// CHECK-NOT:         math.fma
// CHECK:           gpu.barrier
// CHECK-COUNT-4: vector.store %{{.*}}, %[[SUMS]]
// CHECK:         gpu.barrier
// CHECK:         scf.for
// CHECK:           memref.load %[[SUMS]]
// CHECK:           arith.maximumf
// CHECK:           arith.truncf {{.*}} : f32 to bf16
// CHECK-NOT:     scf.for
func.func @gathered(%x: memref<?x9xbf16>, %w: memref<4x9x7xbf16>, %offsets: memref<5xi32>, %tokens: memref<?xi32>, %b: memref<4x7xbf16>, %out: memref<?x7xbf16>) {
  et.grouped_matmul relu ins(%x, %w : memref<?x9xbf16>, memref<4x9x7xbf16>)
    offsets(%offsets : memref<5xi32>) tokens(%tokens : memref<?xi32>) bias(%b : memref<4x7xbf16>)
    outs(%out : memref<?x7xbf16>)
  return
}

// -----

// A gated product multiplies by both matrices in one loop.
// CHECK-LABEL: func @gated
// CHECK:       function(@et_grouped_matmul_silu)
// CHECK-COUNT-8: math.fma {{.*}} : vector<4xf32>
// CHECK:       math.exp
func.func @gated(%x: memref<?x9xf32>, %w: memref<4x9x7xf32>, %g: memref<4x9x7xf32>, %offsets: memref<5xi32>, %out: memref<?x7xf32>) {
  et.grouped_matmul silu ins(%x, %w : memref<?x9xf32>, memref<4x9x7xf32>)
    offsets(%offsets : memref<5xi32>) gate(%g : memref<4x9x7xf32>) outs(%out : memref<?x7xf32>)
  return
}

// -----

// One expert needs no search.
// CHECK-LABEL: func @dense
// CHECK:       function(@et_grouped_matmul)
// CHECK-NOT:   scf.while
// CHECK:       math.fma
func.func @dense(%x: memref<?x9xf32>, %w: memref<1x9x7xf32>, %out: memref<?x7xf32>) {
  et.grouped_matmul none ins(%x, %w : memref<?x9xf32>, memref<1x9x7xf32>) outs(%out : memref<?x7xf32>)
  return
}

// -----

// 16-bit rows of whole chunks go to the matrix units: gathered by asynchronous
// copies, three steps ahead, one loop for every number of slices of 16 rows,
// which stays a loop.
// CHECK-DAG:   #[[UNROLL:.*]] = #llvm.loop_unroll<disable = true>
// CHECK-DAG:   #[[ONE_BY_ONE:.*]] = #llvm.loop_annotation<unroll = #[[UNROLL]]>
// CHECK-LABEL: func @matrix
// CHECK:       gpu.launch {{.*}} dynamic_shared_memory_size
// CHECK:       scf.while
// CHECK:       memref.load %arg3
// 16 rows: a slice by a warp's 32 columns, in two steps of 16.
// CHECK:       scf.index_switch
// CHECK:       case 1
// CHECK-COUNT-3: nvvm.cp.async.commit.group
// CHECK:       scf.for
// CHECK:         nvvm.cp.async.wait.group 2
// CHECK-NEXT:    gpu.barrier
// CHECK-COUNT-5: nvvm.cp.async.shared.global
// CHECK-NOT:     nvvm.cp.async.shared.global
// CHECK:         nvvm.cp.async.commit.group
// CHECK:         nvvm.ldmatrix {{.*}} layout = #nvvm.mma_layout<col>
// CHECK:         nvvm.ldmatrix {{.*}} layout = #nvvm.mma_layout<row>
// CHECK-COUNT-8: nvvm.mma.sync {{.*}}<bf16>
// CHECK-NOT:     nvvm.mma.sync
// CHECK:       } {loop_annotation = #[[ONE_BY_ONE]]}
// CHECK:       nvvm.cp.async.wait.group 0
// 48 rows: copies fetch 32 at a time.
// CHECK:       case 3
// CHECK:       scf.for
// CHECK-COUNT-6: nvvm.cp.async.shared.global
// CHECK-NOT:     nvvm.cp.async.shared.global
// CHECK:         nvvm.cp.async.commit.group
// CHECK-COUNT-24: nvvm.mma.sync {{.*}}<bf16>
// CHECK-NOT:     nvvm.mma.sync
// CHECK:       case 4
// 128 rows.
// CHECK:       case 7
// CHECK:       default
// CHECK:       scf.for
// CHECK-COUNT-8: nvvm.cp.async.shared.global
// CHECK-COUNT-64: nvvm.mma.sync {{.*}}<bf16>
// CHECK-NOT:   nvvm.mma.sync
// The tile's results leave in chunks of 16 bytes.
// CHECK:       scf.for
// CHECK:         arith.truncf {{.*}} : vector<8xf32> to vector<8xbf16>
// CHECK-NEXT:    vector.store
func.func @matrix(%x: memref<?x64xbf16>, %w: memref<4x64x256xbf16>, %offsets: memref<5xi32>, %tokens: memref<?xi32>, %out: memref<?x256xbf16>) {
  et.grouped_matmul none ins(%x, %w : memref<?x64xbf16>, memref<4x64x256xbf16>)
    offsets(%offsets : memref<5xi32>) tokens(%tokens : memref<?xi32>)
    outs(%out : memref<?x256xbf16>)
  return
}

// -----

// Two products of the same tiles, of which neither writes what the other reads
// or writes, are one launch: tiles of the second behind those of the first.
// CHECK-LABEL: func @pair
// CHECK:       %[[H:.*]] = memref.alloc
// CHECK:       %[[G:.*]] = memref.alloc
// CHECK-NOT:   gpu.launch
// CHECK:       gpu.launch blocks(%[[BLOCK:[^,]*]], {{.*}} function(@et_grouped_matmul_relu)
// CHECK:         arith.subi %[[BLOCK]]
// CHECK:         %[[FIRST:.*]] = arith.cmpi ult
// CHECK:         scf.if %[[FIRST]] {
// CHECK:           vector.store {{.*}}, %[[H]]
// CHECK:         arith.subi %[[BLOCK]]
// CHECK:         %[[SECOND:.*]] = arith.cmpi ult
// CHECK:         scf.if %[[SECOND]] {
// CHECK:           vector.store {{.*}}, %[[G]]
// CHECK-NOT:   gpu.launch
func.func @pair(%x: memref<?x64xbf16>, %w: memref<4x64x256xbf16>, %s: memref<1x64x128xbf16>, %offsets: memref<5xi32>, %tokens: memref<?xi32>, %pairs: index, %all: index) -> (memref<?x256xbf16>, memref<?x128xbf16>) {
  %h = memref.alloc(%pairs) : memref<?x256xbf16>
  et.grouped_matmul relu ins(%x, %w : memref<?x64xbf16>, memref<4x64x256xbf16>)
    offsets(%offsets : memref<5xi32>) tokens(%tokens : memref<?xi32>)
    outs(%h : memref<?x256xbf16>)
  %g = memref.alloc(%all) : memref<?x128xbf16>
  et.grouped_matmul relu ins(%x, %s : memref<?x64xbf16>, memref<1x64x128xbf16>) outs(%g : memref<?x128xbf16>)
  return %h, %g : memref<?x256xbf16>, memref<?x128xbf16>
}

// -----

// The second reads what the first writes.
// CHECK-LABEL: func @chain
// CHECK:       function(@et_grouped_matmul_relu)
// CHECK:       function(@et_grouped_matmul)
func.func @chain(%x: memref<64x64xbf16>, %w: memref<1x64x64xbf16>) -> memref<64x64xbf16> {
  %h = memref.alloc() : memref<64x64xbf16>
  %y = memref.alloc() : memref<64x64xbf16>
  et.grouped_matmul relu ins(%x, %w : memref<64x64xbf16>, memref<1x64x64xbf16>) outs(%h : memref<64x64xbf16>)
  et.grouped_matmul none ins(%h, %w : memref<64x64xbf16>, memref<1x64x64xbf16>) outs(%y : memref<64x64xbf16>)
  return %y : memref<64x64xbf16>
}

// -----

// Arguments may overlap.
// CHECK-LABEL: func @arguments
// CHECK-COUNT-2: function(@et_grouped_matmul)
func.func @arguments(%x: memref<64x64xbf16>, %w: memref<1x64x64xbf16>, %y: memref<64x64xbf16>, %z: memref<64x64xbf16>) {
  et.grouped_matmul none ins(%x, %w : memref<64x64xbf16>, memref<1x64x64xbf16>) outs(%y : memref<64x64xbf16>)
  et.grouped_matmul none ins(%x, %w : memref<64x64xbf16>, memref<1x64x64xbf16>) outs(%z : memref<64x64xbf16>)
  return
}

// -----

// Something between the two touches memory.
// CHECK-LABEL: func @apart
// CHECK-COUNT-2: function(@et_grouped_matmul)
func.func @apart(%x: memref<64x64xbf16>, %w: memref<1x64x64xbf16>, %n: memref<i32>) -> (memref<64x64xbf16>, memref<64x64xbf16>) {
  %y = memref.alloc() : memref<64x64xbf16>
  %z = memref.alloc() : memref<64x64xbf16>
  et.grouped_matmul none ins(%x, %w : memref<64x64xbf16>, memref<1x64x64xbf16>) outs(%y : memref<64x64xbf16>)
  %zero = arith.constant 0 : i32
  memref.store %zero, %n[] : memref<i32>
  et.grouped_matmul none ins(%x, %w : memref<64x64xbf16>, memref<1x64x64xbf16>) outs(%z : memref<64x64xbf16>)
  return %y, %z : memref<64x64xbf16>, memref<64x64xbf16>
}

// -----

// A gated tile has half the columns, and a tile in f32 half the rows.
// CHECK-LABEL: func @other_tiles
// CHECK-COUNT-3: function(@et_grouped_matmul)
func.func @other_tiles(%x: memref<64x64xbf16>, %w: memref<1x64x64xbf16>, %u: memref<64x64xf32>, %v: memref<1x64x64xf32>) -> (memref<64x64xbf16>, memref<64x64xbf16>, memref<64x64xf32>) {
  %0 = memref.alloc() : memref<64x64xbf16>
  %1 = memref.alloc() : memref<64x64xbf16>
  %2 = memref.alloc() : memref<64x64xf32>
  et.grouped_matmul none ins(%x, %w : memref<64x64xbf16>, memref<1x64x64xbf16>) outs(%0 : memref<64x64xbf16>)
  et.grouped_matmul none ins(%x, %w : memref<64x64xbf16>, memref<1x64x64xbf16>) gate(%w : memref<1x64x64xbf16>) outs(%1 : memref<64x64xbf16>)
  et.grouped_matmul none ins(%u, %v : memref<64x64xf32>, memref<1x64x64xf32>) outs(%2 : memref<64x64xf32>)
  return %0, %1, %2 : memref<64x64xbf16>, memref<64x64xbf16>, memref<64x64xf32>
}

// -----

// Two products share a tile's 128 columns, and the columns and the depth that do
// not fill it are zero.
// CHECK-LABEL: func @matrix_gated
// CHECK:       arith.select %{{.*}}, %c16{{.*}}, %c0{{.*}} : i32
// CHECK:       nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg, %{{.*}}
// CHECK:       nvvm.mma.sync {{.*}}vector<2xf16>
// CHECK:       vector.load {{.*}} memref<2x128x72xf32, #gpu.address_space<workgroup>>
func.func @matrix_gated(%x: memref<?x40xf16>, %w: memref<4x40x24xf16>, %g: memref<4x40x24xf16>, %offsets: memref<5xi32>, %out: memref<?x24xf16>) {
  et.grouped_matmul silu ins(%x, %w : memref<?x40xf16>, memref<4x40x24xf16>)
    offsets(%offsets : memref<5xi32>) gate(%g : memref<4x40x24xf16>) outs(%out : memref<?x24xf16>)
  return
}

// -----

// Rows of 7 elements do not start at chunks, so copies could not fetch them.
// CHECK-LABEL: func @unaligned
// CHECK-NOT:   nvvm.cp.async
// CHECK:       math.fma
func.func @unaligned(%x: memref<?x64xbf16>, %w: memref<1x64x7xbf16>, %out: memref<?x7xbf16>) {
  et.grouped_matmul none ins(%x, %w : memref<?x64xbf16>, memref<1x64x7xbf16>) outs(%out : memref<?x7xbf16>)
  return
}

// -----

// A depth of nothing has no first stage.
// CHECK-LABEL: func @no_depth
// CHECK-NOT:   nvvm.wgmma
func.func @no_depth(%x: memref<?x0xbf16>, %w: memref<1x0x8xbf16>, %out: memref<?x8xbf16>) {
  et.grouped_matmul none ins(%x, %w : memref<?x0xbf16>, memref<1x0x8xbf16>) outs(%out : memref<?x8xbf16>)
  return
}
