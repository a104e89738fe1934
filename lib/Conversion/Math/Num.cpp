//===- Num.cpp - Formulas over scalars and vectors ------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Num.h"

using namespace mlir;
using namespace mlir::et;

Num Num::like(double constant) const {
  Type type = value.getType(), element = getElementTypeOrSelf(type);
  TypedAttr attr;
  if (isa<FloatType>(element))
    attr = builder->getFloatAttr(element, constant);
  else
    attr = builder->getIntegerAttr(element, int64_t(constant));
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, Attribute(attr));
  return make<arith::ConstantOp>(attr);
}

Type Num::typeOf(Type element) const {
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    return vector.clone(element);
  return element;
}

Num Num::bits() const {
  unsigned width =
      getElementTypeOrSelf(value.getType()).getIntOrFloatBitWidth();
  return make<arith::BitcastOp>(typeOf(builder->getIntegerType(width)), value);
}
Num Num::fromBits() const {
  bool isWide = getElementTypeOrSelf(value.getType()).isInteger(64);
  return make<arith::BitcastOp>(
      typeOf(isWide ? Type(builder->getF64Type()) : builder->getF32Type()),
      value);
}
Num Num::toF32() const {
  Type type = typeOf(builder->getF32Type());
  if (isFloat())
    return make<arith::TruncFOp>(type, value);
  return make<arith::SIToFPOp>(type, value);
}
Num Num::toF64() const {
  Type type = typeOf(builder->getF64Type());
  if (isFloat())
    return make<arith::ExtFOp>(type, value);
  return make<arith::SIToFPOp>(type, value);
}
Num Num::toI64() const {
  return make<arith::ExtUIOp>(typeOf(builder->getI64Type()), value);
}
Num Num::toI64Signed() const {
  Type element = getElementTypeOrSelf(value.getType());
  Type type = typeOf(builder->getI64Type());
  if (element.isIndex())
    return make<arith::IndexCastOp>(type, value);
  if (element.getIntOrFloatBitWidth() < 64)
    return make<arith::ExtSIOp>(type, value);
  return *this;
}
Num Num::toI32() const {
  return make<arith::TruncIOp>(typeOf(builder->getI32Type()), value);
}

Num Num::shl(Num count) const { return make<arith::ShLIOp>(value, count); }
Num Num::shl(int64_t count) const { return shl(like(count)); }
Num Num::shru(Num count) const { return make<arith::ShRUIOp>(value, count); }
Num Num::shru(int64_t count) const { return shru(like(count)); }
Num Num::shrs(int64_t count) const {
  return make<arith::ShRSIOp>(value, like(count));
}
Num Num::operator&(Num other) const {
  return make<arith::AndIOp>(value, other);
}
Num Num::operator|(Num other) const { return make<arith::OrIOp>(value, other); }
Num Num::operator^(Num other) const {
  return make<arith::XOrIOp>(value, other);
}
Num Num::operator&(int64_t mask) const { return *this & like(mask); }

template <typename FloatOpTy, typename IntegerOpTy>
static Num combine(Num a, Num b) {
  if (a.isFloat())
    return a.make<FloatOpTy>(a, b);
  return a.make<IntegerOpTy>(a, b);
}
Num et::operator+(Num a, Num b) {
  return combine<arith::AddFOp, arith::AddIOp>(a, b);
}
Num et::operator-(Num a, Num b) {
  return combine<arith::SubFOp, arith::SubIOp>(a, b);
}
Num et::operator*(Num a, Num b) {
  return combine<arith::MulFOp, arith::MulIOp>(a, b);
}
Num et::operator/(Num a, Num b) { return a.make<arith::DivFOp>(a, b); }
Num et::operator-(Num a) { return a.make<arith::NegFOp>(a); }

static Num compare(Num a, Num b, arith::CmpFPredicate ofFloats,
                   arith::CmpIPredicate ofIntegers) {
  if (a.isFloat())
    return a.make<arith::CmpFOp>(ofFloats, a, b);
  return a.make<arith::CmpIOp>(ofIntegers, a, b);
}
Num et::operator<(Num a, Num b) {
  return compare(a, b, arith::CmpFPredicate::OLT, arith::CmpIPredicate::slt);
}
Num et::operator>(Num a, Num b) {
  return compare(a, b, arith::CmpFPredicate::OGT, arith::CmpIPredicate::sgt);
}
Num et::operator==(Num a, Num b) {
  return compare(a, b, arith::CmpFPredicate::OEQ, arith::CmpIPredicate::eq);
}
Num et::operator!=(Num a, Num b) {
  return compare(a, b, arith::CmpFPredicate::UNE, arith::CmpIPredicate::ne);
}
Num et::isNaN(Num a) {
  return a.make<arith::CmpFOp>(arith::CmpFPredicate::UNO, a, a);
}

Num et::operator!(Num condition) { return condition ^ condition.like(1); }

Num et::select(Num condition, Num ifTrue, Num ifFalse) {
  return ifTrue.make<arith::SelectOp>(condition, ifTrue, ifFalse);
}
Num et::fma(Num a, Num b, Num c) { return a.make<math::FmaOp>(a, b, c); }
Num et::abs(Num a) { return a.make<math::AbsFOp>(a); }
Num et::sqrt(Num a) { return a.make<math::SqrtOp>(a); }
Num et::trunc(Num a) { return a.make<math::TruncOp>(a); }
Num et::floor(Num a) { return a.make<math::FloorOp>(a); }
Num et::copySign(Num magnitude, Num sign) {
  return magnitude.make<math::CopySignOp>(magnitude, sign);
}

// In this order x86 has one instruction for both ops.
Num et::atMost(Num a, double bound) {
  return select(
      a.make<arith::CmpFOp>(arith::CmpFPredicate::ULE, a, a.like(bound)), a,
      bound);
}
Num et::atLeast(Num a, double bound) {
  return select(
      a.make<arith::CmpFOp>(arith::CmpFPredicate::UGE, a, a.like(bound)), a,
      bound);
}

Num et::polynomial(Num x, ArrayRef<double> coefficients) {
  Num sum = x.like(coefficients.back());
  for (double coefficient : llvm::reverse(coefficients.drop_back()))
    sum = fma(sum, x, coefficient);
  return sum;
}
