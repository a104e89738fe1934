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
// CHECK: %[[VALUE:.*]] = arith.addf %[[SUM]]
// CHECK: %[[GATE_SUM:.*]] = scf.for
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
