// RUN: et-opt %s --convert-et-to-scf --canonicalize | FileCheck %s

// CHECK-LABEL: func @gated
// CHECK-SAME: %[[X:.*]]: memref<?x8xf16>, %[[W:.*]]: memref<4x8x16xf16>, %[[O:.*]]: memref<5xi32>, %[[L:.*]]: memref<?xi32>, %[[B:.*]]: memref<4x16xf16>, %[[OUT:.*]]: memref<?x16xf16>
// CHECK: scf.parallel (%[[E:.*]], %[[N:.*]]) = (%c0, %c0) to (%c4, %c16)
// CHECK: memref.load %[[O]][%[[E]]]
// CHECK: memref.load %[[O]]
// CHECK: scf.for %[[P:.*]] = %{{.*}} to %{{.*}} step %c1
// CHECK: memref.load %[[L]][%[[P]]]
// The sum is f32, and the bias comes last.
// CHECK: %[[SUM:.*]] = scf.for %[[K:.*]] = %c0 to %c8 step %c1 iter_args(%[[ACC:.*]] = %{{.*}}) -> (f32)
// CHECK: memref.load %[[X]][%[[TOKEN:.*]], %[[K]]]
// CHECK: arith.extf %{{.*}} : f16 to f32
// CHECK: memref.load %[[W]][%[[E]], %[[K]], %[[N]]]
// CHECK: arith.extf %{{.*}} : f16 to f32
// CHECK: arith.addf %[[ACC]]
// CHECK: memref.load %[[B]][%[[E]], %[[N]]]
// CHECK: %[[GATE_SUM:.*]] = scf.for
// CHECK: %[[VALUE:.*]] = arith.addf %[[SUM]]
// CHECK: %[[GATE:.*]] = arith.addf %[[GATE_SUM]]
// CHECK: math.exp
// CHECK: %[[SILU:.*]] = arith.divf %[[GATE]]
// CHECK: %[[PRODUCT:.*]] = arith.mulf %[[SILU]], %[[VALUE]]
// CHECK: %[[ROUNDED:.*]] = arith.truncf %[[PRODUCT]] : f32 to f16
// CHECK: memref.store %[[ROUNDED]], %[[OUT]][%[[P]], %[[N]]]
func.func @gated(%x: memref<?x8xf16>, %w: memref<4x8x16xf16>, %o: memref<5xi32>, %l: memref<?xi32>, %b: memref<4x16xf16>, %out: memref<?x16xf16>) {
  et.grouped_matmul silu ins(%x, %w : memref<?x8xf16>, memref<4x8x16xf16>) offsets(%o : memref<5xi32>) tokens(%l : memref<?xi32>)
    bias(%b : memref<4x16xf16>) gate(%w : memref<4x8x16xf16>) gate_bias(%b : memref<4x16xf16>) outs(%out : memref<?x16xf16>)
  return
}

// CHECK-LABEL: func @dense
// CHECK-SAME: %[[X:.*]]: memref<?x8xf32>, %[[W:.*]]: memref<1x8x16xf32>, %[[OUT:.*]]: memref<?x16xf32>
// One expert has all rows.
// CHECK: scf.parallel (%[[N:.*]]) = (%c0) to (%c16)
// CHECK: %[[ROWS:.*]] = memref.dim %[[OUT]], %c0
// CHECK: scf.for %[[P:.*]] = %c0 to %[[ROWS]] step %c1
// CHECK: %[[SUM:.*]] = scf.for
// CHECK: memref.load %[[X]][%[[P]], %{{.*}}]
// CHECK: %[[RELU:.*]] = arith.maximumf %[[SUM]]
// CHECK: %[[SQUARED:.*]] = arith.mulf %[[RELU]], %[[RELU]]
// CHECK: memref.store %[[SQUARED]], %[[OUT]][%[[P]], %[[N]]]
func.func @dense(%x: memref<?x8xf32>, %w: memref<1x8x16xf32>, %out: memref<?x16xf32>) {
  et.grouped_matmul relu_squared ins(%x, %w : memref<?x8xf32>, memref<1x8x16xf32>) outs(%out : memref<?x16xf32>)
  return
}

// CHECK-LABEL: func @gelu
// CHECK: math.erf
// CHECK-NOT: math.tanh
// CHECK: memref.store
func.func @gelu(%x: memref<?x8xf32>, %w: memref<1x8x16xf32>, %out: memref<?x16xf32>) {
  et.grouped_matmul gelu ins(%x, %w : memref<?x8xf32>, memref<1x8x16xf32>) outs(%out : memref<?x16xf32>)
  return
}

// CHECK-LABEL: func @gelu_tanh
// CHECK: math.tanh
// CHECK-NOT: math.erf
// CHECK: memref.store
func.func @gelu_tanh(%x: memref<?x8xf32>, %w: memref<1x8x16xf32>, %out: memref<?x16xf32>) {
  et.grouped_matmul gelu_tanh ins(%x, %w : memref<?x8xf32>, memref<1x8x16xf32>) outs(%out : memref<?x16xf32>)
  return
}

// Elements of packed weights are found by their column and step.
// CHECK-LABEL: func @packed_weights
// CHECK-DAG: %[[TWO:.*]] = arith.constant 2 : index
// CHECK-DAG: %[[EIGHT:.*]] = arith.constant 8 : index
// CHECK: scf.parallel (%[[N:.*]]) =
// CHECK: scf.for %[[K:.*]] = {{.*}} iter_args
// CHECK: %[[IN:.*]] = arith.remui %[[N]], %[[EIGHT]]
// CHECK: %[[PAIRED:.*]] = arith.muli %[[IN]], %[[TWO]]
// CHECK: %[[STEP:.*]] = arith.remui %[[K]], %[[TWO]]
// CHECK: %[[AT:.*]] = arith.addi %[[PAIRED]], %[[STEP]]
// CHECK: %[[PANEL:.*]] = arith.div{{[su]}}i %[[N]], %[[EIGHT]]
// CHECK: %[[ROW:.*]] = arith.div{{[su]}}i %[[K]], %[[TWO]]
// CHECK: memref.load %{{.*}}[%c0, %[[PANEL]], %[[ROW]], %[[AT]]] : memref<1x2x4x16xbf16>
func.func @packed_weights(%x: memref<?x8xbf16>, %p: memref<1x2x4x16xbf16>, %out: memref<?x12xf32>) {
  et.grouped_matmul none ins(%x, %p : memref<?x8xbf16>, memref<1x2x4x16xbf16>)
    panels(#et.panels<columns = 8, interleave = 2, step = 2>) outs(%out : memref<?x12xf32>)
  return
}

// What is beyond the weights is 0.
// CHECK-LABEL: func @pack
// CHECK: scf.parallel (%[[E:.*]], %[[PANEL:.*]], %[[ROW:.*]]) =
// CHECK: scf.for %[[AT:.*]] =
// CHECK: %[[FITS:.*]] = arith.andi
// CHECK: %[[VALUE:.*]] = scf.if %[[FITS]] -> (f32)
// CHECK: memref.load %{{.*}}[%[[E]], %{{.*}}, %{{.*}}] : memref<4x7x12xf32>
// CHECK: memref.store %[[VALUE]], %{{.*}}[%[[E]], %[[PANEL]], %[[ROW]], %[[AT]]] : memref<4x2x4x16xf32>
func.func @pack(%w: memref<4x7x12xf32>, %p: memref<4x2x4x16xf32>) {
  et.pack #et.panels<columns = 8, interleave = 2, step = 4> ins(%w : memref<4x7x12xf32>) outs(%p : memref<4x2x4x16xf32>)
  return
}
