//===- Exponentials.cpp - exp and the hyperbolic functions ----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Formulas.h"
#include <cmath>

using namespace mlir;
using namespace mlir::et;

namespace {
/// A whole number as f32 and as i32.
struct Whole {
  Num value, integer;
};
/// fraction 2^exponent
struct Scaled {
  Num fraction, exponent;
};
} // namespace

/// Added to a number below 2^21, it leaves the nearest whole number in the last
/// bits. So a NaN has some integer, where a conversion would have none.
constexpr double kRounding = 0x1.8p23;
constexpr int32_t kRoundingBits = 0x4b400000;

static Whole nearestWhole(Num x) {
  Num shifted = x + kRounding;
  return {shifted - kRounding, shifted.bits() - kRoundingBits};
}

/// 2^n for -126 <= n <= 127.
static Num powerOfTwo(Num n) { return (n + 127).shl(23).fromBits(); }

/// p 2^n rounded once, for p from 1/2 to 2 and -252 <= n <= 254.
static Num scale(Num p, Num n) {
  Num half = n.shrs(1);
  return p * powerOfTwo(half) * powerOfTwo(n - half);
}

/// 2^r for |r| <= 1/2.
static Num exp2Fraction(Num r) {
  Num q = polynomial(r, {6.931472064e-01, 2.402265131e-01, 5.550327640e-02,
                         9.618008444e-03, 1.340031149e-03, 1.547509517e-04});
  return fma(r, q, 1.0);
}

/// e^x in parts, for -104 <= x <= 90 or a NaN. The arithmetic is that of
/// Cephes, which MLIR's own approximation uses too.
static Scaled exponential(Num x) {
  Num n = floor(fma(x, kLog2E, 0.5));
  Num r = fma(n, 2.12194442e-4, fma(n, -0.693359375, x));
  Num q = polynomial(r, {0.5, 0.166666657, 0.0416657962, 0.00833345205,
                         0.00139819994, 1.98756912e-4});
  Num fraction = fma(q, r * r, r) + 1.0;
  return {fraction, (n + kRounding).bits() - kRoundingBits};
}

/// (e^x - 1) 2^shift, for -87 <= x and 2^shift e^x that f32 can hold.
static Num expm1Shifted(Num x, int shift) {
  constexpr Parts ln2(kLn2);
  Whole n = nearestWhole(x * kLog2E);
  Num r = fma(n.value, -ln2.low, fma(n.value, -ln2.high, x));
  Num q = polynomial(r, {5.000000047e-01, 1.666666681e-01, 4.166635404e-02,
                         8.333275713e-03, 1.394104425e-03, 1.991270352e-04});
  Num remainder = fma(q, r * r, r);
  Num power = powerOfTwo(n.integer + shift);
  return fma(remainder, power, power - std::ldexp(1.0, shift));
}

Num et::exp(Num x) {
  // Beyond, results are 0 or infinite.
  Scaled e = exponential(atMost(atLeast(x, -104), 88.8));
  return scale(e.fraction, e.exponent);
}

Num et::exp2(Num x) {
  Num inRange = atMost(atLeast(x, -151), 129);
  Whole n = nearestWhole(inRange);
  return scale(exp2Fraction(inRange - n.value), n.integer);
}

Num et::exp2Normal(Num z) {
  Whole n = nearestWhole(z);
  return exp2Fraction(z - n.value) * powerOfTwo(n.integer);
}

Num et::expm1(Num x) {
  // Halved, the power of two is one of f32 for all results.
  Num inRange = atMost(atLeast(x, -30), 88.8);
  Num result = expm1Shifted(inRange, -1) * 2;
  return select(abs(x) < 0x1p-25, x, result);
}

Num et::sinh(Num x) {
  Num magnitude = abs(x);
  // A quarter of e^|x| - 1, so that it is finite wherever the result is.
  Num quarter = expm1Shifted(atMost(magnitude, 89.6), -2);
  Num result = (quarter + quarter / (quarter * 4 + 1.0)) * 2;
  return copySign(select(magnitude < 0x1p-12, magnitude, result), x);
}

Num et::cosh(Num x) {
  Scaled e = exponential(atMost(abs(x), 89.6));
  Num half = scale(e.fraction, e.exponent - 1);
  return half + 0.25 / half;
}

Num et::tanh(Num x) {
  Num e = expm1Shifted(atMost(abs(x) * 2, 20), 0);
  return copySign(e / (e + 2.0), x);
}
