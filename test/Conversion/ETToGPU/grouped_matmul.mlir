// RUN: et-opt %s --convert-et-to-gpu --split-input-file | FileCheck %s

// The expert of a block is found by bisection, rows are gathered as they are
// loaded, and the only other loops run over the depth.
// CHECK-LABEL: func @gathered
// CHECK:       gpu.launch {{.*}} function(@et_grouped_matmul)
// CHECK-SAME:    workgroup(%{{.*}} : memref<16x68xf32, #gpu.address_space<workgroup>>, %{{.*}} : memref<16x64xf32, #gpu.address_space<workgroup>>)
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
// CHECK-NOT:     scf.for
// CHECK:         arith.maximumf
// CHECK:         arith.truncf {{.*}} : f32 to bf16
func.func @gathered(%x: memref<?x9xbf16>, %w: memref<4x9x7xbf16>, %offsets: memref<5xi32>, %tokens: memref<?xi32>, %b: memref<4x7xbf16>, %out: memref<?x7xbf16>) {
  et.grouped_matmul relu ins(%x, %w : memref<?x9xbf16>, memref<4x9x7xbf16>)
    offsets(%offsets : memref<5xi32>) tokens(%tokens : memref<?xi32>) bias(%b : memref<4x7xbf16>)
    outs(%out : memref<?x7xbf16>)
  return
}

// -----

// A gated product multiplies by both matrices in one loop.
// CHECK-LABEL: func @gated
// CHECK:       function(@et_grouped_matmul)
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
