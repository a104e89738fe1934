//===- Undefined.cpp - Values that come from memory that nothing wrote ----===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Undefined.h"

#include "Checks.h"

#include <algorithm>

using namespace et::emu;

const UndefinedRegister *et::emu::undefinedIn(const Frame &frame, Ref at) {
  if (!frame.mayBeUndefined(at))
    return nullptr;
  auto it = frame.undefined.find(at);
  return it == frame.undefined.end() ? nullptr : &it->second;
}

void et::emu::setUndefined(Warp &w, Frame &frame, Ref at, uint32_t lanes,
                           const uint32_t *bytes, uint32_t origin) {
  uint32_t marked = 0;
  for (int l = 0; l < 32; ++l)
    marked |= uint32_t(bytes[l] != 0) << l;
  marked &= lanes;
  auto it = frame.undefined.find(at);
  if (it == frame.undefined.end()) {
    if (!marked)
      return;
    it = frame.undefined.emplace(at, UndefinedRegister()).first;
    frame.undefinedBits |= uint64_t(1) << at / 64 % 64;
    ++w.undefined;
  }
  UndefinedRegister &r = it->second;
  r.lanes = (r.lanes & ~lanes) | marked;
  if (!r.lanes) {
    frame.undefined.erase(it);
    if (frame.undefined.empty())
      frame.undefinedBits = 0;
    --w.undefined;
    return;
  }
  for (int l = 0; l < 32; ++l)
    if (lanes >> l & 1)
      r.bytes[l] = bytes[l];
  if (marked)
    r.origin = origin;
}

bool et::emu::useUndefined(Warp &w, uint32_t origin, int lane) {
  if (!w.block->heldFault.empty())
    return true; // The first one is enough.
  const Origin &from = w.block->origins[origin];
  return w.faultInit(from.space,
                     from.text + lineText(w, from.line) +
                         ", the value of which is used here",
                     lane);
}

void et::emu::noteUnread(Warp &w, const Inst &i, Space space, uint64_t address,
                         const uint8_t *known, unsigned bytes, int lane) {
  Unread &unread = w.unread;
  unread.lanes |= 1u << lane;
  uint32_t &mask = unread.bytes[lane];
  mask = 0;
  unsigned first = bytes;
  for (unsigned k = bytes; k-- > 0;)
    if (known[k] != 1) {
      mask |= 1u << std::min(k, 31u);
      first = k;
    }
  // One of each line is enough to say where a value comes from.
  auto &origins = w.block->origins;
  for (size_t k = 0; k < origins.size(); ++k)
    if (origins[k].line == i.line) {
      unread.origin = static_cast<uint32_t>(k);
      return;
    }
  unread.origin = static_cast<uint32_t>(origins.size());
  origins.push_back(
      {space, i.line,
       describeUnwritten(w, space, address, known[first], first,
                         describeAccess(space, bytes, Access::Load))});
}

bool et::emu::storeUndefined(Warp &w, const Inst &i, Space space,
                             uint8_t *known, unsigned bytes, int lane) {
  unsigned elements = i.m[2], each = bytes / elements;
  const Ref *from =
      elements == 1 ? &i.op[0] : w.launch->kernel->extra.data() + i.extra;
  for (unsigned e = 0; e < elements; ++e) {
    const UndefinedRegister *r = undefinedIn(*w.node->frame, from[e]);
    uint32_t mask =
        r && r->lanes >> lane & 1 ? r->bytes[lane] & lowBits(each) : 0;
    if (mask && space == Space::Global && !useUndefined(w, r->origin, lane))
      return false;
    for (; mask; mask &= mask - 1)
      known[e * each + static_cast<unsigned>(__builtin_ctz(mask))] = 3;
  }
  return true;
}

void et::emu::storeLocalUndefined(Warp &w, const Inst &i, const uint64_t *host,
                                  unsigned elements, unsigned bytes) {
  const Ref *from =
      elements == 1 ? &i.op[0] : w.launch->kernel->extra.data() + i.extra;
  auto start = reinterpret_cast<uint64_t>(w.local.data());
  for (uint32_t left = w.exec; left; left &= left - 1) {
    int l = __builtin_ctz(left);
    uint64_t at = host[l] - start;
    if (at >= w.local.size())
      continue;
    for (unsigned e = 0; e < elements; ++e) {
      const UndefinedRegister *r = undefinedIn(*w.node->frame, from[e]);
      uint32_t mask = r && r->lanes >> l & 1 ? r->bytes[l] & lowBits(bytes) : 0;
      if (mask && w.localUndefined.empty())
        w.localUndefined.assign(w.local.size(), 0);
      if (mask)
        w.localOrigin = r->origin;
      if (!w.localUndefined.empty())
        for (unsigned k = 0; k < bytes; ++k)
          w.localUndefined[at + e * bytes + k] = mask >> k & 1;
    }
  }
}

void et::emu::loadUndefined(Warp &w, const Ref *to, unsigned elements,
                            unsigned bytes, unsigned registerBytes,
                            bool isSigned, const uint64_t *host) {
  Unread &unread = w.unread;
  if (host && !w.localUndefined.empty()) {
    auto start = reinterpret_cast<uint64_t>(w.local.data());
    for (uint32_t left = w.exec; left; left &= left - 1) {
      int l = __builtin_ctz(left);
      uint64_t at = host[l] - start;
      if (at >= w.local.size())
        continue;
      uint32_t mask = 0;
      for (unsigned k = 0; k < elements * bytes; ++k)
        mask |= uint32_t(w.localUndefined[at + k]) << k;
      if (!mask)
        continue;
      unread.lanes |= 1u << l;
      unread.bytes[l] = mask;
      unread.origin = w.localOrigin;
    }
  }
  for (unsigned e = 0; e < elements; ++e) {
    uint32_t marks[32] = {};
    for (uint32_t left = unread.lanes; left; left &= left - 1) {
      int l = __builtin_ctz(left);
      marks[l] = unread.bytes[l] >> e * bytes & lowBits(bytes);
      if (marks[l] && isSigned)
        marks[l] = lowBits(registerBytes);
    }
    setUndefined(w, *w.node->frame, to[e], w.exec, marks, unread.origin);
  }
}

namespace {

/// One instruction's view of the marks.
class Marks {
public:
  Marks(Warp &w, const Inst &i, uint32_t mask)
      : w(w), i(i), frame(*w.node->frame), mask(mask) {
    const Kernel &kernel = *w.launch->kernel;
    size_t pc = static_cast<size_t>(&i - kernel.code.data());
    begin = kernel.places.data() + (pc ? kernel.placesEnd[pc - 1] : 0);
    end = kernel.places.data() + kernel.placesEnd[pc];
  }

  /// Most instructions have nothing to do with the registers that are marked.
  bool concerns() const {
    if (i.guard != kNone && frame.mayBeUndefined(i.guard))
      return true;
    for (const Place *p = begin; p != end; ++p)
      if (frame.mayBeUndefined(p->at))
        return true;
    return i.track == Track::Pack || i.track == Track::Unpack ||
           i.track == Track::FromBlock || i.track == Track::ToBlock;
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
    for (const Place *p = begin; p != end; ++p) {
      if (p->role == Place::Def ||
          (p->role == Place::Use && i.track != Track::Use))
        continue;
      if (const UndefinedRegister *r = undefinedIn(frame, p->at))
        if (uint32_t lanes = r->lanes & mask)
          if (!useUndefined(w, r->origin, __builtin_ctz(lanes)))
            return false;
    }
    switch (i.track) {
    case Track::Spread:
    case Track::Use:
      spread();
      break;
    case Track::Copy:
    case Track::Bytes:
      each([&](int l, unsigned) { return of(1, l) | of(2, l); });
      break;
    case Track::And:
    case Track::Or:
      each([&](int l, unsigned bytes) { return logic(l, bytes); });
      break;
    case Track::Select:
      each([&](int l, unsigned bytes) {
        if (of(3, l))
          return lowBits(bytes);
        return w.pred(i.op[3]) >> l & 1 ? of(1, l) : of(2, l);
      });
      break;
    case Track::Pack:
      each([&](int l, unsigned) {
        uint32_t marks = 0;
        for (unsigned k = 0; k < i.extraCount; ++k)
          marks |= (ofRef(extra()[k], l) & lowBits(i.m[0])) << k * i.m[0];
        return marks;
      });
      break;
    case Track::Unpack:
      unpack();
      break;
    case Track::FromBlock:
      block(/*store=*/false);
      break;
    case Track::ToBlock:
      block(/*store=*/true);
      break;
    case Track::Compare: // What is compared is looked at when it is.
      if (!mask)
        each([](int, unsigned) { return 0u; });
      break;
    case Track::Store:
    case Track::Own:
      break;
    }
    return true;
  }

private:
  const Ref *extra() const { return w.launch->kernel->extra.data() + i.extra; }
  uint32_t ofRef(Ref at, int lane) {
    const UndefinedRegister *r = undefinedIn(frame, at);
    if (!r || !(r->lanes >> lane & 1))
      return 0;
    origin = r->origin;
    return r->bytes[lane];
  }
  uint32_t of(int slot, int lane) {
    return i.op[slot] == kNone ? 0 : ofRef(i.op[slot], lane);
  }
  void put(Ref at, unsigned bytes, uint32_t *marks) {
    for (uint32_t left = guarded; left; left &= left - 1)
      marks[__builtin_ctz(left)] = lowBits(bytes);
    setUndefined(w, frame, at, mask | guarded, marks, origin);
  }
  /// The marks of each result.
  template <typename F>
  void each(F f) {
    for (const Place *p = begin; p != end; ++p) {
      if (p->role != Place::Def)
        continue;
      uint32_t marks[32] = {};
      for (uint32_t left = mask; left; left &= left - 1) {
        int l = __builtin_ctz(left);
        marks[l] = f(l, p->bytes) & lowBits(p->bytes);
      }
      put(p->at, p->bytes, marks);
    }
  }
  void spread() {
    uint32_t any = 0;
    for (const Place *p = begin; p != end; ++p)
      if (p->role == Place::Use)
        if (const UndefinedRegister *r = undefinedIn(frame, p->at)) {
          any |= r->lanes;
          origin = r->origin;
        }
    each([&](int l, unsigned) { return any >> l & 1 ? ~0u : 0u; });
  }
  /// A zero makes the result of an `and` known, whatever the other operand; so
  /// do ones that of an `or`.
  uint32_t logic(int l, unsigned bytes) {
    uint32_t a = of(1, l), b = of(2, l), marks = a | b;
    uint8_t rules = i.track == Track::And ? 0 : 0xff;
    auto decides = [&](Ref at, uint32_t undefined, unsigned k) {
      if (undefined >> k & 1)
        return false;
      uint8_t value =
          bytes == 1 ? (w.pred(at) >> l & 1 ? 0xff : 0)
                     : w.at<uint8_t>(at)[static_cast<unsigned>(l) * bytes + k];
      return value == rules;
    };
    for (unsigned k = 0; k < bytes; ++k)
      if (decides(i.op[1], a, k) || decides(i.op[2], b, k))
        marks &= ~(1u << k);
    return marks;
  }
  void unpack() {
    // A part may be the register itself.
    uint32_t all[32] = {};
    for (int l = 0; l < 32; ++l)
      all[l] = of(0, l);
    for (unsigned k = 0; k < i.extraCount; ++k) {
      uint32_t marks[32];
      for (int l = 0; l < 32; ++l)
        marks[l] = all[l] >> k * i.m[0] & lowBits(i.m[0]);
      put(extra()[k], i.m[0], marks);
    }
  }
  /// Between registers and a block of parameters, of which 31 bytes have marks
  /// of their own and the rest has one.
  void block(bool store) {
    unsigned bytes = i.m[4];
    const Ref *refs = i.m[2] == 1 ? &i.op[0] : extra();
    uint32_t whole[32] = {};
    for (int l = 0; l < 32; ++l)
      whole[l] = of(1, l);
    for (unsigned e = 0; e < i.m[2]; ++e) {
      uint64_t at = i.imm + e * bytes;
      bool isFar = at + bytes > 31;
      uint32_t marks[32] = {};
      for (int l = 0; l < 32; ++l) {
        if (!store) {
          marks[l] = isFar ? (whole[l] >> 31 ? ~0u : 0)
                           : whole[l] >> at & lowBits(bytes);
          if (marks[l] && i.m[5])
            marks[l] = ~0u; // The sign goes into all of it.
          continue;
        }
        uint32_t from = ofRef(refs[e], l) & lowBits(bytes);
        if (isFar)
          whole[l] |= from ? 1u << 31 : 0;
        else
          whole[l] = (whole[l] & ~(lowBits(bytes) << at)) | from << at;
      }
      if (!store)
        put(refs[e], bytes, marks);
    }
    if (store)
      put(i.op[1], 32, whole);
  }

  Warp &w;
  const Inst &i;
  Frame &frame;
  uint32_t mask, guarded = 0, origin = 0;
  const Place *begin, *end;
};

} // namespace

bool et::emu::trackUndefined(Warp &w, const Inst &i, uint32_t mask) {
  Marks marks(w, i, mask);
  return !marks.concerns() || marks.run();
}

/// The instruction's operands in one role.
template <typename F>
static void eachPlace(Warp &w, const Inst &i, Place::Role role, F f) {
  const Kernel &kernel = *w.launch->kernel;
  size_t pc = static_cast<size_t>(&i - kernel.code.data());
  for (size_t k = pc ? kernel.placesEnd[pc - 1] : 0; k < kernel.placesEnd[pc];
       ++k)
    if (kernel.places[k].role == role)
      f(kernel.places[k]);
}

void et::emu::gatherUndefined(Warp &w, const Inst &i) {
  Frame &frame = *w.node->frame;
  const UndefinedRegister *found = nullptr;
  eachPlace(w, i, Place::Use, [&](const Place &p) {
    const UndefinedRegister *r = undefinedIn(frame, p.at);
    if (r && r->lanes & w.exec)
      found = r;
  });
  uint32_t origin = found ? found->origin : 0;
  eachPlace(w, i, Place::Def, [&](const Place &p) {
    uint32_t marks[32];
    std::fill(marks, marks + 32, found ? lowBits(p.bytes) : 0);
    setUndefined(w, frame, p.at, w.exec, marks, origin);
  });
}

void et::emu::shuffleUndefined(Warp &w, const Inst &i, const int *from) {
  Frame &frame = *w.node->frame;
  uint32_t marks[32] = {}, places = 0, origin = 0;
  for (int slot = 1; slot <= 3; ++slot)
    if (const UndefinedRegister *r = undefinedIn(frame, i.op[slot])) {
      origin = r->origin;
      if (slot > 1) // Where from is not known.
        places |= r->lanes;
      for (int l = 0; l < 32; ++l)
        if (slot == 1 && r->lanes >> from[l] & 1)
          marks[l] = r->bytes[from[l]];
    }
  for (int l = 0; l < 32; ++l)
    if (places >> l & 1)
      marks[l] = 15;
  setUndefined(w, frame, i.op[0], w.exec, marks, origin);
  if (i.op[5] == kNone)
    return;
  for (int l = 0; l < 32; ++l)
    marks[l] = places >> l & 1;
  setUndefined(w, frame, i.op[5], w.exec, marks, origin);
}

void et::emu::compareUndefined(Warp &w, const Inst &i, uint32_t first,
                               uint32_t second) {
  Frame &frame = *w.node->frame;
  uint32_t origin = 0;
  auto lanesOf = [&](Ref at) {
    const UndefinedRegister *r = at == kNone ? nullptr : undefinedIn(frame, at);
    if (r)
      origin = r->origin;
    return r ? r->lanes : 0;
  };
  uint32_t compared = lanesOf(i.op[1]) | lanesOf(i.op[2]);
  uint32_t with = i.m[0] ? lanesOf(i.op[3]) : 0;
  uint32_t given = i.m[0] ? w.pred(i.op[3]) : 0;
  uint32_t guarded = lanesOf(i.guard) & w.node->mask;
  auto put = [&](Ref at, uint32_t bits, unsigned bytes) {
    uint32_t known = 0; // Where one side decides.
    if (i.m[0] == 1)
      known = (~compared & ~bits) | (~with & ~given);
    else if (i.m[0] == 2)
      known = (~compared & bits) | (~with & given);
    uint32_t lanes = ((compared | with) & ~known) | guarded;
    uint32_t marks[32];
    for (int l = 0; l < 32; ++l)
      marks[l] = lanes >> l & 1 ? lowBits(bytes) : 0;
    setUndefined(w, frame, at, w.exec | guarded, marks, origin);
  };
  unsigned bytes = 1;
  eachPlace(w, i, Place::Def, [&](const Place &p) { bytes = p.bytes; });
  put(i.op[0], first, bytes);
  if (i.op[4] != kNone)
    put(i.op[4], second, bytes);
}

void et::emu::copyUndefined(Warp &w, const Frame &from, Ref at, Frame &to,
                            Ref there) {
  const UndefinedRegister *r = undefinedIn(from, at);
  const UndefinedRegister none;
  // It may move when a mark is set.
  UndefinedRegister copy = r ? *r : none;
  for (int l = 0; l < 32; ++l)
    if (!(copy.lanes >> l & 1))
      copy.bytes[l] = 0;
  setUndefined(w, to, there, w.exec, copy.bytes, copy.origin);
}
