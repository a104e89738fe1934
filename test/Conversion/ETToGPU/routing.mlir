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

// A few lanes have a token's experts in registers: here one has five.
// CHECK-LABEL: func @top_k
// CHECK-NOT:   scf.parallel
// CHECK:       gpu.launch {{.*}} threads({{.*}}) in (%{{.*}} = %c32, {{.*}} function(@et_gate_top_k)
// CHECK-SAME:    workgroup(%{{.*}} : memref<1x64xi32, #gpu.address_space<workgroup>>)
// CHECK-COUNT-5: math.exp
// CHECK:         scf.for
// CHECK-COUNT-4:   arith.maxnumf
// CHECK-NOT:     gpu.shuffle xor
// CHECK:         gpu.barrier
// CHECK:         %[[WORD:.*]] = nvvm.vote.sync ballot
// CHECK:         memref.store %{{.*}}, %arg1
// CHECK-NOT:   scf.parallel
func.func @top_k(%r: memref<?x5xf32>, %mask: memref<5x?xi32>, %gates: memref<?x5xf32>) {
  et.gate #et.top_k<k = 2> ins(%r : memref<?x5xf32>)
    outs(%mask, %gates : memref<5x?xi32>, memref<?x5xf32>)
  return
}

// -----

// 64 experts: eight lanes of eight, loaded four at a time; a token's lanes are
// neighbors. Groups of eight are those of a lane.
// CHECK-LABEL: func @lanes
// CHECK:       function(@et_gate_top_k)
// CHECK-SAME:    workgroup(%{{.*}} : memref<8x36xi32, #gpu.address_space<workgroup>>)
// CHECK-COUNT-2: vector.load %arg0{{.*}} : memref<?x64xf32>, vector<4xf32>
// CHECK-COUNT-2: vector.load %arg1{{.*}} : memref<64xf32>, vector<4xf32>
// CHECK:         scf.for
// CHECK-COUNT-6:   gpu.shuffle {{ *}}xor
// CHECK-COUNT-2: vector.store %{{.*}}, %arg3
func.func @lanes(%r: memref<?x64xf32>, %bias: memref<64xf32>, %mask: memref<64x?xi32>, %gates: memref<?x64xf32>) {
  et.gate #et.top_k<k = 8, scoring = sigmoid, groups = 8, groupLimit = 4> ins(%r : memref<?x64xf32>) bias(%bias : memref<64xf32>)
    outs(%mask, %gates : memref<64x?xi32>, memref<?x64xf32>)
  return
}

// -----

// Tokens of a warp go on until none is open.
// CHECK-LABEL: func @top_p
// CHECK:       function(@et_gate_top_p)
// CHECK:         scf.while
// CHECK:           nvvm.vote.sync ballot
// CHECK:           scf.condition
func.func @top_p(%r: memref<?x64xf32>, %mask: memref<64x?xi32>, %gates: memref<?x64xf32>) {
  et.gate #et.top_p<p = 0.5> ins(%r : memref<?x64xf32>) outs(%mask, %gates : memref<64x?xi32>, memref<?x64xf32>)
  return
}

// -----

// Rules by expert, and by token where the number of experts is not known or above
// what a warp has registers for, run as parallel loops.
// CHECK-LABEL: func @loops
// CHECK-NOT:   gpu.launch
// CHECK-COUNT-3: scf.parallel
func.func @loops(%r: memref<?x5xf32>, %mask: memref<5x?xi32>, %gates: memref<?x5xf32>,
                 %r1: memref<?x?xf32>, %mask1: memref<?x?xi32>, %gates1: memref<?x?xf32>,
                 %r2: memref<?x1025xf32>, %mask2: memref<1025x?xi32>, %gates2: memref<?x1025xf32>) {
  et.gate #et.expert_choice<rate = 0.25> ins(%r : memref<?x5xf32>) outs(%mask, %gates : memref<5x?xi32>, memref<?x5xf32>)
  et.gate #et.top_k<k = 2> ins(%r1 : memref<?x?xf32>) outs(%mask1, %gates1 : memref<?x?xi32>, memref<?x?xf32>)
  et.gate #et.top_k<k = 2> ins(%r2 : memref<?x1025xf32>) outs(%mask2, %gates2 : memref<1025x?xi32>, memref<?x1025xf32>)
  return
}
