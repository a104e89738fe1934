// RUN: et-opt %s --convert-et-to-vector | FileCheck %s

// CHECK-LABEL: func.func private @et_panel_12x16_f32_f32_f32

// Scores are a product with one expert.
// CHECK-LABEL: func.func @linear
// CHECK:         memref.expand_shape %{{.*}} {{\[}}[0, 1], [2]]
// CHECK:         scf.while
// CHECK-NOT:     math.sqrt
func.func @linear(%x: memref<?x64xf32>, %router: memref<64x16xf32>, %out: memref<?x16xf32>) {
  et.scores linear ins(%x, %router : memref<?x64xf32>, memref<64x16xf32>)
                   outs(%out : memref<?x16xf32>)
  return
}

// CHECK-LABEL: func.func @cosine
// CHECK:         scf.while
// Norms of the experts, once.
// CHECK:         math.sqrt %{{.*}} : vector<16xf32>
// CHECK:         arith.maximumf
// Norms of the tokens, lanes added in order.
// CHECK:         scf.parallel
// CHECK:           vector.reduction <add>
// CHECK:           math.sqrt %{{.*}} : f32
// CHECK:           arith.divf %{{.*}} : vector<16xf32>
func.func @cosine(%x: memref<?x64xf32>, %router: memref<64x16xf32>, %out: memref<?x16xf32>) {
  et.scores cosine ins(%x, %router : memref<?x64xf32>, memref<64x16xf32>)
                   outs(%out : memref<?x16xf32>)
  return
}

// 32 tokens make a word for each of a vector of experts; an ordered comparison, so
// that NaN selects nothing.
// CHECK-LABEL: func.func @threshold
// CHECK:         scf.parallel
// CHECK:           scf.for
// CHECK:             %[[THETA:.*]] = vector.transfer_read
// CHECK:             scf.for {{.*}} -> (vector<16xi32>)
// CHECK:               %[[TAKEN:.*]] = arith.cmpf oge, %{{.*}}, %[[THETA]] : vector<16xf32>
// CHECK:               arith.maximumf
// CHECK:               %[[GATE:.*]] = arith.select %[[TAKEN]]
// CHECK:               vector.transfer_write %[[GATE]]
// CHECK:               arith.select %[[TAKEN]], %{{.*}} : vector<16xi1>, vector<16xi32>
// CHECK:               arith.ori
// CHECK:             vector.extract
// CHECK:             memref.store
func.func @threshold(%r: memref<?x20xf32>, %theta: memref<20xf32>, %mask: memref<20x?xi32>,
                     %gates: memref<?x20xf32>) {
  et.gate #et.threshold<compare = ge, gate = relu> ins(%r : memref<?x20xf32>)
    theta(%theta : memref<20xf32>) outs(%mask, %gates : memref<20x?xi32>, memref<?x20xf32>)
  return
}

// Other rules are left for convert-et-to-scf.
// CHECK-LABEL: func.func @top_k
// CHECK:         et.gate #et.top_k
func.func @top_k(%r: memref<?x20xf32>, %mask: memref<20x?xi32>, %gates: memref<?x20xf32>) {
  et.gate #et.top_k<k = 2> ins(%r : memref<?x20xf32>)
    outs(%mask, %gates : memref<20x?xi32>, memref<?x20xf32>)
  return
}
