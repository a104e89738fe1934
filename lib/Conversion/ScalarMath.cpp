//===- ScalarMath.cpp - Formulas on f32 values ----------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Conversion/ScalarMath.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::et;

/// A constant of the type of `like`.
static Value constant(ImplicitLocOpBuilder &builder, Value like, double value) {
  TypedAttr attr = builder.getF32FloatAttr(float(value));
  if (auto type = dyn_cast<ShapedType>(like.getType()))
    attr = DenseElementsAttr::get(type, attr);
  return arith::ConstantOp::create(builder, attr);
}

Value et::emitSigmoid(ImplicitLocOpBuilder &builder, Value x) {
  Value one = constant(builder, x, 1.0);
  Value exp = math::ExpOp::create(builder, arith::NegFOp::create(builder, x));
  return arith::DivFOp::create(builder, one,
                               arith::AddFOp::create(builder, one, exp));
}

static Value emitRelu(ImplicitLocOpBuilder &builder, Value x) {
  return arith::MaximumFOp::create(builder, x, constant(builder, x, 0.0));
}

/// x/2 (1 + y)
static Value halfTimesOnePlus(ImplicitLocOpBuilder &builder, Value x, Value y) {
  Value half = arith::MulFOp::create(builder, x, constant(builder, x, 0.5));
  Value onePlus = arith::AddFOp::create(builder, y, constant(builder, x, 1.0));
  return arith::MulFOp::create(builder, half, onePlus);
}

Value et::emitActivation(ImplicitLocOpBuilder &builder, Activation activation,
                         Value x) {
  auto mul = [&](Value a, Value b) -> Value {
    return arith::MulFOp::create(builder, a, b);
  };
  switch (activation) {
  case Activation::None:
    return x;
  case Activation::Relu:
    return emitRelu(builder, x);
  case Activation::ReluSquared: {
    Value relu = emitRelu(builder, x);
    return mul(relu, relu);
  }
  case Activation::Gelu: {
    Value scaled = mul(x, constant(builder, x, 0.70710678118654752));
    return halfTimesOnePlus(builder, x, math::ErfOp::create(builder, scaled));
  }
  case Activation::GeluTanh: {
    Value cube = mul(mul(x, x), x);
    Value inner = arith::AddFOp::create(
        builder, x, mul(constant(builder, x, 0.044715), cube));
    Value scaled = mul(constant(builder, x, 0.79788456080286536), inner);
    return halfTimesOnePlus(builder, x, math::TanhOp::create(builder, scaled));
  }
  case Activation::Silu: {
    Value one = constant(builder, x, 1.0);
    Value exp = math::ExpOp::create(builder, arith::NegFOp::create(builder, x));
    return arith::DivFOp::create(builder, x,
                                 arith::AddFOp::create(builder, one, exp));
  }
  }
  llvm_unreachable("unknown activation");
}

Value et::emitGate(ImplicitLocOpBuilder &builder, GateKind kind, Value r) {
  switch (kind) {
  case GateKind::Binary:
    return constant(builder, r, 1.0);
  case GateKind::Sigmoid:
    return emitSigmoid(builder, r);
  case GateKind::Relu:
    return emitRelu(builder, r);
  case GateKind::Raw:
    return r;
  }
  llvm_unreachable("unknown gate");
}
