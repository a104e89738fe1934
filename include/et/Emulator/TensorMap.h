//===- TensorMap.h - The opaque 128 bytes of a tensor map -----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The layout is ours: a program gets a map from the driver that runs it.
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_TENSORMAP_H
#define ET_EMULATOR_TENSORMAP_H

#include <cstdint>

namespace et::emu {

struct TensorMap {
  static constexpr uint32_t kMagic = 0x70616d54; // "Tmap"
  uint32_t magic;
  /// The driver API's CUtensorMapDataType.
  uint8_t type;
  uint8_t elementBytes;
  uint8_t rank;
  /// Bytes of the swizzle's span: 0, 32, 64 or 128.
  uint8_t swizzle;
  uint64_t address;
  /// Innermost first. Sizes less one, as 2^32 is allowed.
  uint32_t sizes[5];
  uint16_t box[5];
  uint8_t steps[5];
  uint8_t fillNan;
  /// Bytes from one index of dimension 1 to 4 to the next.
  uint64_t strides[4];
  uint8_t reserved[38];
};
static_assert(sizeof(TensorMap) == 128, "what the driver API reserves");

} // namespace et::emu

#endif // ET_EMULATOR_TENSORMAP_H
