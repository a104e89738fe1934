//===- Undefined.h - Values that come from memory that nothing wrote ------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A program may read what nothing wrote, as long as it does not use it: code
// for whole tiles reads beyond the end and drops what it got. So a read marks
// the bits of its registers as undefined, instructions pass the marks on, and
// what shows outside the warp is reported: a store to global memory, an
// address, a branch, a barrier, an atomic. Memory has a mark a byte. Warps
// without a mark pay one test an instruction.
//
// Few rules do for all instructions (UndefinedRules.cpp), as most of them run
// the instruction itself on other operands: one that moves bits moves marks the
// same way; one that works bit by bit shows which bits matter when they are
// flipped; one that rises with its operands shows its range by the least and
// the most that these can be. A mark may stay where no bit depends on it, but
// none is lost.
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_UNDEFINED_H
#define ET_EMULATOR_UNDEFINED_H

#include "Machine.h"

namespace et::emu {

/// How an instruction whose decoder does not say so treats marks.
void chooseTrack(Inst &inst, std::string_view opcode,
                 const std::vector<std::string_view> &modifiers);

/// Before an instruction that lanes `mask` run, where a register of the warp is
/// undefined: marks its results, or reports its use. False after a fault.
bool trackUndefined(Warp &w, const Inst &i, uint32_t mask);

/// The lanes' new marks of one register.
void setUndefined(Warp &w, Frame &frame, Ref at, uint32_t lanes,
                  const uint64_t *bits, uint32_t origin);
/// Null if all of the register is defined.
const UndefinedRegister *undefinedIn(const Frame &frame, Ref at);
/// Where the marks of a longer register's n-th 8 bytes are.
inline Ref wordOf(Ref at, unsigned n) { return at + n; }
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
                         unsigned bytes);
/// Marks the registers of a load. `host`: where memory of lanes' own may lie.
void loadUndefined(Warp &w, const Ref *to, unsigned elements, unsigned bytes,
                   unsigned registerBytes, bool isSigned, const uint64_t *host);

// For instructions whose lanes meet first.
/// Lane l of the result is that of lane `from[l]`.
void shuffleUndefined(Warp &w, const Inst &i, const int *from);
/// Every lane's result comes from all lanes.
void gatherUndefined(Warp &w, const Inst &i);
/// Of setp and set: what the comparison gave, and of pairs that of the second.
void compareUndefined(Warp &w, const Inst &i, uint32_t result);
void comparePairUndefined(Warp &w, const Inst &i, uint32_t first,
                          uint32_t second);
/// What a call hands over.
void copyUndefined(Warp &w, const Frame &from, Ref at, Frame &to, Ref there,
                   unsigned bytes);

struct Operands {
  const Place *first, *last;
  const Place *begin() const { return first; }
  const Place *end() const { return last; }
};
inline Operands operandsOf(const Warp &w, const Inst &i) {
  const Kernel &kernel = *w.launch->kernel;
  size_t pc = static_cast<size_t>(&i - kernel.code.data());
  const Place *places = kernel.places.data();
  return {places + (pc ? kernel.placesEnd[pc - 1] : 0),
          places + kernel.placesEnd[pc]};
}

/// A mask of so many low bits.
inline uint64_t lowBits(unsigned bits) {
  return bits >= 64 ? ~uint64_t(0) : (uint64_t(1) << bits) - 1;
}
/// All bits of the bytes that have a bit in `bytes`.
inline uint64_t bitsOfBytes(uint64_t bytes) {
  uint64_t bits = 0;
  for (unsigned k = 0; k < 8; ++k)
    bits |= (bytes >> k & 1) * 0xff << 8 * k;
  return bits;
}
/// A bit for each byte of which some are marked.
inline uint64_t bytesOfBits(uint64_t bits) {
  uint64_t bytes = 0;
  for (unsigned k = 0; k < 8; ++k)
    bytes |= uint64_t((bits >> 8 * k & 0xff) != 0) << k;
  return bytes;
}
/// The marks of a signed number of `bytes` in a wider register.
inline uint64_t extendMarks(uint64_t bits, unsigned bytes, bool isSigned) {
  return isSigned && bits >> (8 * bytes - 1) & 1 ? bits | ~lowBits(8 * bytes)
                                                 : bits;
}

} // namespace et::emu

#endif // ET_EMULATOR_UNDEFINED_H
