//===- ETDialect.h - The et dialect -----------------------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_IR_ETDIALECT_H
#define ET_DIALECT_ET_IR_ETDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "et/Dialect/ET/IR/Number.h"
#include "et/Dialect/ET/IR/Operands.h"
#include "et/Dialect/ET/IR/WeightBlock.h"

namespace mlir::et {
class RoutingColumn;
class RoutingRow;
} // namespace mlir::et

#include "et/Dialect/ET/IR/ETAttrInterfaces.h.inc"
#include "et/Dialect/ET/IR/ETDialect.h.inc"
#include "et/Dialect/ET/IR/ETEnums.h.inc"

#include "et/Dialect/ET/IR/NamedShape.h"

#include "et/Dialect/ET/IR/ETOpInterfaces.h.inc"

namespace mlir::et {
/// An op without attributes that are neither its own nor of a dialect: they
/// would be ignored, and are misspelt as a rule.
LogicalResult verifyOnlyKnownAttributes(Operation *op);
template <typename OpTy>
struct OnlyKnownAttributes : OpTrait::TraitBase<OpTy, OnlyKnownAttributes> {
  static LogicalResult verifyTrait(Operation *op) {
    return verifyOnlyKnownAttributes(op);
  }
};
} // namespace mlir::et

#define GET_ATTRDEF_CLASSES
#include "et/Dialect/ET/IR/ETAttrs.h.inc"

#define GET_OP_CLASSES
#include "et/Dialect/ET/IR/ETOps.h.inc"

namespace mlir::et {

/// Tokens a mask word holds: bit t % 32 of word t / 32 stands for token t.
inline constexpr int64_t kTokensPerWord = 32;

/// The attributes that implement an interface, for messages: "#et.a, #et.b";
/// activations as in ops: "a, b".
std::string listActivations();
std::string listRoutings();
std::string listStatistics();
std::string listWeightFormats();

/// Whether every lowering can do the op, on scalars, to an element and to a
/// vector alike: what an epilogue is made of.
bool isInEpilogue(Operation *op);

/// An activation in an op: `silu`, or in full if it is of another dialect.
ParseResult parseActivation(AsmParser &parser,
                            ActivationAttrInterface &activation);
void printActivation(AsmPrinter &printer, Operation *op,
                     ActivationAttrInterface activation);

/// The attribute of a module that says what it is compiled for.
inline constexpr llvm::StringLiteral kTargetAttr = "et.target";
/// The target of the module that `op` is or is in; the default if there is
/// none. One of the other kind is an error, which names the pass `wantedBy`.
FailureOr<CPUTargetAttr> getCPUTarget(Operation *op, llvm::StringRef wantedBy);
FailureOr<GPUTargetAttr> getGPUTarget(Operation *op, llvm::StringRef wantedBy);

/// The most tokens that a call of the layer has: T if it is known, else what
/// its lowering_config promises, if it does.
std::optional<int64_t> getMaxTokens(MoeOp op);

/// Makes the et ops bufferizable by one-shot bufferization.
void registerBufferizableOpInterfaceExternalModels(DialectRegistry &registry);

} // namespace mlir::et

#endif // ET_DIALECT_ET_IR_ETDIALECT_H
