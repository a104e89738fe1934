//===- UndefinedCompare.cpp - Comparisons of undefined values -------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "UndefinedTrial.h"

using namespace et::emu;

namespace {

/// The marks of a comparison's results; see compareUndefined.
class CompareMarks {
public:
  CompareMarks(Warp &w, const Inst &i) : w(w), i(i), frame(*w.node->frame) {
    with = i.m[0] ? lanesOf(i.op[3], ~uint64_t(0)) : 0;
    given = i.m[0] ? w.pred(i.op[3]) : 0;
    guarded = lanesOf(i.guard, ~uint64_t(0)) & w.node->mask;
  }
  /// Lanes where one of these bits of what is compared is undefined.
  uint32_t compared(uint64_t bits) {
    return lanesOf(i.op[1], bits) | lanesOf(i.op[2], bits);
  }
  /// Lanes where the bits that are defined decide.
  uint32_t decided() {
    if (isFloat(i.type))
      return 0;
    Trial trial(w, i);
    uint32_t lanes = 0;
    for (int l = 0; l < 32; ++l) {
      uint64_t unknown = trial.undefined[1][l] | trial.undefined[2][l];
      uint64_t differ = (trial.value[1][l] ^ trial.value[2][l]) & ~unknown;
      lanes |= uint32_t(differ != 0) << l;
    }
    if (i.m[2])
      return lanes;
    Inst plain = i;
    plain.m[0] = plain.m[1] = 0;
    plain.op[3] = plain.op[4] = kNone;
    uint64_t ends[2][32];
    for (int high = 0; high < 2; ++high)
      trial.run(plain, 1, ends[high], [&](int slot, int l) {
        return (slot == 1) == high ? trial.most(slot, l, isSigned(i.type))
                                   : trial.least(slot, l, isSigned(i.type));
      });
    lanes = 0;
    for (int l = 0; l < 32; ++l)
      lanes |= uint32_t(ends[0][l] == ends[1][l]) << l;
    return lanes;
  }
  /// Lanes of one result that are undefined. `bits`: what was compared gave.
  uint32_t result(uint32_t compared, uint32_t bits) const {
    uint32_t known = 0; // Where one side decides.
    if (i.m[0] == 1)
      known = (~compared & ~bits) | (~with & ~given);
    else if (i.m[0] == 2)
      known = (~compared & bits) | (~with & given);
    return ((compared | with) & ~known) | guarded;
  }
  /// Marks a result: the lower half in some lanes, the upper one in others.
  void put(Ref at, uint32_t lower, uint32_t upper) {
    unsigned bytes = resultBytes(w, i, at);
    uint64_t all = lowBits(8 * bytes), low = lowBits(4 * bytes);
    uint64_t marks[32];
    for (int l = 0; l < 32; ++l)
      marks[l] = (lower >> l & 1 ? low : 0) | (upper >> l & 1 ? all & ~low : 0);
    setUndefined(w, frame, at, w.exec | guarded, marks, origin);
  }
  void put(Ref at, uint32_t lanes) { put(at, lanes, lanes); }

private:
  uint32_t lanesOf(Ref at, uint64_t bits) {
    const UndefinedRegister *r = at == kNone ? nullptr : undefinedIn(frame, at);
    uint32_t lanes = 0;
    for (uint32_t left = r ? r->lanes : 0; left; left &= left - 1) {
      int l = __builtin_ctz(left);
      lanes |= uint32_t((r->bits[l] & bits) != 0) << l;
    }
    if (lanes)
      origin = r->origin;
    return lanes;
  }

  Warp &w;
  const Inst &i;
  Frame &frame;
  uint32_t with, given, guarded, origin = 0;
};

} // namespace

void et::emu::compareUndefined(Warp &w, const Inst &i, uint32_t result) {
  CompareMarks marks(w, i);
  uint32_t compared = marks.compared(~uint64_t(0));
  if (compared)
    compared &= ~marks.decided();
  marks.put(i.op[0], marks.result(compared, result));
  if (i.op[4] != kNone)
    marks.put(i.op[4], marks.result(compared, ~result));
}

void et::emu::comparePairUndefined(Warp &w, const Inst &i, uint32_t first,
                                   uint32_t second) {
  CompareMarks marks(w, i);
  uint32_t lower = marks.result(marks.compared(lowBits(16)), first),
           upper = marks.result(marks.compared(~lowBits(16)), second);
  if (i.m[1])
    return marks.put(i.op[0], lower, upper);
  marks.put(i.op[0], lower);
  if (i.op[4] != kNone)
    marks.put(i.op[4], upper);
}
