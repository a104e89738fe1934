//===- MatrixMath.h - Sums of products as matrix units make them ----------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A matrix unit multiplies exactly, shifts all products and the accumulator to
// the largest exponent among them, cuts them there to a fixed number of
// fraction bits, adds them as integers, and cuts the sum to f32 (or rounds it
// to f16). Ampere keeps 24 bits and takes 32 bytes of K in two halves; Hopper
// keeps 25 and takes them at once.
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_MATRIXMATH_H
#define ET_EMULATOR_MATRIXMATH_H

#include "ExecCommon.h"
#include "Undefined.h"

namespace et::emu::ET_EMU_ISA {

struct MatrixUnit {
  int fractionBits;
  /// Products added at once, in bytes of one operand's row.
  int stepBytes;
  bool plain;
};

/// One operand's numbers: values exact in f32, exponents as the unit sees them
/// (those of subnormals and zeros are the least normal one).
struct MatrixValue {
  float value;
  int32_t exponent;
};

enum class MatrixFormat : uint8_t { F16, BF16, TF32, E4M3, E5M2 };

/// False when no such product is of floats that matrices have.
bool matrixFormat(Type type, MatrixFormat &format);
/// Adds the registers of a vector of `count`.
bool addVector(Decoder &d, const Operand &operand, size_t count, bool isDef,
               Type type, std::vector<Ref> &refs);

/// mma.sync of integers and of f64.
bool decodeExactMma(Decoder &d);

/// Undefined lines of A and B are those of the product.
struct MatrixMarks {
  explicit MatrixMarks(Warp &w) : w(w) {}
  template <typename F>
  void addLines(Ref at, uint32_t &lines, F lineOf) {
    const UndefinedRegister *r = undefinedIn(*w.node->frame, at);
    for (int l = 0; r && l < 32; ++l)
      if (r->lanes >> l & 1) {
        lines |= 1u << lineOf(l);
        origin = r->origin;
      }
  }
  /// A register of D, whose parts (one or two) are in one row.
  template <typename R, typename C>
  void setResult(Ref to, Ref from, int parts, R rowOf, C columnOf) {
    const UndefinedRegister *r = undefinedIn(*w.node->frame, from);
    uint64_t marks[32] = {};
    for (int l = 0; l < 32; ++l) {
      if (r && r->lanes >> l & 1) {
        marks[l] = r->bits[l];
        origin = r->origin;
      }
      for (int e = 0; e < parts; ++e)
        if (rows >> rowOf(l) & 1 || columns >> columnOf(l, e) & 1)
          marks[l] |= lowBits(static_cast<unsigned>(32 / parts))
                      << e * (32 / parts);
    }
    setUndefined(w, *w.node->frame, to, ~0u, marks, origin);
  }
  Warp &w;
  uint32_t rows = 0, columns = 0, origin = 0;
};

ET_EMU_INLINE int32_t exponentOf(float v, int32_t least) {
  int32_t e = static_cast<int32_t>(floatToBits(v) >> 23 & 255) - 127;
  return e < least ? least : e;
}

ET_EMU_INLINE float byteToFloat(uint8_t v, bool e4m3) {
  int bits = e4m3 ? 3 : 2, bias = e4m3 ? 7 : 15;
  uint32_t magnitude = v & 0x7f, sign = uint32_t(v & 0x80) << 24;
  if (e4m3 ? magnitude == 0x7f : magnitude > 0x7c)
    return bitsToFloat(0x7fff'ffff);
  if (!e4m3 && magnitude == 0x7c)
    return bitsToFloat(sign | 0x7f80'0000);
  // Moved into place and rebiased by a product, which normalizes subnormals.
  float scaled = bitsToFloat(magnitude << (23 - bits)) *
                 bitsToFloat(uint32_t(127 + 127 - bias) << 23);
  return bitsToFloat(floatToBits(scaled) | sign);
}

/// `bits` holds one element in its low bytes.
ET_EMU_INLINE MatrixValue matrixValue(uint32_t bits, MatrixFormat format) {
  float v;
  switch (format) {
  case MatrixFormat::F16:
    v = halfToFloat(uint16_t(bits));
    return {v, exponentOf(v, -14)};
  case MatrixFormat::BF16:
    v = bfloatToFloat(uint16_t(bits));
    return {v, exponentOf(v, -126)};
  case MatrixFormat::TF32:
    v = bitsToFloat(bits & 0xffff'e000);
    return {v, exponentOf(v, -126)};
  case MatrixFormat::E4M3:
    v = byteToFloat(uint8_t(bits), true);
    return {v, exponentOf(v, -6)};
  default:
    v = byteToFloat(uint8_t(bits), false);
    return {v, exponentOf(v, -14)};
  }
}

ET_EMU_INLINE float cutToFloat(double v) {
  double magnitude = v < 0 ? -v : v;
  if (magnitude >= 0x1p-126 || magnitude == 0) {
    float f = float(bitsToDouble(doubleToBits(v) & ~uint64_t(0x1fff'ffff)));
    return f;
  }
  return float(__builtin_trunc(v * 0x1p149) * 0x1p-149);
}

/// c[n] += sum over k of a[k] * b[k][n], for `cols` columns (a multiple of 8).
/// Values of b lie n fastest. `halfOut`: the sum is rounded to f16.
static inline void matrixRow(const MatrixUnit &unit, const float *a,
                             const int32_t *ea, const float *b,
                             const int32_t *eb, int cols, int first, int last,
                             float *c, bool halfOut) {
  if (unit.plain) {
    for (int k = first; k < last; ++k)
      ET_EMU_SIMD for (int n = 0; n < cols; ++n) c[n] =
          __builtin_fmaf(a[k], b[k * cols + n], c[n]);
    if (halfOut)
      for (int n = 0; n < cols; ++n)
        c[n] = halfToFloat(floatToHalf(c[n]));
    return;
  }
  const double bias = unit.fractionBits;
  for (int n0 = 0; n0 < cols; n0 += 8) {
    int32_t top[8];
    double sum[8];
    bool special = false;
    for (int n = 0; n < 8; ++n) {
      top[n] = exponentOf(c[n0 + n], -126);
      special |= top[n] > 127;
    }
    for (int k = first; k < last; ++k)
      ET_EMU_SIMD for (int n = 0; n < 8; ++n) {
        int32_t e = ea[k] + eb[k * cols + n0 + n];
        top[n] = e > top[n] ? e : top[n];
      }
    for (int k = first; k < last; ++k)
      special |= ea[k] > 127;
    for (int k = first; k < last; ++k)
      for (int n = 0; n < 8; ++n)
        special |= eb[k * cols + n0 + n] > 127;
    if (special) {
      // Infinities and NaNs: f32 gives the same answer, as f64 does not
      // overflow before it.
      for (int n = 0; n < 8; ++n) {
        double s = c[n0 + n];
        for (int k = first; k < last; ++k)
          s += double(a[k]) * b[k * cols + n0 + n];
        c[n0 + n] = s != s ? bitsToFloat(0x7fff'ffff) : cutToFloat(s);
      }
      continue;
    }
    double scale[8], back[8];
    ET_EMU_SIMD for (int n = 0; n < 8; ++n) {
      scale[n] = bitsToDouble(uint64_t(1023 + int64_t(bias) - top[n]) << 52);
      back[n] = bitsToDouble(uint64_t(1023 - int64_t(bias) + top[n]) << 52);
      sum[n] = __builtin_trunc(double(c[n0 + n]) * scale[n]);
    }
    for (int k = first; k < last; ++k) {
      double x = a[k];
      ET_EMU_SIMD for (int n = 0; n < 8; ++n) sum[n] +=
          __builtin_trunc(x * double(b[k * cols + n0 + n]) * scale[n]);
    }
    for (int n = 0; n < 8; ++n) {
      double s = sum[n] * back[n];
      c[n0 + n] = halfOut ? halfToFloat(floatToHalf(float(s))) : cutToFloat(s);
    }
  }
}

/// The unit of the chip that the PTX is for.
static inline MatrixUnit matrixUnit(const Launch &launch) {
  const std::string &target = launch.kernel->ptx->target;
  int chip = 0;
  for (size_t k = 3; k < target.size() && target[k] >= '0' && target[k] <= '9';
       ++k)
    chip = chip * 10 + (target[k] - '0');
  bool hopper = chip >= 90;
  return {hopper ? 25 : 24, hopper ? 32 : 16, launch.options.plainMatrix};
}

} // namespace et::emu::ET_EMU_ISA

#endif // ET_EMULATOR_MATRIXMATH_H
