//===- FloatBits.h - Bits of floating-point numbers -----------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_FLOATBITS_H
#define ET_EMULATOR_FLOATBITS_H

#include <cstdint>

// Every function here is compiled once for each instruction set that the host
// may have, so none may be shared between the copies.
#define ET_EMU_INLINE static inline __attribute__((always_inline))

namespace et::emu {

ET_EMU_INLINE float bitsToFloat(uint32_t bits) {
  float value;
  __builtin_memcpy(&value, &bits, 4);
  return value;
}
ET_EMU_INLINE uint32_t floatToBits(float value) {
  uint32_t bits;
  __builtin_memcpy(&bits, &value, 4);
  return bits;
}
ET_EMU_INLINE double bitsToDouble(uint64_t bits) {
  double value;
  __builtin_memcpy(&value, &bits, 8);
  return value;
}
ET_EMU_INLINE uint64_t doubleToBits(double value) {
  uint64_t bits;
  __builtin_memcpy(&bits, &value, 8);
  return bits;
}

ET_EMU_INLINE float halfToFloat(uint16_t half) {
  // The exponent is moved into place and rebiased by one product, which also
  // normalizes subnormals; infinities and NaNs are set apart by their bits.
  uint32_t magnitude = (half & 0x7fffu) << 13;
  float scaled = bitsToFloat(magnitude) * 0x1p112f;
  uint32_t bits = floatToBits(scaled);
  uint32_t special = magnitude | 0x7f80'0000u;
  bits = (half & 0x7c00u) == 0x7c00u ? special : bits;
  return bitsToFloat(bits | (half & 0x8000u) << 16);
}

ET_EMU_INLINE uint16_t floatToHalf(float value) {
  uint32_t bits = floatToBits(value);
  uint32_t sign = bits >> 16 & 0x8000u;
  bits &= 0x7fff'ffffu;
  // Normal results: rebias, then round to nearest even by a carry.
  uint32_t normal = (bits + 0xc800'0fffu + (bits >> 13 & 1)) >> 13;
  // Subnormal results: an addition lets the hardware round at the right bit.
  uint32_t tiny = floatToBits(bitsToFloat(bits) + 0.5f) - 0x3f00'0000u;
  uint32_t out = bits < 0x3880'0000u ? tiny : normal;
  out = bits >= 0x4780'0000u ? 0x7c00u : out;
  out = bits > 0x7f80'0000u ? 0x7fffu : out;
  return static_cast<uint16_t>(bits > 0x7f80'0000u ? out : out | sign);
}

ET_EMU_INLINE float bfloatToFloat(uint16_t value) {
  return bitsToFloat(static_cast<uint32_t>(value) << 16);
}

ET_EMU_INLINE uint16_t floatToBfloat(float value) {
  uint32_t bits = floatToBits(value);
  uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
  return static_cast<uint16_t>((bits & 0x7fff'ffffu) > 0x7f80'0000u ? 0x7fffu
                                                                    : rounded);
}

} // namespace et::emu

#endif // ET_EMULATOR_FLOATBITS_H
