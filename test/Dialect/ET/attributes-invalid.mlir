// RUN: et-opt %s -split-input-file -verify-diagnostics

// expected-error@+1 {{#et.bounded_threshold needs rate in [0, 1], got 1.500000e+00 [A1]}}
func.func private @f() attributes {a = #et.bounded_threshold<rate = 1.5, slack = 0.5>}

// -----

// expected-error@+1 {{#et.bounded_threshold needs slack in [0, 1], got -1.000000e-01 [A2]}}
func.func private @f() attributes {a = #et.bounded_threshold<rate = 0.5, slack = -0.1>}

// -----

// expected-error@+1 {{struct is missing required parameter: slack}}
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

// expected-error@+2 {{integer value too large}}
// expected-error@+1 {{failed to parse ET_TopKRoutingAttr parameter 'k'}}
func.func private @f() attributes {a = #et.top_k<k = 99999999999999999999>}

// -----

// expected-error@+1 {{#et.expert_choice needs rate in [0, 1], got nan [A1]}}
func.func private @f() attributes {a = #et.expert_choice<rate = 0x7FF8000000000000>}

// -----

// expected-error@+1 {{#et.top_p needs p in [0, 1], got 1.100000e+00 [A1]}}
func.func private @f() attributes {a = #et.top_p<p = 1.1>}

// -----

// expected-error@+2 {{expected floating point literal}}
// expected-error@+1 {{failed to parse ET_TopPRoutingAttr parameter 'p'}}
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

// expected-error@+2 {{expected one of [binary, sigmoid, relu, raw]}}
// expected-error@+1 {{failed to parse ET_ThresholdRoutingAttr parameter 'gate'}}
func.func private @f() attributes {a = #et.threshold<gate = softmax>}

// -----

// expected-error@+1 {{duplicate or unknown}}
func.func private @f() attributes {a = #et.threshold<theta = 0.5>}

// -----

// expected-error@+1 {{unknown attribute `top_q` in dialect `et`}}
func.func private @f() attributes {a = #et.top_q<k = 1>}

// -----

// expected-error@+2 {{to be one of: linear, cosine}}
// expected-error@+1 {{failed to parse ET_ScoreKindAttr parameter 'value'}}
func.func private @f() attributes {a = #et<score_kind euclidean>}
