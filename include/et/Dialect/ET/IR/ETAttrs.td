//===- ETAttrs.td - Attributes -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_IR_ETATTRS
#define ET_DIALECT_ET_IR_ETATTRS

include "mlir/IR/AttrTypeBase.td"
include "et/Dialect/ET/IR/ETDialect.td"
include "et/Dialect/ET/IR/ETEnums.td"
include "et/Dialect/ET/IR/ETInterfaces.td"

class ET_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<ET_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
  /// What a subclass declares besides.
  code declarations = "";
  let extraClassDeclaration = [{
    /// For messages: "k, scoring".
    static constexpr ::llvm::StringLiteral parameterNames = "}]
    # !interleave(!foreach(i, !range(!size(parameters)), !getdagname(parameters, i)), ", ")
    # "\";\n" # declarations;
}

// Parameters are parsed by directives of ours: tablegen's own parsers give two
// errors for a bad value, in terms of C++.

/// A real number, held as an f64.
def ET_Real : APFloatParameter<"real number">;

//===----------------------------------------------------------------------===//
// Routing
//===----------------------------------------------------------------------===//

/// `scope` is the interface by which the rule decides; `overridden` names the
/// methods of the common one that differ from their defaults.
class ET_RoutingAttr<string name, string mnemonic, AttrInterface scope,
                     list<string> overridden = []>
    : ET_Attr<name # "Routing", mnemonic,
        [DeclareAttrInterfaceMethods<ET_RoutingAttrInterface, overridden>,
         DeclareAttrInterfaceMethods<scope>]>;

def ET_ThresholdRoutingAttr : ET_RoutingAttr<"Threshold", "threshold",
    ET_PairRoutingAttrInterface, ["usesTheta", "selectsNothing"]> {
  let summary = "a token goes to every expert whose score exceeds the expert's threshold";
  let description = [{
    z[t,e] = r[t,e] > theta[e] (`gt`) or r[t,e] >= theta[e] (`ge`). A NaN score
    or threshold selects nothing. The gate g is 1 (`binary`, the tutorial form),
    1 / (1 + exp(-r)) (`sigmoid`, the paper form), max(r, 0) (`relu`; with theta
    = 0 this is ReLU routing) or r itself (`raw`).

    ```mlir
    #et.threshold<compare = gt, gate = sigmoid>
    ```
  }];
  let parameters = (ins
    DefaultValuedParameter<"::mlir::et::Comparison", "::mlir::et::Comparison::GT">:$compare,
    DefaultValuedParameter<"::mlir::et::GateKind", "::mlir::et::GateKind::Sigmoid">:$gate);
  let assemblyFormat = "(`<` struct(custom<Word>($compare), custom<Word>($gate))^ `>`)?";
}

def ET_BoundedThresholdRoutingAttr : ET_RoutingAttr<"BoundedThreshold", "bounded_threshold",
    ET_ExpertRoutingAttrInterface, ["usesTheta", "selectsNothing"]> {
  let summary = "threshold routing with every expert's load held near its target (training only)";
  let description = [{
    With k = floor(T * rate) and c the number of tokens above the threshold, the
    expert takes its n = clamp(c, int((1 - slack) * k), int((1 + slack) * k))
    best-scoring tokens, the lower token first among equal scores. Tokens below
    the threshold may be added, with their own gate. A NaN score is never taken.
    Inference uses `#et.threshold`, which drops no token.
  }];
  let parameters = (ins
    ET_Real:$rate, ET_Real:$slack,
    DefaultValuedParameter<"::mlir::et::Comparison", "::mlir::et::Comparison::GT">:$compare,
    DefaultValuedParameter<"::mlir::et::GateKind", "::mlir::et::GateKind::Sigmoid">:$gate);
  let assemblyFormat = [{
    `<` struct(custom<Real>($rate), custom<Real>($slack),
      custom<Word>($compare), custom<Word>($gate)) `>`
  }];
  let genVerifyDecl = 1;
}

def ET_TopKRoutingAttr : ET_RoutingAttr<"TopK", "top_k", ET_TokenRoutingAttrInterface,
    ["allowsBias", "verifyExperts", "getMaxExpertsPerToken", "getCanonical", "ignoresZeroBias"]> {
  let summary = "token choice: every token goes to its k best experts";
  let description = [{
    Probabilities p[t,:] are softmax(r[t,:]), or sigmoid(r[t,:]), or
    sqrt(softplus(r[t,:])), which are not below 0 but may be above 1. Experts are
    ranked by p + bias (the bias operand of the op; the gate does not see it),
    the lower expert first among equals. With `groups` > 1 the experts are split
    into that many equal runs, and only the `group_limit` best runs, by the sum
    of their two best ranks' values, compete. The gate is p; with `renormalize`
    it is p / (epsilon + the sum over the chosen), so that probabilities which are
    all 0 give gates of 0. A token with a NaN score goes nowhere under softmax;
    under the others only its NaN experts are passed over.
  }];
  let parameters = (ins
    "int64_t":$k,
    DefaultValuedParameter<"::mlir::et::Scoring", "::mlir::et::Scoring::Softmax">:$scoring,
    DefaultValuedParameter<"bool", "false">:$renormalize,
    DefaultValuedParameter<"int64_t", "1">:$groups,
    DefaultValuedParameter<"int64_t", "1">:$groupLimit,
    DefaultValuedParameter<"::llvm::APFloat", "::llvm::APFloat(1e-20)">:$epsilon);
  let assemblyFormat = [{
    `<` struct(custom<Count>($k), custom<Word>($scoring),
      custom<Flag>($renormalize), custom<Count>($groups), custom<Count>($groupLimit),
      custom<Real>($epsilon)) `>`
  }];
  let genVerifyDecl = 1;
}

def ET_ExpertChoiceRoutingAttr : ET_RoutingAttr<"ExpertChoice", "expert_choice",
    ET_ExpertRoutingAttrInterface, ["selectsNothing"]> {
  let summary = "every expert takes its floor(T * rate) best-scoring tokens";
  let description = [{
    The lower token comes first among equal scores; a NaN score is never taken.
    The warm-up of Expert-Threshold training. The gate is as in `#et.threshold`.
  }];
  let parameters = (ins
    ET_Real:$rate,
    DefaultValuedParameter<"::mlir::et::GateKind", "::mlir::et::GateKind::Sigmoid">:$gate);
  let assemblyFormat = "`<` struct(custom<Real>($rate), custom<Word>($gate)) `>`";
  let genVerifyDecl = 1;
}

def ET_TopPRoutingAttr : ET_RoutingAttr<"TopP", "top_p", ET_TokenRoutingAttrInterface> {
  let summary = "every token goes to the smallest set of experts whose probability reaches p";
  let description = [{
    Probabilities are softmax(r[t,:]), summed in f32 in falling order, the lower
    expert first among equals; the set is cut at the first sum >= p. The gate is
    the probability, divided by the sum over the chosen with `renormalize` (which
    has the largest probability, and so is at least 1 / E). A token with a NaN
    score goes nowhere.
  }];
  let parameters = (ins
    ET_Real:$p, DefaultValuedParameter<"bool", "false">:$renormalize);
  let assemblyFormat = "`<` struct(custom<Real>($p), custom<Flag>($renormalize)) `>`";
  let genVerifyDecl = 1;
}

//===----------------------------------------------------------------------===//
// Statistics
//===----------------------------------------------------------------------===//

class ET_StatisticAttr<string name, string mnemonic>
    : ET_Attr<name # "Statistic", mnemonic, [ET_StatisticAttrInterface]>;

def ET_MeanMinusStdStatisticAttr : ET_StatisticAttr<"MeanMinusStd", "mean_minus_std"> {
  let summary = "mean minus standard deviation (N - 1), the tutorial form";
  let description = [{
    Admits about 84 % of the tokens when scores are Gaussian. Has no value for
    T < 2.
  }];
}

def ET_KthLargestStatisticAttr : ET_StatisticAttr<"KthLargest", "kth_largest"> {
  let summary = "k-th largest score, k = floor(T * rate), the paper form";
  let description = [{ Has no value when k = 0. }];
  let parameters = (ins ET_Real:$rate);
  let assemblyFormat = "`<` struct(custom<Real>($rate)) `>`";
  let genVerifyDecl = 1;
}

def ET_QuantileStatisticAttr : ET_StatisticAttr<"Quantile", "quantile"> {
  let summary = "q-quantile with linear interpolation, for calibration";
  let description = [{
    Of the sorted scores s, (1 - f) s[i] + f s[i + 1] where q (T - 1) = i + f.
    q = 1 - rate calibrates for a target rate; q = 0.5 is the tutorial's median.
    Has no value for T = 0.
  }];
  let parameters = (ins ET_Real:$q);
  let assemblyFormat = "`<` struct(custom<Real>($q)) `>`";
  let genVerifyDecl = 1;
}

//===----------------------------------------------------------------------===//
// Lowering
//===----------------------------------------------------------------------===//

def ET_LoweringConfigAttr : ET_Attr<"LoweringConfig", "lowering_config"> {
  let summary = "how a GPU runs a layer";
  let description = [{
    Changes nothing that a layer computes but the order in which its sums are
    made. `grouped` is a kernel a step: routing, the two products, the combine.
    `one_launch` is one kernel for the whole layer, for few tokens, in which
    `workgroups` blocks take turns at the work (0, the default, leaves their
    number to the compiler). Where a layer has none, or `automatic`,
    `--et-select-schedule` chooses; other targets than GPUs read none of it.

    `rate` is the share of all pairs of a token and an expert that the layer is
    expected to select; 0, the default, is for not known. The grouped schedule
    then has room for that share and `slack` of it more. What a call selects
    beyond that is computed in further waves: slower, and nothing is dropped.

    `max_tokens` is the most tokens that a call has; 0, the default, is for not
    known. A call with more ends in an error.

    ```mlir
    #et.lowering_config<schedule = one_launch, workgroups = 528>
    #et.lowering_config<rate = 6.250000e-02, slack = 5.000000e-01>
    #et.lowering_config<max_tokens = 16>
    ```
  }];
  let parameters = (ins
    DefaultValuedParameter<"::mlir::et::Schedule", "::mlir::et::Schedule::Automatic">:$schedule,
    DefaultValuedParameter<"int64_t", "0">:$workgroups,
    DefaultValuedParameter<"::llvm::APFloat", "::llvm::APFloat(0.0)">:$rate,
    DefaultValuedParameter<"::llvm::APFloat", "::llvm::APFloat(0.25)">:$slack,
    DefaultValuedParameter<"int64_t", "0">:$max_tokens);
  let assemblyFormat = [{
    `<` struct(custom<Word>($schedule), custom<Count>($workgroups),
      custom<Real>($rate), custom<Real>($slack), custom<Count>($max_tokens)) `>`
  }];
  let builders = [AttrBuilder<(ins CArg<"::mlir::et::Schedule", "::mlir::et::Schedule::Automatic">:$schedule,
                                   CArg<"int64_t", "0">:$workgroups), [{
    return $_get($_ctxt, schedule, workgroups, ::llvm::APFloat(0.0), ::llvm::APFloat(0.25), /*max_tokens=*/0);
  }]>];
  let declarations = [{
    /// The share of all pairs that buffers have room for, if any is known.
    std::optional<double> getRoom() const {
      double rate = getRate().convertToDouble();
      if (rate == 0.0)
        return std::nullopt;
      return rate * (1.0 + getSlack().convertToDouble());
    }
  }];
  let genVerifyDecl = 1;
}

def ET_PanelsAttr : ET_Attr<"Panels", "panels"> {
  let summary = "the layout of weights packed for a kernel";
  let description = [{
    Weights `[E, K, N]` are packed as
    `[E, ceil(N / columns), roundUp(K, step) / interleave, columns * interleave]`:
    panels of `columns` columns, in which a row holds `interleave` steps of K beside
    each other. Element w[e, k, n] stands at
    [e, n / columns, k / interleave, (n % columns) * interleave + k % interleave];
    elements for n >= N or k >= K are 0.

    ```mlir
    #et.panels<columns = 32, interleave = 2, step = 32>
    ```
  }];
  let parameters = (ins "int64_t":$columns,
    DefaultValuedParameter<"int64_t", "1">:$interleave,
    DefaultValuedParameter<"int64_t", "1">:$step);
  let assemblyFormat = [{
    `<` struct(custom<Count>($columns), custom<Count>($interleave), custom<Count>($step)) `>`
  }];
  let genVerifyDecl = 1;
  let declarations = [{
    /// The names of the packed dimensions of weights "E K N".
    std::string getPackedDims() const;
    /// The sizes of weights [E, K, N] when packed; dynamic ones stay dynamic.
    ::llvm::SmallVector<int64_t> getPackedShape(::llvm::ArrayRef<int64_t> weights) const;
  }];
}

#endif // ET_DIALECT_ET_IR_ETATTRS
