// RUN: et-opt %s --et-check-shapes | FileCheck %s

// CHECK-DAG: #[[DEPTH:.*]] = affine_map<()[s0] -> ((s0 ceildiv 32) * 16)>
// CHECK-DAG: #[[PANELS:.*]] = affine_map<()[s0] -> (s0 ceildiv 8)>

// One assertion for each dynamic size whose name another operand has.
// CHECK-LABEL: func @scores
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x?xf32>, %[[ROUTER:[a-z0-9]+]]: tensor<?x4xf32>, %[[OUT:[a-z0-9]+]]: tensor<?x4xf32>
// CHECK-DAG: %[[D:.*]] = tensor.dim %[[X]], %c1
// CHECK-DAG: %[[D2:.*]] = tensor.dim %[[ROUTER]], %c0
// CHECK: %[[FIT:.*]] = arith.cmpi eq, %[[D2]], %[[D]] : index
// CHECK: cf.assert %[[FIT]], "et.scores: the size of operand 'router' in dimension 0 is not D of the other operands"
// CHECK: cf.assert %{{.*}}, "et.scores: the size of operand 'out' in dimension 0 is not T of the other operands"
// CHECK-NOT: cf.assert
// CHECK: et.scores
func.func @scores(%x: tensor<?x?xf32>, %router: tensor<?x4xf32>, %out: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = et.scores linear ins(%x, %router : tensor<?x?xf32>, tensor<?x4xf32>) outs(%out : tensor<?x4xf32>)
  return %0 : tensor<?x4xf32>
}

// Derived sizes: words of a mask, entries of a plan.
// CHECK-LABEL: func @derived
// CHECK: %[[T:.*]] = memref.dim %{{.*}}, %c0{{.*}} : memref<?x?xf32>
// CHECK: %[[WORDS:.*]] = affine.apply #[[CEIL:.*]]()[%[[T]]]
// CHECK: arith.cmpi eq, %{{.*}}, %[[WORDS]]
// CHECK: cf.assert %{{.*}}, "et.combine: the size of operand 'mask' in dimension 1 is not T/32 of the other operands"
// CHECK: cf.assert %{{.*}}, "et.combine: the size of operand 'offsets' in dimension 0 is not E+1 of the other operands"
// CHECK: et.combine
func.func @derived(%pairs: memref<?x8xf32>, %gates: memref<?x?xf32>, %mask: memref<?x?xi32>, %offsets: memref<?xi32>, %out: memref<?x8xf32>) {
  et.combine ins(%pairs, %gates, %mask, %offsets : memref<?x8xf32>, memref<?x?xf32>, memref<?x?xi32>, memref<?xi32>) outs(%out : memref<?x8xf32>)
  return
}

// A static size is compared with dynamic ones.
// CHECK-LABEL: func @one_static
// CHECK-DAG: %[[C4:.*]] = arith.constant 4 : index
// CHECK-DAG: %[[E:.*]] = tensor.dim
// CHECK: arith.cmpi eq, %[[E]], %[[C4]]
// CHECK: cf.assert %{{.*}}, "et.ema_update: the size of operand 'theta' in dimension 0 is not E of the other operands"
func.func @one_static(%m: tensor<4xf32>, %theta: tensor<?xf32>) -> tensor<?xf32> {
  %0 = et.ema_update ins(%m : tensor<4xf32>) outs(%theta : tensor<?xf32>)
  return %0 : tensor<?xf32>
}

// Static sizes are the verifier's, and P of a token list is nobody else's.
// CHECK-LABEL: func @nothing_to_check
// CHECK-NOT: cf.assert
func.func @nothing_to_check(%mask: tensor<4x2xi32>, %offsets: tensor<5xi32>, %tokens: tensor<?xi32>) -> tensor<?xi32> {
  %0 = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%tokens : tensor<?xi32>)
  return %0 : tensor<?xi32>
}

// Ops in nested regions are checked where they stand.
// CHECK-LABEL: func @nested
// CHECK: scf.if
// CHECK: cf.assert
// CHECK: et.ema_update
func.func @nested(%c: i1, %m: memref<?xf32>, %theta: memref<?xf32>) {
  scf.if %c {
    et.ema_update ins(%m : memref<?xf32>) outs(%theta : memref<?xf32>)
  }
  return
}

// Loops over bins and offsets take it for granted that there is one.
// CHECK-LABEL: func @bins
// CHECK: cf.assert %{{.*}}, "et.histogram: needs at least one bin"
func.func @bins(%scores: memref<?x4xf32>, %counts: memref<4x?xi32>) {
  et.histogram range(0.0, 1.0) ins(%scores : memref<?x4xf32>) outs(%counts : memref<4x?xi32>)
  return
}
// CHECK-LABEL: func @gather_without_offsets
// CHECK: cf.assert %{{.*}}, "et.gather: needs at least one offset"
func.func @gather_without_offsets(%x: memref<?x8xf32>, %tokens: memref<?xi32>, %offsets: memref<?xi32>, %rows: memref<?x8xf32>) {
  et.gather ins(%x, %tokens, %offsets : memref<?x8xf32>, memref<?xi32>, memref<?xi32>) outs(%rows : memref<?x8xf32>)
  return
}

// Pairs are numbered in 32 bits; what is static makes one factor.
// CHECK-LABEL: func @pairs
// CHECK-DAG: %[[T:.*]] = tensor.dim %{{.*}}, %c0
// CHECK-DAG: %[[MOST:.*]] = arith.constant 2147483647 : index
// CHECK-DAG: %[[E:.*]] = arith.constant 5 : index
// CHECK: %[[TOKENS:.*]] = arith.cmpi ule, %[[T]], %[[MOST]]
// CHECK: %[[PAIRS:.*]] = arith.cmpi ule, %[[PRODUCT:.*]], %[[MOST]]
// CHECK: %[[FIT:.*]] = arith.andi %[[PAIRS]], %[[TOKENS]]
// CHECK: cf.assert %[[FIT]], "et.gate: tokens times the experts that one can have must stay below 2147483648; use fewer tokens at a time"
// CHECK-NEXT: et.gate
// The plan of a gate that is checked needs no check.
// CHECK-NOT: cf.assert
// CHECK: et.offsets
func.func @pairs(%scores: tensor<?x5xf32>, %theta: tensor<5xf32>, %m: tensor<5x?xi32>, %o: tensor<6xi32>) -> tensor<6xi32> {
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<?x5xf32>) theta(%theta : tensor<5xf32>) outs(%m, %scores : tensor<5x?xi32>, tensor<?x5xf32>)
  %offsets = et.offsets ins(%mask : tensor<5x?xi32>) outs(%o : tensor<6xi32>)
  return %offsets : tensor<6xi32>
}

// At most k experts a token, and no more than there are.
// CHECK-LABEL: func @few_pairs
// CHECK-DAG: arith.constant 2 : index
// CHECK-NOT: arith.constant 5 : index
// CHECK: "et.gate: tokens times
func.func @few_pairs(%scores: tensor<?x5xf32>, %m: tensor<5x?xi32>) -> tensor<5x?xi32> {
  %mask, %gates = et.gate #et.top_k<k = 2> ins(%scores : tensor<?x5xf32>) outs(%m, %scores : tensor<5x?xi32>, tensor<?x5xf32>)
  return %mask : tensor<5x?xi32>
}

// The last mask that is small enough, and the first that is not.
// CHECK-LABEL: func @static_masks
// CHECK-NEXT: et.offsets
// CHECK: %[[FALSE:.*]] = arith.constant false
// CHECK-NEXT: cf.assert %[[FALSE]], "et.offsets: tokens times experts must stay below 2147483648
// CHECK-NEXT: et.offsets
func.func @static_masks(%a: memref<1x67108863xi32>, %b: memref<1x67108864xi32>, %offsets: memref<2xi32>) {
  et.offsets ins(%a : memref<1x67108863xi32>) outs(%offsets : memref<2xi32>)
  et.offsets ins(%b : memref<1x67108864xi32>) outs(%offsets : memref<2xi32>)
  return
}

// Sizes of packed weights follow from the depth and the width of the product.
// CHECK-LABEL: func @packed
// CHECK: affine.apply #[[PANELS]]()
// CHECK: cf.assert %{{.*}}, "et.grouped_matmul: the size of operand 'rhs' in dimension 1 is not N/8 of the other operands"
// CHECK: affine.apply #[[DEPTH]]()
// CHECK: cf.assert %{{.*}}, "et.grouped_matmul: the size of operand 'rhs' in dimension 2 is not K/32*16 of the other operands"
// CHECK: cf.assert %{{.*}}, "et.grouped_matmul: the size of operand 'rhs' in dimension 3 is not 16 of the other operands"
func.func @packed(%x: tensor<?x?xbf16>, %p: tensor<1x?x?x?xbf16>, %out: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %0 = et.grouped_matmul none ins(%x, %p : tensor<?x?xbf16>, tensor<1x?x?x?xbf16>)
    panels(#et.panels<columns = 8, interleave = 2, step = 32>) outs(%out : tensor<?x?xf32>)
  return %0 : tensor<?x?xf32>
}

// Blocks of scales.
// CHECK-LABEL: func @scales
// CHECK: cf.assert %{{.*}}, "et.grouped_matmul: the size of operand 'scales' in dimension 1 is not K/128 of the other operands"
// CHECK: cf.assert %{{.*}}, "et.grouped_matmul: the size of operand 'scales' in dimension 2 is not N/128 of the other operands"
// CHECK-NOT: cf.assert
// CHECK: et.grouped_matmul
func.func @scales(%x: tensor<64x200xf16>, %w: tensor<1x200x300xf8E4M3FN>, %s: tensor<1x?x?xf32>, %out: tensor<64x300xf16>) -> tensor<64x300xf16> {
  %0 = et.grouped_matmul relu ins(%x, %w : tensor<64x200xf16>, tensor<1x200x300xf8E4M3FN>) scales(%s : tensor<1x?x?xf32>)
    outs(%out : tensor<64x300xf16>)
  return %0 : tensor<64x300xf16>
}
