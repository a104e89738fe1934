// RUN: et-opt %s -split-input-file -verify-diagnostics

// expected-error@+1 {{#et.bounded_threshold needs rate in [0, 1], got 1.500000e+00 [A1]}}
func.func private @f() attributes {a = #et.bounded_threshold<rate = 1.5, slack = 0.5>}

// -----

// expected-error@+1 {{#et.bounded_threshold needs slack in [0, 1], got -1.000000e-01 [A2]}}
func.func private @f() attributes {a = #et.bounded_threshold<rate = 0.5, slack = -0.1>}

// -----

// expected-error@+1 {{struct is missing required parameter: slack; #et.bounded_threshold takes rate, slack, compare, gate}}
func.func private @f() attributes {a = #et.bounded_threshold<rate = 0.5>}

// -----

// expected-error@+1 {{#et.top_k needs k >= 1, got 0 [A1]}}
func.func private @f() attributes {a = #et.top_k<k = 0>}

// -----

// expected-error@+1 {{#et.top_k needs k >= 1, got -3 [A1]}}
func.func private @f() attributes {a = #et.top_k<k = -3>}

// -----

// expected-error@+1 {{#et.top_k needs groups >= 1, got 0 [A2]}}
func.func private @f() attributes {a = #et.top_k<k = 1, groups = 0>}

// -----

// expected-error@+1 {{#et.top_k needs groupLimit in [1, groups = 4], got 5 [A3]}}
func.func private @f() attributes {a = #et.top_k<k = 1, groups = 4, groupLimit = 5>}

// -----

// expected-error@+1 {{#et.top_k needs groupLimit in [1, groups = 4], got 0 [A3]}}
func.func private @f() attributes {a = #et.top_k<k = 1, groups = 4, groupLimit = 0>}

// -----

// expected-error@+1 {{#et.top_k needs a finite f32 > 0 as epsilon, got -1.000000e+00 [A6]}}
func.func private @f() attributes {a = #et.top_k<k = 1, epsilon = -1.0>}

// -----

// expected-error@+1 {{#et.top_k needs a finite f32 > 0 as epsilon, got 1.000000e+39 [A6]}}
func.func private @f() attributes {a = #et.top_k<k = 1, epsilon = 1.0e39>}

// -----

// Too small for an f32.
// expected-error@+1 {{#et.top_k needs a finite f32 > 0 as epsilon, got 1.000000e-60 [A6]}}
func.func private @f() attributes {a = #et.top_k<k = 1, epsilon = 1.0e-60>}

// -----

// A wrong name, none, and none where a value stands.

// expected-error@+1 {{duplicate or unknown struct parameter name: top; #et.top_k takes k, scoring, renormalize, groups, groupLimit, epsilon}}
func.func private @f() attributes {a = #et.top_k<top = 2>}

// -----

// expected-error@+1 {{duplicate or unknown struct parameter name: k; #et.top_k takes k, scoring, renormalize, groups, groupLimit, epsilon}}
func.func private @f() attributes {a = #et<top_k<k = 2, k = 3>>}

// -----

// expected-error@+1 {{expected a parameter name in struct; #et.top_k takes k, scoring, renormalize, groups, groupLimit, epsilon}}
func.func private @f() attributes {a = #et.top_k<2>}

// -----

// expected-error@+1 {{expected a parameter name in struct; #et.expert_choice takes rate, gate}}
func.func private @f() attributes {a = #et.expert_choice<>}

// -----

// expected-error@+1 {{duplicate or unknown struct parameter name: k; #et.top_p takes p, renormalize}}
func.func private @f() attributes {a = #et.top_p<k = 2>}

// -----

// expected-error@+1 {{duplicate or unknown struct parameter name: q; #et.kth_largest takes rate}}
func.func private @f() attributes {a = #et.kth_largest<q = 0.5>}

// -----

// expected-error@+1 {{duplicate or unknown struct parameter name: rate; #et.quantile takes q}}
func.func private @f() attributes {a = #et.quantile<rate = 0.5>}

// -----

// expected-error@+1 {{duplicate or unknown struct parameter name: blocks; #et.lowering_config takes schedule, workgroups, rate, slack, max_tokens}}
func.func private @f() attributes {a = #et.lowering_config<blocks = 2>}

// -----

// expected-error@+1 {{duplicate or unknown struct parameter name: rows; #et.panels takes columns, interleave, step}}
func.func private @f() attributes {a = #et.panels<rows = 2>}

// -----

// expected-error@+1 {{integer value too large}}
func.func private @f() attributes {a = #et.top_k<k = 99999999999999999999>}

// -----

// expected-error@+1 {{#et.expert_choice needs rate in [0, 1], got nan [A1]}}
func.func private @f() attributes {a = #et.expert_choice<rate = 0x7FF8000000000000>}

// -----

// expected-error@+1 {{#et.top_p needs p in [0, 1], got 1.100000e+00 [A1]}}
func.func private @f() attributes {a = #et.top_p<p = 1.1>}

// -----

// expected-error@+1 {{expected floating point literal}}
func.func private @f() attributes {a = #et.top_p<p = "half">}

// -----

// expected-error@+1 {{#et.kth_largest needs rate in [0, 1], got 2.000000e+00 [A1]}}
func.func private @f() attributes {a = #et.kth_largest<rate = 2.0>}

// -----

// expected-error@+1 {{#et.quantile needs q in [0, 1], got -5.000000e-01 [A1]}}
func.func private @f() attributes {a = #et.quantile<q = -0.5>}

// -----

// expected-error@+1 {{expected '<'}}
func.func private @f() attributes {a = #et.quantile}

// -----

// expected-error@+1 {{unknown gate 'softmax'; expected one of: binary, sigmoid, relu, raw}}
func.func private @f() attributes {a = #et.threshold<gate = softmax>}

// -----

// expected-error@+1 {{duplicate or unknown struct parameter name: theta; #et.threshold takes compare, gate}}
func.func private @f() attributes {a = #et.threshold<theta = 0.5>}

// -----

// expected-error@+1 {{unknown attribute '#et.top_q'; routings are #et.threshold, #et.bounded_threshold, #et.top_k, #et.expert_choice, #et.top_p; statistics are #et.mean_minus_std, #et.kth_largest, #et.quantile}}
func.func private @f() attributes {a = #et.top_q<k = 1>}

// -----

// expected-error@+1 {{unknown score 'euclidean'; expected one of: linear, cosine, given}}
func.func private @f() attributes {a = #et<score_kind euclidean>}

// -----

// expected-error@+1 {{expected gate, one of: binary, sigmoid, relu, raw}}
func.func private @f() attributes {a = #et.threshold<gate = 1>}

// -----

// expected-error@+1 {{unknown comparison 'lt'; expected one of: gt, ge}}
func.func private @f() attributes {a = #et.bounded_threshold<rate = 0.5, slack = 0.5, compare = lt>}

// -----

// expected-error@+1 {{unknown scoring 'relu'; expected one of: softmax, sigmoid}}
func.func private @f() attributes {a = #et.top_k<k = 1, scoring = relu>}

// -----

// expected-error@+1 {{unknown activation 'geluu'; expected one of: none, relu, relu_squared, gelu, gelu_tanh, silu}}
func.func private @f() attributes {a = #et<activation geluu>}

// -----

// expected-error@+1 {{expected 'false' or 'true'}}
func.func private @f() attributes {a = #et.top_p<p = 0.5, renormalize = yes>}

// -----

// expected-error@+1 {{expected schedule, one of: grouped, one_launch, automatic}}
func.func private @f() attributes {a = #et.lowering_config<schedule = 1>}

// -----

// expected-error@+1 {{unknown schedule 'two_launches'; expected one of: grouped, one_launch, automatic}}
func.func private @f() attributes {a = #et.lowering_config<schedule = two_launches>}

// -----

// expected-error@+1 {{#et.lowering_config needs workgroups in [0, 2147483647], got -1 [A1]}}
func.func private @f() attributes {a = #et.lowering_config<schedule = one_launch, workgroups = -1>}

// -----

// expected-error@+1 {{#et.lowering_config has workgroups for schedule = one_launch only [A2]}}
func.func private @f() attributes {a = #et.lowering_config<schedule = grouped, workgroups = 8>}

// -----

// expected-error@+1 {{#et.panels needs columns in [1, 65536], got 0 [A1]}}
func.func private @f() attributes {a = #et.panels<columns = 0>}

// -----

// expected-error@+1 {{#et.panels needs interleave in [1, 65536], got -2 [A2]}}
func.func private @f() attributes {a = #et.panels<columns = 8, interleave = -2>}

// -----

// expected-error@+1 {{#et.panels needs step in [1, 65536], got 9223372036854775807 [A3]}}
func.func private @f() attributes {a = #et.panels<columns = 8, step = 9223372036854775807>}

// -----

// expected-error@+1 {{#et.panels needs a step that is a multiple of interleave = 2, got 1 [A4]}}
func.func private @f() attributes {a = #et.panels<columns = 8, interleave = 2>}

// -----

// expected-error@+1 {{#et.lowering_config has workgroups for schedule = one_launch only [A2]}}
func.func private @f() attributes {a = #et.lowering_config<workgroups = 8>}

// -----

// expected-error@+1 {{#et.lowering_config needs rate in [0, 1], got 1.500000e+00 [A3]}}
func.func private @f() attributes {a = #et.lowering_config<rate = 1.5>}

// -----

// expected-error@+1 {{#et.lowering_config needs rate in [0, 1], got nan [A3]}}
func.func private @f() attributes {a = #et.lowering_config<schedule = grouped, rate = 0x7FF8000000000000>}

// -----

// expected-error@+1 {{#et.lowering_config needs a finite slack >= 0, got -5.000000e-01 [A4]}}
func.func private @f() attributes {a = #et.lowering_config<rate = 0.5, slack = -0.5>}

// -----

// Attributes of a function's values.

// expected-error@+1 {{'func.func' op has an unknown attribute 'et.weigth' on argument 1; there are et.name, et.weight, et.packed_by}}
func.func private @f(tensor<4xf32> {et.name = "x"}, tensor<4xf32> {et.weigth = "w"})

// -----

// expected-error@+1 {{'func.func' op needs a string as 'et.name' of argument 0}}
func.func private @f(tensor<4xf32> {et.name = 1})

// -----

// expected-error@+1 {{'func.func' op has an unknown attribute 'et.weight' on result 0; there are et.name, et.role}}
func.func private @f() -> (tensor<4xf32> {et.weight = "w"})

// -----

// expected-error@+1 {{'func.func' op has an unknown attribute 'et.wieght'; those of a function stand on its arguments and results}}
func.func private @f() attributes {et.wieght = "w"}

// -----

// On an op of the dialect, its own attributes and those of other dialects.

func.func @f(%x: tensor<4x2xi32>, %out: tensor<5xi32>) -> tensor<5xi32> {
  %0 = et.offsets ins(%x : tensor<4x2xi32>) outs(%out : tensor<5xi32>) {test.note = 1, __pass_note}
  // expected-error@+1 {{'et.offsets' op has no attribute 'note'}}
  %1 = et.offsets ins(%x : tensor<4x2xi32>) outs(%0 : tensor<5xi32>) {note = 1}
  return %1 : tensor<5xi32>
}

// -----

func.func @f(%x: memref<?x8xf32>, %router: memref<8x4xf32>, %theta: memref<4xf32>,
             %w1: memref<4x8x16xf32>, %w2: memref<4x16x8xf32>, %out: memref<?x8xf32>) {
  // expected-error@+1 {{'et.moe' op has no attribute 'lowering_confg'; did you mean 'lowering_config'?}}
  et.moe linear #et.threshold relu
    ins(%x, %router, %w1, %w2 : memref<?x8xf32>, memref<8x4xf32>, memref<4x8x16xf32>, memref<4x16x8xf32>)
    theta(%theta : memref<4xf32>) outs(%out : memref<?x8xf32>)
    {lowering_confg = #et.lowering_config<schedule = grouped>}
  return
}

// -----

// expected-error@+1 {{'func.func' op has 'et.entry_name', which is a string and a function's}}
func.func @f() attributes {et.entry_name = 5} { return }

// -----

// expected-error@+1 {{#et.clamped_swiglu needs a finite f32 > 0 as limit, got 0.000000e+00 [A1]}}
func.func private @f() attributes {test.a = #et.clamped_swiglu<limit = 0.0>}

// -----

// Beyond f32.
// expected-error@+1 {{#et.clamped_swiglu needs a finite f32 > 0 as limit, got 1.000000e+60 [A1]}}
func.func private @f() attributes {test.a = #et.clamped_swiglu<limit = 1.0e60>}

// -----

// expected-error@+1 {{#et.swiglu_oss needs a finite f32 as alpha, got 1.000000e+60 [A1]}}
func.func private @f() attributes {test.a = #et.swiglu_oss<alpha = 1.0e60, limit = 1.0>}

// -----

// expected-error@+1 {{#et.swiglu_oss needs a finite f32 > 0 as limit, got -1.000000e+00 [A2]}}
func.func private @f() attributes {test.a = #et.swiglu_oss<alpha = 1.0, limit = -1.0>}

// -----

// expected-error@+1 {{unknown activation 'silo'; expected one of: none, relu,}}
func.func private @f() attributes {test.a = #et<activation silo>}

// -----

// expected-error@+1 {{#et.lowering_config needs max_tokens in [0, 2147483647], got -1 [A5]}}
func.func private @f() attributes {a = #et.lowering_config<max_tokens = -1>}

// -----

// expected-error@+1 {{#et.blocks needs f8E4M3FN, i8, i4 or f4E2M1FN as element, got 'f32' [A1]}}
func.func private @f() attributes {test.a = #et.blocks<element = f32>}

// -----

// expected-error@+1 {{expected a count > 0 or 'all'}}
func.func private @f() attributes {test.a = #et.blocks<k = 0>}

// -----

// expected-error@+1 {{expected a count > 0 or 'all'}}
func.func private @f() attributes {test.a = #et.blocks<n = some>}

// -----

// expected-error@+1 {{#et.blocks needs a count > 0 or 'all' as k, got -128 [A2]}}
func.func private @f() attributes {test.a = #et.blocks<k = -128>}
