//===- Logarithms.cpp - log and the inverse hyperbolic functions ----------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Formulas.h"

using namespace mlir;
using namespace mlir::et;

namespace {
/// 2^exponent (1 + fraction), with 1 + fraction from sqrt(1/2) to sqrt(2).
struct Split {
  Num fraction, exponent;
};
} // namespace

static constexpr double kLn2High = 0.693359375;
static constexpr double kLn2Low = kLn2 - kLn2High;

/// Of a positive, finite, normal number.
static Split split(Num x) {
  constexpr int32_t one = 0x3f800000, sqrtHalf = 0x3f3504f3;
  Num shifted = x.bits() + (one - sqrtHalf);
  Num exponent = shifted.shrs(23) - 127;
  Num mantissa = ((shifted & 0x7fffff) + sqrtHalf).fromBits();
  return {mantissa - 1.0, exponent.toF32()};
}

/// Of a positive, finite number.
static Split splitAny(Num x) {
  Num isSubnormal = x < 0x1p-126;
  Split parts = split(select(isSubnormal, x * 0x1p24, x));
  Num shift = select(isSubnormal, parts.exponent.like(24), 0);
  return {parts.fraction, parts.exponent - shift};
}

/// log(1 + f) - f + rest, for the fraction of a split.
static Num logTail(Num f, Num rest) {
  Num square = f * f;
  Num p = polynomial(f, {3.333333286e-01, -2.499996603e-01, 2.000003581e-01,
                         -1.666943512e-01, 1.428694488e-01, -1.242508297e-01,
                         1.101202898e-01, -1.079408899e-01, 1.074353819e-01,
                         -6.151533576e-02});
  return fma(square, -0.5, fma(square * f, p, rest));
}

static Num logOfFraction(Num f) { return f + logTail(f, f.like(0)); }

/// `result`, or the logarithm of what has none that is finite.
static Num orSpecial(Num x, Num result) {
  Num special = select(x == 0, -kInfinity, select(x < 0, kNaN, x));
  return select((x > 0) & (x < kInfinity), result, special);
}

Num et::log(Num x) {
  auto [f, k] = splitAny(x);
  return orSpecial(x, fma(k, kLn2High, f + logTail(f, k * kLn2Low)));
}

Num et::log2(Num x) {
  constexpr Parts log2E(kLog2E);
  auto [f, k] = splitAny(x);
  Num log = logOfFraction(f);
  return orSpecial(x, fma(log, log2E.high, fma(log, log2E.low, k)));
}

Num et::log10(Num x) {
  constexpr Parts log10E(kLog10E), log10Of2(kLog10Of2);
  auto [f, k] = splitAny(x);
  Num log = logOfFraction(f);
  Num low = fma(log, log10E.low, k * log10Of2.low);
  return orSpecial(x, fma(k, log10Of2.high, fma(log, log10E.high, low)));
}

Num et::log1p(Num x) {
  Num sum = x + 1.0;
  // What the sum lost.
  Num lost = select(x > 1, 1.0 - (sum - x), x - (sum - 1.0));
  auto [f, k] = split(sum);
  Num tail = logTail(f, fma(k, kLn2Low, lost / sum));
  Num result = orSpecial(sum, fma(k, kLn2High, f + tail));
  return select(x == 0, x, result);
}

/// Above, the logarithm of 2x is asinh and acosh of x.
static constexpr double kFar = 0x1p26;

Num et::asinh(Num x) {
  Num magnitude = abs(x), square = magnitude * magnitude;
  Num isFar = magnitude > kFar;
  Num excess = magnitude + square / (sqrt(square + 1.0) + 1.0);
  Num result = log1p(select(isFar, magnitude, excess)) +
               select(isFar, magnitude.like(kLn2), 0);
  return copySign(result, x);
}

Num et::acosh(Num x) {
  Num above = x - 1.0, isFar = x > kFar;
  Num excess = above + sqrt(above * (above + 2.0));
  Num result =
      log1p(select(isFar, above, excess)) + select(isFar, x.like(kLn2), 0);
  return select(x < 1, kNaN, result);
}

Num et::atanh(Num x) {
  Num magnitude = abs(x);
  Num result = log1p(magnitude * 2 / (1.0 - magnitude)) * 0.5;
  return copySign(result, x);
}
