//===- ETInterfaces.td - Attribute interfaces -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_IR_ETINTERFACES
#define ET_DIALECT_ET_IR_ETINTERFACES

include "mlir/IR/OpBase.td"

def ET_RoutingAttrInterface : AttrInterface<"RoutingAttrInterface"> {
  let cppNamespace = "::mlir::et";
  let description = [{
    A rule by which (token, expert) pairs are selected. `et.gate`, `et.route` and
    `et.moe` carry one. What a decision depends on, and so which fast paths
    there are, is said by the interface below that the rule has too; it carries
    the rule's lowering for all targets. A rule with none of them can be written
    and folded, but is refused where ops are lowered.
  }];
  let methods = [
    InterfaceMethod<"Whether the rule compares with per-expert thresholds.",
      "bool", "usesTheta", (ins), [{}], [{ return false; }]>,
    InterfaceMethod<"Whether the rule may take a per-expert selection bias.",
      "bool", "allowsBias", (ins), [{}], [{ return false; }]>,
    InterfaceMethod<[{
        Checks the rule against a static number of experts.
      }], "::llvm::LogicalResult", "verifyExperts",
      (ins "::llvm::function_ref<::mlir::InFlightDiagnostic()>":$emitError,
           "int64_t":$experts), [{}], [{ return ::mlir::success(); }]>,
    InterfaceMethod<[{
        The most experts one token can be sent to, given the number of experts.
      }], "int64_t", "getMaxExpertsPerToken", (ins "int64_t":$experts), [{}],
      [{ return experts; }]>,
    InterfaceMethod<[{
        Whether no pair of any scores is selected, given the number of tokens,
        which may be dynamic, and the thresholds, null if they are not known.
      }], "bool", "selectsNothing",
      (ins "int64_t":$tokens, "::mlir::DenseFPElementsAttr":$theta), [{}],
      [{ return false; }]>,
    InterfaceMethod<[{
        A rule that decides the same by less; the rule itself if there is none.
      }], "::mlir::et::RoutingAttrInterface", "getCanonical", (ins), [{}],
      [{ return $_attr; }]>,
    InterfaceMethod<"Whether a bias of zeros of any sign changes nothing.",
      "bool", "ignoresZeroBias", (ins), [{}], [{ return false; }]>
  ];
}

def ET_PairRoutingAttrInterface
    : AttrInterface<"PairRoutingAttrInterface", [ET_RoutingAttrInterface]> {
  let cppNamespace = "::mlir::et";
  let description = [{
    A rule that decides each pair by its own score. Values are f32 scalars, or
    vectors of them with an expert a lane.
  }];
  let methods = [
    InterfaceMethod<[{
        Whether a pair is selected, an i1, given its score, and its expert's
        threshold and bias where the op has them, else null. False for NaN.
      }], "::mlir::Value", "emitSelected",
      (ins "::mlir::ImplicitLocOpBuilder &":$builder, "::mlir::Value":$score,
           "::mlir::Value":$theta, "::mlir::Value":$bias)>,
    InterfaceMethod<"The gate of a selected pair.",
      "::mlir::Value", "emitGate",
      (ins "::mlir::ImplicitLocOpBuilder &":$builder, "::mlir::Value":$score)>
  ];
}

def ET_TokenRoutingAttrInterface
    : AttrInterface<"TokenRoutingAttrInterface", [ET_RoutingAttrInterface]> {
  let cppNamespace = "::mlir::et";
  let description = [{
    A rule that decides each token's experts by the token's scores.
  }];
  let methods = [
    InterfaceMethod<"Decides for one token, and calls `finish` in the end.",
      "void", "emitToken", (ins "::mlir::et::RoutingRow &":$row)>
  ];
}

def ET_ExpertRoutingAttrInterface
    : AttrInterface<"ExpertRoutingAttrInterface", [ET_RoutingAttrInterface]> {
  let cppNamespace = "::mlir::et";
  let description = [{
    A rule by which every expert takes a number of its best-scoring tokens, the
    lower token first among equals, and none with a NaN score.
  }];
  let methods = [
    InterfaceMethod<[{
        How many tokens the expert takes, an index, given its threshold and bias
        where the op has them, else null.
      }], "::mlir::Value", "emitLoad",
      (ins "::mlir::et::RoutingColumn &":$column, "::mlir::Value":$theta,
           "::mlir::Value":$bias)>,
    InterfaceMethod<"The gate of a selected pair with this score.",
      "::mlir::Value", "emitGate",
      (ins "::mlir::ImplicitLocOpBuilder &":$builder, "::mlir::Value":$score)>
  ];
}

def ET_ActivationAttrInterface : AttrInterface<"ActivationAttrInterface"> {
  let cppNamespace = "::mlir::et";
  let description = [{
    What becomes of the products of an expert's rows: a formula, from which values
    and derivatives follow in every lowering.
  }];
  let methods = [
    InterfaceMethod<[{
        The formula, written with the operators and functions of `Number`: of the
        gate's product and the other one or, where there is no gate, of the only
        one; `up` is null then.
      }], "::mlir::et::Number", "apply",
      (ins "::mlir::et::Number":$gate, "const ::mlir::et::Number *":$up)>,
    InterfaceMethod<"Whether there is a form with a gate, or without.",
      "bool", "allowsForm", (ins "bool":$withGate), [{}], [{ return true; }]>
  ];
  let extraClassDeclaration = [{
    /// The values for f32 scalars or vectors; `up` is null without a gate.
    ::mlir::Value emit(::mlir::ImplicitLocOpBuilder &builder, ::mlir::Value gate,
                       ::mlir::Value up) const;
    /// The derivatives by `gate` and, if it is there, by `up`.
    ::llvm::SmallVector<::mlir::Value>
    emitDerivatives(::mlir::ImplicitLocOpBuilder &builder, ::mlir::Value gate,
                    ::mlir::Value up) const;
    /// The name without the dialect's: "silu".
    ::llvm::StringRef getWord() const;
  }];
}

def ET_WeightFormatAttrInterface : AttrInterface<"WeightFormatAttrInterface"> {
  let cppNamespace = "::mlir::et";
  let description = [{
    How weights `[E, K, N]` are stored that are not of a storage type: each stands
    for

        (value - zero point) scale

    with the scale and the zero point of its block; without zero points, these are
    0.
  }];
  let methods = [
    InterfaceMethod<"The element type of a tensor of such weights.",
      "::mlir::Type", "getStored">,
    InterfaceMethod<[{
        How many weights one element of the tensor has: those of as many columns,
        beginning with its lowest bits. The tensor has ceil(N / count) columns.
      }], "int64_t", "getCount", (ins), [{}], [{ return 1; }]>,
    InterfaceMethod<"The elements that share a scale.",
      "::mlir::et::WeightBlock", "getBlock">,
    InterfaceMethod<[{
        The f32 values of elements of the tensor, exactly: of a scalar the weight with
        number `which`, an index, which is null where there is but one; of a vector
        all, in their order.
      }], "::mlir::Value", "widen",
      (ins "::mlir::ImplicitLocOpBuilder &":$builder, "::mlir::Value":$stored,
           "::mlir::Value":$which)>,
    InterfaceMethod<[{
        Whether elements are bytes whose values are all of bf16, and the upper bit
        is the sign: tables of 128 entries widen them then. They are floats, one each.
      }], "bool", "hasByteTables", (ins), [{}], [{ return false; }]>,
    InterfaceMethod<[{
        Whether a thread of a GPU with matrix instructions for registers can widen
        four stored bytes to two registers of two elements of f16 or of bf16, exactly:
        then `widenRegister` does it, given the bytes as an i32. Results are i32.
      }], "bool", "hasRegisterForm", (ins), [{}], [{ return false; }]>,
    InterfaceMethod<"See `hasRegisterForm`.",
      "::llvm::SmallVector<::mlir::Value>", "widenRegister",
      (ins "::mlir::ImplicitLocOpBuilder &":$builder, "::mlir::Value":$bytes,
           "::mlir::Type":$element), [{}], [{ return {}; }]>
  ];
}

def ET_StatisticAttrInterface : AttrInterface<"StatisticAttrInterface"> {
  let cppNamespace = "::mlir::et";
  let description = [{
    A statistic m[e] of the scores of one expert over a batch of tokens.
  }];
}

def ET_NamedShapesOpInterface : OpInterface<"NamedShapesOpInterface"> {
  let cppNamespace = "::mlir::et";
  let description = [{
    An op whose operands' dimensions have names, and agree where names do.
    Verifiers check static sizes; `--et-check-shapes` checks the others.
  }];
  let methods = [
    InterfaceMethod<"The operands that are present, with the names of their dimensions.",
      "::llvm::SmallVector<::mlir::et::NamedShape>", "getNamedShapes", (ins)>
  ];
}

#endif // ET_DIALECT_ET_IR_ETINTERFACES
