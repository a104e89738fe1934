//===- Checks.h - What is watched at each access --------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_CHECKS_H
#define ET_EMULATOR_CHECKS_H

#include "Machine.h"

namespace et::emu {

/// Relaxed and stronger accesses are atomic: they do not race with each other,
/// and order what comes before and after them.
enum class Access : uint8_t { Load, Store, AtomicLoad, AtomicStore, Atomic };
inline bool reads(Access a) {
  return a == Access::Load || a == Access::AtomicLoad || a == Access::Atomic;
}
inline bool writes(Access a) {
  return a == Access::Store || a == Access::AtomicStore || a == Access::Atomic;
}
inline bool isAtomic(Access a) { return a >= Access::AtomicLoad; }

/// What a plain store writes, lane by lane.
struct StoredValues {
  const uint8_t *data;
  /// From one lane to the next.
  unsigned stride;
  const uint8_t *of(int lane) const {
    return data + static_cast<unsigned>(lane) * stride;
  }
};

/// Checks and counts an access of `bytes` at each of the lanes' addresses,
/// which lie within bounds. False after a fault.
bool observe(Warp &w, const Inst &inst, Space space, const uint64_t *address,
             uint32_t mask, unsigned bytes, Access access,
             const StoredValues *stored = nullptr);

/// "global load of 4 bytes".
std::string describeAccess(Space space, unsigned bytes, Access access);
/// What is wrong with the read of an unwritten byte, the `k`-th, whose shadow
/// is `known`.
std::string describeUnwritten(const Warp &w, Space space, uint64_t address,
                              uint8_t known, unsigned k,
                              const std::string &reader);
/// " at line 5 (add.u32 ...)".
std::string lineText(const Warp &w, uint32_t line);
/// Whether all of the bytes were written; `known` is their shadow. False when
/// the launch ends.
bool checkWritten(Warp &w, Space space, uint64_t address, const uint8_t *known,
                  unsigned bytes, const std::string &reader, int lane);

/// The fault for an address outside every allocation.
void faultBounds(Warp &w, Space space, uint64_t address, unsigned bytes,
                 Access access, int lane);
void faultAlign(Warp &w, Space space, uint64_t address, unsigned bytes,
                int lane);
std::string hex(uint64_t value);

} // namespace et::emu

#endif // ET_EMULATOR_CHECKS_H
