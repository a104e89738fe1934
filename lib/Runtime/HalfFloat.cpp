//===- HalfFloat.cpp - conversions that old processors lack ---------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LLVM calls these where the processor cannot convert 16-bit floats by itself.
// Compiler libraries have them only in recent versions, so ours are weak. They
// round to nearest, ties to even, and keep NaNs.
//
//===----------------------------------------------------------------------===//

#if defined(__x86_64__)

#include <cstdint>
#include <cstring>

template <typename To, typename From>
static To bitCast(From value) {
  static_assert(sizeof(To) == sizeof(From), "the bits must fit");
  To result;
  memcpy(&result, &value, sizeof(To));
  return result;
}

/// `bits` without its low `count` bits, rounded.
static uint32_t roundBits(uint32_t bits, unsigned count) {
  uint32_t half = 1U << (count - 1);
  uint32_t isOdd = (bits >> count) & 1;
  return (bits + half - 1 + isOdd) >> count;
}

static uint16_t toHalf(uint32_t bits) {
  uint32_t sign = (bits >> 16) & 0x8000;
  uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000)
    return uint16_t(sign | 0x7e00 | ((magnitude >> 13) & 0x1ff));
  // 65520 and more round to infinity.
  if (magnitude >= 0x477ff000)
    return uint16_t(sign | 0x7c00);
  if (magnitude >= 0x38800000)
    return uint16_t(sign | roundBits(magnitude - 0x38000000, 13));
  // Subnormal in f16: a multiple of 2^-24. Under half of that is 0.
  uint32_t exponent = magnitude >> 23;
  if (exponent < 102)
    return uint16_t(sign);
  uint32_t mantissa = (magnitude & 0x7fffff) | 0x800000;
  return uint16_t(sign | roundBits(mantissa, 126 - exponent));
}

extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier): the names are LLVM's.
__attribute__((weak)) __bf16 __truncsfbf2(float value) {
  auto bits = bitCast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return bitCast<__bf16>(uint16_t((bits >> 16) | 0x40));
  return bitCast<__bf16>(uint16_t(roundBits(bits, 16)));
}

__attribute__((weak)) _Float16 __truncsfhf2(float value) {
  return bitCast<_Float16>(toHalf(bitCast<uint32_t>(value)));
}

__attribute__((weak)) float __extendhfsf2(_Float16 value) {
  uint32_t bits = bitCast<uint16_t>(value);
  uint32_t sign = (bits & 0x8000) << 16, magnitude = bits & 0x7fff;
  if (magnitude >= 0x7c00)
    return bitCast<float>(sign | 0x7f800000 | ((magnitude & 0x3ff) << 13) |
                          (magnitude > 0x7c00 ? 0x400000U : 0U));
  if (magnitude >= 0x400)
    return bitCast<float>(sign | ((magnitude << 13) + 0x38000000));
  // Subnormal in f16, exact in f32.
  float result = float(magnitude) * 0x1p-24F;
  return bitCast<float>(sign | bitCast<uint32_t>(result));
}
// NOLINTEND(bugprone-reserved-identifier)
}

#endif
