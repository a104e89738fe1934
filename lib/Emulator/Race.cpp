//===- Race.cpp - Accesses that nothing orders ------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Happens-before by vector clocks, at the grain of a warp: each warp knows up
// to which time it has synchronized with each other warp. A barrier, an mbarrier
// and an atomic operation hand this knowledge on. Four bytes of memory keep the
// last write and the last read, or for shared memory all reads that nothing
// orders. An order that only luck gave is no order, so a race is found whether
// or not it shows in the results.
//
//===----------------------------------------------------------------------===//

#include "Race.h"

#include <algorithm>
#include <mutex>
#include <unordered_map>

using namespace et::emu;

namespace et::emu {

using Known = std::unordered_map<uint64_t, Clock>;

/// What is handed on through one location that atomics touch.
struct SyncTable {
  std::mutex lock;
  std::unordered_map<uint64_t, Known> at;
};

struct RaceState {
  std::vector<Clock> clocks;
  /// Write and read of each four bytes of shared memory.
  std::vector<uint64_t> shared;
  /// The PTX lines of the same.
  std::vector<uint32_t> lines;
  /// Reads by several warps: a time for each warp.
  std::vector<Clock> sets;
  std::vector<uint32_t> freeSets;
  /// What this block learned of other blocks.
  Known known;
  std::unordered_map<uint64_t, Clock> sharedSync;
};

} // namespace et::emu

namespace {

/// launch 8 | block 20 | warp 5 | time 26 | bytes 4 | atomic 1.
struct Epoch {
  uint64_t bits;
  unsigned launch() const { return bits >> 56; }
  uint64_t block() const { return bits >> 36 & 0xfffff; }
  uint32_t warp() const { return bits >> 31 & 31; }
  uint32_t time() const { return bits >> 5 & 0x3ffffff; }
  unsigned bytes() const { return bits >> 1 & 15; }
  bool atomic() const { return bits & 1; }
};
uint64_t pack(uint64_t launch, uint64_t block, uint32_t warp, uint32_t time,
              unsigned bytes, bool atomic) {
  return (launch & 255) << 56 | (block & 0xfffff) << 36 |
         uint64_t(warp & 31) << 31 | uint64_t(time & 0x3ffffff) << 5 |
         uint64_t(bytes) << 1 | atomic;
}
/// A read entry with this warp's launch bits says that several warps read.
constexpr uint64_t kSet = 0xffull << 56;

bool raceOn(const Block &block) { return block.race != nullptr; }

void join(Clock &into, const Clock &from) {
  if (into.size() < from.size())
    into.resize(from.size(), 0);
  for (size_t k = 0; k < from.size(); ++k)
    into[k] = std::max(into[k], from[k]);
}

} // namespace

void et::emu::startRace(Block &block) {
  const Launch &launch = *block.launch;
  if (!launch.options.checkRace) {
    block.race.reset();
    return;
  }
  block.race = std::make_shared<RaceState>();
  RaceState &r = *block.race;
  r.clocks.assign(block.warpCount, Clock(block.warpCount, 0));
  for (uint32_t k = 0; k < block.warpCount; ++k)
    r.clocks[k][k] = 1;
  r.shared.assign((block.sharedBytes / 4 + 1) * 2, 0);
  r.lines.assign((block.sharedBytes / 4 + 1) * 2, 0);
}

void et::emu::raceArrive(Warp &w, Clock &clock) {
  if (!raceOn(*w.block))
    return;
  Clock &mine = w.block->race->clocks[w.id];
  join(clock, mine);
  ++mine[w.id];
}

void et::emu::raceAcquire(Warp &w, const Clock &clock) {
  if (raceOn(*w.block))
    join(w.block->race->clocks[w.id], clock);
}

static void synchronize(Warp &w, Space space, uint64_t address, Access access) {
  RaceState &r = *w.block->race;
  Clock &mine = r.clocks[w.id];
  if (space == Space::Shared) {
    Clock &there = r.sharedSync[address];
    if (reads(access))
      join(mine, there);
    if (writes(access)) {
      join(there, mine);
      ++mine[w.id];
    }
    return;
  }
  SyncTable &table = *w.launch->sync;
  std::lock_guard<std::mutex> hold(table.lock);
  Known &there = table.at[address];
  if (reads(access))
    for (const auto &[block, clock] : there) {
      if (block == w.block->linear)
        join(mine, clock);
      else
        join(r.known[block], clock);
    }
  if (writes(access)) {
    for (const auto &[block, clock] : r.known)
      join(there[block], clock);
    join(there[w.block->linear], mine);
    ++mine[w.id];
  }
}

/// True when the earlier access is known to have happened before.
static bool ordered(Warp &w, Space space, Epoch e) {
  const RaceState &r = *w.block->race;
  if (space == Space::Shared || e.block() == (w.block->linear & 0xfffff))
    return r.clocks[w.id][e.warp()] >= e.time();
  auto it = r.known.find(e.block());
  return it != r.known.end() && e.warp() < it->second.size() &&
         it->second[e.warp()] >= e.time();
}

static void report(Warp &w, Space space, uint64_t address, bool nowWrites,
                   bool beforeWrote, uint64_t block, uint32_t warp,
                   uint32_t line, int lane) {
  bool shared = space == Space::Shared;
  std::string text = "race: this warp ";
  text += nowWrites ? "writes " : "reads ";
  text += shared ? "shared" : "global";
  text += " memory at " + hex(address);
  if (!shared)
    if (const auto *a = w.launch->memory->find(address))
      text += " (byte " + std::to_string(address - a->start) + " of '" +
              a->name + "')";
  text += ", which ";
  if (shared || block == (w.block->linear & 0xfffff))
    text += "warp " + std::to_string(warp) + " of the same block";
  else
    text += "warp " + std::to_string(warp) + " of block " + std::to_string(block);
  text += beforeWrote ? " wrote" : " read";
  if (line)
    text += " at line " + std::to_string(line);
  if (shared && line && line <= w.launch->kernel->lines.size()) {
    std::string_view source = w.launch->kernel->lines[line - 1];
    size_t first = source.find_first_not_of(" \t");
    if (first != std::string_view::npos)
      text += " (" + std::string(source.substr(first)) + ")";
  }
  text += "; nothing orders the two";
  w.fault("race", text, lane);
}

static bool sharedGranule(Warp &w, const Inst &inst, uint64_t address,
                          unsigned bytes, Access access, int lane) {
  RaceState &r = *w.block->race;
  uint64_t index = address / 4;
  Epoch write{r.shared[index * 2]};
  uint64_t &readSlot = r.shared[index * 2 + 1];
  bool atomic = isAtomic(access);
  uint64_t mine = pack(1, 0, w.id, r.clocks[w.id][w.id], bytes, atomic);
  auto conflicts = [&](Epoch e) {
    return e.bits && (e.bytes() & bytes) && !(e.atomic() && atomic) &&
           !ordered(w, Space::Shared, e);
  };
  if (conflicts(write)) {
    report(w, Space::Shared, address, writes(access), true, 0, write.warp(),
           r.lines[index * 2], lane);
    return false;
  }
  if (writes(access)) {
    if (readSlot >= kSet) {
      uint32_t set = static_cast<uint32_t>(readSlot);
      for (uint32_t k = 0; k < r.sets[set].size(); ++k)
        if (r.sets[set][k] > r.clocks[w.id][k]) {
          report(w, Space::Shared, address, true, false, 0, k,
                 r.lines[index * 2 + 1], lane);
          return false;
        }
      r.freeSets.push_back(set);
      readSlot = 0;
    } else if (conflicts({readSlot})) {
      report(w, Space::Shared, address, true, false, 0, Epoch{readSlot}.warp(),
             r.lines[index * 2 + 1], lane);
      return false;
    }
    if ((write.bits & ~uint64_t(31)) == (mine & ~uint64_t(31)))
      mine |= write.bits & 30;
    r.shared[index * 2] = mine;
    r.lines[index * 2] = inst.line;
    if (!reads(access))
      return true;
  }
  if (access == Access::Atomic)
    return true;
  r.lines[index * 2 + 1] = inst.line;
  if (readSlot >= kSet) {
    r.sets[static_cast<uint32_t>(readSlot)][w.id] = r.clocks[w.id][w.id];
    return true;
  }
  Epoch read{readSlot};
  if (!read.bits || ordered(w, Space::Shared, read)) {
    if ((read.bits & ~uint64_t(31)) == (mine & ~uint64_t(31)))
      mine |= read.bits & 30;
    readSlot = mine;
    return true;
  }
  // Two reads that nothing orders: from now on one time for each warp.
  uint32_t set;
  if (r.freeSets.empty()) {
    set = static_cast<uint32_t>(r.sets.size());
    r.sets.emplace_back();
  } else {
    set = r.freeSets.back();
    r.freeSets.pop_back();
  }
  r.sets[set].assign(w.block->warpCount, 0);
  r.sets[set][read.warp()] = read.time();
  r.sets[set][w.id] = r.clocks[w.id][w.id];
  readSlot = kSet | set;
  return true;
}

static bool globalGranule(Warp &w, uint64_t address, unsigned bytes,
                          Access access, int lane) {
  RaceState &r = *w.block->race;
  uint64_t *slot = w.launch->memory->raceOf(address);
  bool atomic = isAtomic(access);
  unsigned launch = 1 + w.launch->id % 254;
  uint64_t mine = pack(launch, w.block->linear, w.id, r.clocks[w.id][w.id],
                       bytes, atomic);
  auto conflicts = [&](Epoch e) {
    return e.launch() == launch && (e.bytes() & bytes) &&
           !(e.atomic() && atomic) && !ordered(w, Space::Global, e);
  };
  // The entry may be written by another block at the same time; whichever
  // comes later sees the other.
  Epoch write{__atomic_load_n(&slot[0], __ATOMIC_RELAXED)};
  Epoch read{__atomic_load_n(&slot[1], __ATOMIC_RELAXED)};
  if (conflicts(write) || (writes(access) && conflicts(read))) {
    bool wrote = conflicts(write);
    Epoch e = wrote ? write : read;
    report(w, Space::Global, address, writes(access), wrote, e.block(),
           e.warp(), 0, lane);
    return false;
  }
  uint64_t *to = writes(access) ? &slot[0] : &slot[1];
  uint64_t old = writes(access) ? write.bits : read.bits;
  if ((old & ~uint64_t(31)) == (mine & ~uint64_t(31)))
    mine |= old & 30;
  __atomic_store_n(to, mine, __ATOMIC_RELAXED);
  return true;
}

bool et::emu::raceAccess(Warp &w, const Inst &inst, Space space,
                         uint64_t address, unsigned bytes, Access access,
                         int lane) {
  if (!raceOn(*w.block))
    return true;
  // What an atomic acquires orders the access itself too.
  if (isAtomic(access) && reads(access))
    synchronize(w, space, address, Access::AtomicLoad);
  for (uint64_t a = address & ~uint64_t(3); a < address + bytes; a += 4) {
    unsigned touched = 0;
    for (unsigned k = 0; k < 4; ++k)
      touched |= unsigned(a + k >= address && a + k < address + bytes) << k;
    bool ok = space == Space::Shared
                  ? sharedGranule(w, inst, a, touched, access, lane)
                  : globalGranule(w, a, touched, access, lane);
    if (!ok)
      return false;
  }
  if (isAtomic(access) && writes(access))
    synchronize(w, space, address, Access::AtomicStore);
  return true;
}

std::shared_ptr<SyncTable> et::emu::makeSyncTable() {
  return std::make_shared<SyncTable>();
}

std::string et::emu::describeWait(Warp &, const Node &) {
  return "an asynchronous operation";
}
