// RUN: et-opt %s | et-opt | FileCheck %s
// RUN: et-opt %s --mlir-print-op-generic | et-opt | FileCheck %s
// RUN: et-opt %s --emit-bytecode | et-opt | FileCheck %s
// RUN: et-test-opt %s --test-rebuild-ops | FileCheck %s

//===----------------------------------------------------------------------===//
// Routing
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @scores
// CHECK-SAME: (%[[X:.*]]: tensor<?x8xbf16>, %[[ROUTER:.*]]: tensor<8x4xbf16>, %[[OUT:.*]]: tensor<?x4xf32>)
// CHECK: et.scores linear ins(%[[X]], %[[ROUTER]] : tensor<?x8xbf16>, tensor<8x4xbf16>) outs(%[[OUT]] : tensor<?x4xf32>){{$}}
// CHECK: et.scores cosine ins(%[[X]], %[[ROUTER]] : tensor<?x8xbf16>, tensor<8x4xbf16>) outs(%[[OUT]] : tensor<?x4xf32>) {test.note = "kept"}
func.func @scores(%x: tensor<?x8xbf16>, %router: tensor<8x4xbf16>, %out: tensor<?x4xf32>)
    -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %0 = et.scores linear ins(%x, %router : tensor<?x8xbf16>, tensor<8x4xbf16>) outs(%out : tensor<?x4xf32>)
  %1 = et.scores cosine ins(%x, %router : tensor<?x8xbf16>, tensor<8x4xbf16>) outs(%out : tensor<?x4xf32>) {test.note = "kept"}
  return %0, %1 : tensor<?x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: func @scores_on_memrefs
// CHECK: et.scores linear ins(%{{.*}}, %{{.*}} : memref<?x?xf16, strided<[?, 1]>>, memref<?x?xf16>) outs(%{{.*}} : memref<?x?xf32>){{$}}
func.func @scores_on_memrefs(%x: memref<?x?xf16, strided<[?, 1]>>, %router: memref<?x?xf16>, %out: memref<?x?xf32>) {
  et.scores linear ins(%x, %router : memref<?x?xf16, strided<[?, 1]>>, memref<?x?xf16>) outs(%out : memref<?x?xf32>)
  return
}

// CHECK-LABEL: func @route
// CHECK: %[[M:mask.*]], %[[G:gates.*]], %[[O:offsets.*]] = et.route linear #et.threshold ins(%{{.*}}, %{{.*}} : tensor<64x8xbf16>, tensor<8x4xbf16>) theta(%{{.*}} : tensor<4xf32>) outs(%{{.*}}, %{{.*}}, %{{.*}} : tensor<4x2xi32>, tensor<64x4xf32>, tensor<5xi32>){{$}}
// CHECK: et.route cosine #et.top_k<k = 2> ins(%{{.*}}) bias(%{{.*}} : tensor<4xf32>) outs(%[[M]], %[[G]], %[[O]]
func.func @route(%x: tensor<64x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %m: tensor<4x2xi32>, %g: tensor<64x4xf32>, %o: tensor<5xi32>) -> tensor<5xi32> {
  %0:3 = et.route linear #et.threshold ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) theta(%theta : tensor<4xf32>) outs(%m, %g, %o : tensor<4x2xi32>, tensor<64x4xf32>, tensor<5xi32>)
  %1:3 = et.route cosine #et.top_k<k = 2> ins(%x, %router : tensor<64x8xbf16>, tensor<8x4xbf16>) bias(%theta : tensor<4xf32>) outs(%0#0, %0#1, %0#2 : tensor<4x2xi32>, tensor<64x4xf32>, tensor<5xi32>)
  return %1#2 : tensor<5xi32>
}

// CHECK-LABEL: func @route_on_memrefs
// CHECK: et.route linear #et.threshold ins({{.*}}) theta({{.*}}) outs(%{{.*}}, %{{.*}}, %{{.*}} : memref<?x?xi32>, memref<?x?xf32>, memref<?xi32>){{$}}
func.func @route_on_memrefs(%x: memref<?x?xf16>, %router: memref<?x?xf16>, %theta: memref<?xf32>, %m: memref<?x?xi32>, %g: memref<?x?xf32>, %o: memref<?xi32>) {
  et.route linear #et.threshold ins(%x, %router : memref<?x?xf16>, memref<?x?xf16>) theta(%theta : memref<?xf32>) outs(%m, %g, %o : memref<?x?xi32>, memref<?x?xf32>, memref<?xi32>)
  return
}

// CHECK-LABEL: func @product_by_mask
// CHECK: et.grouped_matmul relu ins({{.*}}) offsets({{.*}}) mask(%{{.*}} : tensor<4x?xi32>) outs
func.func @product_by_mask(%x: tensor<?x8xf32>, %w: tensor<4x8x16xf32>, %o: tensor<5xi32>, %m: tensor<4x?xi32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %0 = et.grouped_matmul relu ins(%x, %w : tensor<?x8xf32>, tensor<4x8x16xf32>) offsets(%o : tensor<5xi32>) mask(%m : tensor<4x?xi32>) outs(%out : tensor<?x16xf32>)
  return %0 : tensor<?x16xf32>
}

// CHECK-LABEL: func @gate
// CHECK-SAME: (%[[R:.*]]: tensor<64x4xf32>, %[[THETA:.*]]: tensor<4xf32>, %[[MASK:.*]]: tensor<4x2xi32>, %[[GATES:.*]]: tensor<64x4xf32>)
// CHECK: et.gate #et.threshold ins(%[[R]] : tensor<64x4xf32>) theta(%[[THETA]] : tensor<4xf32>) outs(%[[MASK]], %[[GATES]] : tensor<4x2xi32>, tensor<64x4xf32>){{$}}
// CHECK: et.gate #et.threshold<compare = ge, gate = binary> ins
// CHECK: et.gate #et.threshold<gate = relu> ins
// CHECK: et.gate #et.threshold<gate = raw> ins
// CHECK: et.gate #et.bounded_threshold<rate = 2.500000e-01, slack = 1.250000e-01> ins(%{{.*}}) theta(%{{.*}}) outs
// CHECK: et.gate #et.bounded_threshold<rate = 1.000000e+00, slack = 0.000000e+00, compare = ge, gate = relu> ins(%{{.*}}) theta(%{{.*}}) outs
// CHECK: et.gate #et.top_k<k = 2> ins(%{{.*}}) outs
// CHECK: et.gate #et.top_k<k = 2, scoring = sigmoid, renormalize = true, groups = 4, groupLimit = 2> ins(%{{.*}}) bias(%[[THETA]] : tensor<4xf32>) outs
// CHECK: et.gate #et.expert_choice<rate = 6.250000e-02> ins(%{{.*}}) outs
// CHECK: et.gate #et.expert_choice<rate = 6.250000e-02, gate = raw> ins(%{{.*}}) outs
// CHECK: et.gate #et.top_p<p = 5.000000e-01> ins(%{{.*}}) outs
// CHECK: et.gate #et.top_p<p = 9.000000e-01, renormalize = true> ins(%{{.*}}) outs
func.func @gate(%r: tensor<64x4xf32>, %theta: tensor<4xf32>, %m: tensor<4x2xi32>, %g: tensor<64x4xf32>) {
  %0:2 = et.gate #et.threshold<compare = gt, gate = sigmoid> ins(%r : tensor<64x4xf32>) theta(%theta : tensor<4xf32>)
    outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
  %1:2 = et.gate #et.threshold<gate = binary, compare = ge> ins(%r : tensor<64x4xf32>) theta(%theta : tensor<4xf32>)
    outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
  %2:2 = et.gate #et.threshold<gate = relu> ins(%r : tensor<64x4xf32>) theta(%theta : tensor<4xf32>)
    outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
  %3:2 = et.gate #et.threshold<gate = raw> ins(%r : tensor<64x4xf32>) theta(%theta : tensor<4xf32>)
    outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
  %4:2 = et.gate #et.bounded_threshold<rate = 0.25, slack = 0.125> ins(%r : tensor<64x4xf32>) theta(%theta : tensor<4xf32>)
    outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
  %5:2 = et.gate #et.bounded_threshold<rate = 1.0, slack = 0.0, compare = ge, gate = relu> ins(%r : tensor<64x4xf32>) theta(%theta : tensor<4xf32>)
    outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
  %6:2 = et.gate #et.top_k<k = 2> ins(%r : tensor<64x4xf32>)
    outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
  %7:2 = et.gate #et.top_k<k = 2, scoring = sigmoid, renormalize = true, groups = 4, groupLimit = 2> ins(%r : tensor<64x4xf32>) bias(%theta : tensor<4xf32>)
    outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
  %8:2 = et.gate #et.expert_choice<rate = 0.0625> ins(%r : tensor<64x4xf32>)
    outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
  %9:2 = et.gate #et.expert_choice<rate = 0.0625, gate = raw> ins(%r : tensor<64x4xf32>)
    outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
  %10:2 = et.gate #et.top_p<p = 0.5> ins(%r : tensor<64x4xf32>)
    outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
  %11:2 = et.gate #et.top_p<p = 0.9, renormalize = true> ins(%r : tensor<64x4xf32>)
    outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
  return
}

// CHECK-LABEL: func @gate_on_memrefs
// CHECK: et.gate #et.threshold ins(%{{.*}} : memref<?x4xf32>) theta(%{{.*}} : memref<4xf32>) outs(%{{.*}}, %{{.*}} : memref<4x?xi32>, memref<?x4xf32>){{$}}
func.func @gate_on_memrefs(%r: memref<?x4xf32>, %theta: memref<4xf32>, %m: memref<4x?xi32>, %g: memref<?x4xf32>) {
  et.gate #et.threshold ins(%r : memref<?x4xf32>) theta(%theta : memref<4xf32>)
    outs(%m, %g : memref<4x?xi32>, memref<?x4xf32>)
  return
}

// CHECK-LABEL: func @score_kinds_and_activations_are_attributes
// CHECK-SAME: a = #et<score_kind cosine>, b = #et.gelu_tanh, c = #et.mean_minus_std
func.func @score_kinds_and_activations_are_attributes() attributes {
    test.op = {a = #et<score_kind cosine>, b = #et<activation gelu_tanh>, c = #et.mean_minus_std}} {
  return
}

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @statistic
// CHECK: et.statistic #et.mean_minus_std ins(%{{.*}} : tensor<?x4xf32>) outs(%{{.*}} : tensor<4xf32>){{$}}
// CHECK: et.statistic #et.kth_largest<rate = 6.250000e-02> ins
// CHECK: et.statistic #et.quantile<q = 5.000000e-01> ins
// CHECK: et.statistic #et.quantile<q = 5.000000e-01> ins(%{{.*}} : memref<?x4xf32>) outs(%{{.*}} : memref<4xf32>){{$}}
func.func @statistic(%r: tensor<?x4xf32>, %out: tensor<4xf32>, %rb: memref<?x4xf32>, %outb: memref<4xf32>) {
  %0 = et.statistic #et.mean_minus_std ins(%r : tensor<?x4xf32>) outs(%out : tensor<4xf32>)
  %1 = et.statistic #et.kth_largest<rate = 0.0625> ins(%r : tensor<?x4xf32>) outs(%out : tensor<4xf32>)
  %2 = et.statistic #et.quantile<q = 0.5> ins(%r : tensor<?x4xf32>) outs(%out : tensor<4xf32>)
  et.statistic #et.quantile<q = 0.5> ins(%rb : memref<?x4xf32>) outs(%outb : memref<4xf32>)
  return
}

// CHECK-LABEL: func @histogram
// CHECK: %[[COUNTS:.*]] = et.histogram range(-1.000000e+00, 1.500000e+00) ins(%{{.*}} : tensor<?x4xf32>) outs(%{{.*}} : tensor<4x256xi32>){{$}}
// CHECK: et.histogram_quantile 9.375000e-01 range(-1.000000e+00, 1.500000e+00) ins(%[[COUNTS]] : tensor<4x256xi32>) outs(%{{.*}} : tensor<4xf32>){{$}}
// CHECK: et.histogram range(0.000000e+00, 1.000000e+00) ins(%{{.*}} : memref<?x4xf32>) outs(%{{.*}} : memref<4x?xi32>){{$}}
// CHECK: et.histogram_quantile 0.000000e+00 range(0.000000e+00, 1.000000e+00) ins(%{{.*}} : memref<4x?xi32>) outs(%{{.*}} : memref<4xf32>){{$}}
func.func @histogram(%r: tensor<?x4xf32>, %counts: tensor<4x256xi32>, %out: tensor<4xf32>,
                     %rb: memref<?x4xf32>, %countsb: memref<4x?xi32>, %outb: memref<4xf32>) {
  %0 = et.histogram range(-1.0, 1.5) ins(%r : tensor<?x4xf32>) outs(%counts : tensor<4x256xi32>)
  %1 = et.histogram_quantile 0.9375 range(-1.0, 1.5) ins(%0 : tensor<4x256xi32>) outs(%out : tensor<4xf32>)
  et.histogram range(0.0, 1.0) ins(%rb : memref<?x4xf32>) outs(%countsb : memref<4x?xi32>)
  et.histogram_quantile 0.0 range(0.0, 1.0) ins(%countsb : memref<4x?xi32>) outs(%outb : memref<4xf32>)
  return
}

// CHECK-LABEL: func @ema_update
// CHECK: et.ema_update ins(%{{.*}} : tensor<4xf32>) outs(%{{.*}} : tensor<4xf32>){{$}}
// CHECK: et.ema_update beta = 5.000000e-01 ins
// CHECK: et.ema_update ins(%{{.*}} : memref<4xf32>) outs(%{{.*}} : memref<4xf32>){{$}}
func.func @ema_update(%m: tensor<4xf32>, %theta: tensor<4xf32>, %mb: memref<4xf32>, %thetab: memref<4xf32>) {
  %0 = et.ema_update beta = 0.999 ins(%m : tensor<4xf32>) outs(%theta : tensor<4xf32>)
  %1 = et.ema_update beta = 0.5 ins(%m : tensor<4xf32>) outs(%theta : tensor<4xf32>)
  et.ema_update ins(%mb : memref<4xf32>) outs(%thetab : memref<4xf32>)
  return
}

// CHECK-LABEL: func @ema_update_corrected
// CHECK: et.ema_update_corrected ins(%{{.*}} : tensor<4xf32>) outs(%{{.*}}, %{{.*}}, %{{.*}} : tensor<4xf32>, tensor<4xi64>, tensor<4xf32>){{$}}
// CHECK: et.ema_update_corrected beta = 5.000000e-01 ins(%{{.*}} : memref<4xf32>) outs(%{{.*}}, %{{.*}}, %{{.*}} : memref<4xf32>, memref<4xi64>, memref<4xf32>){{$}}
func.func @ema_update_corrected(%m: tensor<4xf32>, %raw: tensor<4xf32>, %steps: tensor<4xi64>, %theta: tensor<4xf32>,
                                %mb: memref<4xf32>, %rawb: memref<4xf32>, %stepsb: memref<4xi64>, %thetab: memref<4xf32>) {
  %0:3 = et.ema_update_corrected ins(%m : tensor<4xf32>)
    outs(%raw, %steps, %theta : tensor<4xf32>, tensor<4xi64>, tensor<4xf32>)
  et.ema_update_corrected beta = 0.5 ins(%mb : memref<4xf32>)
    outs(%rawb, %stepsb, %thetab : memref<4xf32>, memref<4xi64>, memref<4xf32>)
  return
}

// CHECK-LABEL: func @routing_stats
// CHECK: et.routing_stats ins(%{{.*}}, %{{.*}} : tensor<4x?xi32>, index) outs(%{{.*}}, %{{.*}}, %{{.*}} : tensor<4xi32>, tensor<5xi32>, tensor<4xf32>){{$}}
// CHECK: et.routing_stats ins(%{{.*}}, %{{.*}} : memref<4x?xi32>, index) outs(%{{.*}}, %{{.*}}, %{{.*}} : memref<4xi32>, memref<5xi32>, memref<4xf32>){{$}}
func.func @routing_stats(%mask: tensor<4x?xi32>, %t: index, %l: tensor<4xi32>, %f: tensor<5xi32>, %s: tensor<4xf32>,
                         %maskb: memref<4x?xi32>, %lb: memref<4xi32>, %fb: memref<5xi32>, %sb: memref<4xf32>) {
  %0:3 = et.routing_stats ins(%mask, %t : tensor<4x?xi32>, index)
    outs(%l, %f, %s : tensor<4xi32>, tensor<5xi32>, tensor<4xf32>)
  et.routing_stats ins(%maskb, %t : memref<4x?xi32>, index)
    outs(%lb, %fb, %sb : memref<4xi32>, memref<5xi32>, memref<4xf32>)
  return
}

//===----------------------------------------------------------------------===//
// Dispatch
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @plan
// CHECK: %[[OFFSETS:.*]] = et.offsets ins(%{{.*}} : tensor<4x?xi32>) outs(%{{.*}} : tensor<5xi32>){{$}}
// CHECK: %[[TOKENS:.*]] = et.token_list ins(%{{.*}}, %[[OFFSETS]] : tensor<4x?xi32>, tensor<5xi32>) outs(%{{.*}} : tensor<?xi32>){{$}}
// CHECK: et.gather ins(%{{.*}}, %[[TOKENS]], %[[OFFSETS]] : tensor<?x8xf16>, tensor<?xi32>, tensor<5xi32>) outs(%{{.*}} : tensor<?x8xf16>){{$}}
func.func @plan(%mask: tensor<4x?xi32>, %o: tensor<5xi32>, %l: tensor<?xi32>, %x: tensor<?x8xf16>, %rows: tensor<?x8xf16>) {
  %offsets = et.offsets ins(%mask : tensor<4x?xi32>) outs(%o : tensor<5xi32>)
  %tokens = et.token_list ins(%mask, %offsets : tensor<4x?xi32>, tensor<5xi32>) outs(%l : tensor<?xi32>)
  %0 = et.gather ins(%x, %tokens, %offsets : tensor<?x8xf16>, tensor<?xi32>, tensor<5xi32>) outs(%rows : tensor<?x8xf16>)
  return
}

// CHECK-LABEL: func @plan_on_memrefs
// CHECK: et.offsets ins(%{{.*}} : memref<4x?xi32>) outs(%{{.*}} : memref<5xi32>){{$}}
// CHECK: et.token_list ins(%{{.*}}, %{{.*}} : memref<4x?xi32>, memref<5xi32>) outs(%{{.*}} : memref<?xi32>){{$}}
// CHECK: et.gather ins(%{{.*}}, %{{.*}}, %{{.*}} : memref<?x8xf32>, memref<?xi32>, memref<5xi32>) outs(%{{.*}} : memref<?x8xf32>){{$}}
func.func @plan_on_memrefs(%mask: memref<4x?xi32>, %o: memref<5xi32>, %l: memref<?xi32>, %x: memref<?x8xf32>, %rows: memref<?x8xf32>) {
  et.offsets ins(%mask : memref<4x?xi32>) outs(%o : memref<5xi32>)
  et.token_list ins(%mask, %o : memref<4x?xi32>, memref<5xi32>) outs(%l : memref<?xi32>)
  et.gather ins(%x, %l, %o : memref<?x8xf32>, memref<?xi32>, memref<5xi32>) outs(%rows : memref<?x8xf32>)
  return
}

// CHECK-LABEL: func @combine
// CHECK: et.combine ins(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : tensor<?x8xf32>, tensor<?x4xf32>, tensor<4x?xi32>, tensor<5xi32>) outs(%{{.*}} : tensor<?x8xbf16>){{$}}
// CHECK: et.combine ins(%{{.*}}) shared(%{{.*}} : tensor<?x8xf32>) outs
func.func @combine(%pairs: tensor<?x8xf32>, %gates: tensor<?x4xf32>, %mask: tensor<4x?xi32>, %offsets: tensor<5xi32>,
                   %shared: tensor<?x8xf32>, %out: tensor<?x8xbf16>) {
  %0 = et.combine ins(%pairs, %gates, %mask, %offsets : tensor<?x8xf32>, tensor<?x4xf32>, tensor<4x?xi32>, tensor<5xi32>)
    outs(%out : tensor<?x8xbf16>)
  %1 = et.combine ins(%pairs, %gates, %mask, %offsets : tensor<?x8xf32>, tensor<?x4xf32>, tensor<4x?xi32>, tensor<5xi32>)
    shared(%shared : tensor<?x8xf32>) outs(%out : tensor<?x8xbf16>)
  return
}

// CHECK-LABEL: func @combine_on_memrefs
// CHECK: et.combine ins(%{{.*}} : memref<?x8xf32>, memref<?x4xf32>, memref<4x?xi32>, memref<5xi32>) outs(%{{.*}} : memref<?x8xf32>){{$}}
func.func @combine_on_memrefs(%pairs: memref<?x8xf32>, %gates: memref<?x4xf32>, %mask: memref<4x?xi32>, %offsets: memref<5xi32>,
                              %out: memref<?x8xf32>) {
  et.combine ins(%pairs, %gates, %mask, %offsets : memref<?x8xf32>, memref<?x4xf32>, memref<4x?xi32>, memref<5xi32>)
    outs(%out : memref<?x8xf32>)
  return
}

//===----------------------------------------------------------------------===//
// Compute
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @grouped_matmul
// CHECK: et.grouped_matmul none ins(%{{.*}}, %{{.*}} : tensor<?x8xbf16>, tensor<4x8x16xbf16>) offsets(%{{.*}} : tensor<5xi32>) outs(%{{.*}} : tensor<?x16xbf16>){{$}}
// CHECK: et.grouped_matmul relu ins(%{{.*}}) offsets(%{{.*}}) tokens(%{{.*}} : tensor<?xi32>) outs
// CHECK: et.grouped_matmul relu_squared ins(%{{.*}}) offsets(%{{.*}}) bias(%{{.*}} : tensor<4x16xbf16>) outs
// CHECK: et.grouped_matmul gelu ins(%{{.*}}) offsets(%{{.*}}) gate(%{{.*}} : tensor<4x8x16xbf16>) outs
// CHECK: et.grouped_matmul gelu_tanh ins(%{{.*}}) offsets(%{{.*}}) tokens(%{{.*}}) bias(%{{.*}}) gate(%{{.*}}) gate_bias(%{{.*}} : tensor<4x16xbf16>) outs
func.func @grouped_matmul(%x: tensor<?x8xbf16>, %w: tensor<4x8x16xbf16>, %o: tensor<5xi32>, %t: tensor<?xi32>,
                          %b: tensor<4x16xbf16>, %out: tensor<?x16xbf16>) {
  %0 = et.grouped_matmul none ins(%x, %w : tensor<?x8xbf16>, tensor<4x8x16xbf16>) offsets(%o : tensor<5xi32>)
    outs(%out : tensor<?x16xbf16>)
  %1 = et.grouped_matmul relu ins(%x, %w : tensor<?x8xbf16>, tensor<4x8x16xbf16>) offsets(%o : tensor<5xi32>)
    tokens(%t : tensor<?xi32>) outs(%out : tensor<?x16xbf16>)
  %2 = et.grouped_matmul relu_squared ins(%x, %w : tensor<?x8xbf16>, tensor<4x8x16xbf16>) offsets(%o : tensor<5xi32>)
    bias(%b : tensor<4x16xbf16>) outs(%out : tensor<?x16xbf16>)
  %3 = et.grouped_matmul gelu ins(%x, %w : tensor<?x8xbf16>, tensor<4x8x16xbf16>) offsets(%o : tensor<5xi32>)
    gate(%w : tensor<4x8x16xbf16>) outs(%out : tensor<?x16xbf16>)
  %4 = et.grouped_matmul gelu_tanh ins(%x, %w : tensor<?x8xbf16>, tensor<4x8x16xbf16>) offsets(%o : tensor<5xi32>)
    tokens(%t : tensor<?xi32>) bias(%b : tensor<4x16xbf16>) gate(%w : tensor<4x8x16xbf16>)
    gate_bias(%b : tensor<4x16xbf16>) outs(%out : tensor<?x16xbf16>)
  return
}

// CHECK-LABEL: func @pack
// CHECK: et.pack #et.panels<columns = 64> ins(%{{.*}} : tensor<4x8x100xf32>) outs(%{{.*}} : tensor<4x2x8x64xf32>){{$}}
// CHECK: et.pack #et.panels<columns = 32, interleave = 2, step = 32> ins(%{{.*}} : memref<4x40x?xbf16>) outs(%{{.*}} : memref<4x?x32x64xbf16>){{$}}
// CHECK: et.grouped_matmul relu ins(%{{.*}}, %{{.*}} : tensor<?x8xf32>, tensor<4x2x8x64xf32>) panels(#et.panels<columns = 64>) offsets(%{{.*}}) gate(%{{.*}} : tensor<4x2x8x64xf32>) outs
func.func @pack(%w: tensor<4x8x100xf32>, %p: tensor<4x2x8x64xf32>, %wb: memref<4x40x?xbf16>, %pb: memref<4x?x32x64xbf16>,
                %x: tensor<?x8xf32>, %o: tensor<5xi32>, %out: tensor<?x100xf32>) {
  %0 = et.pack #et.panels<columns = 64> ins(%w : tensor<4x8x100xf32>) outs(%p : tensor<4x2x8x64xf32>)
  et.pack #et.panels<columns = 32, interleave = 2, step = 32> ins(%wb : memref<4x40x?xbf16>) outs(%pb : memref<4x?x32x64xbf16>)
  %1 = et.grouped_matmul relu ins(%x, %0 : tensor<?x8xf32>, tensor<4x2x8x64xf32>) panels(#et.panels<columns = 64>)
    offsets(%o : tensor<5xi32>) gate(%0 : tensor<4x2x8x64xf32>) outs(%out : tensor<?x100xf32>)
  return
}

// CHECK-LABEL: func @scaled_weights
// CHECK: et.grouped_matmul silu ins(%{{.*}}, %{{.*}} : tensor<?x200xf16>, tensor<1x200x300xf8E4M3FN>) gate(%{{.*}} : tensor<1x200x300xf8E4M3FN>) scales(%{{.*}} : tensor<1x2x3xf32>) gate_scales(%{{.*}} : tensor<1x2x3xf32>) outs(%{{.*}} : tensor<?x300xf32>){{$}}
// CHECK: et.expert_ffn silu ins(%{{.*}}) gate(%{{.*}}) w1_scales(%{{.*}} : tensor<1x2x3xf32>) w2_scales(%{{.*}} : tensor<1x3x2xf32>) gate_scales(%{{.*}} : tensor<1x2x3xf32>) outs
// CHECK: et.moe linear #et.top_k<k = 1> silu ins(%{{.*}}) gate(%{{.*}}) w1_scales(%{{.*}} : tensor<1x2x3xf32>) w2_scales(%{{.*}} : tensor<1x3x2xf32>) gate_scales(%{{.*}} : tensor<1x2x3xf32>) outs
func.func @scaled_weights(%x: tensor<?x200xf16>, %router: tensor<200x1xf16>, %w: tensor<1x200x300xf8E4M3FN>, %w2: tensor<1x300x200xf8E4M3FN>,
                          %s: tensor<1x2x3xf32>, %s2: tensor<1x3x2xf32>, %h: tensor<?x300xf32>, %y: tensor<?x200xf32>) {
  %0 = et.grouped_matmul silu ins(%x, %w : tensor<?x200xf16>, tensor<1x200x300xf8E4M3FN>) gate(%w : tensor<1x200x300xf8E4M3FN>)
    scales(%s : tensor<1x2x3xf32>) gate_scales(%s : tensor<1x2x3xf32>) outs(%h : tensor<?x300xf32>)
  %1 = et.expert_ffn silu ins(%x, %w, %w2 : tensor<?x200xf16>, tensor<1x200x300xf8E4M3FN>, tensor<1x300x200xf8E4M3FN>)
    gate(%w : tensor<1x200x300xf8E4M3FN>) w1_scales(%s : tensor<1x2x3xf32>) w2_scales(%s2 : tensor<1x3x2xf32>)
    gate_scales(%s : tensor<1x2x3xf32>) outs(%y : tensor<?x200xf32>)
  %2 = et.moe linear #et.top_k<k = 1> silu
    ins(%x, %router, %w, %w2 : tensor<?x200xf16>, tensor<200x1xf16>, tensor<1x200x300xf8E4M3FN>, tensor<1x300x200xf8E4M3FN>)
    gate(%w : tensor<1x200x300xf8E4M3FN>) w1_scales(%s : tensor<1x2x3xf32>) w2_scales(%s2 : tensor<1x3x2xf32>)
    gate_scales(%s : tensor<1x2x3xf32>) outs(%y : tensor<?x200xf32>)
  return
}

// CHECK-LABEL: func @formats
// CHECK-SAME: {test.a = [#et.blocks, #et.blocks, #et.blocks<k = all, n = 32>]}
// CHECK: et.dequantize #et.blocks<element = i4, k = 32, n = 1> ins(%{{.*}}, %{{.*}} : tensor<4x64x50xi8>, tensor<4x2x99xf32>) zero_points(%{{.*}} : tensor<4x2x99xf32>) outs(%{{.*}} : tensor<4x64x99xf16>){{$}}
// CHECK: et.dequantize #et.blocks ins(%{{.*}}, %{{.*}} : memref<?x?x?xf8E4M3FN>, memref<?x?x?xf32>) outs(%{{.*}} : memref<?x?x?xf32>){{$}}
// CHECK: et.grouped_matmul silu ins(%{{.*}}) format(#et.blocks<k = all, n = 1>) scales(%{{.*}} : tensor<1x1x300xf32>) outs(%{{.*}} : tensor<?x300xf32>){{$}}
func.func @formats(%x: tensor<?x200xf16>, %w: tensor<1x200x300xf8E4M3FN>, %s: tensor<1x1x300xf32>, %h: tensor<?x300xf32>,
                   %q: tensor<4x64x50xi8>, %qs: tensor<4x2x99xf32>, %qw: tensor<4x64x99xf16>,
                   %b: memref<?x?x?xf8E4M3FN>, %bs: memref<?x?x?xf32>, %bw: memref<?x?x?xf32>)
    attributes {test.a = [#et.blocks, #et.blocks<element = f8E4M3FN, k = 128, n = 128>, #et.blocks<n = 32, k = all>]} {
  %1 = et.dequantize #et.blocks<element = i4, k = 32, n = 1> ins(%q, %qs : tensor<4x64x50xi8>, tensor<4x2x99xf32>)
    zero_points(%qs : tensor<4x2x99xf32>) outs(%qw : tensor<4x64x99xf16>)
  et.dequantize #et.blocks ins(%b, %bs : memref<?x?x?xf8E4M3FN>, memref<?x?x?xf32>) outs(%bw : memref<?x?x?xf32>)
  %0 = et.grouped_matmul silu ins(%x, %w : tensor<?x200xf16>, tensor<1x200x300xf8E4M3FN>)
    format(#et.blocks<k = all, n = 1>) scales(%s : tensor<1x1x300xf32>) outs(%h : tensor<?x300xf32>)
  return
}

// CHECK-LABEL: func @dense_matmul
// CHECK: et.grouped_matmul silu ins(%{{.*}}, %{{.*}} : tensor<?x8xf16>, tensor<1x8x16xf16>) outs(%{{.*}} : tensor<?x16xf32>){{$}}
// CHECK: et.grouped_matmul silu ins(%{{.*}}, %{{.*}} : memref<?x8xf16>, memref<1x8x16xf16>) outs(%{{.*}} : memref<?x16xf32>){{$}}
func.func @dense_matmul(%x: tensor<?x8xf16>, %w: tensor<1x8x16xf16>, %out: tensor<?x16xf32>,
                        %xb: memref<?x8xf16>, %wb: memref<1x8x16xf16>, %outb: memref<?x16xf32>) {
  %0 = et.grouped_matmul silu ins(%x, %w : tensor<?x8xf16>, tensor<1x8x16xf16>) outs(%out : tensor<?x16xf32>)
  et.grouped_matmul silu ins(%xb, %wb : memref<?x8xf16>, memref<1x8x16xf16>) outs(%outb : memref<?x16xf32>)
  return
}

// CHECK-LABEL: func @expert_ffn
// CHECK: et.expert_ffn gelu ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<?x8xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>) offsets(%{{.*}} : tensor<5xi32>) outs(%{{.*}} : tensor<?x8xf32>){{$}}
// CHECK: et.expert_ffn silu ins(%{{.*}}) offsets(%{{.*}}) tokens(%{{.*}} : tensor<?xi32>) b1(%{{.*}} : tensor<4x16xf32>) b2(%{{.*}} : tensor<4x8xf32>) gate(%{{.*}} : tensor<4x8x16xf32>) gate_bias(%{{.*}} : tensor<4x16xf32>) outs
func.func @expert_ffn(%x: tensor<?x8xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>, %o: tensor<5xi32>, %t: tensor<?xi32>,
                      %b1: tensor<4x16xf32>, %b2: tensor<4x8xf32>, %out: tensor<?x8xf32>) {
  %0 = et.expert_ffn gelu ins(%x, %w1, %w2 : tensor<?x8xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    offsets(%o : tensor<5xi32>) outs(%out : tensor<?x8xf32>)
  %1 = et.expert_ffn silu ins(%x, %w1, %w2 : tensor<?x8xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    offsets(%o : tensor<5xi32>) tokens(%t : tensor<?xi32>) b1(%b1 : tensor<4x16xf32>) b2(%b2 : tensor<4x8xf32>)
    gate(%w1 : tensor<4x8x16xf32>) gate_bias(%b1 : tensor<4x16xf32>) outs(%out : tensor<?x8xf32>)
  return
}

// CHECK-LABEL: func @dense_ffn
// CHECK: et.expert_ffn relu ins(%{{.*}} : memref<?x8xf32>, memref<1x8x16xf32>, memref<1x16x8xf32>) outs(%{{.*}} : memref<?x8xf32>){{$}}
func.func @dense_ffn(%x: memref<?x8xf32>, %w1: memref<1x8x16xf32>, %w2: memref<1x16x8xf32>, %out: memref<?x8xf32>) {
  et.expert_ffn relu ins(%x, %w1, %w2 : memref<?x8xf32>, memref<1x8x16xf32>, memref<1x16x8xf32>) outs(%out : memref<?x8xf32>)
  return
}

// CHECK-LABEL: func @combine_waves
// CHECK: %{{.*}}, %{{.*}}, %{{.*}} = et.combine_waves relu ins(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : tensor<?x4xf32>, tensor<4x?xi32>, tensor<5xi32>, tensor<?x8xbf16>, tensor<4x8x16xbf16>, tensor<4x16x8xbf16>) outs(%{{.*}}, %{{.*}}, %{{.*}} : tensor<?x16xbf16>, tensor<?x8xbf16>, tensor<?x8xbf16>){{$}}
// CHECK: et.combine_waves silu ins({{.*}}) b1(%{{.*}} : tensor<4x16xbf16>) b2(%{{.*}} : tensor<4x8xbf16>) gate(%{{.*}} : tensor<4x8x16xbf16>) gate_bias(%{{.*}} : tensor<4x16xbf16>) shared(%{{.*}} : tensor<?x8xbf16>) outs({{.*}}){{$}}
func.func @combine_waves(%g: tensor<?x4xf32>, %m: tensor<4x?xi32>, %o: tensor<5xi32>, %x: tensor<?x8xbf16>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>,
                         %b1: tensor<4x16xbf16>, %b2: tensor<4x8xbf16>, %h: tensor<?x16xbf16>, %p: tensor<?x8xbf16>, %out: tensor<?x8xbf16>) {
  %0:3 = et.combine_waves relu
    ins(%g, %m, %o, %x, %w1, %w2 : tensor<?x4xf32>, tensor<4x?xi32>, tensor<5xi32>, tensor<?x8xbf16>, tensor<4x8x16xbf16>, tensor<4x16x8xbf16>)
    outs(%h, %p, %out : tensor<?x16xbf16>, tensor<?x8xbf16>, tensor<?x8xbf16>)
  %1:3 = et.combine_waves silu
    ins(%g, %m, %o, %x, %w1, %w2 : tensor<?x4xf32>, tensor<4x?xi32>, tensor<5xi32>, tensor<?x8xbf16>, tensor<4x8x16xbf16>, tensor<4x16x8xbf16>)
    b1(%b1 : tensor<4x16xbf16>) b2(%b2 : tensor<4x8xbf16>) gate(%w1 : tensor<4x8x16xbf16>) gate_bias(%b1 : tensor<4x16xbf16>)
    shared(%x : tensor<?x8xbf16>) outs(%h, %p, %out : tensor<?x16xbf16>, tensor<?x8xbf16>, tensor<?x8xbf16>)
  return
}

// CHECK-LABEL: func @moe
// The paper form, the tutorial form, every operand that there is, and scores in place of the router.
// CHECK: et.moe linear #et.threshold relu_squared ins(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>) theta(%{{.*}} : tensor<4xf32>) shared(%{{.*}}, %{{.*}} : tensor<8x24xf32>, tensor<24x8xf32>) outs(%{{.*}} : tensor<?x8xf32>){{$}}
// CHECK: et.moe cosine #et.threshold<gate = binary> relu ins(%{{.*}}) theta(%{{.*}}) b1(%{{.*}} : tensor<4x16xf32>) b2(%{{.*}} : tensor<4x8xf32>) outs
// CHECK: et.moe linear #et.top_k<k = 2, renormalize = true> silu ins(%{{.*}}) bias(%{{.*}} : tensor<4xf32>) b1(%{{.*}}) b2(%{{.*}}) gate(%{{.*}} : tensor<4x8x16xf32>) gate_bias(%{{.*}} : tensor<4x16xf32>) shared(%{{.*}}) shared_gate(%{{.*}} : tensor<8x24xf32>) outs
// CHECK: et.moe given #et.top_k<k = 2> silu ins(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : tensor<?x8xf32>, tensor<?x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>) outs
func.func @moe(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>,
               %b1: tensor<4x16xf32>, %b2: tensor<4x8xf32>, %s1: tensor<8x24xf32>, %s2: tensor<24x8xf32>, %scores: tensor<?x4xf32>, %out: tensor<?x8xf32>) {
  %0 = et.moe linear #et.threshold<gate = sigmoid> relu_squared
    ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    theta(%theta : tensor<4xf32>) shared(%s1, %s2 : tensor<8x24xf32>, tensor<24x8xf32>) outs(%out : tensor<?x8xf32>)
  %1 = et.moe cosine #et.threshold<gate = binary> relu
    ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    theta(%theta : tensor<4xf32>) b1(%b1 : tensor<4x16xf32>) b2(%b2 : tensor<4x8xf32>) outs(%out : tensor<?x8xf32>)
  %2 = et.moe linear #et.top_k<k = 2, renormalize = true> silu
    ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    bias(%theta : tensor<4xf32>) b1(%b1 : tensor<4x16xf32>) b2(%b2 : tensor<4x8xf32>)
    gate(%w1 : tensor<4x8x16xf32>) gate_bias(%b1 : tensor<4x16xf32>)
    shared(%s1, %s2 : tensor<8x24xf32>, tensor<24x8xf32>) shared_gate(%s1 : tensor<8x24xf32>) outs(%out : tensor<?x8xf32>)
  %3 = et.moe given #et.top_k<k = 2> silu
    ins(%x, %scores, %w1, %w2 : tensor<?x8xf32>, tensor<?x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    outs(%out : tensor<?x8xf32>)
  return
}

// CHECK-LABEL: func @moe_configured
// CHECK: et.moe {{.*}} outs(%{{.*}} : memref<?x8xf32>) {lowering_config = #et.lowering_config<schedule = grouped>}
// CHECK: et.moe {{.*}} outs(%{{.*}} : memref<?x8xf32>) {lowering_config = #et.lowering_config<schedule = one_launch>}
// CHECK: et.moe {{.*}} outs(%{{.*}} : memref<?x8xf32>) {lowering_config = #et.lowering_config<schedule = one_launch, workgroups = 264>}
// CHECK: et.moe {{.*}} outs(%{{.*}} : memref<?x8xf32>) {lowering_config = #et.lowering_config<rate = 6.250000e-02>}
// CHECK: et.moe {{.*}} outs(%{{.*}} : memref<?x8xf32>) {lowering_config = #et.lowering_config<schedule = grouped, rate = 6.250000e-02, slack = 5.000000e-01>}
// CHECK: et.moe {{.*}} outs(%{{.*}} : memref<?x8xf32>) {lowering_config = #et.lowering_config<max_tokens = 16>}
func.func @moe_configured(%x: memref<?x8xf32>, %router: memref<8x4xf32>, %w1: memref<4x8x16xf32>, %w2: memref<4x16x8xf32>,
                          %out: memref<?x8xf32>) {
  et.moe linear #et.top_p<p = 0.5> gelu
    ins(%x, %router, %w1, %w2 : memref<?x8xf32>, memref<8x4xf32>, memref<4x8x16xf32>, memref<4x16x8xf32>)
    outs(%out : memref<?x8xf32>) {lowering_config = #et.lowering_config<schedule = grouped>}
  et.moe linear #et.top_p<p = 0.5> gelu
    ins(%x, %router, %w1, %w2 : memref<?x8xf32>, memref<8x4xf32>, memref<4x8x16xf32>, memref<4x16x8xf32>)
    outs(%out : memref<?x8xf32>) {lowering_config = #et.lowering_config<schedule = one_launch>}
  et.moe linear #et.top_p<p = 0.5> gelu
    ins(%x, %router, %w1, %w2 : memref<?x8xf32>, memref<8x4xf32>, memref<4x8x16xf32>, memref<4x16x8xf32>)
    outs(%out : memref<?x8xf32>) {lowering_config = #et.lowering_config<schedule = one_launch, workgroups = 264>}
  et.moe linear #et.top_p<p = 0.5> gelu
    ins(%x, %router, %w1, %w2 : memref<?x8xf32>, memref<8x4xf32>, memref<4x8x16xf32>, memref<4x16x8xf32>)
    outs(%out : memref<?x8xf32>) {lowering_config = #et.lowering_config<schedule = automatic, rate = 0.0625, slack = 0.25>}
  et.moe linear #et.top_p<p = 0.5> gelu
    ins(%x, %router, %w1, %w2 : memref<?x8xf32>, memref<8x4xf32>, memref<4x8x16xf32>, memref<4x16x8xf32>)
    outs(%out : memref<?x8xf32>) {lowering_config = #et.lowering_config<schedule = grouped, rate = 0.0625, slack = 0.5>}
  et.moe linear #et.top_p<p = 0.5> gelu
    ins(%x, %router, %w1, %w2 : memref<?x8xf32>, memref<8x4xf32>, memref<4x8x16xf32>, memref<4x16x8xf32>)
    outs(%out : memref<?x8xf32>) {lowering_config = #et.lowering_config<max_tokens = 16>}
  return
}

// CHECK-LABEL: func @moe_on_memrefs
// CHECK: et.moe linear #et.top_p<p = 5.000000e-01> gelu ins(%{{.*}} : memref<?x8xbf16>, memref<8x4xbf16>, memref<4x8x16xbf16>, memref<4x16x8xbf16>) outs(%{{.*}} : memref<?x8xf32>){{$}}
func.func @moe_on_memrefs(%x: memref<?x8xbf16>, %router: memref<8x4xbf16>, %w1: memref<4x8x16xbf16>, %w2: memref<4x16x8xbf16>,
                          %out: memref<?x8xf32>) {
  et.moe linear #et.top_p<p = 0.5> gelu
    ins(%x, %router, %w1, %w2 : memref<?x8xbf16>, memref<8x4xbf16>, memref<4x8x16xbf16>, memref<4x16x8xbf16>)
    outs(%out : memref<?x8xf32>)
  return
}

//===----------------------------------------------------------------------===//
// Activations and epilogues
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @activations
// CHECK: et.grouped_matmul none ins
// CHECK: et.grouped_matmul relu ins
// CHECK: et.grouped_matmul relu_squared ins
// CHECK: et.grouped_matmul gelu ins
// CHECK: et.grouped_matmul gelu_tanh ins
// CHECK: et.grouped_matmul silu ins
// CHECK: et.grouped_matmul silu ins
// CHECK: et.grouped_matmul clamped_swiglu<limit = 7.000000e+00> ins
// CHECK: et.grouped_matmul swiglu_oss<alpha = 1.702000e+00, limit = 7.000000e+00> ins
func.func @activations(%x: memref<?x8xf32>, %w: memref<1x8x16xf32>, %out: memref<?x16xf32>) {
  et.grouped_matmul none ins(%x, %w : memref<?x8xf32>, memref<1x8x16xf32>) outs(%out : memref<?x16xf32>)
  et.grouped_matmul relu ins(%x, %w : memref<?x8xf32>, memref<1x8x16xf32>) outs(%out : memref<?x16xf32>)
  et.grouped_matmul relu_squared ins(%x, %w : memref<?x8xf32>, memref<1x8x16xf32>) outs(%out : memref<?x16xf32>)
  et.grouped_matmul gelu ins(%x, %w : memref<?x8xf32>, memref<1x8x16xf32>) outs(%out : memref<?x16xf32>)
  et.grouped_matmul gelu_tanh ins(%x, %w : memref<?x8xf32>, memref<1x8x16xf32>) outs(%out : memref<?x16xf32>)
  et.grouped_matmul silu ins(%x, %w : memref<?x8xf32>, memref<1x8x16xf32>) outs(%out : memref<?x16xf32>)
  et.grouped_matmul #et.silu ins(%x, %w : memref<?x8xf32>, memref<1x8x16xf32>) outs(%out : memref<?x16xf32>)
  et.grouped_matmul clamped_swiglu<limit = 7.0> ins(%x, %w : memref<?x8xf32>, memref<1x8x16xf32>)
    gate(%w : memref<1x8x16xf32>) outs(%out : memref<?x16xf32>)
  et.grouped_matmul swiglu_oss<alpha = 1.702, limit = 7.0> ins(%x, %w : memref<?x8xf32>, memref<1x8x16xf32>)
    gate(%w : memref<1x8x16xf32>) outs(%out : memref<?x16xf32>)
  return
}

// As activations were written in generic ops when they were an enumeration.
// CHECK-LABEL: func @activation_of_old
// CHECK: et.grouped_matmul gelu_tanh ins
func.func @activation_of_old(%x: memref<?x8xf32>, %w: memref<1x8x16xf32>, %out: memref<?x16xf32>) {
  "et.grouped_matmul"(%x, %w, %out) <{activation = #et<activation gelu_tanh>,
      operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1>}>
    : (memref<?x8xf32>, memref<1x8x16xf32>, memref<?x16xf32>) -> ()
  return
}

// CHECK-LABEL: func @epilogue
// CHECK: %[[Y:.*]] = et.grouped_matmul relu ins({{.*}}) outs({{.*}}) {test.note = "kept"} epilogue(%[[V:.*]]) {
// CHECK-NEXT: %[[HALF:.*]] = arith.constant 5.000000e-01 : f32
// CHECK-NEXT: %[[SCALED:.*]] = arith.mulf %[[V]], %[[HALF]] : f32
// CHECK-NEXT: et.yield %[[SCALED]]{{$}}
// CHECK-NEXT: }
// CHECK: et.grouped_matmul none ins(%{{.*}}, %{{.*}} : {{.*}}) outs(%[[Y]] : {{.*}}) epilogue(%[[V:.*]]) {
// CHECK-NEXT: et.yield %[[V]]{{$}}
func.func @epilogue(%x: tensor<?x8xf32>, %w: tensor<1x8x16xf32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %0 = et.grouped_matmul relu ins(%x, %w : tensor<?x8xf32>, tensor<1x8x16xf32>) outs(%out : tensor<?x16xf32>) {test.note = "kept"} epilogue(%v) {
    %half = arith.constant 0.5 : f32
    %scaled = arith.mulf %v, %half : f32
    et.yield %scaled
  }
  %1 = et.grouped_matmul none ins(%x, %w : tensor<?x8xf32>, tensor<1x8x16xf32>) outs(%0 : tensor<?x16xf32>) epilogue(%v) {
    et.yield %v
  }
  return %1 : tensor<?x16xf32>
}
