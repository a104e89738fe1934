//===- Checks.cpp - What is watched at each access ------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Checks.h"

#include "Race.h"
#include "Undefined.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

using namespace et::emu;

std::string et::emu::hex(uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof(text), "0x%llx",
                static_cast<unsigned long long>(value));
  return text;
}

static const char *spaceName(Space space) {
  switch (space) {
  case Space::Shared:
    return "shared";
  case Space::Local:
    return "local";
  case Space::Param:
    return "parameter";
  default:
    return "global";
  }
}

std::string et::emu::describeAccess(Space space, unsigned bytes,
                                    Access access) {
  return std::string(spaceName(space)) + " " +
         (access == Access::Atomic ? "atomic"
          : reads(access)          ? "load"
                                   : "store") +
         " of " + std::to_string(bytes) + " bytes";
}

void et::emu::faultBounds(Warp &w, Space space, uint64_t address,
                          unsigned bytes, Access access, int lane) {
  std::string text = "out of bounds: " + describeAccess(space, bytes, access) +
                     " at " + hex(address);
  if (space == Space::Shared) {
    text += ", the block has " + std::to_string(w.block->sharedBytes) +
            " bytes of shared memory";
  } else if (space == Space::Local) {
    text += ", the thread has " + std::to_string(w.node->frame->localEnd) +
            " bytes of local memory";
  } else if (space == Space::Param) {
    text += ", the kernel has " + std::to_string(w.launch->paramBytes) +
            " bytes of parameters, which it may only read";
  } else if (const auto *a = w.launch->memory->before(address)) {
    if (address < a->end)
      text += ", " + std::to_string(address + bytes - a->end) +
              " bytes over the end of '" + a->name + "'";
    else
      text += ", " + std::to_string(address - a->end) +
              " bytes beyond the end of '" + a->name + "'";
    text += " (" + std::to_string(a->end - a->start) + " bytes at " +
            hex(a->start) + ")";
  } else {
    text += ", before every allocation";
  }
  w.fault("memory", text, lane);
}

void et::emu::faultAlign(Warp &w, Space space, uint64_t address, unsigned bytes,
                         int lane) {
  w.fault("align",
          "misaligned " + std::string(spaceName(space)) + " access: address " +
              hex(address) + " is no multiple of " + std::to_string(bytes),
          lane);
}

/// Distinct 32-byte pieces that the lanes touch.
static unsigned countSectors(const uint64_t *address, uint32_t mask,
                             unsigned bytes) {
  uint64_t sectors[64];
  unsigned n = 0;
  bool sorted = true;
  for (; mask; mask &= mask - 1) {
    uint64_t a = address[__builtin_ctz(mask)];
    for (uint64_t s = a >> 5; s <= (a + bytes - 1) >> 5; ++s) {
      if (n && sectors[n - 1] == s)
        continue;
      sorted &= n == 0 || sectors[n - 1] < s;
      sectors[n++] = s;
      if (n == 64)
        break;
    }
  }
  if (!sorted) {
    std::sort(sectors, sectors + n);
    n = static_cast<unsigned>(std::unique(sectors, sectors + n) - sectors);
  }
  return n;
}

namespace {
/// Passes over 32 banks of 4 bytes, and how many of them no choice of addresses
/// would have saved: one for each group of lanes.
struct Passes {
  unsigned all = 0, least = 0;
};
} // namespace

/// Lanes with 8 bytes are served by halves of the warp, those with 16 by
/// quarters.
static Passes countPasses(const uint64_t *address, uint32_t mask,
                          unsigned bytes) {
  unsigned group = bytes >= 16 ? 8 : bytes == 8 ? 16 : 32;
  Passes passes;
  for (unsigned first = 0; first < 32; first += group) {
    uint64_t words[32][8];
    uint8_t count[32] = {};
    unsigned ways = 0;
    for (unsigned l = first; l < first + group; ++l) {
      if (!(mask >> l & 1))
        continue;
      for (uint64_t word = address[l] >> 2;
           word <= (address[l] + bytes - 1) >> 2; ++word) {
        unsigned bank = word & 31, k = 0;
        while (k < count[bank] && k < 8 && words[bank][k] != word)
          ++k;
        if (k < count[bank] && k < 8)
          continue;
        if (count[bank] < 8)
          words[bank][count[bank]] = word;
        ways = std::max<unsigned>(ways, ++count[bank]);
      }
    }
    passes.all += ways;
    passes.least += ways != 0;
  }
  return passes;
}

static void count(Warp &w, Space space, const uint64_t *address, uint32_t mask,
                  unsigned bytes, Access access) {
  WarpCounters &c = *w.counters;
  uint64_t all =
      uint64_t(bytes) * static_cast<unsigned>(__builtin_popcount(mask));
  if (space == Space::Global) {
    unsigned sectors = countSectors(address, mask, bytes);
    if (reads(access)) {
      c.globalLoadBytes += all;
      ++c.globalLoadRequests;
      c.globalLoadSectors += sectors;
    }
    if (writes(access)) {
      c.globalStoreBytes += all;
      ++c.globalStoreRequests;
      c.globalStoreSectors += sectors;
    }
    Memory &memory = *w.launch->memory;
    for (uint32_t m = mask; m; m &= m - 1) {
      uint64_t a = address[__builtin_ctz(m)];
      if (reads(access))
        std::memset(memory.loadedOf(a), 1, bytes);
      if (writes(access))
        std::memset(memory.storedOf(a), 1, bytes);
    }
  } else if (space == Space::Shared) {
    Passes passes = countPasses(address, mask, bytes);
    if (reads(access)) {
      c.sharedLoadBytes += all;
      ++c.sharedLoadRequests;
      c.sharedLoadWays += passes.all;
      c.sharedLoadConflicts += passes.all - passes.least;
    }
    if (writes(access)) {
      c.sharedStoreBytes += all;
      ++c.sharedStoreRequests;
      c.sharedStoreWays += passes.all;
      c.sharedStoreConflicts += passes.all - passes.least;
    }
  }
}

/// Whether all of the bytes are marked as written.
static bool allWritten(const uint8_t *known, unsigned bytes) {
  constexpr uint64_t ones = 0x0101'0101'0101'0101;
  uint64_t word = ones;
  for (; bytes >= 8; bytes -= 8, known += 8) {
    std::memcpy(&word, known, 8);
    if (word != ones)
      return false;
  }
  word = ones;
  std::memcpy(&word, known, bytes);
  return word == ones;
}

std::string et::emu::lineText(const Warp &w, uint32_t line) {
  std::string text = " at line " + std::to_string(line);
  if (line && line <= w.launch->kernel->lines.size()) {
    std::string_view source = w.launch->kernel->lines[line - 1];
    size_t first = source.find_first_not_of(" \t");
    if (first != std::string_view::npos)
      text += " (" + std::string(source.substr(first)) + ")";
  }
  return text;
}

std::string et::emu::describeUnwritten(const Warp &w, Space space,
                                       uint64_t address, uint8_t known,
                                       unsigned k, const std::string &reader) {
  std::string text =
      (known == 2   ? "read of memory that an asynchronous operation in flight "
                      "will write: "
       : known == 3 ? "read of memory into which an undefined value was "
                      "written: "
                    : "read of memory that nothing wrote: ") +
      reader + " at " + hex(address);
  if (space == Space::Global) {
    if (const auto *found = w.launch->memory->find(address))
      text += " of '" + found->name + "', byte " +
              std::to_string(address + k - found->start);
  } else if (k) {
    text += ", byte " + std::to_string(k);
  }
  return text;
}

bool et::emu::checkWritten(Warp &w, Space space, uint64_t address,
                           const uint8_t *known, unsigned bytes,
                           const std::string &reader, int lane) {
  if (allWritten(known, bytes))
    return true;
  unsigned k = 0;
  while (known[k] == 1)
    ++k;
  return w.faultInit(
      space, describeUnwritten(w, space, address, known[k], k, reader), lane);
}

static bool observeInit(Warp &w, const Inst &inst, Space space,
                        const uint64_t *address, uint32_t mask, unsigned bytes,
                        Access access) {
  for (uint32_t m = mask; m; m &= m - 1) {
    int lane = __builtin_ctz(m);
    uint64_t a = address[lane];
    uint8_t *known = space == Space::Shared ? w.block->sharedInit.data() + a
                                            : w.launch->memory->initOf(a);
    if (reads(access) && !allWritten(known, bytes)) {
      if (!writes(access))
        noteUnread(w, inst, space, a, known, bytes, lane);
      else if (!checkWritten(w, space, a, known, bytes,
                             describeAccess(space, bytes, access), lane))
        return false;
    }
    if (writes(access)) {
      std::memset(known, 1, bytes);
      if (w.undefined && inst.track == Track::Store &&
          !storeUndefined(w, inst, space, known, bytes, lane))
        return false;
    }
  }
  return true;
}

bool et::emu::observe(Warp &w, const Inst &inst, Space space,
                      const uint64_t *address, uint32_t mask, unsigned bytes,
                      Access access, const StoredValues *stored) {
  const Options &options = w.launch->options;
  if (options.countMemory)
    count(w, space, address, mask, bytes, access);
  bool watched = space == Space::Global || space == Space::Shared;
  // A race explains why a read found nothing, so it is looked for first.
  if (options.checkRace && watched &&
      !raceAccess(w, inst, space, address, mask, bytes, access, stored))
    return false;
  return !options.checkInit || !watched ||
         observeInit(w, inst, space, address, mask, bytes, access);
}
