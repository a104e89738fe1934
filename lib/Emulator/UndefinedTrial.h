//===- UndefinedTrial.h - An instruction run on other operands ------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_UNDEFINEDTRIAL_H
#define ET_EMULATOR_UNDEFINEDTRIAL_H

#include "Undefined.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace et::emu {

/// Bytes of a lane of a result; 0 if it goes nowhere.
inline unsigned resultBytes(const Warp &w, const Inst &i, Ref at) {
  for (const Place &p : operandsOf(w, i))
    if (p.role == Place::Def && p.at == at)
      return p.bytes;
  return 0;
}

/// The operands of an instruction, and what it makes of others in their place.
class Trial {
public:
  static constexpr int kSlots = 5;
  uint64_t value[kSlots][32] = {}, undefined[kSlots][32] = {};
  /// Of a lane; 1 for a predicate, 0 where there is no operand.
  unsigned bytes[kSlots] = {};
  /// Lanes that are undefined, by operand.
  uint32_t lanes[kSlots] = {};
  uint32_t origin = 0;

  Trial(Warp &w, const Inst &i) : w(w), i(i) {
    for (int slot = 1; slot < kSlots; ++slot)
      if (i.op[slot] != kNone)
        load(slot);
  }
  bool isConstant(int slot) const { return i.op[slot] & kConstantBit; }

  /// Runs the instruction, where `operand` gives an operand's value in a lane,
  /// by its number. Constants stay what they are, unless they are in `others`.
  template <typename F>
  void run(const Inst &what, unsigned resultBytes, uint64_t *result, F operand,
           unsigned others = 0) {
    alignas(64) uint64_t lanesOf[6][32];
    Inst trial = what;
    for (unsigned slot = 0; slot < 6; ++slot) {
      if (what.op[slot] == kNone)
        continue;
      bool isGiven = slot > 0 && slot < kSlots;
      if (isGiven && isConstant(static_cast<int>(slot)) &&
          !(others >> slot & 1))
        continue;
      trial.op[slot] = static_cast<Ref>(slot * sizeof(lanesOf[0]));
      if (!isGiven)
        continue;
      std::memset(lanesOf[slot], 0, sizeof(lanesOf[slot]));
      auto *to = reinterpret_cast<uint8_t *>(lanesOf[slot]);
      uint32_t word = 0;
      for (int l = 0; l < 32; ++l) {
        uint64_t given = operand(static_cast<int>(slot), l);
        word |= uint32_t(given & 1) << l;
        if (bytes[slot] > 1)
          std::memcpy(to + static_cast<unsigned>(l) * bytes[slot], &given,
                      bytes[slot]);
      }
      if (bytes[slot] == 1)
        std::memcpy(to, &word, sizeof(word));
    }
    uint8_t *registers =
        std::exchange(w.bank[0], reinterpret_cast<uint8_t *>(&lanesOf[0][0]));
    uint32_t exec = std::exchange(w.exec, ~0u);
    uint32_t marked = std::exchange(w.undefined, 0u);
    what.fn(w, trial);
    for (int l = 0; l < 32; ++l)
      result[l] = read(trial.op[0], resultBytes, l);
    w.bank[0] = registers;
    w.exec = exec;
    w.undefined = marked;
  }

  /// The least and the most that an operand can be; as signed numbers too.
  uint64_t least(int slot, int l, bool isSigned = false) const {
    uint64_t sign = isSigned ? uint64_t(1) << (8 * bytes[slot] - 1) : 0;
    return (value[slot][l] & ~undefined[slot][l]) | (undefined[slot][l] & sign);
  }
  uint64_t most(int slot, int l, bool isSigned = false) const {
    uint64_t sign = isSigned ? uint64_t(1) << (8 * bytes[slot] - 1) : 0;
    return (value[slot][l] | undefined[slot][l]) & ~(undefined[slot][l] & sign);
  }

private:
  uint64_t read(Ref at, unsigned bytes, int l) {
    uint64_t value = 0;
    if (bytes == 1)
      std::memcpy(&value, w.at<uint8_t>(at), 4);
    else
      std::memcpy(&value, w.at<uint8_t>(at) + static_cast<unsigned>(l) * bytes,
                  std::min(bytes, 8u));
    return bytes == 1 ? value >> l & 1 : value;
  }
  void load(int slot) {
    Ref at = i.op[slot];
    bytes[slot] = std::max(2u, typeBytes(i.type));
    if (!isConstant(slot))
      for (const Place &p : operandsOf(w, i))
        if (p.at == at && p.role == Place::Use)
          bytes[slot] = p.bytes;
    for (int l = 0; l < 32; ++l)
      value[slot][l] = read(at, bytes[slot], l);
    const UndefinedRegister *r = undefinedIn(*w.node->frame, at);
    if (!r)
      return;
    lanes[slot] = r->lanes;
    origin = r->origin;
    for (uint32_t left = r->lanes; left; left &= left - 1) {
      int l = __builtin_ctz(left);
      undefined[slot][l] = r->bits[l];
    }
  }

  Warp &w;
  const Inst &i;
};

} // namespace et::emu

#endif // ET_EMULATOR_UNDEFINEDTRIAL_H
