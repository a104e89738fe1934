// RUN: et-opt %s --et-decompose-moe --canonicalize --cse | FileCheck %s
// RUN: et-opt %s --et-decompose-moe=pair-buffers=bound --canonicalize --cse | FileCheck %s --check-prefix=BOUND
// RUN: et-opt %s --et-decompose-moe=keep-one-launch | FileCheck %s --check-prefix=KEEP
// RUN: et-opt %s --et-decompose-moe=pair-buffers=bound --remarks-filter=et-decompose-moe -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK --implicit-check-not=remark:
// RUN: et-opt %s --et-decompose-moe --remarks-filter=et-decompose-moe -o /dev/null 2>&1 | FileCheck %s --check-prefix=EXACT

// REMARK-DAG: remark: [Missed] rate | Category:et-decompose-moe | Function=no_rate | Reason="its routing has a bound of its own", Remark="the rate of the layer's lowering_config is not used"
// REMARK-DAG: remark: [Missed] rate {{.*}} Function=no_rate | Reason="with the slack, it is room for all pairs"
// REMARK-DAG: remark: [Missed] rate {{.*}} Function=no_rate | Reason="sums for later waves would take more memory than it saves"
// REMARK-DAG: remark: [Missed] rate {{.*}} Function=no_rate_scaled | Reason="later waves read weights of the storage type, and these are f8E4M3FN"
// EXACT: remark: [Missed] rate {{.*}} Function=rate | Reason="pair buffers have the size of the pairs that are selected"

// Every step, and the number of pairs read from the plan.
// CHECK-LABEL: func @paper_form
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x8xbf16>, %[[ROUTER:[a-z0-9]+]]: tensor<8x4xbf16>, %[[THETA:[a-z0-9]+]]: tensor<4xf32>, %[[W1:[a-z0-9]+]]: tensor<4x8x16xbf16>, %[[W2:[a-z0-9]+]]: tensor<4x16x8xbf16>, %[[S1:[a-z0-9]+]]: tensor<8x24xbf16>, %[[S2:[a-z0-9]+]]: tensor<24x8xbf16>, %[[OUT:[a-z0-9]+]]: tensor<?x8xbf16>
// CHECK-DAG: %[[C4:.*]] = arith.constant 4 : index
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK: %[[T:.*]] = tensor.dim %[[X]], %[[C0]]
// CHECK: %[[E:.*]] = tensor.empty(%[[T]]) : tensor<?x4xf32>
// CHECK: %[[R:.*]] = et.scores linear ins(%[[X]], %[[ROUTER]] : {{.*}}) outs(%[[E]] : tensor<?x4xf32>)
// CHECK: %[[WORDS:.*]] = affine.apply #{{.*}}()[%[[T]]]
// CHECK: %[[M:.*]] = tensor.empty(%[[WORDS]]) : tensor<4x?xi32>
// CHECK: %[[MASK:.*]], %[[GATES:.*]] = et.gate #et.threshold ins(%[[R]] : {{.*}}) theta(%[[THETA]] : tensor<4xf32>) outs(%[[M]], %[[E]] : tensor<4x?xi32>, tensor<?x4xf32>)
// CHECK: %[[OFFSETS:.*]] = et.offsets ins(%[[MASK]] : {{.*}}) outs(%{{.*}} : tensor<5xi32>)
// CHECK: %[[PAIRS:.*]] = tensor.extract %[[OFFSETS]][%[[C4]]]
// CHECK: %[[S:.*]] = arith.index_cast %[[PAIRS]] : i32 to index
// CHECK: %[[L:.*]] = tensor.empty(%[[S]]) : tensor<?xi32>
// CHECK: %[[TOKENS:.*]] = et.token_list ins(%[[MASK]], %[[OFFSETS]] : {{.*}}) outs(%[[L]] : tensor<?xi32>)
// CHECK: %[[P:.*]] = tensor.empty(%[[S]]) : tensor<?x8xbf16>
// CHECK: %[[EXPERTS:.*]] = et.expert_ffn relu_squared ins(%[[X]], %[[W1]], %[[W2]] : {{.*}}) offsets(%[[OFFSETS]] : tensor<5xi32>) tokens(%[[TOKENS]] : tensor<?xi32>) outs(%[[P]] : tensor<?x8xbf16>)
// The shared expert is one expert over all tokens: no offsets, no token list.
// CHECK-DAG: %[[ONE1:.*]] = tensor.expand_shape %[[S1]] {{\[\[}}0, 1], [2]] output_shape [1, 8, 24] : tensor<8x24xbf16> into tensor<1x8x24xbf16>
// CHECK-DAG: %[[ONE2:.*]] = tensor.expand_shape %[[S2]] {{\[\[}}0, 1], [2]] output_shape [1, 24, 8] : tensor<24x8xbf16> into tensor<1x24x8xbf16>
// CHECK: %[[SHARED:.*]] = et.expert_ffn relu_squared ins(%[[X]], %[[ONE1]], %[[ONE2]] : {{.*}}) outs(%{{.*}} : tensor<?x8xbf16>)
// CHECK: %[[Y:.*]] = et.combine ins(%[[EXPERTS]], %[[GATES]], %[[MASK]], %[[OFFSETS]] : {{.*}}) shared(%[[SHARED]] : tensor<?x8xbf16>) outs(%[[OUT]] : tensor<?x8xbf16>)
// CHECK: return %[[Y]]

// Any token may go to all four experts, and nothing reads the plan.
// BOUND-LABEL: func @paper_form
// BOUND-NOT: tensor.extract
// BOUND: et.token_list ins({{.*}}) outs(%[[L:.*]] : tensor<?xi32>)
// BOUND-NOT: tensor.extract
// BOUND: return
func.func @paper_form(%x: tensor<?x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>,
                      %s1: tensor<8x24xbf16>, %s2: tensor<24x8xbf16>, %out: tensor<?x8xbf16>) -> tensor<?x8xbf16> {
  %y = et.moe linear #et.threshold<gate = sigmoid> relu_squared
    ins(%x, %router, %w1, %w2 : tensor<?x8xbf16>, tensor<8x4xbf16>, tensor<4x8x16xbf16>, tensor<4x16x8xbf16>)
    theta(%theta : tensor<4xf32>) shared(%s1, %s2 : tensor<8x24xbf16>, tensor<24x8xbf16>) outs(%out : tensor<?x8xbf16>)
  return %y : tensor<?x8xbf16>
}

// Optional operands go to the op that takes them. A bound of k experts a token
// holds for top k.
// CHECK-LABEL: func @top_k
// CHECK: et.scores cosine
// CHECK: et.gate #et.top_k<k = 2> ins(%{{.*}} : tensor<64x4xf32>) bias(%{{.*}} : tensor<4xf32>) outs(%{{.*}} : tensor<4x2xi32>, tensor<64x4xf32>)
// CHECK: et.expert_ffn silu ins({{.*}}) offsets(%{{.*}}) tokens(%{{.*}} : tensor<?xi32>) b1(%{{.*}} : tensor<4x16xf32>) b2(%{{.*}} : tensor<4x8xf32>) gate(%{{.*}} : tensor<4x8x16xf32>) gate_bias(%{{.*}} : tensor<4x16xf32>) outs
// CHECK: et.expert_ffn silu ins({{.*}}) gate(%{{.*}} : tensor<1x8x24xf32>) outs(%{{.*}} : tensor<64x8xf32>)
// BOUND-LABEL: func @top_k
// BOUND: et.token_list ins({{.*}}) outs(%{{.*}} : tensor<128xi32>)
// BOUND: et.expert_ffn silu ins({{.*}}) offsets({{.*}}) tokens(%{{.*}} : tensor<128xi32>) {{.*}} outs(%{{.*}} : tensor<128x8xf32>)
func.func @top_k(%x: tensor<64x8xf32>, %router: tensor<8x4xf32>, %bias: tensor<4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>,
                 %b1: tensor<4x16xf32>, %b2: tensor<4x8xf32>, %s1: tensor<8x24xf32>, %s2: tensor<24x8xf32>, %out: tensor<64x8xf32>) -> tensor<64x8xf32> {
  %y = et.moe cosine #et.top_k<k = 2> silu
    ins(%x, %router, %w1, %w2 : tensor<64x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    bias(%bias : tensor<4xf32>) b1(%b1 : tensor<4x16xf32>) b2(%b2 : tensor<4x8xf32>) gate(%w1 : tensor<4x8x16xf32>)
    gate_bias(%b1 : tensor<4x16xf32>) shared(%s1, %s2 : tensor<8x24xf32>, tensor<24x8xf32>) shared_gate(%s1 : tensor<8x24xf32>)
    outs(%out : tensor<64x8xf32>)
  return %y : tensor<64x8xf32>
}

// On memrefs the intermediate buffers are allocated, and the pairs are counted
// once the plan is there.
// CHECK-LABEL: func @memrefs
// CHECK-NOT: et.moe
// CHECK: et.offsets ins(%[[MASK:.*]] : memref<?x?xi32>) outs(%[[OFFSETS:.*]] : memref<?xi32>)
// CHECK: %[[PAIRS:.*]] = memref.load %[[OFFSETS]]
// CHECK: %[[S:.*]] = arith.index_cast %[[PAIRS]]
// CHECK: %[[L:.*]] = memref.alloc(%[[S]]) : memref<?xi32>
// CHECK: et.token_list ins(%[[MASK]], %[[OFFSETS]] : {{.*}}) outs(%[[L]] : memref<?xi32>)
// CHECK: et.combine ins({{.*}}) outs(%{{.*}} : memref<?x?xf16>)
func.func @memrefs(%x: memref<?x?xf16>, %router: memref<?x?xf16>, %w1: memref<?x?x?xf16>, %w2: memref<?x?x?xf16>, %out: memref<?x?xf16>) {
  et.moe linear #et.top_p<p = 0.5> gelu
    ins(%x, %router, %w1, %w2 : memref<?x?xf16>, memref<?x?xf16>, memref<?x?x?xf16>, memref<?x?x?xf16>) outs(%out : memref<?x?xf16>)
  return
}

// CHECK-LABEL: func @other_ops_stay
// CHECK-NEXT: et.offsets
// CHECK-NEXT: return
func.func @other_ops_stay(%mask: memref<4x2xi32>, %out: memref<5xi32>) {
  et.offsets ins(%mask : memref<4x2xi32>) outs(%out : memref<5xi32>)
  return
}

// There may be fewer experts than a token could take.
// BOUND-LABEL: func @few_experts
// BOUND-SAME:    %[[X:[a-z0-9]+]]: tensor<?x8xf32>, %[[ROUTER:[a-z0-9]+]]: tensor<8x?xf32>, %[[W1:[a-z0-9]+]]: tensor<?x8x16xf32>
// BOUND-DAG:   %[[T:.*]] = tensor.dim %[[X]], %c0
// BOUND-DAG:   %[[E:.*]] = tensor.dim %[[W1]], %c0
// BOUND:       %[[EACH:.*]] = arith.minsi %[[E]], %c3 : index
// BOUND:       %[[PAIRS:.*]] = affine.apply #{{.*}}()[%[[T]], %[[EACH]]]
// BOUND:       tensor.empty(%[[PAIRS]]) : tensor<?xi32>
func.func @few_experts(%x: tensor<?x8xf32>, %router: tensor<8x?xf32>, %w1: tensor<?x8x16xf32>, %w2: tensor<?x16x8xf32>,
                       %out: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = et.moe linear #et.top_k<k = 3> silu
    ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x?xf32>, tensor<?x8x16xf32>, tensor<?x16x8xf32>)
    outs(%out : tensor<?x8xf32>)
  return %y : tensor<?x8xf32>
}

// A layer of one launch is a kernel of its own where the target has it.
// CHECK-LABEL: func @configured
// CHECK-NOT:   et.moe
// CHECK:       return
// KEEP-LABEL:  func @configured
// KEEP:        et.moe {{.*}} {lowering_config = #et.lowering_config<schedule = one_launch>}
// KEEP-NOT:    et.moe
// KEEP:        et.combine
func.func @configured(%x: tensor<?x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<?x8xbf16>)
    -> (tensor<?x8xbf16>, tensor<?x8xbf16>) {
  %0 = et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : tensor<?x8xbf16>, tensor<8x4xbf16>, tensor<4x8x16xbf16>, tensor<4x16x8xbf16>)
    theta(%theta : tensor<4xf32>) outs(%out : tensor<?x8xbf16>) {lowering_config = #et.lowering_config<schedule = one_launch>}
  %1 = et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : tensor<?x8xbf16>, tensor<8x4xbf16>, tensor<4x8x16xbf16>, tensor<4x16x8xbf16>)
    theta(%theta : tensor<4xf32>) outs(%out : tensor<?x8xbf16>) {lowering_config = #et.lowering_config<schedule = grouped>}
  return %0, %1 : tensor<?x8xbf16>, tensor<?x8xbf16>
}

// Room for a share of the pairs, where a rate is known: 64 x 4 x 1/8 x 5/4.
// The list of tokens would be of all pairs; products take them from the mask.
// Without pair-buffers=bound the number of pairs is read.
// CHECK-LABEL: func @rate
// CHECK-NOT: et.combine_waves
// CHECK: et.combine ins
// BOUND-LABEL: func @rate
// BOUND-SAME: %[[X:[a-z0-9]+]]: tensor<64x8xbf16>, %{{[a-z0-9]+}}: tensor<8x4xbf16>, %{{[a-z0-9]+}}: tensor<4xf32>, %[[W1:[a-z0-9]+]]: tensor<4x8x16xbf16>, %[[W2:[a-z0-9]+]]: tensor<4x16x8xbf16>, %[[B1:[a-z0-9]+]]: tensor<4x16xbf16>, %[[B2:[a-z0-9]+]]: tensor<4x8xbf16>, %{{[a-z0-9]+}}: tensor<8x24xbf16>, %{{[a-z0-9]+}}: tensor<24x8xbf16>, %[[OUT:[a-z0-9]+]]: tensor<64x8xbf16>
// BOUND: %[[MASK:.*]], %[[GATES:.*]] = et.gate
// BOUND: %[[OFFSETS:.*]] = et.offsets
// BOUND-NOT: et.token_list
// BOUND: %[[H0:.*]] = tensor.empty() : tensor<40x16xbf16>
// BOUND: %[[H:.*]] = et.grouped_matmul silu ins(%[[X]], %[[W1]] : {{.*}}) offsets(%[[OFFSETS]] : tensor<5xi32>) mask(%[[MASK]] : tensor<4x2xi32>) bias(%[[B1]] : {{.*}}) gate(%[[W1]] : {{.*}}) gate_bias(%[[B1]] : {{.*}}) outs(%[[H0]] : tensor<40x16xbf16>)
// BOUND: %[[P0:.*]] = tensor.empty() : tensor<40x8xbf16>
// BOUND: %[[P:.*]] = et.grouped_matmul none ins(%[[H]], %[[W2]] : {{.*}}) offsets(%[[OFFSETS]] : tensor<5xi32>) bias(%[[B2]] : {{.*}}) outs(%[[P0]] : tensor<40x8xbf16>)
// BOUND: %[[SHARED:.*]] = et.expert_ffn silu
// BOUND: %{{.*}}, %{{.*}}, %[[Y:.*]] = et.combine_waves silu ins(%[[GATES]], %[[MASK]], %[[OFFSETS]], %[[X]], %[[W1]], %[[W2]] : {{.*}}) b1(%[[B1]] : {{.*}}) b2(%[[B2]] : {{.*}}) gate(%[[W1]] : {{.*}}) gate_bias(%[[B1]] : {{.*}}) shared(%[[SHARED]] : tensor<64x8xbf16>) outs(%[[H]], %[[P]], %[[OUT]] : tensor<40x16xbf16>, tensor<40x8xbf16>, tensor<64x8xbf16>)
// BOUND: return %[[Y]]
func.func @rate(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>,
                %b1: tensor<4x16xbf16>, %b2: tensor<4x8xbf16>, %s1: tensor<8x24xbf16>, %s2: tensor<24x8xbf16>, %out: tensor<64x8xbf16>) -> tensor<64x8xbf16> {
  %y = et.moe linear #et.threshold silu
    ins(%x, %router, %w1, %w2 : tensor<64x8xbf16>, tensor<8x4xbf16>, tensor<4x8x16xbf16>, tensor<4x16x8xbf16>)
    theta(%theta : tensor<4xf32>) b1(%b1 : tensor<4x16xbf16>) b2(%b2 : tensor<4x8xbf16>) gate(%w1 : tensor<4x8x16xbf16>) gate_bias(%b1 : tensor<4x16xbf16>)
    shared(%s1, %s2 : tensor<8x24xbf16>, tensor<24x8xbf16>) shared_gate(%s1 : tensor<8x24xbf16>)
    outs(%out : tensor<64x8xbf16>) {lowering_config = #et.lowering_config<rate = 0.125>}
  return %y : tensor<64x8xbf16>
}

// T is not known: ceil(T x 4 x 0.3 x 1.25), with 0.375 a multiple of 2^-20.
// BOUND-LABEL: func @dynamic_rate
// BOUND: et.offsets
// BOUND: %[[ROWS:.*]] = affine.apply #{{.*}}()[%{{.*}}]
// BOUND: tensor.empty(%[[ROWS]]) : tensor<?x16xf32>
// BOUND: et.combine_waves
func.func @dynamic_rate(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>, %out: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    theta(%theta : tensor<4xf32>) outs(%out : tensor<?x8xf32>) {lowering_config = #et.lowering_config<schedule = grouped, rate = 0.3>}
  return %y : tensor<?x8xf32>
}

// No room is less than what there is anyway: of top k, of a rate that takes all
// pairs, and where the sums that waves need take more than is saved.
// BOUND-LABEL: func @no_rate
// BOUND-NOT: et.combine_waves
// BOUND: return
func.func @no_rate(%x: tensor<64x8xbf16>, %router: tensor<8x2xbf16>, %theta: tensor<2xf32>, %w1: tensor<2x8x4xbf16>, %w2: tensor<2x4x8xbf16>, %out: tensor<64x8xbf16>) -> (tensor<64x8xbf16>, tensor<64x8xbf16>, tensor<64x8xbf16>) {
  %0 = et.moe linear #et.top_k<k = 1> relu ins(%x, %router, %w1, %w2 : tensor<64x8xbf16>, tensor<8x2xbf16>, tensor<2x8x4xbf16>, tensor<2x4x8xbf16>)
    outs(%out : tensor<64x8xbf16>) {lowering_config = #et.lowering_config<rate = 0.1>}
  %1 = et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : tensor<64x8xbf16>, tensor<8x2xbf16>, tensor<2x8x4xbf16>, tensor<2x4x8xbf16>)
    theta(%theta : tensor<2xf32>) outs(%out : tensor<64x8xbf16>) {lowering_config = #et.lowering_config<rate = 0.8>}
  %2 = et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : tensor<64x8xbf16>, tensor<8x2xbf16>, tensor<2x8x4xbf16>, tensor<2x4x8xbf16>)
    theta(%theta : tensor<2xf32>) outs(%out : tensor<64x8xbf16>) {lowering_config = #et.lowering_config<rate = 0.4>}
  return %0, %1, %2 : tensor<64x8xbf16>, tensor<64x8xbf16>, tensor<64x8xbf16>
}

// Scales go with the weights that they are of.
// CHECK-LABEL: func @scaled
// CHECK-SAME: %[[S1:[a-z0-9]+]]: tensor<4x1x2xf32>, %[[S2:[a-z0-9]+]]: tensor<4x2x1xf32>, %[[SG:[a-z0-9]+]]: tensor<4x1x2xf32>
// CHECK: et.expert_ffn silu ins({{.*}}) offsets({{.*}}) tokens({{.*}}) gate({{.*}}) w1_scales(%[[S1]] : {{.*}}) w2_scales(%[[S2]] : {{.*}}) gate_scales(%[[SG]] : {{.*}}) outs
// CHECK: et.expert_ffn silu ins({{.*}} : tensor<?x8xf16>, tensor<1x8x24xf16>, tensor<1x24x8xf16>) gate(%{{.*}} : tensor<1x8x24xf16>) outs
func.func @scaled(%s1: tensor<4x1x2xf32>, %s2: tensor<4x2x1xf32>, %sg: tensor<4x1x2xf32>, %x: tensor<?x8xf16>, %router: tensor<8x4xf16>,
                  %w1: tensor<4x8x200xf8E4M3FN>, %w2: tensor<4x200x8xf8E4M3FN>, %v1: tensor<8x24xf16>, %v2: tensor<24x8xf16>, %out: tensor<?x8xf16>) -> tensor<?x8xf16> {
  %y = et.moe linear #et.top_k<k = 1> silu
    ins(%x, %router, %w1, %w2 : tensor<?x8xf16>, tensor<8x4xf16>, tensor<4x8x200xf8E4M3FN>, tensor<4x200x8xf8E4M3FN>)
    gate(%w1 : tensor<4x8x200xf8E4M3FN>) w1_scales(%s1 : tensor<4x1x2xf32>) w2_scales(%s2 : tensor<4x2x1xf32>) gate_scales(%sg : tensor<4x1x2xf32>)
    shared(%v1, %v2 : tensor<8x24xf16>, tensor<24x8xf16>) shared_gate(%v1 : tensor<8x24xf16>) outs(%out : tensor<?x8xf16>)
  return %y : tensor<?x8xf16>
}

// BOUND-LABEL: func @no_rate_scaled
// BOUND-NOT: et.combine_waves
func.func @no_rate_scaled(%s1: tensor<4x1x2xf32>, %s2: tensor<4x2x1xf32>, %x: tensor<?x8xf16>, %router: tensor<8x4xf16>, %theta: tensor<4xf32>,
                          %w1: tensor<4x8x200xf8E4M3FN>, %w2: tensor<4x200x8xf8E4M3FN>, %out: tensor<?x8xf16>) -> tensor<?x8xf16> {
  %y = et.moe linear #et.threshold silu
    ins(%x, %router, %w1, %w2 : tensor<?x8xf16>, tensor<8x4xf16>, tensor<4x8x200xf8E4M3FN>, tensor<4x200x8xf8E4M3FN>)
    theta(%theta : tensor<4xf32>) w1_scales(%s1 : tensor<4x1x2xf32>) w2_scales(%s2 : tensor<4x2x1xf32>)
    outs(%out : tensor<?x8xf16>) {lowering_config = #et.lowering_config<rate = 0.125>}
  return %y : tensor<?x8xf16>
}

// Scores that are there are the gate's.
// CHECK-LABEL: func @given
// CHECK-SAME: %{{.*}}: tensor<?x8xbf16>, %[[SCORES:[a-z0-9]+]]: tensor<?x4xf32>
// CHECK-NOT: et.scores
// CHECK: et.gate #et.top_k<k = 2> ins(%[[SCORES]] : tensor<?x4xf32>)
// CHECK: et.combine
func.func @given(%x: tensor<?x8xbf16>, %scores: tensor<?x4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<?x8xbf16>) -> tensor<?x8xbf16> {
  %y = et.moe given #et.top_k<k = 2> relu ins(%x, %scores, %w1, %w2 : tensor<?x8xbf16>, tensor<?x4xf32>, tensor<4x8x16xbf16>, tensor<4x16x8xbf16>) outs(%out : tensor<?x8xbf16>)
  return %y : tensor<?x8xbf16>
}
