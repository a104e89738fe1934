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

Value et::emitE4M3ToF32(ImplicitLocOpBuilder &builder, Value x) {
  auto i32 = [&](int32_t value) -> Value {
    return arith::ConstantOp::create(builder, builder.getI32IntegerAttr(value));
  };
  Value byte = arith::BitcastOp::create(builder, builder.getI8Type(), x);
  Value bits = arith::ExtUIOp::create(builder, builder.getI32Type(), byte);
  Value magnitude = arith::AndIOp::create(builder, bits, i32(0x7f));
  // Exponent and fraction where f32 has them; what is left is the difference of
  // the biases, 127 - 7. Subnormal numbers become subnormal ones, which the
  // product turns into normal ones.
  Value placed = arith::ShLIOp::create(builder, magnitude, i32(20));
  Value value = arith::MulFOp::create(
      builder, arith::BitcastOp::create(builder, builder.getF32Type(), placed),
      arith::ConstantOp::create(builder, builder.getF32FloatAttr(0x1p120f)));
  Value isNaN = arith::CmpIOp::create(builder, arith::CmpIPredicate::eq,
                                      magnitude, i32(0x7f));
  value = arith::SelectOp::create(
      builder, isNaN,
      arith::ConstantOp::create(
          builder,
          builder.getF32FloatAttr(std::numeric_limits<float>::quiet_NaN())),
      value);
  Value isNegative =
      arith::CmpIOp::create(builder, arith::CmpIPredicate::ne, magnitude, bits);
  return arith::SelectOp::create(builder, isNegative,
                                 arith::NegFOp::create(builder, value), value);
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
