//===- Epilogue.cpp - From a product's sums to its results ----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Conversion/Epilogue.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::et;

Epilogue::Epilogue(GroupedMatmulOp op) : activation(op.getActivation()) {
  if (!op.getEpilogue().empty())
    body = &op.getEpilogue().front().front();
}

/// The op for scalars, or for vectors where its operands are that.
static Value emitLike(ImplicitLocOpBuilder &builder, Operation *op,
                      IRMapping &mapping, Type scalarOrVector) {
  auto vector = dyn_cast<VectorType>(scalarOrVector);
  auto typeOf = [&](Type scalar) -> Type {
    return vector ? vector.clone(scalar) : scalar;
  };
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    TypedAttr value = constant.getValue();
    if (vector)
      value = DenseElementsAttr::get(vector.clone(value.getType()), value);
    return arith::ConstantOp::create(builder, value);
  }
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(mapping.lookup(operand));
  Operation *cloned =
      clone(builder, op, typeOf(op->getResult(0).getType()), operands);
  cloned->setLoc(builder.getLoc());
  return cloned->getResult(0);
}

Value Epilogue::emit(ImplicitLocOpBuilder &builder, Term product, Term gate,
                     Value isUnbiased) const {
  auto biased = [&](Term term) -> Value {
    if (!term.bias)
      return term.sum;
    Value sum = arith::AddFOp::create(builder, term.sum, term.bias);
    if (!isUnbiased)
      return sum;
    return arith::SelectOp::create(builder, isUnbiased, term.sum, sum);
  };
  Value up = biased(product);
  Value result = gate.sum ? activation.emit(builder, biased(gate), up)
                          : activation.emit(builder, up, /*up=*/Value());
  if (!body)
    return result;
  IRMapping mapping;
  mapping.map(body->getArgument(0), result);
  for (Operation &op : body->without_terminator())
    mapping.map(op.getResult(0),
                emitLike(builder, &op, mapping, result.getType()));
  return mapping.lookup(body->getTerminator()->getOperand(0));
}

std::string Epilogue::getSuffix() const {
  std::string suffix;
  if (!isa<NoneActivationAttr>(activation))
    suffix = ("_" + activation.getWord()).str();
  return body ? suffix + "_epilogue" : suffix;
}

StringAttr Epilogue::getKey() const {
  if (!body && isa<NoneActivationAttr>(activation))
    return {};
  std::string key;
  llvm::raw_string_ostream os(key);
  os << activation;
  if (!body)
    return StringAttr::get(activation.getContext(), key);
  // Values by their order in the block, so that names play no part.
  llvm::SmallDenseMap<Value, size_t> numbers = {{body->getArgument(0), 0}};
  for (Operation &op : *body) {
    os << ' ' << op.getName() << op.getAttrDictionary();
    for (Value operand : op.getOperands())
      os << '%' << numbers.at(operand);
    for (Value result : op.getResults()) {
      os << ':' << result.getType();
      numbers.try_emplace(result, numbers.size());
    }
  }
  return StringAttr::get(activation.getContext(), key);
}
