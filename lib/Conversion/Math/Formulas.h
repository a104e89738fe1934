//===- Formulas.h - Math functions of f32 by arithmetic ---------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_MATH_FORMULAS_H
#define ET_LIB_CONVERSION_MATH_FORMULAS_H

#include "Num.h"

namespace mlir::et {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kLn2 = 0.69314718055994530942;
constexpr double kLog2E = 1.4426950408889634074;
constexpr double kLog10E = 0.43429448190325182765;
constexpr double kLog10Of2 = 0.30102999566398119521;
constexpr double kPi = 3.14159265358979323846;

/// A constant as the sum of two of f32.
struct Parts {
  explicit constexpr Parts(double value)
      : high(float(value)), low(value - high) {}
  double high, low;
};

// Of f32, with the values of C at zeros, infinities, NaNs and outside of the
// domain. How far each can be off stands in the description of the pass.
Num exp(Num x);
Num exp2(Num x);
Num expm1(Num x);
Num sinh(Num x);
Num cosh(Num x);
Num tanh(Num x);

Num log(Num x);
Num log2(Num x);
Num log10(Num x);
Num log1p(Num x);
Num asinh(Num x);
Num acosh(Num x);
Num atanh(Num x);

Num sin(Num x);
Num cos(Num x);
Num tan(Num x);
Num asin(Num x);
Num acos(Num x);
Num atan(Num x);
Num atan2(Num y, Num x);

Num cbrt(Num x);
Num pow(Num x, Num y);
/// The exponent is an integer of any width.
Num powi(Num x, Num n);
Num erf(Num x);
Num erfc(Num x);

/// 2^z of f32, for -126 <= z <= 127: no result is subnormal.
Num exp2Normal(Num z);
/// 2^z of f64, for |z| <= 1000, to 40 bits.
Num exp2Wide(Num z);

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_MATH_FORMULAS_H
