//===- ETActivations.cpp - The formulas of activations --------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"

using namespace mlir;
using namespace mlir::et;
using llvm::APFloat;
using EmitError = llvm::function_ref<InFlightDiagnostic()>;

//===----------------------------------------------------------------------===//
// Functions of one number
//===----------------------------------------------------------------------===//

Number NoneActivationAttr::applyTo(Number r) const { return r; }

Number ReluActivationAttr::applyTo(Number r) const { return relu(r); }

Number ReluSquaredActivationAttr::applyTo(Number r) const {
  Number positive = relu(r);
  return positive * positive;
}

/// r/2 (1 + y)
static Number halfTimesOnePlus(const Number &r, const Number &y) {
  return r * 0.5 * (y + 1.0);
}

Number GeluActivationAttr::applyTo(Number r) const {
  return halfTimesOnePlus(r, erf(r * 0.70710678118654752));
}

Number GeluTanhActivationAttr::applyTo(Number r) const {
  Number inner = r + 0.044715 * (r * r * r);
  return halfTimesOnePlus(r, tanh(0.79788456080286536 * inner));
}

Number SiluActivationAttr::applyTo(Number r) const {
  return timesSigmoid(r, r);
}

//===----------------------------------------------------------------------===//
// Functions of both products
//===----------------------------------------------------------------------===//

/// The parameters are constants of f32 formulas.
static LogicalResult verifyFinite(EmitError emitError, StringRef attribute,
                                  StringRef name, const APFloat &value,
                                  StringRef constraint) {
  if (std::isfinite(static_cast<float>(value.convertToDouble())))
    return success();
  return emitError() << "#et." << attribute << " needs a finite f32 as " << name
                     << ", got " << value.convertToDouble() << " ["
                     << constraint << "]";
}

static LogicalResult verifyLimit(EmitError emitError, StringRef attribute,
                                 const APFloat &limit, StringRef constraint) {
  auto value = static_cast<float>(limit.convertToDouble());
  if (value > 0.0f && std::isfinite(value))
    return success();
  return emitError() << "#et." << attribute
                     << " needs a finite f32 > 0 as limit, got "
                     << limit.convertToDouble() << " [" << constraint << "]";
}

static Number clamp(const Number &r, double limit) {
  return atMost(atLeast(r, -limit), limit);
}

LogicalResult ClampedSwigluActivationAttr::verify(EmitError emitError,
                                                  APFloat limit) {
  return verifyLimit(emitError, getMnemonic(), limit, "A1");
}

Number ClampedSwigluActivationAttr::apply(Number gate, const Number *up) const {
  double limit = getLimit().convertToDouble();
  return atMost(timesSigmoid(gate, gate), limit) * clamp(*up, limit);
}

LogicalResult SwigluOssActivationAttr::verify(EmitError emitError,
                                              APFloat alpha, APFloat limit) {
  if (failed(verifyFinite(emitError, getMnemonic(), "alpha", alpha, "A1")))
    return failure();
  return verifyLimit(emitError, getMnemonic(), limit, "A2");
}

Number SwigluOssActivationAttr::apply(Number gate, const Number *up) const {
  double limit = getLimit().convertToDouble();
  Number g = atMost(gate, limit);
  return (clamp(*up, limit) + 1.0) *
         timesSigmoid(g, getAlpha().convertToDouble() * g);
}

//===----------------------------------------------------------------------===//
// What lowerings ask for
//===----------------------------------------------------------------------===//

Value ActivationAttrInterface::emit(ImplicitLocOpBuilder &builder, Value gate,
                                    Value up) const {
  if (!up)
    return apply({builder, gate}, nullptr).getValue();
  Number other(builder, up);
  return apply({builder, gate}, &other).getValue();
}

SmallVector<Value>
ActivationAttrInterface::emitDerivatives(ImplicitLocOpBuilder &builder,
                                         Value gate, Value up) const {
  Number zero = Number(builder, gate).like(0.0);
  Value one = zero.like(1.0).getValue();
  Number result = [&] {
    if (!up)
      return apply({builder, gate, {one}}, nullptr);
    Number other(builder, up, {Value(), one});
    return apply({builder, gate, {one, Value()}}, &other);
  }();
  SmallVector<Value> derivatives(result.getDerivatives());
  derivatives.resize(up ? 2 : 1);
  for (Value &derivative : derivatives)
    if (!derivative)
      derivative = zero.getValue();
  return derivatives;
}

StringRef ActivationAttrInterface::getWord() const {
  return getAbstractAttribute().getName().split('.').second;
}
