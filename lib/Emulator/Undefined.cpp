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
                           const uint64_t *bits, uint32_t origin) {
  uint32_t marked = 0;
  for (int l = 0; l < 32; ++l)
    marked |= uint32_t(bits[l] != 0) << l;
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
      r.bits[l] = bits[l];
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

/// Of each element that a store takes from registers: the bytes of `lane` that
/// are undefined, and where they were read.
template <typename F>
static void eachStored(Warp &w, const Inst &i, unsigned bytes, int lane, F f) {
  unsigned elements = i.m[2];
  const Ref *from =
      elements == 1 ? &i.op[0] : w.launch->kernel->extra.data() + i.extra;
  for (unsigned e = 0; e < elements; ++e)
    for (unsigned word = 0; 8 * word < bytes; ++word) {
      const UndefinedRegister *r =
          undefinedIn(*w.node->frame, wordOf(from[e], word));
      unsigned here = std::min(bytes - 8 * word, 8u);
      uint64_t mask =
          r && r->lanes >> lane & 1 ? bytesOfBits(r->bits[lane]) : 0;
      f(e * bytes + 8 * word, here, mask & lowBits(here), r ? r->origin : 0);
    }
}

bool et::emu::storeUndefined(Warp &w, const Inst &i, Space space,
                             uint8_t *known, unsigned bytes, int lane) {
  bool ok = true;
  eachStored(w, i, bytes / i.m[2], lane,
             [&](unsigned at, unsigned, uint64_t mask, uint32_t origin) {
               if (mask && ok && space == Space::Global)
                 ok = useUndefined(w, origin, lane);
               for (; mask; mask &= mask - 1)
                 known[at + static_cast<unsigned>(__builtin_ctzll(mask))] = 3;
             });
  return ok;
}

void et::emu::storeLocalUndefined(Warp &w, const Inst &i, const uint64_t *host,
                                  unsigned bytes) {
  auto start = reinterpret_cast<uint64_t>(w.local.data());
  for (uint32_t left = w.exec; left; left &= left - 1) {
    int l = __builtin_ctz(left);
    uint64_t to = host[l] - start;
    if (to >= w.local.size())
      continue;
    eachStored(
        w, i, bytes, l,
        [&](unsigned at, unsigned count, uint64_t mask, uint32_t origin) {
          if (mask && w.localUndefined.empty())
            w.localUndefined.assign(w.local.size(), 0);
          if (mask)
            w.localOrigin = origin;
          if (!w.localUndefined.empty())
            for (unsigned k = 0; k < count; ++k)
              w.localUndefined[to + at + k] = mask >> k & 1;
        });
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
  for (unsigned e = 0; e < elements; ++e)
    for (unsigned word = 0; 8 * word < registerBytes; ++word) {
      unsigned here = std::min(bytes, 8u);
      uint64_t marks[32] = {};
      for (uint32_t left = unread.lanes; left; left &= left - 1) {
        int l = __builtin_ctz(left);
        uint64_t mask = unread.bytes[l] >> (e * bytes + 8 * word);
        marks[l] = extendMarks(bitsOfBytes(mask & lowBits(here)), here,
                               isSigned && bytes < registerBytes) &
                   lowBits(8 * registerBytes);
      }
      setUndefined(w, *w.node->frame, wordOf(to[e], word), w.exec, marks,
                   unread.origin);
    }
}

void et::emu::gatherUndefined(Warp &w, const Inst &i) {
  Frame &frame = *w.node->frame;
  const UndefinedRegister *found = nullptr;
  for (const Place &p : operandsOf(w, i))
    if (p.role == Place::Use)
      if (const UndefinedRegister *r = undefinedIn(frame, p.at))
        if (r->lanes & w.exec)
          found = r;
  uint32_t origin = found ? found->origin : 0;
  for (const Place &p : operandsOf(w, i)) {
    if (p.role != Place::Def)
      continue;
    uint64_t marks[32];
    std::fill(marks, marks + 32, found ? lowBits(8 * p.bytes) : 0);
    setUndefined(w, frame, p.at, w.exec, marks, origin);
  }
}

void et::emu::shuffleUndefined(Warp &w, const Inst &i, const int *from) {
  Frame &frame = *w.node->frame;
  uint64_t marks[32] = {};
  uint32_t places = 0, origin = 0;
  for (int slot = 1; slot <= 3; ++slot)
    if (const UndefinedRegister *r = undefinedIn(frame, i.op[slot])) {
      origin = r->origin;
      if (slot > 1) // Where from is not known.
        places |= r->lanes;
      for (int l = 0; l < 32; ++l)
        if (slot == 1 && r->lanes >> from[l] & 1)
          marks[l] = r->bits[from[l]];
    }
  for (int l = 0; l < 32; ++l)
    if (places >> l & 1)
      marks[l] = lowBits(32);
  setUndefined(w, frame, i.op[0], w.exec, marks, origin);
  if (i.op[5] == kNone)
    return;
  for (int l = 0; l < 32; ++l)
    marks[l] = places >> l & 1;
  setUndefined(w, frame, i.op[5], w.exec, marks, origin);
}

void et::emu::copyUndefined(Warp &w, const Frame &from, Ref at, Frame &to,
                            Ref there, unsigned bytes) {
  for (unsigned word = 0; 8 * word < bytes; ++word) {
    const UndefinedRegister *r = undefinedIn(from, wordOf(at, word));
    uint64_t marks[32] = {};
    for (int l = 0; r && l < 32; ++l)
      marks[l] = r->lanes >> l & 1 ? r->bits[l] : 0;
    setUndefined(w, to, wordOf(there, word), w.exec, marks, r ? r->origin : 0);
  }
}
