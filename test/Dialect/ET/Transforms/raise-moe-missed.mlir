// RUN: et-opt %s --et-raise-moe --remarks-filter=et-raise-moe 2>&1 >%t | FileCheck %s --check-prefix=REMARK
// RUN: et-opt %s --canonicalize --cse -o %t.before
// RUN: et-opt %t --canonicalize --cse | diff %t.before -

// One layer, each time with a difference, which a remark names; nothing is changed.

// Someone else chooses.
// REMARK: [Missed] fusion | Category:et-raise-moe | Function=mask_from_elsewhere | Reason="its mask comes from an argument, not from an et.gate", Remark="the steps up to here stay apart"
func.func @mask_from_elsewhere(%x: tensor<64x8xbf16>, %mask: tensor<4x2xi32>, %gates: tensor<64x4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>) -> tensor<64x8xbf16> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %h0 = tensor.empty() : tensor<256x16xbf16>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %h = et.grouped_matmul relu ins(%x, %w1 : tensor<64x8xbf16>, tensor<4x8x16xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%h0 : tensor<256x16xbf16>)
  %rows = et.grouped_matmul none ins(%h, %w2 : tensor<256x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) outs(%p0 : tensor<256x8xbf16>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%out : tensor<64x8xbf16>)
  return %y : tensor<64x8xbf16>
}

// Gates are scaled.
// REMARK: [Missed] fusion | Category:et-raise-moe | Function=gates_are_changed | Reason="its gates come from 'arith.addf' at {{.*}}.mlir:{{[0-9]+:[0-9]+}}, not from the et.gate of its mask", Remark="the steps up to here stay apart"
func.func @gates_are_changed(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>) -> tensor<64x8xbf16> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %h0 = tensor.empty() : tensor<256x16xbf16>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %twice = arith.addf %gates, %gates : tensor<64x4xf32>
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %h = et.grouped_matmul relu ins(%x, %w1 : tensor<64x8xbf16>, tensor<4x8x16xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%h0 : tensor<256x16xbf16>)
  %rows = et.grouped_matmul none ins(%h, %w2 : tensor<256x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) outs(%p0 : tensor<256x8xbf16>)
  %y = et.combine ins(%rows, %twice, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%out : tensor<64x8xbf16>)
  return %y : tensor<64x8xbf16>
}

// REMARK: [Missed] fusion | Category:et-raise-moe | Function=offsets_of_another_mask | Reason="its offsets come from 'et.offsets' at {{.*}}.mlir:{{[0-9]+:[0-9]+}}, not from an et.offsets of its mask", Remark="the steps up to here stay apart"
func.func @offsets_of_another_mask(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>) -> tensor<64x8xbf16> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %h0 = tensor.empty() : tensor<256x16xbf16>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%m0 : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %h = et.grouped_matmul relu ins(%x, %w1 : tensor<64x8xbf16>, tensor<4x8x16xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%h0 : tensor<256x16xbf16>)
  %rows = et.grouped_matmul none ins(%h, %w2 : tensor<256x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) outs(%p0 : tensor<256x8xbf16>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%out : tensor<64x8xbf16>)
  return %y : tensor<64x8xbf16>
}

// REMARK: [Missed] fusion | Category:et-raise-moe | Function=hidden_rows_are_read | Reason="its 'et.grouped_matmul' at {{.*}}.mlir:{{[0-9]+:[0-9]+}} has another use, 'func.return' at {{.*}}.mlir:{{[0-9]+:[0-9]+}}", Remark="the steps up to here stay apart"
func.func @hidden_rows_are_read(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>) -> (tensor<64x8xbf16>, tensor<256x16xbf16>) {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %h0 = tensor.empty() : tensor<256x16xbf16>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %h = et.grouped_matmul relu ins(%x, %w1 : tensor<64x8xbf16>, tensor<4x8x16xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%h0 : tensor<256x16xbf16>)
  %rows = et.grouped_matmul none ins(%h, %w2 : tensor<256x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) outs(%p0 : tensor<256x8xbf16>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%out : tensor<64x8xbf16>)
  return %y, %h : tensor<64x8xbf16>, tensor<256x16xbf16>
}

// Such a number is known only with the steps.
// REMARK: [Missed] fusion | Category:et-raise-moe | Function=pairs_size_the_result | Reason="its 'et.offsets' at {{.*}}.mlir:{{[0-9]+:[0-9]+}} has another use, 'tensor.extract' at {{.*}}.mlir:{{[0-9]+:[0-9]+}}", Remark="the steps up to here stay apart"
func.func @pairs_size_the_result(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>) -> tensor<?x8xbf16> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %h0 = tensor.empty() : tensor<256x16xbf16>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %h = et.grouped_matmul relu ins(%x, %w1 : tensor<64x8xbf16>, tensor<4x8x16xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%h0 : tensor<256x16xbf16>)
  %rows = et.grouped_matmul none ins(%h, %w2 : tensor<256x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) outs(%p0 : tensor<256x8xbf16>)
  %c4 = arith.constant 4 : index
  %n = tensor.extract %offsets[%c4] : tensor<5xi32>
  %size = arith.index_cast %n : i32 to index
  %any = tensor.empty(%size) : tensor<?x8xbf16>
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%any : tensor<?x8xbf16>)
  return %y : tensor<?x8xbf16>
}

// The mask says nothing of the rows from 64 on.
// REMARK: [Missed] fusion | Category:et-raise-moe | Function=scores_of_fewer_rows | Reason="its scores are not known to be of all rows that its experts take", Remark="the steps up to here stay apart"
func.func @scores_of_fewer_rows(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>, %other: tensor<96x8xbf16>) -> tensor<64x8xbf16> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %h0 = tensor.empty() : tensor<256x16xbf16>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %h = et.grouped_matmul relu ins(%other, %w1 : tensor<96x8xbf16>, tensor<4x8x16xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%h0 : tensor<256x16xbf16>)
  %rows = et.grouped_matmul none ins(%h, %w2 : tensor<256x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) outs(%p0 : tensor<256x8xbf16>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%out : tensor<64x8xbf16>)
  return %y : tensor<64x8xbf16>
}

// REMARK: [Missed] fusion | Category:et-raise-moe | Function=route_of_other_rows | Reason="its scores are of other rows than its experts take", Remark="the steps up to here stay apart"
func.func @route_of_other_rows(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>, %other: tensor<64x8xbf16>) -> tensor<64x8xbf16> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %h0 = tensor.empty() : tensor<256x16xbf16>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %mask, %gates, %offsets = et.route linear #et.threshold ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) theta(%theta : tensor<4xf32>) outs(%m0, %s0, %o0 : tensor<4x2xi32>, tensor<64x4xf32>, tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %h = et.grouped_matmul relu ins(%other, %w1 : tensor<64x8xbf16>, tensor<4x8x16xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%h0 : tensor<256x16xbf16>)
  %rows = et.grouped_matmul none ins(%h, %w2 : tensor<256x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) outs(%p0 : tensor<256x8xbf16>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%out : tensor<64x8xbf16>)
  return %y : tensor<64x8xbf16>
}

// REMARK: [Missed] fusion | Category:et-raise-moe | Function=other_offsets | Reason="its experts are by other offsets", Remark="the steps up to here stay apart"
func.func @other_offsets(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>, %given: tensor<5xi32>) -> tensor<64x8xbf16> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %h0 = tensor.empty() : tensor<256x16xbf16>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %h = et.grouped_matmul relu ins(%x, %w1 : tensor<64x8xbf16>, tensor<4x8x16xbf16>) offsets(%given : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%h0 : tensor<256x16xbf16>)
  %rows = et.grouped_matmul none ins(%h, %w2 : tensor<256x16xbf16>, tensor<4x16x8xbf16>) offsets(%given : tensor<5xi32>) outs(%p0 : tensor<256x8xbf16>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%out : tensor<64x8xbf16>)
  return %y : tensor<64x8xbf16>
}

// REMARK: [Missed] fusion | Category:et-raise-moe | Function=different_offsets | Reason="its two products are by different offsets", Remark="the steps up to here stay apart"
func.func @different_offsets(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>, %given: tensor<5xi32>) -> tensor<64x8xbf16> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %h0 = tensor.empty() : tensor<256x16xbf16>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %h = et.grouped_matmul relu ins(%x, %w1 : tensor<64x8xbf16>, tensor<4x8x16xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%h0 : tensor<256x16xbf16>)
  %rows = et.grouped_matmul none ins(%h, %w2 : tensor<256x16xbf16>, tensor<4x16x8xbf16>) offsets(%given : tensor<5xi32>) outs(%p0 : tensor<256x8xbf16>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%out : tensor<64x8xbf16>)
  return %y : tensor<64x8xbf16>
}

// REMARK: [Missed] fusion | Category:et-raise-moe | Function=list_of_other_offsets | Reason="its list of tokens is by other offsets", Remark="the steps up to here stay apart"
func.func @list_of_other_offsets(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>, %given: tensor<5xi32>) -> tensor<64x8xbf16> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %h0 = tensor.empty() : tensor<256x16xbf16>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %given : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %h = et.grouped_matmul relu ins(%x, %w1 : tensor<64x8xbf16>, tensor<4x8x16xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%h0 : tensor<256x16xbf16>)
  %rows = et.grouped_matmul none ins(%h, %w2 : tensor<256x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) outs(%p0 : tensor<256x8xbf16>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%out : tensor<64x8xbf16>)
  return %y : tensor<64x8xbf16>
}

// REMARK: [Missed] fusion | Category:et-raise-moe | Function=other_tokens | Reason="its experts' tokens are not known to be those of its mask", Remark="the steps up to here stay apart"
func.func @other_tokens(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>) -> tensor<64x8xbf16> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %h0 = tensor.empty() : tensor<256x16xbf16>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %h = et.grouped_matmul relu ins(%x, %w1 : tensor<64x8xbf16>, tensor<4x8x16xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%l0 : tensor<256xi32>) outs(%h0 : tensor<256x16xbf16>)
  %rows = et.grouped_matmul none ins(%h, %w2 : tensor<256x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) outs(%p0 : tensor<256x8xbf16>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%out : tensor<64x8xbf16>)
  return %y : tensor<64x8xbf16>
}

// REMARK: [Missed] fusion | Category:et-raise-moe | Function=hidden_rows_are_changed | Reason="its hidden rows come from 'math.absf' at {{.*}}.mlir:{{[0-9]+:[0-9]+}}, not from an et.grouped_matmul", Remark="the steps up to here stay apart"
func.func @hidden_rows_are_changed(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>) -> tensor<64x8xbf16> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %h0 = tensor.empty() : tensor<256x16xbf16>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %h = et.grouped_matmul relu ins(%x, %w1 : tensor<64x8xbf16>, tensor<4x8x16xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%h0 : tensor<256x16xbf16>)
  %abs = math.absf %h : tensor<256x16xbf16>
  %rows = et.grouped_matmul none ins(%abs, %w2 : tensor<256x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) outs(%p0 : tensor<256x8xbf16>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%out : tensor<64x8xbf16>)
  return %y : tensor<64x8xbf16>
}

// REMARK: [Missed] fusion | Category:et-raise-moe | Function=another_format | Reason="its 'et.grouped_matmul' at {{.*}}.mlir:{{[0-9]+:[0-9]+}} has weights in a format of its own", Remark="the steps up to here stay apart"
func.func @another_format(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xi8>, %s1: tensor<4x1x16xf32>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>) -> tensor<64x8xbf16> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %h0 = tensor.empty() : tensor<256x16xbf16>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %h = et.grouped_matmul relu ins(%x, %w1 : tensor<64x8xbf16>, tensor<4x8x16xi8>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) format(#et.blocks<element = i8, k = all, n = 1>) scales(%s1 : tensor<4x1x16xf32>) outs(%h0 : tensor<256x16xbf16>)
  %rows = et.grouped_matmul none ins(%h, %w2 : tensor<256x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) outs(%p0 : tensor<256x8xbf16>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%out : tensor<64x8xbf16>)
  return %y : tensor<64x8xbf16>
}

// REMARK: [Missed] fusion | Category:et-raise-moe | Function=outputs_are_changed | Reason="its experts' outputs come from 'math.absf' at {{.*}}.mlir:{{[0-9]+:[0-9]+}}, not from an et.expert_ffn or et.grouped_matmul", Remark="the steps up to here stay apart"
func.func @outputs_are_changed(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>) -> tensor<64x8xbf16> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %h0 = tensor.empty() : tensor<256x16xbf16>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %h = et.grouped_matmul relu ins(%x, %w1 : tensor<64x8xbf16>, tensor<4x8x16xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%h0 : tensor<256x16xbf16>)
  %rows = et.grouped_matmul none ins(%h, %w2 : tensor<256x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) outs(%p0 : tensor<256x8xbf16>)
  %abs = math.absf %rows : tensor<256x8xbf16>
  %y = et.combine ins(%abs, %gates, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%out : tensor<64x8xbf16>)
  return %y : tensor<64x8xbf16>
}

// REMARK: [Missed] fusion | Category:et-raise-moe | Function=first_has_an_epilogue | Reason="its 'et.grouped_matmul' at {{.*}}.mlir:{{[0-9]+:[0-9]+}} has an epilogue", Remark="the steps up to here stay apart"
func.func @first_has_an_epilogue(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>) -> tensor<64x8xbf16> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %h0 = tensor.empty() : tensor<256x16xbf16>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %h = et.grouped_matmul relu ins(%x, %w1 : tensor<64x8xbf16>, tensor<4x8x16xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%h0 : tensor<256x16xbf16>) epilogue(%v) {
    %abs = math.absf %v : f32
    et.yield %abs
  }
  %rows = et.grouped_matmul none ins(%h, %w2 : tensor<256x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) outs(%p0 : tensor<256x8xbf16>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%out : tensor<64x8xbf16>)
  return %y : tensor<64x8xbf16>
}

// REMARK: [Missed] fusion | Category:et-raise-moe | Function=second_has_an_activation | Reason="its 'et.grouped_matmul' at {{.*}}.mlir:{{[0-9]+:[0-9]+}} has an activation", Remark="the steps up to here stay apart"
func.func @second_has_an_activation(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>) -> tensor<64x8xbf16> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %h0 = tensor.empty() : tensor<256x16xbf16>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %h = et.grouped_matmul relu ins(%x, %w1 : tensor<64x8xbf16>, tensor<4x8x16xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%h0 : tensor<256x16xbf16>)
  %rows = et.grouped_matmul relu ins(%h, %w2 : tensor<256x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) outs(%p0 : tensor<256x8xbf16>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%out : tensor<64x8xbf16>)
  return %y : tensor<64x8xbf16>
}

// REMARK: [Missed] fusion | Category:et-raise-moe | Function=second_has_a_gate | Reason="its 'et.grouped_matmul' at {{.*}}.mlir:{{[0-9]+:[0-9]+}} has a gate", Remark="the steps up to here stay apart"
func.func @second_has_a_gate(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>) -> tensor<64x8xbf16> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %h0 = tensor.empty() : tensor<256x16xbf16>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %h = et.grouped_matmul relu ins(%x, %w1 : tensor<64x8xbf16>, tensor<4x8x16xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%h0 : tensor<256x16xbf16>)
  %rows = et.grouped_matmul none ins(%h, %w2 : tensor<256x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) gate(%w2 : tensor<4x16x8xbf16>) outs(%p0 : tensor<256x8xbf16>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%out : tensor<64x8xbf16>)
  return %y : tensor<64x8xbf16>
}

// Outputs are rounded in a layer.
// REMARK: [Missed] fusion | Category:et-raise-moe | Function=outputs_are_wide | Reason="its experts' outputs are stored as f32, and those of a layer like its input, as bf16", Remark="the steps up to here stay apart"
func.func @outputs_are_wide(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>) -> tensor<64x8xbf16> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %h0 = tensor.empty() : tensor<256x16xbf16>
  %p0 = tensor.empty() : tensor<256x8xf32>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %h = et.grouped_matmul relu ins(%x, %w1 : tensor<64x8xbf16>, tensor<4x8x16xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%h0 : tensor<256x16xbf16>)
  %rows = et.grouped_matmul none ins(%h, %w2 : tensor<256x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) outs(%p0 : tensor<256x8xf32>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xf32>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%out : tensor<64x8xbf16>)
  return %y : tensor<64x8xbf16>
}

// Products of f32 rows by weights of f32.
// REMARK: [Missed] fusion | Category:et-raise-moe | Function=hidden_rows_are_wide | Reason="its hidden rows are stored as f32, and those of a layer like its input, as bf16", Remark="the steps up to here stay apart"
func.func @hidden_rows_are_wide(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>, %w2f: tensor<4x16x8xf32>) -> tensor<64x8xbf16> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %h0 = tensor.empty() : tensor<256x16xf32>
  %p0 = tensor.empty() : tensor<256x8xf32>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %h = et.grouped_matmul relu ins(%x, %w1 : tensor<64x8xbf16>, tensor<4x8x16xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%h0 : tensor<256x16xf32>)
  %rows = et.grouped_matmul none ins(%h, %w2f : tensor<256x16xf32>, tensor<4x16x8xf32>) offsets(%offsets : tensor<5xi32>) outs(%p0 : tensor<256x8xf32>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xf32>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%out : tensor<64x8xbf16>)
  return %y : tensor<64x8xbf16>
}

// REMARK: [Missed] fusion | Category:et-raise-moe | Function=narrow_result | Reason="its result has neither the type of its input nor f32", Remark="the steps up to here stay apart"
func.func @narrow_result(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>, %half: tensor<64x8xf16>) -> tensor<64x8xf16> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %h0 = tensor.empty() : tensor<256x16xbf16>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %h = et.grouped_matmul relu ins(%x, %w1 : tensor<64x8xbf16>, tensor<4x8x16xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%h0 : tensor<256x16xbf16>)
  %rows = et.grouped_matmul none ins(%h, %w2 : tensor<256x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) outs(%p0 : tensor<256x8xbf16>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%half : tensor<64x8xf16>)
  return %y : tensor<64x8xf16>
}

// REMARK: [Missed] fusion | Category:et-raise-moe | Function=gate_outside_a_loop | Reason="its 'et.gate' at {{.*}}.mlir:{{[0-9]+:[0-9]+}} is in another block", Remark="the steps up to here stay apart"
func.func @gate_outside_a_loop(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>, %n: index) -> tensor<64x8xbf16> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %h0 = tensor.empty() : tensor<256x16xbf16>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %h = et.grouped_matmul relu ins(%x, %w1 : tensor<64x8xbf16>, tensor<4x8x16xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%h0 : tensor<256x16xbf16>)
  %rows = et.grouped_matmul none ins(%h, %w2 : tensor<256x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) outs(%p0 : tensor<256x8xbf16>)
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%before = %out) -> (tensor<64x8xbf16>) {
    %now = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%out : tensor<64x8xbf16>)
    scf.yield %now : tensor<64x8xbf16>
  }
  return %y : tensor<64x8xbf16>
}

// REMARK: [Missed] fusion | Category:et-raise-moe | Function=shared_rows | Reason="its shared rows are not of an expert that it could have: its experts' outputs come from an argument, not from an et.expert_ffn or et.grouped_matmul", Remark="the steps up to here stay apart"
func.func @shared_rows(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>) -> tensor<64x8xbf16> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %h0 = tensor.empty() : tensor<256x16xbf16>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %h = et.grouped_matmul relu ins(%x, %w1 : tensor<64x8xbf16>, tensor<4x8x16xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%h0 : tensor<256x16xbf16>)
  %rows = et.grouped_matmul none ins(%h, %w2 : tensor<256x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) outs(%p0 : tensor<256x8xbf16>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) shared(%x : tensor<64x8xbf16>) outs(%out : tensor<64x8xbf16>)
  return %y : tensor<64x8xbf16>
}

// REMARK: [Missed] fusion | Category:et-raise-moe | Function=shared_of_another_form | Reason="its shared rows are not of an expert that it could have: they have another activation or form", Remark="the steps up to here stay apart"
func.func @shared_of_another_form(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>, %s1: tensor<1x8x24xbf16>, %s2: tensor<1x24x8xbf16>) -> tensor<64x8xbf16> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %h0 = tensor.empty() : tensor<256x16xbf16>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %h = et.grouped_matmul relu ins(%x, %w1 : tensor<64x8xbf16>, tensor<4x8x16xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%h0 : tensor<256x16xbf16>)
  %rows = et.grouped_matmul none ins(%h, %w2 : tensor<256x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) outs(%p0 : tensor<256x8xbf16>)
  %beside = et.expert_ffn silu ins(%x, %s1, %s2 : tensor<64x8xbf16>, tensor<1x8x24xbf16>, tensor<1x24x8xbf16>) outs(%out : tensor<64x8xbf16>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) shared(%beside : tensor<64x8xbf16>) outs(%out : tensor<64x8xbf16>)
  return %y : tensor<64x8xbf16>
}

// REMARK: [Missed] fusion | Category:et-raise-moe | Function=shared_with_a_bias | Reason="its shared rows are not of an expert that it could have: they have biases", Remark="the steps up to here stay apart"
func.func @shared_with_a_bias(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>, %s1: tensor<1x8x24xbf16>, %s2: tensor<1x24x8xbf16>, %b2: tensor<1x8xbf16>) -> tensor<64x8xbf16> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %h0 = tensor.empty() : tensor<256x16xbf16>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %h = et.grouped_matmul relu ins(%x, %w1 : tensor<64x8xbf16>, tensor<4x8x16xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%h0 : tensor<256x16xbf16>)
  %rows = et.grouped_matmul none ins(%h, %w2 : tensor<256x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) outs(%p0 : tensor<256x8xbf16>)
  %beside = et.expert_ffn relu ins(%x, %s1, %s2 : tensor<64x8xbf16>, tensor<1x8x24xbf16>, tensor<1x24x8xbf16>) b2(%b2 : tensor<1x8xbf16>) outs(%out : tensor<64x8xbf16>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) shared(%beside : tensor<64x8xbf16>) outs(%out : tensor<64x8xbf16>)
  return %y : tensor<64x8xbf16>
}

// REMARK: [Missed] fusion | Category:et-raise-moe | Function=shared_of_other_rows | Reason="its shared rows are not of an expert that it could have: they read other rows", Remark="the steps up to here stay apart"
func.func @shared_of_other_rows(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>, %s1: tensor<1x8x24xbf16>, %s2: tensor<1x24x8xbf16>) -> tensor<64x8xbf16> {
  %s0 = tensor.empty() : tensor<64x4xf32>
  %m0 = tensor.empty() : tensor<4x2xi32>
  %o0 = tensor.empty() : tensor<5xi32>
  %l0 = tensor.empty() : tensor<256xi32>
  %h0 = tensor.empty() : tensor<256x16xbf16>
  %p0 = tensor.empty() : tensor<256x8xbf16>
  %scores = et.scores linear ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) outs(%s0 : tensor<64x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%m0, %s0 : tensor<4x2xi32>, tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%o0 : tensor<5xi32>)
  %list = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%l0 : tensor<256xi32>)
  %h = et.grouped_matmul relu ins(%x, %w1 : tensor<64x8xbf16>, tensor<4x8x16xbf16>) offsets(%offsets : tensor<5xi32>) tokens(%list : tensor<256xi32>) outs(%h0 : tensor<256x16xbf16>)
  %rows = et.grouped_matmul none ins(%h, %w2 : tensor<256x16xbf16>, tensor<4x16x8xbf16>) offsets(%offsets : tensor<5xi32>) outs(%p0 : tensor<256x8xbf16>)
  %beside = et.expert_ffn relu ins(%out, %s1, %s2 : tensor<64x8xbf16>, tensor<1x8x24xbf16>, tensor<1x24x8xbf16>) outs(%out : tensor<64x8xbf16>)
  %y = et.combine ins(%rows, %gates, %mask, %offsets : tensor<256x8xbf16>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) shared(%beside : tensor<64x8xbf16>) outs(%out : tensor<64x8xbf16>)
  return %y : tensor<64x8xbf16>
}

// The layer's result is rounded before the addition.
// REMARK: [Missed] fusion | Category:et-raise-moe | Function=added_in_another_order | Reason="the layer would add in another order and round once, which fastmath<reassoc,contract> on the addition allows", Remark="what is added here stays apart from the layer"
func.func @added_in_another_order(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>, %s1: tensor<1x8x24xbf16>, %s2: tensor<1x24x8xbf16>) -> tensor<64x8xbf16> {
  %m = et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : tensor<64x8xbf16>, tensor<8x4xbf16>, tensor<4x8x16xbf16>, tensor<4x16x8xbf16>) theta(%theta : tensor<4xf32>) outs(%out : tensor<64x8xbf16>)
  %beside = et.expert_ffn relu ins(%x, %s1, %s2 : tensor<64x8xbf16>, tensor<1x8x24xbf16>, tensor<1x24x8xbf16>) outs(%out : tensor<64x8xbf16>)
  %y = arith.addf %m, %beside fastmath<reassoc> : tensor<64x8xbf16>
  return %y : tensor<64x8xbf16>
}

// REMARK: [Missed] fusion | Category:et-raise-moe | Function=added_of_another_form | Reason="they have another activation or form", Remark="what is added here stays apart from the layer"
func.func @added_of_another_form(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>, %s1: tensor<1x8x24xbf16>, %s2: tensor<1x24x8xbf16>) -> tensor<64x8xbf16> {
  %m = et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : tensor<64x8xbf16>, tensor<8x4xbf16>, tensor<4x8x16xbf16>, tensor<4x16x8xbf16>) theta(%theta : tensor<4xf32>) outs(%out : tensor<64x8xbf16>)
  %beside = et.expert_ffn silu ins(%x, %s1, %s2 : tensor<64x8xbf16>, tensor<1x8x24xbf16>, tensor<1x24x8xbf16>) outs(%out : tensor<64x8xbf16>)
  %y = arith.addf %m, %beside fastmath<reassoc> : tensor<64x8xbf16>
  return %y : tensor<64x8xbf16>
}

// REMARK: [Missed] fusion | Category:et-raise-moe | Function=added_and_read | Reason="its 'et.expert_ffn' at {{.*}}.mlir:{{[0-9]+:[0-9]+}} has another use", Remark="what is added here stays apart from the layer"
func.func @added_and_read(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<64x8xbf16>, %s1: tensor<1x8x24xbf16>, %s2: tensor<1x24x8xbf16>) -> (tensor<64x8xbf16>, tensor<64x8xbf16>) {
  %m = et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : tensor<64x8xbf16>, tensor<8x4xbf16>, tensor<4x8x16xbf16>, tensor<4x16x8xbf16>) theta(%theta : tensor<4xf32>) outs(%out : tensor<64x8xbf16>)
  %beside = et.expert_ffn relu ins(%x, %s1, %s2 : tensor<64x8xbf16>, tensor<1x8x24xbf16>, tensor<1x24x8xbf16>) outs(%out : tensor<64x8xbf16>)
  %y = arith.addf %m, %beside fastmath<reassoc> : tensor<64x8xbf16>
  return %y, %beside : tensor<64x8xbf16>, tensor<64x8xbf16>
}
