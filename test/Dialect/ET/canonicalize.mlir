// RUN: et-opt %s -split-input-file --canonicalize --cse | FileCheck %s

//===----------------------------------------------------------------------===//
// All ops
//===----------------------------------------------------------------------===//

// No op has an effect on tensors, so what nobody uses goes: a plan that no
// product reads, and the gate before it.
// CHECK-LABEL: func @unused_plan
// CHECK-NEXT: return
func.func @unused_plan(%r: tensor<?x4xf32>, %theta: tensor<4xf32>, %m: tensor<4x?xi32>, %g: tensor<?x4xf32>,
                       %o: tensor<5xi32>, %l: tensor<?xi32>) {
  %mask, %gates = et.gate #et.threshold ins(%r : tensor<?x4xf32>) theta(%theta : tensor<4xf32>)
    outs(%m, %g : tensor<4x?xi32>, tensor<?x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x?xi32>) outs(%o : tensor<5xi32>)
  %tokens = et.token_list ins(%mask, %offsets : tensor<4x?xi32>, tensor<5xi32>) outs(%l : tensor<?xi32>)
  return
}

// -----

// CHECK-LABEL: func @same_scores
// CHECK: %[[R:.*]] = et.scores
// CHECK-NOT: et.scores
// CHECK: return %[[R]], %[[R]]
func.func @same_scores(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %out: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %0 = et.scores linear ins(%x, %router : tensor<?x8xf32>, tensor<8x4xf32>) outs(%out : tensor<?x4xf32>)
  %1 = et.scores linear ins(%x, %router : tensor<?x8xf32>, tensor<8x4xf32>) outs(%out : tensor<?x4xf32>)
  return %0, %1 : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// CHECK-LABEL: func @writes_to_memrefs_stay
// CHECK-COUNT-2: et.scores
func.func @writes_to_memrefs_stay(%x: memref<?x8xf32>, %router: memref<8x4xf32>, %out: memref<?x4xf32>) {
  et.scores linear ins(%x, %router : memref<?x8xf32>, memref<8x4xf32>) outs(%out : memref<?x4xf32>)
  et.scores cosine ins(%x, %router : memref<?x8xf32>, memref<8x4xf32>) outs(%out : memref<?x4xf32>)
  return
}

// -----

// CHECK-LABEL: func @sizes_of_results
// CHECK-SAME: %[[M:[a-z0-9]+]]: tensor<?x?xi32>, %[[G:[a-z0-9]+]]: tensor<?x?xf32>
// CHECK-NOT: et.
// CHECK-DAG: %[[C0:.*]] = arith.constant 0
// CHECK-DAG: %[[C1:.*]] = arith.constant 1
// CHECK-DAG: %[[WORDS:.*]] = tensor.dim %[[M]], %[[C1]]
// CHECK-DAG: %[[TOKENS:.*]] = tensor.dim %[[G]], %[[C0]]
// CHECK: return %[[WORDS]], %[[TOKENS]]
func.func @sizes_of_results(%m: tensor<?x?xi32>, %g: tensor<?x?xf32>, %r: tensor<?x?xf32>) -> (index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %mask, %gates = et.gate #et.top_k<k = 1> ins(%r : tensor<?x?xf32>) outs(%m, %g : tensor<?x?xi32>, tensor<?x?xf32>)
  %words = tensor.dim %mask, %c1 : tensor<?x?xi32>
  %tokens = tensor.dim %gates, %c0 : tensor<?x?xf32>
  return %words, %tokens : index, index
}

// -----

// A size that is known once is known for all operands that share its name, and
// for the words of a mask.
// CHECK-LABEL: func @static_sizes
// CHECK-SAME: %[[R:.*]]: tensor<40x4xf32>, %[[THETA:.*]]: tensor<?xf32>
// CHECK: %[[CAST:.*]] = tensor.cast %[[THETA]] : tensor<?xf32> to tensor<4xf32>
// CHECK: %[[MASK:.*]], %{{.*}} = et.gate #et.threshold ins(%[[R]] : tensor<40x4xf32>) theta(%[[CAST]] : tensor<4xf32>)
// CHECK-SAME: outs(%{{.*}}, %{{.*}} : tensor<4x2xi32>, tensor<40x4xf32>)
// CHECK: et.offsets ins(%[[MASK]] : tensor<4x2xi32>) outs(%{{.*}} : tensor<5xi32>)
// CHECK: tensor.cast %{{.*}} : tensor<5xi32> to tensor<?xi32>
func.func @static_sizes(%r: tensor<40x4xf32>, %theta: tensor<?xf32>, %m: tensor<?x?xi32>, %g: tensor<?x?xf32>, %o: tensor<?xi32>)
    -> (tensor<?xi32>, tensor<?x?xf32>) {
  %mask, %gates = et.gate #et.threshold ins(%r : tensor<40x4xf32>) theta(%theta : tensor<?xf32>)
    outs(%m, %g : tensor<?x?xi32>, tensor<?x?xf32>)
  %offsets = et.offsets ins(%mask : tensor<?x?xi32>) outs(%o : tensor<?xi32>)
  return %offsets, %gates : tensor<?xi32>, tensor<?x?xf32>
}

// -----

// CHECK-LABEL: func @static_size_behind_a_cast
// CHECK-SAME: %[[X:.*]]: tensor<64x8xf32>
// CHECK-NEXT: %[[OUT:.*]] = tensor.empty() : tensor<64x4xf32>
// CHECK-NEXT: %[[R:.*]] = et.scores linear ins(%[[X]], %{{.*}} : tensor<64x8xf32>, tensor<8x4xf32>) outs(%[[OUT]] : tensor<64x4xf32>)
// CHECK-NEXT: return %[[R]]
func.func @static_size_behind_a_cast(%x: tensor<64x8xf32>, %router: tensor<8x4xf32>) -> tensor<64x4xf32> {
  %c0 = arith.constant 0 : index
  %cast = tensor.cast %x : tensor<64x8xf32> to tensor<?x8xf32>
  %tokens = tensor.dim %cast, %c0 : tensor<?x8xf32>
  %empty = tensor.empty(%tokens) : tensor<?x4xf32>
  %0 = et.scores linear ins(%cast, %router : tensor<?x8xf32>, tensor<8x4xf32>) outs(%empty : tensor<?x4xf32>)
  %1 = tensor.cast %0 : tensor<?x4xf32> to tensor<64x4xf32>
  return %1 : tensor<64x4xf32>
}

// -----

// CHECK-LABEL: func @no_token
// CHECK-SAME: %[[OUT:[a-z0-9]+]]: tensor<0x8xf32>
// CHECK-NEXT: return %[[OUT]]
func.func @no_token(%out: tensor<0x8xf32>, %x: tensor<0x8xf32>, %router: tensor<8x4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>) -> tensor<0x8xf32> {
  %0 = et.moe linear #et.top_k<k = 1> relu
    ins(%x, %router, %w1, %w2 : tensor<0x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>) outs(%out : tensor<0x8xf32>)
  return %0 : tensor<0x8xf32>
}

// -----

// CHECK-LABEL: func @no_row
// CHECK-NOT: et.
func.func @no_row(%x: memref<?x8xf32>, %tokens: memref<0xi32>, %offsets: memref<5xi32>, %rows: memref<0x8xf32>,
                  %w: memref<4x8x16xf32>, %out: memref<0x16xf32>) {
  et.gather ins(%x, %tokens, %offsets : memref<?x8xf32>, memref<0xi32>, memref<5xi32>) outs(%rows : memref<0x8xf32>)
  et.grouped_matmul none ins(%rows, %w : memref<0x8xf32>, memref<4x8x16xf32>) offsets(%offsets : memref<5xi32>) outs(%out : memref<0x16xf32>)
  return
}

// -----

// One of the two destinations has elements.
// CHECK-LABEL: func @histogram_of_no_token
// CHECK-SAME: %[[C:[a-z0-9]+]]: tensor<4x16xi32>
// CHECK: %[[ZERO:.*]] = arith.constant 0 : i32
// CHECK: linalg.fill ins(%[[ZERO]] : i32) outs(%[[C]] : tensor<4x16xi32>)
func.func @histogram_of_no_token(%counts: tensor<4x16xi32>, %r: tensor<0x4xf32>) -> tensor<4x16xi32> {
  %0 = et.histogram range(0.0, 1.0) ins(%r : tensor<0x4xf32>) outs(%counts : tensor<4x16xi32>)
  return %0 : tensor<4x16xi32>
}

// -----

//===----------------------------------------------------------------------===//
// Routing
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @unreachable
// CHECK-SAME: %[[M:[a-z0-9]+]]: tensor<2x?xi32>, %[[G:[a-z0-9]+]]: tensor<?x2xf32>
// CHECK-DAG: %[[NONE:.*]] = arith.constant 0 : i32
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK-DAG: %[[MASK:.*]] = linalg.fill ins(%[[NONE]] : i32) outs(%[[M]] : tensor<2x?xi32>)
// CHECK-DAG: %[[GATES:.*]] = linalg.fill ins(%[[ZERO]] : f32) outs(%[[G]] : tensor<?x2xf32>)
// CHECK: return %[[MASK]], %[[GATES]]
func.func @unreachable(%m: tensor<2x?xi32>, %g: tensor<?x2xf32>, %r: tensor<?x2xf32>) -> (tensor<2x?xi32>, tensor<?x2xf32>) {
  %theta = arith.constant dense<[0x7F800000, 0x7FC00000]> : tensor<2xf32>
  %0:2 = et.gate #et.threshold ins(%r : tensor<?x2xf32>) theta(%theta : tensor<2xf32>) outs(%m, %g : tensor<2x?xi32>, tensor<?x2xf32>)
  return %0#0, %0#1 : tensor<2x?xi32>, tensor<?x2xf32>
}

// -----

// +inf is not above +inf, but it is equal; -inf lets all but NaN and -inf pass;
// and one reachable threshold suffices.
// CHECK-LABEL: func @reachable
// CHECK-COUNT-3: et.gate
func.func @reachable(%m: tensor<2x?xi32>, %g: tensor<?x2xf32>, %r: tensor<?x2xf32>)
    -> (tensor<2x?xi32>, tensor<2x?xi32>, tensor<2x?xi32>) {
  %inf = arith.constant dense<0x7F800000> : tensor<2xf32>
  %minus = arith.constant dense<0xFF800000> : tensor<2xf32>
  %some = arith.constant dense<[0x7F800000, 0.0]> : tensor<2xf32>
  %0:2 = et.gate #et.threshold<compare = ge> ins(%r : tensor<?x2xf32>) theta(%inf : tensor<2xf32>) outs(%m, %g : tensor<2x?xi32>, tensor<?x2xf32>)
  %1:2 = et.gate #et.threshold ins(%r : tensor<?x2xf32>) theta(%minus : tensor<2xf32>) outs(%m, %g : tensor<2x?xi32>, tensor<?x2xf32>)
  %2:2 = et.gate #et.threshold ins(%r : tensor<?x2xf32>) theta(%some : tensor<2xf32>) outs(%m, %g : tensor<2x?xi32>, tensor<?x2xf32>)
  return %0#0, %1#0, %2#0 : tensor<2x?xi32>, tensor<2x?xi32>, tensor<2x?xi32>
}

// -----

// floor(T * rate) tokens an expert, with 0 for the first two: any T * 0, and
// 3 * 0.25. The bounds of a bounded threshold are then 0 whatever its thresholds.
// CHECK-LABEL: func @no_target
// CHECK-NOT: et.gate
// CHECK: et.gate #et.expert_choice<rate = 2.500000e-01> ins(%{{.*}} : tensor<4x2xf32>)
// CHECK-NOT: et.gate
// CHECK: return
func.func @no_target(%m: tensor<2x?xi32>, %g: tensor<?x2xf32>, %r: tensor<?x2xf32>, %theta: tensor<2xf32>,
                     %m1: tensor<2x1xi32>, %g3: tensor<3x2xf32>, %r3: tensor<3x2xf32>, %g4: tensor<4x2xf32>, %r4: tensor<4x2xf32>)
    -> (tensor<2x?xi32>, tensor<2x1xi32>, tensor<2x1xi32>) {
  %0:2 = et.gate #et.bounded_threshold<rate = 0.0, slack = 0.5> ins(%r : tensor<?x2xf32>) theta(%theta : tensor<2xf32>) outs(%m, %g : tensor<2x?xi32>, tensor<?x2xf32>)
  %1:2 = et.gate #et.expert_choice<rate = 0.25> ins(%r3 : tensor<3x2xf32>) outs(%m1, %g3 : tensor<2x1xi32>, tensor<3x2xf32>)
  %2:2 = et.gate #et.expert_choice<rate = 0.25> ins(%r4 : tensor<4x2xf32>) outs(%m1, %g4 : tensor<2x1xi32>, tensor<4x2xf32>)
  return %0#0, %1#0, %2#0 : tensor<2x?xi32>, tensor<2x1xi32>, tensor<2x1xi32>
}

// -----

// CHECK-LABEL: func @group_limit
// CHECK: et.gate #et.top_k<k = 2, scoring = sigmoid, renormalize = true, epsilon = 1.250000e-01> ins
// CHECK: et.gate #et.top_k<k = 2, groups = 4, groupLimit = 3> ins
func.func @group_limit(%m: tensor<8x?xi32>, %g: tensor<?x8xf32>, %r: tensor<?x8xf32>) -> (tensor<8x?xi32>, tensor<8x?xi32>) {
  %0:2 = et.gate #et.top_k<k = 2, scoring = sigmoid, renormalize = true, groups = 4, groupLimit = 4, epsilon = 0.125> ins(%r : tensor<?x8xf32>)
    outs(%m, %g : tensor<8x?xi32>, tensor<?x8xf32>)
  %1:2 = et.gate #et.top_k<k = 2, groups = 4, groupLimit = 3> ins(%r : tensor<?x8xf32>)
    outs(%m, %g : tensor<8x?xi32>, tensor<?x8xf32>)
  return %0#0, %1#0 : tensor<8x?xi32>, tensor<8x?xi32>
}

// -----

// CHECK-LABEL: func @bias
// CHECK: et.gate #et.top_k<k = 2> ins(%{{.*}} : tensor<?x4xf32>) outs
// CHECK: et.gate #et.top_k<k = 2> ins(%{{.*}} : tensor<?x4xf32>) bias
func.func @bias(%m: tensor<4x?xi32>, %g: tensor<?x4xf32>, %r: tensor<?x4xf32>) -> (tensor<4x?xi32>, tensor<4x?xi32>) {
  %zero = arith.constant dense<-0.0> : tensor<4xf32>
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %0:2 = et.gate #et.top_k<k = 2> ins(%r : tensor<?x4xf32>) bias(%zero : tensor<4xf32>) outs(%m, %g : tensor<4x?xi32>, tensor<?x4xf32>)
  %1:2 = et.gate #et.top_k<k = 2> ins(%r : tensor<?x4xf32>) bias(%one : tensor<4xf32>) outs(%m, %g : tensor<4x?xi32>, tensor<?x4xf32>)
  return %0#0, %1#0 : tensor<4x?xi32>, tensor<4x?xi32>
}

// -----

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @frozen
// CHECK-SAME: %[[M:.*]]: tensor<4xf32>, %[[THETA:.*]]: tensor<4xf32>
// CHECK-NEXT: return %[[THETA]]
func.func @frozen(%m: tensor<4xf32>, %theta: tensor<4xf32>) -> tensor<4xf32> {
  %0 = et.ema_update beta = 1.0 ins(%m : tensor<4xf32>) outs(%theta : tensor<4xf32>)
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func @frozen_memref
// CHECK-NEXT: return
func.func @frozen_memref(%m: memref<4xf32>, %theta: memref<4xf32>) {
  et.ema_update beta = 1.0 ins(%m : memref<4xf32>) outs(%theta : memref<4xf32>)
  return
}

// -----

// Too few tokens for a statistic leave the thresholds as they are.
// CHECK-LABEL: func @no_statistic
// CHECK-SAME: %[[THETA:[a-z0-9]+]]: tensor<4xf32>
// CHECK-NEXT: return %[[THETA]], %[[THETA]], %[[THETA]], %[[THETA]]
func.func @no_statistic(%theta: tensor<4xf32>, %r0: tensor<0x4xf32>, %r1: tensor<1x4xf32>, %r15: tensor<15x4xf32>)
    -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %init = tensor.empty() : tensor<4xf32>
  %bins = tensor.empty() : tensor<4x16xi32>
  %m0 = et.statistic #et.quantile<q = 0.5> ins(%r0 : tensor<0x4xf32>) outs(%init : tensor<4xf32>)
  %m1 = et.statistic #et.mean_minus_std ins(%r1 : tensor<1x4xf32>) outs(%init : tensor<4xf32>)
  %m15 = et.statistic #et.kth_largest<rate = 0.0625> ins(%r15 : tensor<15x4xf32>) outs(%init : tensor<4xf32>)
  %counts = et.histogram range(0.0, 1.0) ins(%r0 : tensor<0x4xf32>) outs(%bins : tensor<4x16xi32>)
  %mh = et.histogram_quantile 0.5 range(0.0, 1.0) ins(%counts : tensor<4x16xi32>) outs(%init : tensor<4xf32>)
  %0 = et.ema_update ins(%m0 : tensor<4xf32>) outs(%theta : tensor<4xf32>)
  %1 = et.ema_update ins(%m1 : tensor<4xf32>) outs(%theta : tensor<4xf32>)
  %2 = et.ema_update ins(%m15 : tensor<4xf32>) outs(%theta : tensor<4xf32>)
  %3 = et.ema_update ins(%mh : tensor<4xf32>) outs(%theta : tensor<4xf32>)
  return %0, %1, %2, %3 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// CHECK-LABEL: func @enough_for_a_statistic
// CHECK-COUNT-3: et.statistic
func.func @enough_for_a_statistic(%init: tensor<4xf32>, %r1: tensor<1x4xf32>, %r2: tensor<2x4xf32>, %r16: tensor<16x4xf32>)
    -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0 = et.statistic #et.quantile<q = 0.5> ins(%r1 : tensor<1x4xf32>) outs(%init : tensor<4xf32>)
  %1 = et.statistic #et.mean_minus_std ins(%r2 : tensor<2x4xf32>) outs(%init : tensor<4xf32>)
  %2 = et.statistic #et.kth_largest<rate = 0.0625> ins(%r16 : tensor<16x4xf32>) outs(%init : tensor<4xf32>)
  return %0, %1, %2 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

//===----------------------------------------------------------------------===//
// Plans without a pair
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @empty_plan
// CHECK-SAME: %[[ROWS:[a-z0-9]+]]: tensor<?x8xf32>, %[[OUT:[a-z0-9]+]]: tensor<?x16xf32>, %[[Y:[a-z0-9]+]]: tensor<?x8xf32>, %[[L:[a-z0-9]+]]: tensor<?xi32>
// CHECK-NOT: et.
// CHECK: return %[[L]], %[[ROWS]], %[[OUT]], %[[Y]]
func.func @empty_plan(%rows: tensor<?x8xf32>, %out: tensor<?x16xf32>, %y: tensor<?x8xf32>, %l: tensor<?xi32>, %x: tensor<?x8xf32>,
                      %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>)
    -> (tensor<?xi32>, tensor<?x8xf32>, tensor<?x16xf32>, tensor<?x8xf32>) {
  %mask = arith.constant dense<0> : tensor<4x2xi32>
  %o = tensor.empty() : tensor<5xi32>
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o : tensor<5xi32>)
  %tokens = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l : tensor<?xi32>)
  %0 = et.gather ins(%x, %tokens, %offsets : tensor<?x8xf32>, tensor<?xi32>, tensor<5xi32>) outs(%rows : tensor<?x8xf32>)
  %1 = et.grouped_matmul relu ins(%0, %w1 : tensor<?x8xf32>, tensor<4x8x16xf32>) offsets(%offsets : tensor<5xi32>) outs(%out : tensor<?x16xf32>)
  %2 = et.expert_ffn relu ins(%x, %w1, %w2 : tensor<?x8xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    offsets(%offsets : tensor<5xi32>) tokens(%tokens : tensor<?xi32>) outs(%y : tensor<?x8xf32>)
  return %tokens, %0, %1, %2 : tensor<?xi32>, tensor<?x8xf32>, tensor<?x16xf32>, tensor<?x8xf32>
}

// -----

// CHECK-LABEL: func @plan_with_pairs
// CHECK: et.offsets
// CHECK: et.gather
func.func @plan_with_pairs(%rows: tensor<?x8xf32>, %x: tensor<?x8xf32>, %tokens: tensor<?xi32>) -> tensor<?x8xf32> {
  %mask = arith.constant dense<[[0, 1], [0, 0]]> : tensor<2x2xi32>
  %o = tensor.empty() : tensor<3xi32>
  %offsets = et.offsets ins(%mask : tensor<2x2xi32>) outs(%o : tensor<3xi32>)
  %0 = et.gather ins(%x, %tokens, %offsets : tensor<?x8xf32>, tensor<?xi32>, tensor<3xi32>) outs(%rows : tensor<?x8xf32>)
  return %0 : tensor<?x8xf32>
}

// -----

// CHECK-LABEL: func @combine_nothing
// CHECK-SAME: %[[OUT:[a-z0-9]+]]: tensor<?x8xbf16>, %[[SHARED:[a-z0-9]+]]: tensor<?x8xf32>, %[[NARROW:[a-z0-9]+]]: tensor<?x8xbf16>
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.000000e+00 : bf16
// CHECK-DAG: %[[A:.*]] = linalg.fill ins(%[[ZERO]] : bf16) outs(%[[OUT]] : tensor<?x8xbf16>)
// CHECK-DAG: %[[B:.*]] = linalg.copy ins(%[[SHARED]] : tensor<?x8xf32>) outs(%[[OUT]] : tensor<?x8xbf16>)
// CHECK: return %[[A]], %[[B]], %[[NARROW]]
func.func @combine_nothing(%out: tensor<?x8xbf16>, %shared: tensor<?x8xf32>, %narrow: tensor<?x8xbf16>,
                           %pairs: tensor<?x8xf32>, %none: tensor<0x8xf32>, %gates: tensor<?x4xf32>, %offsets: tensor<5xi32>,
                           %m: tensor<4x?xi32>)
    -> (tensor<?x8xbf16>, tensor<?x8xbf16>, tensor<?x8xbf16>) {
  %c0 = arith.constant 0 : i32
  %mask = linalg.fill ins(%c0 : i32) outs(%m : tensor<4x?xi32>) -> tensor<4x?xi32>
  %0 = et.combine ins(%pairs, %gates, %mask, %offsets : tensor<?x8xf32>, tensor<?x4xf32>, tensor<4x?xi32>, tensor<5xi32>) outs(%out : tensor<?x8xbf16>)
  %1 = et.combine ins(%pairs, %gates, %mask, %offsets : tensor<?x8xf32>, tensor<?x4xf32>, tensor<4x?xi32>, tensor<5xi32>)
    shared(%shared : tensor<?x8xf32>) outs(%out : tensor<?x8xbf16>)
  %2 = et.combine ins(%none, %gates, %m, %offsets : tensor<0x8xf32>, tensor<?x4xf32>, tensor<4x?xi32>, tensor<5xi32>)
    shared(%narrow : tensor<?x8xbf16>) outs(%out : tensor<?x8xbf16>)
  return %0, %1, %2 : tensor<?x8xbf16>, tensor<?x8xbf16>, tensor<?x8xbf16>
}

// -----

// Weights are packed once for all that read them in one layout.
// CHECK-LABEL: func @packed_once
// CHECK: %[[P:.*]] = et.pack #et.panels<columns = 8>
// CHECK: %[[Q:.*]] = et.pack #et.panels<columns = 16>
// CHECK: return %[[P]], %[[P]], %[[Q]]
func.func @packed_once(%w: tensor<4x8x16xf32>) -> (tensor<4x2x8x8xf32>, tensor<4x2x8x8xf32>, tensor<4x1x8x16xf32>) {
  %0 = tensor.empty() : tensor<4x2x8x8xf32>
  %1 = tensor.empty() : tensor<4x2x8x8xf32>
  %2 = tensor.empty() : tensor<4x1x8x16xf32>
  %3 = et.pack #et.panels<columns = 8> ins(%w : tensor<4x8x16xf32>) outs(%0 : tensor<4x2x8x8xf32>)
  %4 = et.pack #et.panels<columns = 8> ins(%w : tensor<4x8x16xf32>) outs(%1 : tensor<4x2x8x8xf32>)
  %5 = et.pack #et.panels<columns = 16> ins(%w : tensor<4x8x16xf32>) outs(%2 : tensor<4x1x8x16xf32>)
  return %3, %4, %5 : tensor<4x2x8x8xf32>, tensor<4x2x8x8xf32>, tensor<4x1x8x16xf32>
}

// -----

// Packed sizes follow from those of the weights.
// CHECK-LABEL: func @sizes_of_panels
// CHECK: et.pack {{.*}} outs(%{{.*}} : tensor<4x7x32x32xbf16>)
func.func @sizes_of_panels(%w: tensor<4x40x100xbf16>, %out: tensor<?x?x?x?xbf16>) -> tensor<?x?x?x?xbf16> {
  %0 = et.pack #et.panels<columns = 16, interleave = 2, step = 32> ins(%w : tensor<4x40x100xbf16>) outs(%out : tensor<?x?x?x?xbf16>)
  return %0 : tensor<?x?x?x?xbf16>
}

// -----

// Constant weights are packed while compiling.
// CHECK-LABEL: func @packed_constants
// CHECK-DAG: %[[W:.*]] = arith.constant dense<{{\[\[\[\[}}1.000000e+00, 4.000000e+00, 2.000000e+00, 5.000000e+00]], {{\[\[}}3.000000e+00, 6.000000e+00, 0.000000e+00, 0.000000e+00]]]]> : tensor<1x2x1x4xbf16>
// CHECK-DAG: %[[S:.*]] = arith.constant dense<{{\[\[\[\[}}2.000000e+00, 2.000000e+00]], {{\[\[}}2.000000e+00, 0.000000e+00]]]]> : tensor<1x2x1x2xf32>
// CHECK: return %[[W]], %[[S]]
func.func @packed_constants() -> (tensor<1x2x1x4xbf16>, tensor<1x2x1x2xf32>) {
  %w = arith.constant dense<[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]> : tensor<1x2x3xbf16>
  %s = arith.constant dense<2.0> : tensor<1x1x3xf32>
  %0 = tensor.empty() : tensor<1x2x1x4xbf16>
  %1 = tensor.empty() : tensor<1x2x1x2xf32>
  %2 = et.pack #et.panels<columns = 2, interleave = 2, step = 2> ins(%w : tensor<1x2x3xbf16>) outs(%0 : tensor<1x2x1x4xbf16>)
  %3 = et.pack #et.panels<columns = 2> ins(%s : tensor<1x1x3xf32>) outs(%1 : tensor<1x2x1x2xf32>)
  return %2, %3 : tensor<1x2x1x4xbf16>, tensor<1x2x1x2xf32>
}

// -----

// What is nearly all padding, or a resource of another size than its type, stays;
// a reshape of a constant is packed as well.
// CHECK-LABEL: func @unusual_constants
// CHECK-DAG: %[[C:.*]] = arith.constant dense<{{\[\[\[\[}}1.000000e+00, 2.000000e+00]]]]> : tensor<1x1x1x2xf32>
// CHECK-DAG: %[[A:.*]] = et.pack #et.panels<columns = 65536, interleave = 16, step = 16>
// CHECK-DAG: %[[B:.*]] = et.pack #et.panels<columns = 2> ins(%{{.*}} : tensor<1x1x3xf32>)
// CHECK: return %[[A]], %[[B]], %[[C]]
func.func @unusual_constants() -> (tensor<1x1x1x1048576xf32>, tensor<1x2x1x2xf32>, tensor<1x1x1x2xf32>) {
  %0 = tensor.empty() : tensor<1x1x1x1048576xf32>
  %1 = tensor.empty() : tensor<1x2x1x2xf32>
  %2 = tensor.empty() : tensor<1x1x1x2xf32>
  %wide = arith.constant dense<1.0> : tensor<1x1x1xf32>
  %short = arith.constant dense_resource<short> : tensor<1x1x3xf32>
  %flat = arith.constant dense_resource<flat> : tensor<1x2xf32>
  %rows = tensor.expand_shape %flat [[0, 1], [2]] output_shape [1, 1, 2] : tensor<1x2xf32> into tensor<1x1x2xf32>
  %3 = et.pack #et.panels<columns = 65536, interleave = 16, step = 16> ins(%wide : tensor<1x1x1xf32>) outs(%0 : tensor<1x1x1x1048576xf32>)
  %4 = et.pack #et.panels<columns = 2> ins(%short : tensor<1x1x3xf32>) outs(%1 : tensor<1x2x1x2xf32>)
  %5 = et.pack #et.panels<columns = 2> ins(%rows : tensor<1x1x2xf32>) outs(%2 : tensor<1x1x1x2xf32>)
  return %3, %4, %5 : tensor<1x1x1x1048576xf32>, tensor<1x2x1x2xf32>, tensor<1x1x1x2xf32>
}

{-#
  dialect_resources: {
    builtin: {
      short: "0x040000000000803F",
      flat: "0x040000000000803F00000040"
    }
  }
#-}
