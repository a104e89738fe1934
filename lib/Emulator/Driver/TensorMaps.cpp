//===- TensorMaps.cpp - cuTensorMapEncodeTiled ----------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DriverApi.h"

#include "et/Emulator/TensorMap.h"

#include <cstring>

using et::emu::TensorMap;

ET_CU cuTensorMapEncodeTiled(TensorMap *map, int type, uint32_t rank,
                             CUdeviceptr address, const uint64_t *sizes,
                             const uint64_t *strides, const uint32_t *box,
                             const uint32_t *steps, int interleave, int swizzle,
                             int l2, int fill) {
  ET_ENTER(void) l2;
  static const uint8_t bytes[] = {1, 2, 4, 4, 8, 8, 2, 4, 8, 2, 4, 4, 4};
  static const uint8_t spans[] = {0, 32, 64, 128};
  auto refuse = [&](const std::string &why) {
    driver.say("cuTensorMapEncodeTiled: " + why);
    return kInvalidValue;
  };
  if (reinterpret_cast<uintptr_t>(map) % 64)
    return refuse("the map is not aligned to 64 bytes");
  if (type < 0 || type > 12)
    return refuse("data type " + std::to_string(type) + " is not supported");
  if (rank < 1 || rank > 5)
    return refuse("a rank from 1 to 5 is expected");
  if (interleave != 0 || swizzle < 0 || swizzle > 3)
    return refuse("only tiles without interleave, with a swizzle of 32, 64 or "
                  "128 bytes or none, are supported");
  if (address % 16)
    return refuse("the tensor is not aligned to 16 bytes");
  TensorMap out;
  std::memset(&out, 0, sizeof(out));
  out.magic = TensorMap::kMagic;
  out.type = static_cast<uint8_t>(type);
  out.elementBytes = bytes[type];
  out.rank = static_cast<uint8_t>(rank);
  out.swizzle = spans[swizzle];
  out.fillNan = fill != 0;
  out.address = address;
  for (uint32_t k = 0; k < rank; ++k) {
    if (sizes[k] == 0 || sizes[k] > uint64_t(1) << 32)
      return refuse("dimension " + std::to_string(k) + " has size " +
                    std::to_string(sizes[k]));
    if (box[k] == 0 || box[k] > 256)
      return refuse("the box has " + std::to_string(box[k]) +
                    " elements in dimension " + std::to_string(k) +
                    "; 1 to 256 are allowed");
    if (steps[k] == 0 || steps[k] > 8)
      return refuse("element strides are 1 to 8");
    out.sizes[k] = static_cast<uint32_t>(sizes[k] - 1);
    // The box is measured in the tensor; of it every step-th element is copied,
    // but for the innermost dimension, whose step is ignored.
    uint32_t step = k == 0 ? 1 : steps[k];
    out.box[k] = static_cast<uint16_t>((box[k] + step - 1) / step);
    out.steps[k] = static_cast<uint8_t>(step);
    if (k + 1 < rank) {
      if (strides[k] % 16 || strides[k] >= uint64_t(1) << 40)
        return refuse("the stride of dimension " + std::to_string(k + 1) +
                      ", " + std::to_string(strides[k]) +
                      " bytes, is no multiple of 16 below 2^40");
      out.strides[k] = strides[k];
    }
  }
  uint32_t inner = box[0] * out.elementBytes;
  if (inner % 16)
    return refuse("the box's rows of " + std::to_string(inner) +
                  " bytes are no multiple of 16");
  if (out.swizzle && inner > out.swizzle)
    return refuse("the box's rows of " + std::to_string(inner) +
                  " bytes are longer than the swizzle's " +
                  std::to_string(out.swizzle));
  std::memcpy(map, &out, sizeof(out));
  return kSuccess;
}
