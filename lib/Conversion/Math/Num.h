//===- Num.h - Formulas over scalars and vectors ----------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_MATH_NUM_H
#define ET_LIB_CONVERSION_MATH_NUM_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"

namespace mlir::et {

/// A scalar, or a vector computed lane by lane, in a formula: an operator makes
/// the op for its element type. Constants take the type of what they meet.
class Num {
public:
  Num(ImplicitLocOpBuilder &builder, Value value)
      : builder(&builder), value(value) {}

  operator Value() const { return value; }

  /// A constant of this type.
  Num like(double constant) const;
  /// The type of this with another element type.
  Type typeOf(Type element) const;
  bool isFloat() const {
    return isa<FloatType>(getElementTypeOrSelf(value.getType()));
  }
  template <typename OpTy, typename... Args>
  Num make(Args &&...args) const {
    return {*builder, OpTy::create(*builder, std::forward<Args>(args)...)};
  }

  //===--- Conversions ----------------------------------------------------===//
  /// The bits of an f32 or f64 as an integer, and back.
  Num bits() const;
  Num fromBits() const;
  Num toF32() const;
  Num toF64() const;
  /// Integers, extended by zeros or by the sign, or cut.
  Num toI64() const;
  Num toI64Signed() const;
  Num toI32() const;

  //===--- Integers -------------------------------------------------------===//
  Num shl(int64_t count) const;
  Num shl(Num count) const;
  /// Shifts in zeros, and copies of the sign.
  Num shru(int64_t count) const;
  Num shru(Num count) const;
  Num shrs(int64_t count) const;
  Num operator&(Num other) const;
  Num operator|(Num other) const;
  Num operator^(Num other) const;
  Num operator&(int64_t mask) const;

private:
  ImplicitLocOpBuilder *builder;
  Value value;
};

Num operator+(Num a, Num b);
Num operator-(Num a, Num b);
Num operator*(Num a, Num b);
Num operator/(Num a, Num b);
Num operator-(Num a);
inline Num operator+(Num a, double b) { return a + a.like(b); }
inline Num operator-(Num a, double b) { return a - a.like(b); }
inline Num operator-(double a, Num b) { return b.like(a) - b; }
inline Num operator*(Num a, double b) { return a * a.like(b); }
inline Num operator/(double a, Num b) { return b.like(a) / b; }

/// Comparisons of floats, false for a NaN, and of integers, signed.
Num operator<(Num a, Num b);
Num operator>(Num a, Num b);
Num operator==(Num a, Num b);
inline Num operator<(Num a, double b) { return a < a.like(b); }
inline Num operator>(Num a, double b) { return a > a.like(b); }
inline Num operator==(Num a, double b) { return a == a.like(b); }
/// Not equal, or one is a NaN.
Num operator!=(Num a, Num b);
inline Num operator!=(Num a, double b) { return a != a.like(b); }
Num isNaN(Num a);
Num operator!(Num condition);

Num select(Num condition, Num ifTrue, Num ifFalse);
inline Num select(Num condition, Num ifTrue, double ifFalse) {
  return select(condition, ifTrue, ifTrue.like(ifFalse));
}
inline Num select(Num condition, double ifTrue, Num ifFalse) {
  return select(condition, ifFalse.like(ifTrue), ifFalse);
}

/// a b + c, rounded once.
Num fma(Num a, Num b, Num c);
inline Num fma(Num a, double b, Num c) { return fma(a, a.like(b), c); }
inline Num fma(Num a, Num b, double c) { return fma(a, b, a.like(c)); }
inline Num fma(Num a, double b, double c) {
  return fma(a, a.like(b), a.like(c));
}
Num abs(Num a);
Num sqrt(Num a);
Num trunc(Num a);
Num floor(Num a);
Num copySign(Num magnitude, Num sign);
/// A NaN stays one.
Num atMost(Num a, double bound);
Num atLeast(Num a, double bound);
/// c0 + c1 x + c2 x^2 ...
Num polynomial(Num x, ArrayRef<double> coefficients);

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_MATH_NUM_H
