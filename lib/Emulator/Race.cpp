//===- Race.cpp - Accesses that nothing orders ----------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Happens-before by vector clocks, at the grain of a warp: each warp knows up
// to which time it has synchronized with each other warp and with each
// asynchronous agent. A barrier, an mbarrier and an atomic operation hand this
// knowledge on. Four bytes of memory keep the last write and the last read, or
// for shared memory all reads that nothing orders. An order that only luck gave
// is no order, so a race is found whether or not it shows in the results.
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
  /// The last time given to each agent that is no warp.
  std::vector<uint32_t> agents;
  /// Write and read of each four bytes of shared memory, and their PTX lines.
  std::vector<uint64_t> shared;
  std::vector<uint32_t> lines;
  /// Reads by several warps: a time for each.
  std::vector<std::vector<uint32_t>> sets;
  std::vector<uint32_t> freeSets;
  /// What this block learned of other blocks.
  Known known;
  std::unordered_map<uint64_t, Clock> sharedSync;
};

} // namespace et::emu

namespace {

/// Global memory: launch 8 | block 20 | warp 5 | time 26 | bytes 4 | atomic 1.
struct GlobalEpoch {
  uint64_t bits;
  unsigned launch() const { return bits >> 56; }
  uint64_t block() const { return bits >> 36 & 0xfffff; }
  uint32_t warp() const { return bits >> 31 & 31; }
  uint32_t time() const { return bits >> 5 & 0x3ffffff; }
  unsigned bytes() const { return bits >> 1 & 15; }
  bool atomic() const { return bits & 1; }
};
/// Shared memory: agent 16 | time 32 | proxy 1 | bytes 4 | atomic 1.
struct SharedEpoch {
  uint64_t bits;
  uint32_t agent() const { return bits >> 38 & 0xffff; }
  uint32_t time() const { return static_cast<uint32_t>(bits >> 6); }
  bool proxy() const { return bits >> 5 & 1; }
  unsigned bytes() const { return bits >> 1 & 15; }
  bool atomic() const { return bits & 1; }
};
uint64_t packShared(uint32_t agent, uint32_t time, bool proxy, unsigned bytes,
                    bool atomic) {
  return uint64_t(agent & 0xffff) << 38 | uint64_t(time) << 6 |
         uint64_t(proxy) << 5 | uint64_t(bytes) << 1 | atomic;
}
/// A read entry with these bits says that several agents read; the rest of it
/// is the number of the set.
constexpr uint64_t kSet = 0xffull << 56;

uint32_t timeOf(const std::vector<uint32_t> &clock, uint32_t agent) {
  return agent < clock.size() ? clock[agent] : 0;
}
void raise(std::vector<uint32_t> &clock, uint32_t agent, uint32_t time) {
  if (agent >= clock.size())
    clock.resize(agent + 1, 0);
  clock[agent] = std::max(clock[agent], time);
}
void join(std::vector<uint32_t> &into, const std::vector<uint32_t> &from) {
  if (into.size() < from.size())
    into.resize(from.size(), 0);
  for (size_t k = 0; k < from.size(); ++k)
    into[k] = std::max(into[k], from[k]);
}
void join(Clock &into, const Clock &from) {
  join(into.seen, from.seen);
  join(into.fenced, from.fenced);
}

} // namespace

std::shared_ptr<SyncTable> et::emu::makeSyncTable() {
  return std::make_shared<SyncTable>();
}

void et::emu::startRace(Block &block) {
  const Launch &launch = *block.launch;
  if (!launch.options.checkRace) {
    block.race.reset();
    return;
  }
  block.race = std::make_shared<RaceState>();
  RaceState &r = *block.race;
  r.clocks.resize(block.warpCount);
  for (uint32_t k = 0; k < block.warpCount; ++k) {
    r.clocks[k].seen.assign(block.warpCount, 0);
    r.clocks[k].seen[k] = 1;
  }
  r.agents.assign(block.warpCount * 4, 0);
  r.shared.assign((block.sharedBytes / 4 + 1) * 2, 0);
  r.lines.assign((block.sharedBytes / 4 + 1) * 2, 0);
}

void et::emu::raceArrive(Warp &w, Clock &clock) {
  if (!w.block->race)
    return;
  Clock &mine = w.block->race->clocks[w.id];
  join(clock, mine);
  ++mine.seen[w.id];
}

void et::emu::raceAcquire(Warp &w, const Clock &clock) {
  if (w.block->race)
    join(w.block->race->clocks[w.id], clock);
}

uint32_t et::emu::raceNewAgent(Block &block) {
  if (!block.race)
    return 0;
  block.race->agents.push_back(0);
  return static_cast<uint32_t>(block.race->agents.size() - 1);
}
uint32_t et::emu::raceStamp(Block &block, uint32_t agent) {
  return block.race ? ++block.race->agents[agent] : 0;
}
void et::emu::raceLearn(Warp &w, uint32_t agent, uint32_t time) {
  if (w.block->race)
    raise(w.block->race->clocks[w.id].seen, agent, time);
}
void et::emu::raceHand(Block &block, Clock &clock, uint32_t agent,
                       uint32_t time) {
  if (block.race)
    raise(clock.seen, agent, time);
}
void et::emu::raceProxyFence(Warp &w) {
  if (!w.block->race)
    return;
  Clock &mine = w.block->race->clocks[w.id];
  join(mine.fenced, mine.seen);
  // What the warp writes from now on is not covered.
  ++mine.seen[w.id];
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
      ++mine.seen[w.id];
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
    ++mine.seen[w.id];
  }
}

void et::emu::raceReacquire(Warp &w, Space space, const uint64_t *address,
                            uint32_t mask) {
  if (!w.block->race || space != Space::Global)
    return; // Blocks alone run at the same time.
  for (; mask; mask &= mask - 1)
    synchronize(w, space, address[__builtin_ctz(mask)], Access::AtomicLoad);
}

static std::string lineText(const Warp &w, uint32_t line) {
  std::string text = " at line " + std::to_string(line);
  if (line && line <= w.launch->kernel->lines.size()) {
    std::string_view source = w.launch->kernel->lines[line - 1];
    size_t first = source.find_first_not_of(" \t");
    if (first != std::string_view::npos)
      text += " (" + std::string(source.substr(first)) + ")";
  }
  return text;
}

static void reportShared(Warp &w, uint64_t address, const char *now,
                         bool beforeWrote, uint32_t agent, uint32_t line,
                         int lane) {
  uint32_t warps = w.block->warpCount;
  std::string text = std::string("race: ") + now + " shared memory at " +
                     hex(address) + ", which ";
  if (agent < warps) {
    text += "warp " + std::to_string(agent) +
            (beforeWrote ? " wrote" : " read") + lineText(w, line) +
            "; nothing orders the two";
  } else {
    text += std::string("an asynchronous ") +
            (agent < 2 * warps   ? "copy (cp.async) "
             : agent < 3 * warps ? "product (wgmma) "
                                 : "bulk copy ") +
            (beforeWrote ? "writes" : "reads") + ", issued" +
            lineText(w, line) + "; this warp has not waited for it";
  }
  w.fault("race", text, lane);
}

static bool sharedGranule(Warp &w, const Inst &inst, uint32_t agent,
                          uint32_t time, uint64_t address, unsigned bytes,
                          Access access, bool proxy, int lane) {
  RaceState &r = *w.block->race;
  const Clock &clock = r.clocks[w.id];
  uint64_t index = address / 4;
  SharedEpoch write{r.shared[index * 2]};
  uint64_t &readSlot = r.shared[index * 2 + 1];
  bool atomic = isAtomic(access), own = agent == w.id;
  uint64_t mine = packShared(agent, time, proxy, bytes, atomic);
  auto known = [&](uint32_t who, uint32_t when) {
    return timeOf(clock.seen, who) >= when;
  };
  auto conflicts = [&](SharedEpoch e) {
    // What one asynchronous operation does by several lanes is one thing.
    return e.bits && (e.bytes() & bytes) && !(e.atomic() && atomic) &&
           !known(e.agent(), e.time()) &&
           !(!own && e.agent() == agent && e.time() == time);
  };
  const char *now =
      own ? (writes(access) ? "this warp writes" : "this warp reads")
      : writes(access) ? "the asynchronous operation issued here writes"
                       : "the asynchronous operation issued here reads";
  if (conflicts(write)) {
    reportShared(w, address, now, true, write.agent(), r.lines[index * 2],
                 lane);
    return false;
  }
  if (proxy && reads(access) && write.bits && !write.proxy() &&
      (write.bytes() & bytes) &&
      timeOf(clock.fenced, write.agent()) < write.time()) {
    w.fault("proxy",
            "missing fence.proxy.async: the asynchronous operation issued here "
            "reads shared memory at " +
                hex(address) + ", which was written by ordinary stores" +
                lineText(w, r.lines[index * 2]) + " with no proxy fence since",
            lane);
    return false;
  }
  if (writes(access)) {
    if (readSlot >= kSet) {
      uint32_t set = static_cast<uint32_t>(readSlot);
      for (uint32_t k = 0; k < r.sets[set].size(); ++k)
        if (r.sets[set][k] > timeOf(clock.seen, k)) {
          reportShared(w, address, now, false, k, r.lines[index * 2 + 1], lane);
          return false;
        }
      r.freeSets.push_back(set);
      readSlot = 0;
    } else if (conflicts({readSlot})) {
      reportShared(w, address, now, false, SharedEpoch{readSlot}.agent(),
                   r.lines[index * 2 + 1], lane);
      return false;
    }
    if ((write.bits & ~uint64_t(31)) == (mine & ~uint64_t(31)))
      mine |= write.bits & 30;
    r.shared[index * 2] = mine;
    r.lines[index * 2] = inst.line;
    return true;
  }
  r.lines[index * 2 + 1] = inst.line;
  if (readSlot >= kSet) {
    raise(r.sets[static_cast<uint32_t>(readSlot)], agent, time);
    return true;
  }
  SharedEpoch read{readSlot};
  if (!read.bits || known(read.agent(), read.time()) ||
      (read.agent() == agent && read.time() <= time)) {
    if ((read.bits & ~uint64_t(31)) == (mine & ~uint64_t(31)))
      mine |= read.bits & 30;
    readSlot = mine;
    return true;
  }
  // Two reads that nothing orders: from now on one time for each reader.
  uint32_t set;
  if (r.freeSets.empty()) {
    set = static_cast<uint32_t>(r.sets.size());
    r.sets.emplace_back();
  } else {
    set = r.freeSets.back();
    r.freeSets.pop_back();
  }
  r.sets[set].clear();
  raise(r.sets[set], read.agent(), read.time());
  raise(r.sets[set], agent, time);
  readSlot = kSet | set;
  return true;
}

static bool globalGranule(Warp &w, uint64_t address, unsigned bytes,
                          Access access, int lane) {
  RaceState &r = *w.block->race;
  uint64_t *slot = w.launch->memory->raceOf(address);
  bool atomic = isAtomic(access);
  unsigned launch = 1 + w.launch->id % 254;
  uint64_t block = w.block->linear & 0xfffff;
  uint64_t mine = uint64_t(launch) << 56 | block << 36 |
                  uint64_t(w.id & 31) << 31 |
                  uint64_t(r.clocks[w.id].seen[w.id] & 0x3ffffff) << 5 |
                  uint64_t(bytes) << 1 | atomic;
  auto conflicts = [&](GlobalEpoch e) {
    if (e.launch() != launch || !(e.bytes() & bytes) || (e.atomic() && atomic))
      return false;
    if (e.block() == block)
      return timeOf(r.clocks[w.id].seen, e.warp()) < e.time();
    auto it = r.known.find(e.block());
    return it == r.known.end() || timeOf(it->second.seen, e.warp()) < e.time();
  };
  // Another block may write the entry at the same time; whichever comes later
  // sees the other.
  GlobalEpoch write{__atomic_load_n(&slot[0], __ATOMIC_RELAXED)};
  GlobalEpoch read{__atomic_load_n(&slot[1], __ATOMIC_RELAXED)};
  bool wrote = conflicts(write);
  if (wrote || (writes(access) && conflicts(read))) {
    GlobalEpoch e = wrote ? write : read;
    std::string text = "race: this warp ";
    text += writes(access) ? "writes" : "reads";
    text += " global memory at " + hex(address);
    if (const auto *a = w.launch->memory->find(address))
      text += " (byte " + std::to_string(address - a->start) + " of '" +
              a->name + "')";
    text += ", which warp " + std::to_string(e.warp());
    text += e.block() == block ? " of the same block"
                               : " of block " + std::to_string(e.block());
    text += wrote ? " wrote" : " read";
    w.fault("race", text + "; nothing orders the two", lane);
    return false;
  }
  uint64_t *to = writes(access) ? &slot[0] : &slot[1];
  uint64_t old = writes(access) ? write.bits : read.bits;
  if ((old & ~uint64_t(31)) == (mine & ~uint64_t(31)))
    mine |= old & 30;
  __atomic_store_n(to, mine, __ATOMIC_RELAXED);
  return true;
}

/// The bytes of [address, address + bytes) in the four that begin at `at`.
static unsigned touchedBytes(uint64_t at, uint64_t address, uint64_t bytes) {
  if (at >= address && at + 4 <= address + bytes)
    return 15;
  unsigned touched = 0;
  for (unsigned k = 0; k < 4; ++k)
    touched |= unsigned(at + k >= address && at + k < address + bytes) << k;
  return touched;
}

bool et::emu::raceAccess(Warp &w, const Inst &inst, Space space,
                         uint64_t address, unsigned bytes, Access access,
                         int lane) {
  if (!w.block->race)
    return true;
  // What an atomic acquires orders the access itself too.
  if (isAtomic(access) && reads(access))
    synchronize(w, space, address, Access::AtomicLoad);
  uint32_t now = w.block->race->clocks[w.id].seen[w.id];
  for (uint64_t a = address & ~uint64_t(3); a < address + bytes; a += 4) {
    unsigned touched = touchedBytes(a, address, bytes);
    bool ok =
        space == Space::Shared
            ? sharedGranule(w, inst, w.id, now, a, touched, access, false, lane)
            : globalGranule(w, a, touched, access, lane);
    if (!ok)
      return false;
  }
  if (isAtomic(access) && writes(access))
    synchronize(w, space, address, Access::AtomicStore);
  return true;
}

bool et::emu::raceAsync(Warp &w, const Inst &inst, uint32_t agent,
                        uint32_t stamp, uint64_t address, uint32_t bytes,
                        bool write, bool proxy, int lane) {
  if (!w.block->race)
    return true;
  for (uint64_t a = address & ~uint64_t(3); a < address + bytes; a += 4)
    if (!sharedGranule(w, inst, agent, stamp, a,
                       touchedBytes(a, address, bytes),
                       write ? Access::Store : Access::Load, proxy, lane))
      return false;
  return true;
}
