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
    A rule by which (token, expert) pairs are selected. `et.gate` and `et.moe`
    carry one.
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
      [{ return experts; }]>
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
