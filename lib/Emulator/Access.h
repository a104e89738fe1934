//===- Access.h - From lanes' addresses to host memory --------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_ACCESS_H
#define ET_EMULATOR_ACCESS_H

#include "Checks.h"
#include "ExecCommon.h"

namespace et::emu::ET_EMU_ISA {

struct Lanes {
  uint64_t address[32];
  uint64_t host[32];
  /// Where they lie, after `resolve`; Generic when in several spaces.
  Space space = Space::Generic;
  /// All 32 lanes run and follow each other without a gap.
  bool contiguous = false;
};

/// Checks bounds and alignment, then finds the bytes. False after a fault.
/// Lanes that do not run get the address of one that does.
/// Who stores what registers hold says what that is.
bool resolve(Warp &w, const Inst &inst, Space space, unsigned bytes,
             Access access, Lanes &lanes, const StoredValues *stored = nullptr);

/// The addresses of an instruction whose base is op[slot] and offset imm; m[1]
/// tells 32-bit bases.
static inline void lanesOf(Warp &w, const Inst &i, int slot, Lanes &lanes) {
  uint64_t imm = i.imm;
  if (i.m[1]) {
    const uint32_t *base = w.at<uint32_t>(i.op[slot]);
    ET_LANES(l) lanes.address[l] = uint32_t(base[l] + imm);
  } else {
    const uint64_t *base = w.at<uint64_t>(i.op[slot]);
    ET_LANES(l) lanes.address[l] = base[l] + imm;
  }
}

} // namespace et::emu::ET_EMU_ISA

#endif // ET_EMULATOR_ACCESS_H
