//===- Undefined.h - Values that come from memory that nothing wrote ------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A program may read what nothing wrote, as long as it does not use it: code
// for whole tiles reads beyond the end and drops what it got. So a read marks
// the bytes of its registers as undefined, instructions pass the marks on, and
// what shows outside the warp is reported: a store to global memory, an
// address, a branch, a barrier, an atomic. Warps without a mark pay one test an
// instruction.
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_UNDEFINED_H
#define ET_EMULATOR_UNDEFINED_H

#include "Machine.h"

namespace et::emu {

/// Before an instruction that lanes `mask` run, where a register of the warp is
/// undefined: marks its results, or reports its use. False after a fault.
bool trackUndefined(Warp &w, const Inst &i, uint32_t mask);

/// The lanes' new marks of one register.
void setUndefined(Warp &w, Frame &frame, Ref at, uint32_t lanes,
                  const uint32_t *bytes, uint32_t origin);
/// Null if all of the register is defined.
const UndefinedRegister *undefinedIn(const Frame &frame, Ref at);
/// A value of this origin is used. False when the launch ends here.
bool useUndefined(Warp &w, uint32_t origin, int lane);

/// A load found bytes that nothing wrote; `known` is their shadow. Whoever
/// loads asks for them with `unread`.
void noteUnread(Warp &w, const Inst &i, Space space, uint64_t address,
                const uint8_t *known, unsigned bytes, int lane);
/// The marks of one lane's stored bytes go to memory. False after a fault.
bool storeUndefined(Warp &w, const Inst &i, Space space, uint8_t *known,
                    unsigned bytes, int lane);
/// The same where lanes have memory of their own.
void storeLocalUndefined(Warp &w, const Inst &i, const uint64_t *host,
                         unsigned elements, unsigned bytes);
/// Marks the registers of a load. `host`: where memory of lanes' own may lie.
void loadUndefined(Warp &w, const Ref *to, unsigned elements, unsigned bytes,
                   unsigned registerBytes, bool isSigned, const uint64_t *host);

// For instructions whose lanes meet first.
/// Lane l of the result is that of lane `from[l]`.
void shuffleUndefined(Warp &w, const Inst &i, const int *from);
/// Every lane's result comes from all lanes.
void gatherUndefined(Warp &w, const Inst &i);
/// Of setp and set: what the comparisons gave for p and q.
void compareUndefined(Warp &w, const Inst &i, uint32_t first, uint32_t second);
/// What a call hands over.
void copyUndefined(Warp &w, const Frame &from, Ref at, Frame &to, Ref there);

/// A mask of so many low bits.
inline uint32_t lowBits(unsigned bits) {
  return bits >= 32 ? ~0u : (1u << bits) - 1;
}

} // namespace et::emu

#endif // ET_EMULATOR_UNDEFINED_H
