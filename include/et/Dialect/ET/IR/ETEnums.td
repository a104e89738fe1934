//===- ETEnums.td - Enumerations -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_IR_ETENUMS
#define ET_DIALECT_ET_IR_ETENUMS

include "mlir/IR/EnumAttr.td"
include "et/Dialect/ET/IR/ETDialect.td"

class ET_Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let genSpecializedAttr = 0;
  let cppNamespace = "::mlir::et";
}

/// The enum as an attribute of an op, written as a bare word.
class ET_EnumAttr<EnumInfo info, string mnemonic> : EnumAttr<ET_Dialect, info, mnemonic> {
  let assemblyFormat = "custom<Word>($value)";
  // Its parameter is written without a name.
  let extraClassDeclaration =
      "static constexpr ::llvm::StringLiteral parameterNames = \"\";";
}

def ET_ScoreKind : ET_Enum<"ScoreKind", "where a token's score for an expert comes from", [
  I32EnumAttrCase<"Linear", 0, "linear">,
  I32EnumAttrCase<"Cosine", 1, "cosine">,
  I32EnumAttrCase<"Given", 2, "given">
]>;
def ET_ScoreKindAttr : ET_EnumAttr<ET_ScoreKind, "score_kind">;

def ET_Comparison : ET_Enum<"Comparison", "how a score is compared with its threshold", [
  I32EnumAttrCase<"GT", 0, "gt">,
  I32EnumAttrCase<"GE", 1, "ge">
]>;

def ET_GateKind : ET_Enum<"GateKind", "the weight of a selected pair as a function of its score r", [
  I32EnumAttrCase<"Binary", 0, "binary">,
  I32EnumAttrCase<"Sigmoid", 1, "sigmoid">,
  I32EnumAttrCase<"Relu", 2, "relu">,
  I32EnumAttrCase<"Raw", 3, "raw">
]>;

def ET_Scoring : ET_Enum<"Scoring", "how token choice turns scores into probabilities", [
  I32EnumAttrCase<"Softmax", 0, "softmax">,
  I32EnumAttrCase<"Sigmoid", 1, "sigmoid">,
  I32EnumAttrCase<"SqrtSoftplus", 2, "sqrt_softplus">
]>;

def ET_Schedule : ET_Enum<"Schedule", "how a layer becomes kernels", [
  I32EnumAttrCase<"Grouped", 0, "grouped">,
  I32EnumAttrCase<"OneLaunch", 1, "one_launch">,
  I32EnumAttrCase<"Automatic", 2, "automatic">
]>;

#endif // ET_DIALECT_ET_IR_ETENUMS
