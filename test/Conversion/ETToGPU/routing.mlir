// RUN: et-opt %s --convert-et-to-gpu --split-input-file | FileCheck %s

// CHECK-LABEL: func @linear
// CHECK:       gpu.launch {{.*}} module(@et_kernels) function(@et_scores)
// CHECK-SAME:    workgroup(%{{.*}} : memref<32x34xf32, #gpu.address_space<workgroup>>, %{{.*}} : memref<32x16xf32, #gpu.address_space<workgroup>>, %[[SCORES:.*]] : memref<1x32x16xf32, #gpu.address_space<workgroup>>)
// CHECK:         gpu.barrier
// One product, no norms: two rows of two columns.
// CHECK-COUNT-2: math.fma {{.*}} : vector<2xf32>
// CHECK-NOT:     math.fma
// CHECK-NOT:     math.sqrt
// CHECK:         vector.store %{{.*}}, %[[SCORES]]
// CHECK:         gpu.barrier
// CHECK:         memref.load %[[SCORES]]
// CHECK:         memref.store %{{.*}}, %arg2
func.func @linear(%x: memref<?x24xbf16>, %router: memref<24x5xbf16>, %out: memref<?x5xf32>) {
  et.scores linear ins(%x, %router : memref<?x24xbf16>, memref<24x5xbf16>) outs(%out : memref<?x5xf32>)
  return
}

// -----

// CHECK-LABEL: func @cosine
// CHECK:       function(@et_scores)
// CHECK-COUNT-3: math.fma {{.*}} : vector<2xf32>
// CHECK-COUNT-2: math.fma {{.*}} : f32
// CHECK:       math.sqrt
// CHECK:       arith.divf
func.func @cosine(%x: memref<?x24xf32>, %router: memref<24x5xf32>, %out: memref<?x5xf32>) {
  et.scores cosine ins(%x, %router : memref<?x24xf32>, memref<24x5xf32>) outs(%out : memref<?x5xf32>)
  return
}

// -----

// A mask word is the ballot of a warp; NaN compares false under an ordered
// predicate.
// CHECK-LABEL: func @threshold
// CHECK:       gpu.launch {{.*}} function(@et_gate_threshold)
// CHECK:         arith.cmpf oge
// CHECK:         gpu.barrier
// CHECK:         %[[WORD:.*]] = nvvm.vote.sync ballot
// CHECK:         memref.store %[[WORD]], %arg2
// CHECK-NOT:   scf.parallel
func.func @threshold(%r: memref<?x5xf32>, %theta: memref<5xf32>, %mask: memref<5x?xi32>, %gates: memref<?x5xf32>) {
  et.gate #et.threshold<compare = ge, gate = raw> ins(%r : memref<?x5xf32>) theta(%theta : memref<5xf32>)
    outs(%mask, %gates : memref<5x?xi32>, memref<?x5xf32>)
  return
}

// -----

// Other rules run as parallel loops.
// CHECK-LABEL: func @top_k
// CHECK-NOT:   gpu.launch
// CHECK:       scf.parallel
func.func @top_k(%r: memref<?x5xf32>, %mask: memref<5x?xi32>, %gates: memref<?x5xf32>) {
  et.gate #et.top_k<k = 2> ins(%r : memref<?x5xf32>)
    outs(%mask, %gates : memref<5x?xi32>, memref<?x5xf32>)
  return
}
