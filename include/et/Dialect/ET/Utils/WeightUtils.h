//===- WeightUtils.h - What of a function is a weight -----------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_UTILS_WEIGHTUTILS_H
#define ET_DIALECT_ET_UTILS_WEIGHTUTILS_H

#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/Utils/EntryName.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/DenseSet.h"

namespace mlir::et {

/// The public functions with a body that none of the module calls: the weights
/// of others change hands within the module. Nor do they pack another's.
inline SmallVector<func::FuncOp> getFunctionsWithWeights(ModuleOp module) {
  llvm::SmallDenseSet<StringAttr> packings;
  for (auto function : module.getOps<func::FuncOp>())
    for (unsigned i : llvm::seq(function.getNumArguments()))
      if (auto by = function.getArgAttrOfType<StringAttr>(i, "et.packed_by"))
        packings.insert(by);
  return llvm::filter_to_vector(
      module.getOps<func::FuncOp>(), [&](func::FuncOp function) {
        return function.isPublic() && !function.isDeclaration() &&
               !packings.contains(getEntryName(function)) &&
               SymbolTable::symbolKnownUseEmpty(function, module);
      });
}

/// What a value is, but for its shape.
inline Value skipReshapes(Value value) {
  while (isa_and_present<tensor::CastOp, tensor::ExpandShapeOp,
                         tensor::CollapseShapeOp>(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

/// What `op` has in another order, or a part of, at a place that is known; null
/// if it is no such op.
inline Value getRearranged(Operation *op) {
  if (auto transpose = dyn_cast_if_present<linalg::TransposeOp>(op))
    return transpose.hasPureTensorSemantics() ? transpose.getInput() : Value();
  auto slice = dyn_cast_if_present<tensor::ExtractSliceOp>(op);
  bool isStatic =
      slice &&
      llvm::none_of(llvm::concat<const int64_t>(slice.getStaticOffsets(),
                                                slice.getStaticSizes(),
                                                slice.getStaticStrides()),
                    ShapedType::isDynamic);
  return isStatic ? slice.getSource() : Value();
}

/// The argument with an et.weight attribute, or the constant, that a value is
/// but for its shape, or that it has parts of or in another order; null if it
/// is neither.
inline Value findWeight(Value value) {
  value = skipReshapes(value);
  while (Value source = getRearranged(value.getDefiningOp()))
    value = skipReshapes(source);
  if (matchPattern(value, m_Constant()))
    return value;
  auto argument = dyn_cast<BlockArgument>(value);
  auto function =
      argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp())
               : func::FuncOp();
  if (function && argument.getOwner()->isEntryBlock() &&
      function.getArgAttr(argument.getArgNumber(), "et.weight"))
    return value;
  return {};
}

/// What weights are stored as: their own type, or that of what they are made
/// from.
inline Type getStoredElement(Value weights) {
  if (auto source = weights.getDefiningOp<DequantizeOp>())
    weights = source.getW();
  return cast<ShapedType>(weights.getType()).getElementType();
}

} // namespace mlir::et

#endif // ET_DIALECT_ET_UTILS_WEIGHTUTILS_H
