//===- Trigonometry.cpp - Functions of angles, and their inverses ---------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Formulas.h"

using namespace mlir;
using namespace mlir::et;

namespace {
/// quadrant pi/2 + remainder, with |remainder| <= pi/4. The quadrant is an i32
/// of which two bits count.
struct Angle {
  Num quadrant, remainder;
};
} // namespace

/// The angle |x|, exact for every finite x before the remainder is rounded, by
/// the method of Payne and Hanek: of the bits of 2/pi, only 96 matter for a
/// given exponent, since those before make whole turns.
static Angle reduce(Num x) {
  constexpr uint32_t twoOverPi[] = {0,          0xa2f9836e, 0x4e441529,
                                    0xfc2757d1, 0xf534ddc0, 0xdb629599,
                                    0x3c439041, 0xfe5163ab};
  Num bits = abs(x).bits();
  Num mantissa = ((bits & 0x7fffff) | bits.like(0x800000)).toI64();
  // The first bit that matters, of a number at least 1/2.
  Num first = bits.shru(23) - 120;
  Num word = first.shru(5), shift = first & 31, rest = 31 - shift;
  // Words `word` + i.
  auto wordAt = [&](int i) {
    Num result = bits.like(int32_t(twoOverPi[i + 4]));
    for (int w : {3, 2, 1, 0})
      result = select(word == w, bits.like(int32_t(twoOverPi[i + w])), result);
    return result;
  };
  SmallVector<Num> words;
  for (int i : {0, 1, 2, 3})
    words.push_back(wordAt(i));
  auto window = [&](int i) {
    Num next = words[i + 1].shru(1).shru(rest);
    return (words[i].shl(shift) | next).toI64();
  };
  // Quarter turns, with 62 bits behind the point.
  Num turns = (mantissa * window(0)).shl(32) + mantissa * window(1) +
              (mantissa * window(2)).shru(32);
  Num quadrant = (turns + 0x1p61).shru(62).toI32();
  Num remainder = (turns.shl(2).toF64() * (kPi / 2 * 0x1p-64)).toF32();
  Num isSmall = abs(x) < 0.78539816;
  return {select(isSmall, quadrant.like(0), quadrant),
          select(isSmall, abs(x), remainder)};
}

/// The sine and the cosine of |r| <= pi/4.
static Num sinOf(Num r) {
  Num s = r * r;
  Num p = polynomial(s, {-1.666666664e-01, 8.333329383e-03, -1.983933406e-04,
                         2.718304029e-06});
  return fma(p, s * r, r);
}
static Num cosOf(Num r) {
  Num s = r * r;
  Num p = polynomial(s, {4.166666662e-02, -1.388888375e-03, 2.479951914e-05,
                         -2.721016599e-07});
  return fma(p, s * s, fma(s, -0.5, 1.0));
}

static Num isOdd(Num n) { return (n & 1) == 1; }

/// `result` with the sign of `signs`, an i32, turned into its own.
static Num withSign(Num result, Num signs) {
  return (result.bits() ^
          (signs & signs.like(std::numeric_limits<int32_t>::min())))
      .fromBits();
}

/// `result`, and a NaN for an infinity.
static Num ofFinite(Num x, Num result) {
  return select(abs(x) < kInfinity, result, x - x);
}

/// The sine of a quadrant and a remainder; `signs` has the sign in its top bit.
static Num sinOf(Num quadrant, Num remainder, Num signs) {
  Num result = select(isOdd(quadrant), cosOf(remainder), sinOf(remainder));
  return withSign(result, quadrant.shl(30) ^ signs);
}

Num et::sin(Num x) {
  Angle angle = reduce(x);
  return ofFinite(x, sinOf(angle.quadrant, angle.remainder, x.bits()));
}

Num et::cos(Num x) {
  Angle angle = reduce(x);
  Num quadrant = angle.quadrant + 1;
  return ofFinite(x, sinOf(quadrant, angle.remainder, quadrant.like(0)));
}

Num et::tan(Num x) {
  Angle angle = reduce(x);
  Num sine = sinOf(angle.remainder), cosine = cosOf(angle.remainder);
  Num odd = isOdd(angle.quadrant);
  Num result = select(odd, cosine, sine) / select(odd, sine, cosine);
  return ofFinite(x, withSign(result, angle.quadrant.shl(31) ^ x.bits()));
}

/// constant - x, for a constant that f32 does not hold.
static Num subtractFrom(double constant, Num x) {
  Parts parts(constant);
  return (parts.high - x) + parts.low;
}

/// asin(z) for 0 <= z <= 1/2, and the square of z.
static Num asinOf(Num z, Num square) {
  Num p =
      polynomial(square, {1.666665985e-01, 7.500512136e-02, 4.451547089e-02,
                          3.181981852e-02, 1.439381286e-02, 3.757814271e-02});
  return fma(p, square * z, z);
}

namespace {
/// asin of half an angle where |x| > 1/2, of the angle elsewhere.
struct HalfAngle {
  Num isHalf, angle;
};
} // namespace

static HalfAngle halfAngle(Num x) {
  Num magnitude = abs(x);
  Num isHalf = magnitude > 0.5;
  Num square = select(isHalf, (1.0 - magnitude) * 0.5, magnitude * magnitude);
  Num z = select(isHalf, sqrt(square), magnitude);
  return {isHalf, asinOf(z, square)};
}

Num et::asin(Num x) {
  auto [isHalf, angle] = halfAngle(x);
  return copySign(select(isHalf, subtractFrom(kPi / 2, angle * 2), angle), x);
}

Num et::acos(Num x) {
  auto [isHalf, angle] = halfAngle(x);
  Num twice = angle * 2;
  return select(isHalf, select(x < 0, subtractFrom(kPi, twice), twice),
                subtractFrom(kPi / 2, copySign(angle, x)));
}

/// atan(z) for 0 <= z <= 1.
static Num atanOf(Num z) {
  Num square = z * z;
  Num p =
      polynomial(square, {-3.333330186e-01, 1.999863845e-01, -1.426524349e-01,
                          1.095756597e-01, -8.419428565e-02, 5.823401963e-02,
                          -3.145516788e-02, 1.106415257e-02, -1.827148207e-03});
  return fma(p, square * z, z);
}

Num et::atan(Num x) {
  Num magnitude = abs(x);
  Num isSteep = magnitude > 1;
  Num angle = atanOf(select(isSteep, 1.0 / magnitude, magnitude));
  return copySign(select(isSteep, subtractFrom(kPi / 2, angle), angle), x);
}

Num et::atan2(Num y, Num x) {
  Num isSteep = abs(y) > abs(x);
  Num less = select(isSteep, abs(x), abs(y));
  Num more = select(isSteep, abs(y), abs(x));
  // Of two zeros 0, of two infinities 1.
  Num ofEqual = select(more == 0, 0.0, more.like(1));
  Num slope = select(less == more, ofEqual, less / more);
  Num angle = atanOf(slope);
  angle = select(isSteep, subtractFrom(kPi / 2, angle), angle);
  angle = select(x.bits() < 0, subtractFrom(kPi, angle), angle);
  return copySign(angle, y);
}
