// RUN: et-opt %s -split-input-file -verify-diagnostics --transform-interpreter --canonicalize --cse | FileCheck %s

// Tokens and experts are independent; D is summed within a tile.
// CHECK-LABEL: func @scores
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<64x8xf32>, %[[ROUTER:[a-z0-9]+]]: tensor<8x16xf32>, %[[OUT:[a-z0-9]+]]: tensor<64x16xf32>
// CHECK: scf.for %[[T:.*]] = %c0 to %c64 step %c32 iter_args(%[[A:.*]] = %[[OUT]])
// CHECK: scf.for %[[E:.*]] = %c0 to %c16 step %c4 iter_args(%[[B:.*]] = %[[A]])
// CHECK-DAG: %[[XT:.*]] = tensor.extract_slice %[[X]][%[[T]], 0] [32, 8] [1, 1]
// CHECK-DAG: %[[RE:.*]] = tensor.extract_slice %[[ROUTER]][0, %[[E]]] [8, 4] [1, 1]
// CHECK-DAG: %[[OTE:.*]] = tensor.extract_slice %[[B]][%[[T]], %[[E]]] [32, 4] [1, 1]
// CHECK: %[[TILE:.*]] = et.scores linear ins(%[[XT]], %[[RE]] : tensor<32x8xf32>, tensor<8x4xf32>) outs(%[[OTE]] : tensor<32x4xf32>)
// CHECK: tensor.insert_slice %[[TILE]] into %[[B]][%[[T]], %[[E]]] [32, 4] [1, 1]
func.func @scores(%x: tensor<64x8xf32>, %router: tensor<8x16xf32>, %out: tensor<64x16xf32>) -> tensor<64x16xf32> {
  %0 = et.scores linear ins(%x, %router : tensor<64x8xf32>, tensor<8x16xf32>) outs(%out : tensor<64x16xf32>)
  return %0 : tensor<64x16xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["et.scores"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops:2 = transform.structured.tile_using_for %op tile_sizes [32, 4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A tile of rows has a plan of its own: what it has of each expert's rows.
// CHECK-LABEL: func @rows
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x8xbf16>, %[[W:[a-z0-9]+]]: tensor<4x8x16xbf16>, %[[O:[a-z0-9]+]]: tensor<5xi32>, %[[L:[a-z0-9]+]]: tensor<?xi32>
// CHECK: scf.for %[[P:.*]] = %c0 to %[[ROWS:.*]] step %c64
// CHECK: %[[SIZE:.*]] = affine.min #{{.*}}(%[[P]])[%[[ROWS]]]
// CHECK: %[[LP:.*]] = tensor.extract_slice %[[L]][%[[P]]] [%[[SIZE]]] [1]
// CHECK: %[[OUTP:.*]] = tensor.extract_slice %{{.*}}[%[[P]], 0] [%[[SIZE]], 16] [1, 1]
// CHECK-DAG: %[[FIRST:.*]] = arith.index_cast %[[P]] : index to i32
// CHECK-DAG: %[[COUNT:.*]] = arith.index_cast %[[SIZE]] : index to i32
// CHECK: %[[OP:.*]] = linalg.generic {{.*}} ins(%[[O]] : tensor<5xi32>)
// CHECK: %[[MOVED:.*]] = arith.subi %{{.*}}, %[[FIRST]]
// CHECK: %[[ABOVE:.*]] = arith.maxsi %[[MOVED]], %c0_i32
// CHECK: arith.minsi %[[ABOVE]], %[[COUNT]]
// CHECK: et.grouped_matmul relu ins(%[[X]], %[[W]] : {{.*}}) offsets(%[[OP]] : tensor<5xi32>) tokens(%[[LP]] : tensor<?xi32>) outs(%[[OUTP]] : tensor<?x16xbf16>)
func.func @rows(%x: tensor<?x8xbf16>, %w: tensor<4x8x16xbf16>, %o: tensor<5xi32>, %l: tensor<?xi32>, %out: tensor<?x16xbf16>) -> tensor<?x16xbf16> {
  %0 = et.grouped_matmul relu ins(%x, %w : tensor<?x8xbf16>, tensor<4x8x16xbf16>) offsets(%o : tensor<5xi32>)
    tokens(%l : tensor<?xi32>) outs(%out : tensor<?x16xbf16>)
  return %0 : tensor<?x16xbf16>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["et.grouped_matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [64, 0] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A tile of columns has the whole plan, and its columns of weights and biases.
// CHECK-LABEL: func @columns
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?x8xf32>, %[[W:[a-z0-9]+]]: memref<4x8x16xf32>, %[[O:[a-z0-9]+]]: memref<5xi32>, %[[B:[a-z0-9]+]]: memref<4x16xf32>
// CHECK: scf.for %[[N:.*]] = %c0 to %c16 step %c8
// CHECK-DAG: %[[WN:.*]] = memref.subview %[[W]][0, 0, %[[N]]] [4, 8, 8] [1, 1, 1]
// CHECK-DAG: %[[BN:.*]] = memref.subview %[[B]][0, %[[N]]] [4, 8] [1, 1]
// CHECK: et.grouped_matmul silu ins(%{{.*}}, %[[WN]] : {{.*}}) offsets(%[[O]] : memref<5xi32>) bias(%[[BN]] : {{.*}}) gate(%[[WN]] : {{.*}}) outs
func.func @columns(%x: memref<?x8xf32>, %w: memref<4x8x16xf32>, %o: memref<5xi32>, %b: memref<4x16xf32>, %out: memref<?x16xf32>) {
  et.grouped_matmul silu ins(%x, %w : memref<?x8xf32>, memref<4x8x16xf32>) offsets(%o : memref<5xi32>) bias(%b : memref<4x16xf32>)
    gate(%w : memref<4x8x16xf32>) outs(%out : memref<?x16xf32>)
  return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["et.grouped_matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 8] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK-LABEL: func @combine
// CHECK: scf.for %[[D:.*]] = %c0 to %c8 step %c4
// CHECK-DAG: %[[PAIRS:.*]] = tensor.extract_slice %{{.*}}[0, %[[D]]] [%{{.*}}, 4] [1, 1] : tensor<?x8xf32>
// CHECK: et.combine ins(%[[PAIRS]], %arg1, %arg2, %arg3 : tensor<?x4xf32>, tensor<40x4xf32>, tensor<4x2xi32>, tensor<5xi32>) shared(%{{.*}} : tensor<40x4xf32>) outs(%{{.*}} : tensor<40x4xf32>)
func.func @combine(%pairs: tensor<?x8xf32>, %gates: tensor<40x4xf32>, %mask: tensor<4x2xi32>, %offsets: tensor<5xi32>,
                   %shared: tensor<40x8xf32>, %out: tensor<40x8xf32>) -> tensor<40x8xf32> {
  %0 = et.combine ins(%pairs, %gates, %mask, %offsets : tensor<?x8xf32>, tensor<40x4xf32>, tensor<4x2xi32>, tensor<5xi32>)
    shared(%shared : tensor<40x8xf32>) outs(%out : tensor<40x8xf32>)
  return %0 : tensor<40x8xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["et.combine"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A plan of its own would be a buffer of its own.
func.func @rows_on_memrefs(%x: memref<?x8xf32>, %w: memref<4x8x16xf32>, %o: memref<5xi32>, %out: memref<?x16xf32>) {
  // expected-error@+3 {{'et.grouped_matmul' op cannot be tiled by rows on memrefs: tile it on tensors, before --one-shot-bufferize}}
  // expected-error@+2 {{to tile operation}}
  // expected-error@+1 {{failed to generate tiling loops}}
  et.grouped_matmul silu ins(%x, %w : memref<?x8xf32>, memref<4x8x16xf32>) offsets(%o : memref<5xi32>) outs(%out : memref<?x16xf32>)
  return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["et.grouped_matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [64, 0] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK-LABEL: func @pack
// CHECK: scf.for %[[E:.*]] = %c0 to %c16 step %c4
// CHECK-DAG: %[[W:.*]] = tensor.extract_slice %{{.*}}[%[[E]], 0, 0] [4, 8, 20] [1, 1, 1]
// CHECK-DAG: %[[P:.*]] = tensor.extract_slice %{{.*}}[%[[E]], 0, 0, 0] [4, 3, 8, 8] [1, 1, 1, 1]
// CHECK: et.pack #et.panels<columns = 8> ins(%[[W]] : {{.*}}) outs(%[[P]] : {{.*}})
func.func @pack(%w: tensor<16x8x20xf32>, %out: tensor<16x3x8x8xf32>) -> tensor<16x3x8x8xf32> {
  %0 = et.pack #et.panels<columns = 8> ins(%w : tensor<16x8x20xf32>) outs(%out : tensor<16x3x8x8xf32>)
  return %0 : tensor<16x3x8x8xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["et.pack"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Rows of a product with packed weights are tiled as others are.
// CHECK-LABEL: func @packed_rows
// CHECK: et.grouped_matmul none ins(%{{.*}}, %{{.*}} : tensor<4x8xf32>, tensor<1x3x8x8xf32>) panels(#et.panels<columns = 8>) outs
func.func @packed_rows(%x: tensor<16x8xf32>, %p: tensor<1x3x8x8xf32>, %out: tensor<16x20xf32>) -> tensor<16x20xf32> {
  %0 = et.grouped_matmul none ins(%x, %p : tensor<16x8xf32>, tensor<1x3x8x8xf32>) panels(#et.panels<columns = 8>)
    outs(%out : tensor<16x20xf32>)
  return %0 : tensor<16x20xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["et.grouped_matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [4, 0] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

func.func @packed_columns(%x: tensor<16x8xf32>, %p: tensor<1x3x8x8xf32>, %out: tensor<16x24xf32>) -> tensor<16x24xf32> {
  // expected-error@+3 {{'et.grouped_matmul' op cannot be tiled by columns with packed weights: tile it before --et-pack-weights}}
  // expected-error@+2 {{to tile operation}}
  // expected-error@+1 {{failed to generate tiling loops}}
  %0 = et.grouped_matmul none ins(%x, %p : tensor<16x8xf32>, tensor<1x3x8x8xf32>) panels(#et.panels<columns = 8>)
    outs(%out : tensor<16x24xf32>)
  return %0 : tensor<16x24xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["et.grouped_matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 8] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A tile of columns would start within a block of scales; rows are free to be tiled.
func.func @scaled_columns(%x: tensor<64x8xbf16>, %w: tensor<1x8x256xf8E4M3FN>, %s: tensor<1x1x2xf32>, %out: tensor<64x256xbf16>) -> tensor<64x256xbf16> {
  // expected-error@+3 {{'et.grouped_matmul' op cannot be tiled by columns with scales, which are of 128 columns each: tile it by rows}}
  // expected-error@+2 {{to tile operation}}
  // expected-error@+1 {{failed to generate tiling loops}}
  %0 = et.grouped_matmul relu ins(%x, %w : tensor<64x8xbf16>, tensor<1x8x256xf8E4M3FN>) scales(%s : tensor<1x1x2xf32>) outs(%out : tensor<64x256xbf16>)
  return %0 : tensor<64x256xbf16>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["et.grouped_matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 32] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK-LABEL: func @scaled_rows
// CHECK: et.grouped_matmul relu ins(%{{.*}}, %{{.*}} : tensor<16x8xbf16>, tensor<1x8x256xf8E4M3FN>) scales(%{{.*}} : tensor<1x1x2xf32>) outs(%{{.*}} : tensor<16x256xbf16>)
func.func @scaled_rows(%x: tensor<64x8xbf16>, %w: tensor<1x8x256xf8E4M3FN>, %s: tensor<1x1x2xf32>, %out: tensor<64x256xbf16>) -> tensor<64x256xbf16> {
  %0 = et.grouped_matmul relu ins(%x, %w : tensor<64x8xbf16>, tensor<1x8x256xf8E4M3FN>) scales(%s : tensor<1x1x2xf32>) outs(%out : tensor<64x256xbf16>)
  return %0 : tensor<64x256xbf16>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["et.grouped_matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [16, 0] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A tile has the epilogue of the whole.
// CHECK-LABEL: func @epilogue
// CHECK: scf.for
// CHECK: et.grouped_matmul relu {{.*}} tensor<4x16xf32>) epilogue(%[[V:.*]]) {
// CHECK-NEXT: %[[ROOT:.*]] = math.sqrt %[[V]] : f32
// CHECK-NEXT: et.yield %[[ROOT]]
func.func @epilogue(%x: tensor<8x8xf32>, %w: tensor<1x8x16xf32>, %out: tensor<8x16xf32>) -> tensor<8x16xf32> {
  %0 = et.grouped_matmul relu ins(%x, %w : tensor<8x8xf32>, tensor<1x8x16xf32>) outs(%out : tensor<8x16xf32>) epilogue(%v) {
    %root = math.sqrt %v : f32
    et.yield %root
  }
  return %0 : tensor<8x16xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["et.grouped_matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [4, 0] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
