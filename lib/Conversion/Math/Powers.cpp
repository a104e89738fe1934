//===- Powers.cpp - Powers, roots and the error function ------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Formulas.h"

using namespace mlir;
using namespace mlir::et;

/// Of a positive, finite, normal f64, to 40 bits.
static Num log2Wide(Num x) {
  constexpr int64_t one = 0x3ff0000000000000, sqrtHalf = 0x3fe6a09e00000000;
  Num shifted = x.bits() + double(one - sqrtHalf);
  Num exponent = (shifted.shrs(52) - 1023).toI32().toF64();
  Num mantissa = ((shifted & 0xfffffffffffff) + double(sqrtHalf)).fromBits();
  Num s = (mantissa - 1.0) / (mantissa + 1.0);
  Num p = polynomial(s * s, {2.885390081777927, 0.961796694, 0.577077942,
                             0.4122092678, 0.3199050962, 0.2829083123});
  return fma(s, p, exponent);
}

Num et::exp2Wide(Num z) {
  constexpr double rounding = 0x1.8p52;
  Num shifted = z + rounding;
  Num r = z - (shifted - rounding);
  Num p = polynomial(r, {0.6931471805599, 0.240226506960, 5.550410941e-02,
                         9.618129213e-03, 1.333345079e-03, 1.540341965e-04,
                         1.531003463e-05, 1.326269044e-06});
  // The whole number is in the last bits.
  Num power = (shifted.bits().shl(52) + double(0x3ff0000000000000)).fromBits();
  return fma(r, p, 1.0) * power;
}

/// |x|^y for y of f64.
static Num powerOfMagnitude(Num x, Num y) {
  Num magnitude = abs(x);
  Num log = log2Wide(magnitude.toF64());
  log = select(magnitude < kInfinity, log, kInfinity);
  log = select(magnitude == 0, -kInfinity, log);
  // Powers of 1 are 1 even if the exponent is infinite.
  Num exponent = select(magnitude == 1, 0.0, log * y);
  return exp2Wide(atMost(atLeast(exponent, -300), 300)).toF32();
}

Num et::pow(Num x, Num y) {
  Num half = y * 0.5;
  Num isFraction = trunc(y) != y, isHalfFraction = trunc(half) != half;
  Num isOdd = isHalfFraction & !isFraction;
  Num power = powerOfMagnitude(x, y.toF64());
  Num isNegative = x.bits() < 0;
  Num result = select(isNegative & isOdd, -power, power);
  Num isInvalid = (x < 0) & (abs(x) < kInfinity) & isFraction;
  result = select(isInvalid | isNaN(x) | isNaN(y), kNaN, result);
  return select((x == 1) | (y == 0), 1.0, result);
}

Num et::powi(Num x, Num n) {
  Num power = powerOfMagnitude(x, n.toI64Signed().toF64());
  Num isNegative = x.bits() < 0;
  Num result = select(isNegative & ((n & 1) != 0), -power, power);
  result = select(isNaN(x), x, result);
  return select(n == 0, 1.0, result);
}

Num et::cbrt(Num x) {
  Num magnitude = abs(x);
  // Away from subnormal numbers and from overflow.
  Num isLarge = magnitude > 1;
  Num a = magnitude * select(isLarge, x.like(0x1p-24), 0x1p24);
  // A third of the exponent is within 4 %; one step of third order and one of
  // second are exact but for roundings.
  Num bits = a.bits();
  Num third = bits.make<arith::DivUIOp>(bits, bits.like(3));
  Num root = (third + 0x2a5119f2).fromBits();
  Num cube = root * root * root;
  root = root * ((a + a + cube) / (a + cube + cube));
  Num square = root * root;
  root = root - fma(square, root, -a) / (square * 3);
  Num result = copySign(root * select(isLarge, x.like(0x1p8), 0x1p-8), x);
  return select((magnitude > 0) & (magnitude < kInfinity), result, x);
}

Num et::erf(Num x) {
  Num magnitude = abs(x), square = x * x;
  // x plus a part of x, near 0.
  Num near =
      polynomial(square, {0.1283791670955126, -3.761263072e-01, 1.128362988e-01,
                          -2.685548399e-02, 5.191291453e-03, -8.035028554e-04,
                          7.933098029e-05});
  // The logarithm of the complement, far from it.
  Num far = polynomial(atMost(magnitude, 4),
                       {2.718888239e-04, -1.629639854e+00, -9.135382727e-01,
                        -1.564198995e-01, 3.637075224e-02, -6.066913563e-03,
                        6.369042992e-04, -3.130251545e-05});
  return select(magnitude < 1, fma(near, x, x),
                copySign(1.0 - exp2Normal(far), x));
}

Num et::erfc(Num x) {
  // exp(x^2) erfc(x) (1 + 2x) is smooth in (x - 2) / (x + 2). With f64 neither
  // the square nor the product loses what the result shows.
  Num a = atMost(abs(x.toF64()), 15);
  Num t = (a - 2.0) / (a + 2.0);
  Num p = polynomial(t, {1.276978382e+00, -9.276382598e-02, -1.660304078e-01,
                         1.640512479e-01, -5.421976257e-02, -8.033475313e-03,
                         8.720673205e-03, 1.267199035e-03, -1.449766078e-03,
                         -4.382518072e-04, 1.969216990e-04, 1.197773213e-04,
                         -3.936446879e-06, -1.056762997e-05});
  Num result = p * exp2Wide(a * a * -kLog2E) / (a * 2 + 1.0);
  return select(x < 0, 2.0 - result, result).toF32();
}
