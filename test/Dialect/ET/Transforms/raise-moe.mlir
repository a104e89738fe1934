// RUN: et-opt %s --et-raise-moe | FileCheck %s
// RUN: et-opt %s --et-raise-moe --remarks-filter=et-raise-moe -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: et-opt %s --et-raise-moe -o /dev/null 2>&1 | count 0

// What a layer is taken apart into is put together again.
// RUN: et-opt %s --et-raise-moe --et-decompose-moe --et-decompose-expert-ffn --canonicalize --cse --et-raise-moe | FileCheck %s

// REMARK-DAG: raise-moe.mlir:{{.*}}: remark: [Passed] fusion | Category:et-raise-moe | Function=products | Remark="the steps up to here are one et.moe"
// REMARK-DAG: raise-moe.mlir:{{.*}}: remark: [Passed] fusion | Category:et-raise-moe | Function=route | Remark="the steps up to here are one et.moe"
// REMARK-DAG: raise-moe.mlir:{{.*}}: remark: [Passed] fusion | Category:et-raise-moe | Function=gathered | Remark="the steps up to here are one et.moe"
// REMARK-DAG: raise-moe.mlir:{{.*}}: remark: [Passed] fusion | Category:et-raise-moe | Function=shared | Remark="the steps up to here are one et.moe"
// REMARK-DAG: raise-moe.mlir:{{.*}}: remark: [Passed] fusion | Category:et-raise-moe | Function=added_to_steps | Remark="the steps up to here are one et.moe"
// REMARK-DAG: remark: [Passed] fusion | Category:et-raise-moe | Function=added | Remark="what is added here is the layer's shared expert"
// REMARK-DAG: remark: [Passed] fusion | Category:et-raise-moe | Function=added_to_steps | Remark="what is added here is the layer's shared expert"

// By their real sizes: the number of pairs goes with the steps.
// CHECK-LABEL: func @products
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x8xbf16>, %[[ROUTER:[a-z0-9]+]]: tensor<8x4xbf16>, %[[THETA:[a-z0-9]+]]: tensor<4xf32>, %[[W1:[a-z0-9]+]]: tensor<4x8x16xbf16>, %[[W2:[a-z0-9]+]]: tensor<4x16x8xbf16>, %[[B1:[a-z0-9]+]]: tensor<4x16xbf16>, %[[B2:[a-z0-9]+]]: tensor<4x8xbf16>, %[[GATE:[a-z0-9]+]]: tensor<4x8x16xbf16>, %[[GB:[a-z0-9]+]]: tensor<4x16xbf16>, %[[OUT:[a-z0-9]+]]: tensor<?x8xf32>
// CHECK-NEXT: %[[Y:.*]] = et.moe cosine #et.threshold<compare = ge, gate = relu> silu ins(%[[X]], %[[ROUTER]], %[[W1]], %[[W2]] : {{.*}}) theta(%[[THETA]] : {{.*}}) b1(%[[B1]] : {{.*}}) b2(%[[B2]] : {{.*}}) gate(%[[GATE]] : {{.*}}) gate_bias(%[[GB]] : {{.*}}) outs(%[[OUT]] : {{.*}})
// CHECK-NEXT: return %[[Y]]
func.func @products(%x: tensor<?x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %b1: tensor<4x16xbf16>, %b2: tensor<4x8xbf16>, %g: tensor<4x8x16xbf16>, %gb: tensor<4x16xbf16>, %out: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %c32 = arith.constant 32 : index
  %t = tensor.dim %x, %c0 : tensor<?x8xbf16>
  %words = arith.ceildivui %t, %c32 : index
  %s0 = tensor.empty(%t) : tensor<?x4xf32>
  %m0 = tensor.empty(%words) : tensor<4x?xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %scores = et.scores cosine ins(%x, %router : tensor<?x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<?x4xf32>)
  %mask, %gates = et.gate #et.threshold<compare = ge, gate = relu> ins(%scores : tensor<?x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x?xi32>, tensor<?x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x?xi32>) outs(%o0 : tensor<5xi32>)
  %count = tensor.extract %offsets[%c4] : tensor<5xi32>
  %pairs = arith.index_cast %count : i32 to index
  %l0 = tensor.empty(%pairs) : tensor<?xi32>
  %list = et.token_list ins(%mask, %offsets : tensor<4x?xi32>, tensor<5xi32>) outs(%l0 : tensor<?xi32>)
  %h0 = tensor.empty(%pairs) : tensor<?x16xbf16>
  %h = et.grouped_matmul silu ins(%x, %w1 : tensor<?x8xbf16>, tensor<4x8x16xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<?xi32>) bias(%b1 : tensor<4x16xbf16>) gate(%g : tensor<4x8x16xbf16>) gate_bias(%gb : tensor<4x16xbf16>) outs(%h0 : tensor<?x16xbf16>)
  %p0 = tensor.empty(%pairs) : tensor<?x8xbf16>
  %rows = et.grouped_matmul none ins(%h, %w2 : tensor<?x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) bias(%b2 : tensor<4x8xbf16>) outs(%p0 : tensor<?x8xbf16>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<?x8xbf16>, tensor<?x4xf32>, tensor<4x?xi32>, tensor<5xi32>) outs(%out : tensor<?x8xf32>)
  return %y : tensor<?x8xf32>
}

// A plan by one op, tokens by the mask, and rows as another type of the same tensor.
// CHECK-LABEL: func @route
// CHECK: et.moe linear #et.threshold relu ins(
// CHECK-NOT: et.combine
// CHECK: return
func.func @route(%x: tensor<64x8xf32>, %router: tensor<8x4xf32>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>, %m: tensor<4x2xi32>, %s: tensor<64x4xf32>, %o: tensor<5xi32>, %h0: tensor<256x16xf32>, %p0: tensor<256x8xf32>, %out: tensor<64x8xf32>) -> tensor<64x8xf32> {
  %mask, %gates, %offsets = et.route linear #et.threshold ins(%x, %router : tensor<64x8xf32>, tensor<8x4xf32>) theta(%theta : tensor<4xf32>) outs(%m, %s, %o : tensor<4x2xi32>, tensor<64x4xf32>, tensor<5xi32>)
  %wide = tensor.cast %x : tensor<64x8xf32> to tensor<?x8xf32>
  %h = et.grouped_matmul relu ins(%wide, %w1 : tensor<?x8xf32>, tensor<4x8x16xf32>) offsets(%offsets : tensor<5xi32>) mask(%mask : tensor<4x2xi32>) outs(%h0 : tensor<256x16xf32>)
  %rows = et.grouped_matmul none ins(%h, %w2 : tensor<256x16xf32>, tensor<4x16x8xf32>) offsets(%offsets : tensor<5xi32>) outs(%p0 : tensor<256x8xf32>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xf32>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%out : tensor<64x8xf32>)
  return %y : tensor<64x8xf32>
}

// CHECK-LABEL: func @gathered
// CHECK: et.moe linear #et.top_k<k = 2> relu ins(%{{.*}}) bias(%
// CHECK-NOT: et.combine
// CHECK: return
func.func @gathered(%x: tensor<64x8xf32>, %router: tensor<8x4xf32>, %bias: tensor<4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>, %out: tensor<64x8xf32>) -> tensor<64x8xf32> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<128xi32>
  %p0 = tensor.empty() : tensor<128x8xf32>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xf32>, tensor<8x4xf32>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.top_k<k = 2> ins(%scores : tensor<64x4xf32>) bias(%bias : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<128xi32>)
  %mine = et.gather ins(%x, %list, %offsets : tensor<64x8xf32>, tensor<128xi32>, tensor<5xi32>) outs(%p0 : tensor<128x8xf32>)
  %rows = et.expert_ffn relu ins(%mine, %w1, %w2 : tensor<128x8xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>) offsets(%offsets : tensor<5xi32>) outs(%p0 : tensor<128x8xf32>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<128x8xf32>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%out : tensor<64x8xf32>)
  return %y : tensor<64x8xf32>
}

// The shared expert's weights are matrices in et.moe, and stacks of one here.
// CHECK-LABEL: func @shared
// CHECK-SAME: %[[S1:[a-z0-9]+]]: tensor<8x24xf32>, %[[S2:[a-z0-9]+]]: tensor<1x24x8xf32>
// CHECK: %[[MATRIX:.*]] = tensor.collapse_shape %[[S2]] {{\[}}[0, 1], [2]] : tensor<1x24x8xf32> into tensor<24x8xf32>
// CHECK: et.moe linear #et.threshold relu ins({{.*}}) theta({{.*}}) shared(%[[S1]], %[[MATRIX]] : tensor<8x24xf32>, tensor<24x8xf32>) outs
// CHECK-NOT: et.combine
// CHECK: return
func.func @shared(%x: tensor<64x8xf32>, %router: tensor<8x4xf32>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>, %s1: tensor<8x24xf32>, %s2: tensor<1x24x8xf32>, %out: tensor<64x8xf32>) -> tensor<64x8xf32> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %p0 = tensor.empty() : tensor<256x8xf32>
  %h0 = tensor.empty() : tensor<64x24xf32>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xf32>, tensor<8x4xf32>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %rows = et.expert_ffn relu ins(%x, %w1, %w2 : tensor<64x8xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%p0 : tensor<256x8xf32>)
  %stack = tensor.expand_shape %s1 [[0, 1], [2]] output_shape [1, 8, 24] : tensor<8x24xf32> into tensor<1x8x24xf32>
  %h = et.grouped_matmul relu ins(%x, %stack : tensor<64x8xf32>, tensor<1x8x24xf32>) outs(%h0 : tensor<64x24xf32>)
  %beside = et.grouped_matmul none ins(%h, %s2 : tensor<64x24xf32>, tensor<1x24x8xf32>) outs(%out : tensor<64x8xf32>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xf32>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) shared(%beside : tensor<64x8xf32>) outs(%out : tensor<64x8xf32>)
  return %y : tensor<64x8xf32>
}

// CHECK-LABEL: func @added
// CHECK-SAME: %[[S1:[a-z0-9]+]]: tensor<8x24xf32>, %[[S2:[a-z0-9]+]]: tensor<24x8xf32>, %[[SG:[a-z0-9]+]]: tensor<8x24xf32>
// CHECK: %[[Y:.*]] = et.moe linear #et.threshold silu ins({{.*}}) theta({{.*}}) gate({{.*}}) shared(%[[S1]], %[[S2]] : {{.*}}) shared_gate(%[[SG]] : {{.*}}) outs
// CHECK-NEXT: return %[[Y]]
func.func @added(%x: tensor<64x8xf32>, %router: tensor<8x4xf32>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>, %g: tensor<4x8x16xf32>, %s1: tensor<8x24xf32>, %s2: tensor<24x8xf32>, %sg: tensor<8x24xf32>, %out: tensor<64x8xf32>) -> tensor<64x8xf32> {
  %m = et.moe linear #et.threshold silu ins(%x, %router, %w1, %w2 : tensor<64x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>) theta(%theta : tensor<4xf32>) gate(%g : tensor<4x8x16xf32>) outs(%out : tensor<64x8xf32>)
  %a = tensor.expand_shape %s1 [[0, 1], [2]] output_shape [1, 8, 24] : tensor<8x24xf32> into tensor<1x8x24xf32>
  %b = tensor.expand_shape %s2 [[0, 1], [2]] output_shape [1, 24, 8] : tensor<24x8xf32> into tensor<1x24x8xf32>
  %c = tensor.expand_shape %sg [[0, 1], [2]] output_shape [1, 8, 24] : tensor<8x24xf32> into tensor<1x8x24xf32>
  %beside = et.expert_ffn silu ins(%x, %a, %b : tensor<64x8xf32>, tensor<1x8x24xf32>, tensor<1x24x8xf32>) gate(%c : tensor<1x8x24xf32>) outs(%out : tensor<64x8xf32>)
  %y = arith.addf %beside, %m fastmath<reassoc> : tensor<64x8xf32>
  return %y : tensor<64x8xf32>
}

// Steps, and an expert beside them, added by linalg in 16 bits.
// CHECK-LABEL: func @added_to_steps
// CHECK: et.moe linear #et.threshold relu ins({{.*}}) theta({{.*}}) shared(
// CHECK-NEXT: return
func.func @added_to_steps(%x: tensor<64x8xf16>, %router: tensor<8x4xf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xf16>, %w2: tensor<4x16x8xf16>, %s1: tensor<1x8x24xf16>, %s2: tensor<1x24x8xf16>, %out: tensor<64x8xf16>) -> tensor<64x8xf16> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %p0 = tensor.empty() : tensor<256x8xf16>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xf16>, tensor<8x4xf16>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %rows = et.expert_ffn relu ins(%x, %w1, %w2 : tensor<64x8xf16>, tensor<4x8x16xf16>, tensor<4x16x8xf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%p0 : tensor<256x8xf16>)
  %m = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%out : tensor<64x8xf16>)
  %beside = et.expert_ffn relu ins(%x, %s1, %s2 : tensor<64x8xf16>, tensor<1x8x24xf16>, tensor<1x24x8xf16>) outs(%out : tensor<64x8xf16>)
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%m, %beside : tensor<64x8xf16>, tensor<64x8xf16>) outs(%out : tensor<64x8xf16>) {
  ^bb0(%a: f16, %b: f16, %c: f16):
    %sum = arith.addf %a, %b fastmath<reassoc,contract> : f16
    linalg.yield %sum : f16
  } -> tensor<64x8xf16>
  return %y : tensor<64x8xf16>
}

// Logits that something is done to.
// REMARK-DAG: [Passed] fusion | Category:et-raise-moe | Function=changed_scores | Remark="the steps up to here are one et.moe whose scores are given: they come from 'math.absf' at {{.*}}.mlir:{{[0-9]+:[0-9]+}}, not from an et.scores"
// CHECK-LABEL: func @changed_scores
// CHECK: %[[SCORES:.*]] = math.absf
// CHECK: et.moe given #et.threshold relu ins(%arg0, %[[SCORES]], %{{.*}} : tensor<64x8xbf16>, tensor<64x4xf32>, {{.*}}) theta({{.*}}) outs
// CHECK-NOT: et.combine
// CHECK: return
func.func @changed_scores(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %s0: tensor<64x4xf32>, %out: tensor<64x8xbf16>) -> tensor<64x8xbf16> {
  %scores = et.scores linear ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<64x4xf32>)
  %abs = math.absf %scores : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %mask, %gates = et.gate #et.threshold ins(%abs : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %rows = et.expert_ffn relu ins(%x, %w1, %w2 : tensor<64x8xbf16>, tensor<4x8x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%p0 : tensor<256x8xbf16>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%out : tensor<64x8xbf16>)
  return %y : tensor<64x8xbf16>
}

// A statistic of the scores, for training.
// REMARK-DAG: [Passed] fusion | Category:et-raise-moe | Function=scores_with_two_readers | Remark="the steps up to here are one et.moe whose scores are given: they have another use, 'et.statistic' at {{.*}}.mlir:{{[0-9]+:[0-9]+}}"
// CHECK-LABEL: func @scores_with_two_readers
// CHECK: %[[SCORES:.*]] = et.scores
// CHECK: et.moe given #et.threshold relu ins(%arg0, %[[SCORES]], %{{.*}} : tensor<64x8xbf16>, tensor<64x4xf32>, {{.*}}) theta({{.*}}) outs
// CHECK-NOT: et.combine
// CHECK: return
func.func @scores_with_two_readers(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %s0: tensor<64x4xf32>, %out: tensor<64x8xbf16>) -> (tensor<64x8xbf16>, tensor<4xf32>) {
  %scores = et.scores linear ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<64x4xf32>)
  %e0 = tensor.empty() : tensor<4xf32>
  %m = et.statistic #et.mean_minus_std ins(%scores : tensor<64x4xf32>) outs(%e0 : tensor<4xf32>)
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %rows = et.expert_ffn relu ins(%x, %w1, %w2 : tensor<64x8xbf16>, tensor<4x8x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%p0 : tensor<256x8xbf16>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%out : tensor<64x8xbf16>)
  return %y, %m : tensor<64x8xbf16>, tensor<4xf32>
}

// A router of f32, beside rows of bf16.
// REMARK-DAG: [Passed] fusion | Category:et-raise-moe | Function=scores_of_wide_rows | Remark="the steps up to here are one et.moe whose scores are given: they are of other rows than its experts take"
// CHECK-LABEL: func @scores_of_wide_rows
// CHECK: %[[SCORES:.*]] = et.scores
// CHECK: et.moe given #et.threshold relu ins(%arg0, %[[SCORES]], %{{.*}} : tensor<64x8xbf16>, tensor<64x4xf32>, {{.*}}) theta({{.*}}) outs
// CHECK-NOT: et.combine
// CHECK: return
func.func @scores_of_wide_rows(%x: tensor<64x8xbf16>, %router: tensor<8x4xf32>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %s0: tensor<64x4xf32>, %out: tensor<64x8xbf16>) -> tensor<64x8xbf16> {
  %wide = arith.extf %x : tensor<64x8xbf16> to tensor<64x8xf32>
  %scores = et.scores linear ins(%wide, %router : tensor<64x8xf32>, tensor<8x4xf32>) outs(%s0 : tensor<64x4xf32>)
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %rows = et.expert_ffn relu ins(%x, %w1, %w2 : tensor<64x8xbf16>, tensor<4x8x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%p0 : tensor<256x8xbf16>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%out : tensor<64x8xbf16>)
  return %y : tensor<64x8xbf16>
}

// As many rows as x has, whose number is not known.
// CHECK-LABEL: func @dynamic_rows
// CHECK: %[[SCORES:.*]] = math.absf
// CHECK: et.moe given #et.threshold relu ins(%arg0, %[[SCORES]], %{{.*}} : tensor<?x8xbf16>, tensor<?x4xf32>, {{.*}}) theta({{.*}}) outs
// CHECK-NOT: et.combine
// CHECK: return
func.func @dynamic_rows(%x: tensor<?x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %m0: tensor<4x?xi32>, %l0: tensor<?xi32>, %p0: tensor<?x8xbf16>, %out: tensor<?x8xbf16>) -> tensor<?x8xbf16> {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x8xbf16>
  %s0 = tensor.empty(%t) : tensor<?x4xf32>
  %o0 = tensor.empty() : tensor<5xi32>
  %scores = et.scores linear ins(%x, %router : tensor<?x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<?x4xf32>)
  %abs = math.absf %scores : tensor<?x4xf32>
  %mask, %gates = et.gate #et.threshold ins(%abs : tensor<?x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x?xi32>, tensor<?x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x?xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x?xi32>, tensor<5xi32>) outs(%l0 : tensor<?xi32>)
  %rows = et.expert_ffn relu ins(%x, %w1, %w2 : tensor<?x8xbf16>, tensor<4x8x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<?xi32>) outs(%p0 : tensor<?x8xbf16>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<?x8xbf16>, tensor<?x4xf32>, tensor<4x?xi32>, tensor<5xi32>) outs(%out : tensor<?x8xbf16>)
  return %y : tensor<?x8xbf16>
}
