//===- UndefinedRules.cpp - How instructions hand undefined bits on -------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "UndefinedTrial.h"

#include <algorithm>
#include <cstring>

using namespace et::emu;

static bool isPair(Type type) {
  switch (type) {
  case Type::U16x2:
  case Type::S16x2:
  case Type::F16x2:
  case Type::BF16x2:
  case Type::F32x2:
  case Type::E4M3x2:
  case Type::E5M2x2:
    return true;
  default:
    return false;
  }
}

void et::emu::chooseTrack(Inst &inst, std::string_view opcode,
                          const std::vector<std::string_view> &modifiers) {
  struct Rule {
    Track track;
    uint8_t slots;
  };
  static const std::unordered_map<std::string_view, Rule> rules = {
      {"shl", {Track::Wire, 0b0010}},  {"shr", {Track::Wire, 0b0010}},
      {"shf", {Track::Wire, 0b0110}},  {"prmt", {Track::Wire, 0b0110}},
      {"bfe", {Track::Wire, 0b0010}},  {"bfi", {Track::Wire, 0b0110}},
      {"brev", {Track::Wire, 0b0010}}, {"szext", {Track::Wire, 0b0010}},
      {"selp", {Track::Wire, 0b0110}}, {"slct", {Track::Wire, 0b0110}},
      {"mapa", {Track::Wire, 0b0010}}, {"and", {Track::Flip, 0}},
      {"or", {Track::Flip, 0}},        {"xor", {Track::Flip, 0}},
      {"not", {Track::Flip, 0}},       {"lop3", {Track::Flip, 0}},
      {"add", {Track::Sum, 0}},        {"addc", {Track::Sum, 0}},
      {"sub", {Track::Sum, 0b0100}},   {"subc", {Track::Sum, 0b0100}},
      {"neg", {Track::Sum, 0}},        {"cvta", {Track::Sum, 0}},
      {"min", {Track::Between, 0}},    {"max", {Track::Between, 0}},
      {"popc", {Track::Between, 0}},   {"clz", {Track::Between, 0}},
      {"bfind", {Track::Between, 0}},  {"div", {Track::Between, 0b0100}},
      {"mul", {Track::Product, 0}},    {"mad", {Track::Product, 0}},
  };
  auto it = rules.find(opcode);
  bool isWire = it != rules.end() && it->second.track == Track::Wire;
  if (isPair(inst.type) && !isWire) {
    inst.track = Track::Halves;
    return;
  }
  if (it == rules.end() || (isFloat(inst.type) && !isWire))
    return;
  Rule rule = it->second;
  auto has = [&](std::string_view word) {
    return std::find(modifiers.begin(), modifiers.end(), word) !=
           modifiers.end();
  };
  // The quotient of signed numbers and the highest bit of one do not go one
  // way, and the carry of a product is not followed.
  bool isUneven = (opcode == "div" || opcode == "bfind") && isSigned(inst.type);
  if (isUneven || (rule.track == Track::Product && has("cc")))
    return;
  if (rule.track == Track::Sum && has("sat"))
    rule.track = Track::Between;
  if (rule.track == Track::Product)
    rule.slots = has("hi");
  inst.track = rule.track;
  inst.slots = rule.slots;
}

namespace {

/// One instruction's view of the marks.
class Marks {
public:
  Marks(Warp &w, const Inst &i, uint32_t mask)
      : w(w), i(i), frame(*w.node->frame), mask(mask),
        operands(operandsOf(w, i)) {}

  /// Most instructions have nothing to do with the registers that are marked.
  bool concerns() const {
    if (i.guard != kNone && frame.mayBeUndefined(i.guard))
      return true;
    for (const Place &p : operands)
      if (frame.mayBeUndefined(p.at))
        return true;
    return i.track == Track::FromBlock || i.track == Track::ToBlock;
  }

  bool run() {
    const UndefinedRegister *guard =
        i.guard == kNone ? nullptr : undefinedIn(frame, i.guard);
    guarded = guard ? guard->lanes & w.node->mask : 0;
    if (guarded) {
      origin = guard->origin;
      if (i.track > Track::Compare)
        return useUndefined(w, origin, __builtin_ctz(guarded));
    }
    bool isMarked = false;
    for (const Place &p : operands) {
      if (p.role == Place::Def)
        continue;
      for (unsigned word = 0; 8 * word < p.bytes; ++word) {
        const UndefinedRegister *r = undefinedIn(frame, wordOf(p.at, word));
        uint32_t lanes = r ? r->lanes & mask : 0;
        isMarked |= lanes != 0;
        if (lanes && (p.role == Place::Address || i.track == Track::Use) &&
            !useUndefined(w, r->origin, __builtin_ctz(lanes)))
          return false;
      }
    }
    if (i.track <= Track::Product && !isMarked)
      each([](int, unsigned, unsigned) { return uint64_t(0); });
    else
      mark();
    return true;
  }

private:
  void mark() {
    switch (i.track) {
    case Track::Spread:
    case Track::Use:
      return spread();
    case Track::Halves:
      return halves();
    case Track::Join:
      return each([&](int l, unsigned bytes, unsigned) {
        uint64_t low = lowBits(4 * bytes);
        return (of(1, l) ? ~low : 0) | (of(2, l) ? low : 0);
      });
    case Track::Copy:
      return each([&](int l, unsigned, unsigned word) {
        return ofRef(wordOf(i.op[1], word), l);
      });
    case Track::Wire:
      return wire();
    case Track::Flip:
      return flip();
    case Track::Sum:
    case Track::Between:
      return range();
    case Track::Product:
      return product();
    case Track::Pack:
      return pack();
    case Track::Unpack:
      return unpack();
    case Track::FromBlock:
      return block(/*store=*/false);
    case Track::ToBlock:
      return block(/*store=*/true);
    case Track::Compare: // What is compared is looked at when it is.
      if (!mask)
        each([](int, unsigned, unsigned) { return uint64_t(0); });
      return;
    case Track::Store:
    case Track::Own:
      return;
    }
  }

  const Ref *extra() const { return w.launch->kernel->extra.data() + i.extra; }
  uint64_t ofRef(Ref at, int lane) {
    const UndefinedRegister *r = undefinedIn(frame, at);
    if (!r || !(r->lanes >> lane & 1))
      return 0;
    origin = r->origin;
    return r->bits[lane];
  }
  uint64_t of(int slot, int lane) {
    return i.op[slot] == kNone ? 0 : ofRef(i.op[slot], lane);
  }
  /// New marks of at most 8 bytes.
  void put(Ref at, unsigned bytes, uint64_t *marks) {
    for (uint32_t left = mask; left; left &= left - 1)
      marks[__builtin_ctz(left)] &= lowBits(8 * bytes);
    for (uint32_t left = guarded; left; left &= left - 1)
      marks[__builtin_ctz(left)] = lowBits(8 * bytes);
    setUndefined(w, frame, at, mask | guarded, marks, origin);
  }
  /// The marks of each result: of a lane and 8 bytes, by their number.
  template <typename F>
  void each(F f) {
    for (const Place &p : operands)
      if (p.role == Place::Def)
        for (unsigned word = 0; 8 * word < p.bytes; ++word) {
          uint64_t marks[32] = {};
          for (uint32_t left = mask; left; left &= left - 1) {
            int l = __builtin_ctz(left);
            marks[l] = f(l, p.bytes, word);
          }
          put(wordOf(p.at, word), std::min<unsigned>(p.bytes, 8), marks);
        }
  }
  void spread() {
    uint32_t any = 0;
    for (const Place &p : operands)
      if (p.role == Place::Use)
        for (unsigned word = 0; 8 * word < p.bytes; ++word)
          if (const UndefinedRegister *r =
                  undefinedIn(frame, wordOf(p.at, word))) {
            any |= r->lanes;
            origin = r->origin;
          }
    each([&](int l, unsigned, unsigned) {
      return any >> l & 1 ? ~uint64_t(0) : 0;
    });
  }
  void halves() {
    each([&](int l, unsigned bytes, unsigned) {
      uint64_t marks = 0;
      for (const Place &p : operands)
        if (p.role == Place::Use) {
          uint64_t from = ofRef(p.at, l), low = lowBits(4 * bytes);
          marks |= from & lowBits(4 * p.bytes) ? low : 0;
          marks |= from & ~lowBits(4 * p.bytes) ? ~low : 0;
        }
      return marks;
    });
  }
  void wire() {
    Trial trial(w, i);
    origin = trial.origin;
    uint32_t unclear = 0; // Where it is undefined where the bits go.
    for (int slot = 1; slot < Trial::kSlots; ++slot)
      if (!(i.slots >> slot & 1))
        unclear |= trial.lanes[slot];
    uint64_t result[32];
    unsigned bytes = resultBytes(w, i, i.op[0]);
    if (!bytes)
      return;
    trial.run(
        i, bytes, result,
        [&](int slot, int l) {
          return i.slots >> slot & 1 ? trial.undefined[slot][l]
                                     : trial.value[slot][l];
        },
        i.slots);
    each([&](int l, unsigned, unsigned) {
      return unclear >> l & 1 ? ~uint64_t(0) : result[l];
    });
  }
  /// A bit matters if some choice of the undefined ones changes the result.
  void flip() {
    Trial trial(w, i);
    origin = trial.origin;
    unsigned bytes = resultBytes(w, i, i.op[0]);
    if (!bytes)
      return;
    unsigned marked = 0;
    for (int slot = 1; slot < Trial::kSlots; ++slot)
      marked |= unsigned(trial.lanes[slot] != 0) << slot;
    uint64_t base[32], marks[32] = {};
    trial.run(i, bytes, base,
              [&](int slot, int l) { return trial.value[slot][l]; });
    for (unsigned some = marked; some; some = (some - 1) & marked) {
      // An operand that is there twice is the same each time.
      bool isWhole = true;
      for (int a = 1; a < Trial::kSlots; ++a)
        for (int b = a + 1; b < Trial::kSlots; ++b)
          isWhole &= i.op[a] != i.op[b] || !((some >> a ^ some >> b) & 1);
      if (!isWhole)
        continue;
      uint64_t result[32];
      trial.run(i, bytes, result, [&](int slot, int l) {
        uint64_t flipped = some >> slot & 1 ? trial.undefined[slot][l] : 0;
        return trial.value[slot][l] ^ flipped;
      });
      for (int l = 0; l < 32; ++l)
        marks[l] |= result[l] ^ base[l];
    }
    // One bit of a predicate stands for all of it.
    each([&](int l, unsigned size, unsigned) {
      return size == 1 && marks[l] ? ~uint64_t(0) : marks[l];
    });
  }
  /// Between the results of the least and of the most that operands can be. A
  /// sum differs from its operands where carries may, and only there.
  void range() {
    Trial trial(w, i);
    origin = trial.origin;
    bool isSum = i.track == Track::Sum;
    bool isSign = !isSum && isSigned(i.type);
    uint8_t carry[32];
    std::memcpy(carry, w.carry, sizeof(carry));
    uint64_t end[2][32];
    uint8_t carried[2][32];
    unsigned bytes = std::max(2u, resultBytes(w, i, i.op[0]));
    for (int high = 0; high < 2; ++high) {
      for (int l = 0; l < 32; ++l)
        if (ofRef(kCarry, l)) // A carry in falls as what it is added to.
          w.carry[l] = high != (i.slots >> 2 & 1);
      trial.run(i, bytes, end[high], [&](int slot, int l) {
        bool isMost = high != (i.slots >> slot & 1);
        return isMost ? trial.most(slot, l, isSign)
                      : trial.least(slot, l, isSign);
      });
      std::memcpy(carried[high], w.carry, sizeof(carry));
      std::memcpy(w.carry, carry, sizeof(carry));
    }
    // A register less itself.
    bool isNothing = isSum && i.slots && i.op[1] == i.op[2];
    for (const Place &p : operands) {
      if (p.role != Place::Def)
        continue;
      uint64_t marks[32] = {};
      for (uint32_t left = mask; left; left &= left - 1) {
        int l = __builtin_ctz(left);
        uint64_t differ = end[0][l] ^ end[1][l];
        if (p.at == kCarry)
          marks[l] = carried[0][l] != carried[1][l] ? 0xff : 0;
        else if (!isSum)
          marks[l] =
              differ
                  ? lowBits(64 - static_cast<unsigned>(__builtin_clzll(differ)))
                  : 0;
        else
          marks[l] = trial.undefined[1][l] | trial.undefined[2][l] | differ;
        if (isNothing && !ofRef(kCarry, l))
          marks[l] = 0;
      }
      put(p.at, p.bytes, marks);
    }
  }
  /// The lowest bit of a product that depends on an undefined one; higher ones
  /// may as well.
  void product() {
    Trial trial(w, i);
    origin = trial.origin;
    constexpr unsigned never = 256;
    auto lowest = [](uint64_t v) {
      return v ? static_cast<unsigned>(__builtin_ctzll(v)) : never;
    };
    // Of the high half, the low one is dropped.
    unsigned dropped = i.slots ? 8 * typeBytes(i.type) : 0;
    each([&](int l, unsigned, unsigned) {
      unsigned a = lowest(trial.undefined[1][l]),
               b = lowest(trial.undefined[2][l]);
      unsigned first = std::min({a + lowest(trial.least(2, l)),
                                 b + lowest(trial.least(1, l)), a + b});
      first = first < dropped ? 0 : first - dropped;
      first = std::min(first, lowest(trial.undefined[3][l]));
      return first >= 64 ? 0 : ~uint64_t(0) << first;
    });
  }
  void pack() {
    each([&](int l, unsigned, unsigned word) {
      uint64_t marks = 0;
      for (unsigned k = 0; k < i.extraCount; ++k)
        if (k * i.m[0] / 8 == word)
          marks |= ofRef(extra()[k], l) << 8 * (k * i.m[0] % 8);
      return marks;
    });
  }
  void unpack() {
    // A part may be the register itself.
    uint64_t all[2][32];
    for (unsigned word = 0; word < 2; ++word)
      for (int l = 0; l < 32; ++l)
        all[word][l] = ofRef(wordOf(i.op[0], word), l);
    for (unsigned k = 0; k < i.extraCount; ++k) {
      unsigned at = k * i.m[0];
      uint64_t marks[32];
      for (int l = 0; l < 32; ++l)
        marks[l] = all[at / 8][l] >> 8 * (at % 8);
      put(extra()[k], i.m[0], marks);
    }
  }
  /// Between registers and a block of parameters.
  void block(bool store) {
    const Ref *refs = i.m[2] == 1 ? &i.op[0] : extra();
    unsigned bytes = i.m[4], count = i.m[2] * bytes;
    unsigned first = static_cast<unsigned>(i.imm / 8),
             last = static_cast<unsigned>((i.imm + count - 1) / 8);
    uint64_t marks[6][32];
    for (unsigned word = first; word <= last; ++word)
      for (int l = 0; l < 32; ++l)
        marks[word - first][l] = ofRef(wordOf(i.op[1], word), l);
    // Up to 8 bytes at a time, as a register has them.
    for (unsigned at = 0; at < count; at += std::min(bytes, 8u)) {
      Ref ref = wordOf(refs[at / bytes], at % bytes / 8);
      unsigned here = std::min(bytes, 8u);
      uint64_t of[32] = {};
      for (int l = 0; l < 32; ++l) {
        if (store)
          of[l] = ofRef(ref, l);
        for (unsigned k = 0; k < here; ++k) {
          uint64_t byte = i.imm - 8 * first + at + k;
          uint64_t &there = marks[byte / 8][l];
          unsigned shift = 8 * (byte % 8);
          if (store)
            there = (there & ~(uint64_t(0xff) << shift)) |
                    (of[l] >> 8 * k & 0xff) << shift;
          else
            of[l] |= (there >> shift & 0xff) << 8 * k;
        }
        if (!store)
          of[l] = extendMarks(of[l], here, i.m[5]);
      }
      if (!store)
        put(ref, resultBytes(w, i, ref), of);
    }
    for (unsigned word = first; store && word <= last; ++word)
      put(wordOf(i.op[1], word), 8, marks[word - first]);
  }

  Warp &w;
  const Inst &i;
  Frame &frame;
  uint32_t mask, guarded = 0, origin = 0;
  Operands operands;
};

} // namespace

bool et::emu::trackUndefined(Warp &w, const Inst &i, uint32_t mask) {
  Marks marks(w, i, mask);
  return !marks.concerns() || marks.run();
}
