//===- ETDialect.td - The et dialect -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_IR_ETDIALECT
#define ET_DIALECT_ET_IR_ETDIALECT

include "mlir/IR/OpBase.td"

def ET_Dialect : Dialect {
  let name = "et";
  let cppNamespace = "::mlir::et";
  let summary = "Threshold-routed mixture-of-experts layers";
  let description = [{
    In Expert-Threshold routing every expert keeps a threshold, a moving average
    of its score distribution, and a token goes to every expert whose score
    exceeds it (arXiv 2603.11535). The dialect describes such a layer as one op
    (`et.moe`) and as the steps it is made of: scores, gate, plan, gather,
    grouped matrix products, combine. Other routings (token choice, expert
    choice, top-p) are attributes of the same gate op and share every later step.

    Symbols used throughout: T tokens, D model width, E experts, F hidden width
    of an expert, S selected (token, expert) pairs, P rows of a pair buffer
    (P >= S), W = ceil(T / 32) words of a bit mask.

    Every op is in destination style and takes tensors or memrefs. Two data
    structures link routing to computation:

    * the **mask** `[E, W]` of i32: bit t % 32 of word `[e, t / 32]` is set when
      expert e takes token t; bits at and beyond T are zero. The **gates** `[T, E]`
      of f32 hold the weight of each selected pair and 0 elsewhere.
    * the **plan**: `offsets` `[E + 1]` of i32, the prefix sum of the experts'
      loads, and `tokens` `[P]` of i32, the token of each pair, sorted by expert,
      then by token. Pair p of expert e satisfies `offsets[e] <= p < offsets[e + 1]`.
      Rows at and beyond S = `offsets[E]` are never read and keep what they held.
  }];
  // What folds create.
  let dependentDialects = [
    "arith::ArithDialect", "linalg::LinalgDialect", "tensor::TensorDialect"
  ];
  let hasCanonicalizer = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
    ::mlir::Attribute parseAttribute(::mlir::DialectAsmParser &parser,
                                     ::mlir::Type type) const override;
    void printAttribute(::mlir::Attribute attribute,
                        ::mlir::DialectAsmPrinter &printer) const override;
  }];
}

/// What is said of an op is an attribute of its own or one of another dialect.
def ET_OnlyKnownAttributes : NativeOpTrait<"OnlyKnownAttributes"> {
  let cppNamespace = "::mlir::et";
}

class ET_Op<string mnemonic, list<Trait> traits = []>
    : Op<ET_Dialect, mnemonic, !listconcat(traits, [ET_OnlyKnownAttributes])>;

#endif // ET_DIALECT_ET_IR_ETDIALECT
