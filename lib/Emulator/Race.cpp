//===- Race.cpp - Accesses that nothing orders ----------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two accesses of a byte race when one of them writes, not both are atomic, and
// neither's time was known to the other. An order that only luck gave is no
// order, so a race is found whether or not it shows in the results. Clocks are
// in RaceClocks.cpp, what memory remembers in RaceHistory.h.
//
//===----------------------------------------------------------------------===//

#include "Race.h"

#include "RaceClocks.h"

#include <algorithm>
#include <cstring>

using namespace et::emu;

namespace {

/// Shared memory: agent 16 | time 32 | proxy 1 | bytes 4 | atomic 1.
struct SharedEpochs {
  static uint32_t agent(Epoch e) { return e >> 38 & 0xffff; }
  static uint32_t time(Epoch e) { return static_cast<uint32_t>(e >> 6); }
  static bool proxy(Epoch e) { return e >> 5 & 1; }
  static Epoch pack(uint32_t agent, uint32_t time, bool proxy) {
    return uint64_t(agent & 0xffff) << 38 | uint64_t(time) << 6 |
           uint64_t(proxy) << 5;
  }

  RaceHistory &history;
  RaceCache &cache;
  const Clock &clock;
  /// The agent of an asynchronous operation, else kNone.
  uint32_t async;
  uint32_t stamp;
  uint32_t warps;

  bool live(uint64_t slot) const { return slot != 0; }
  bool ordered(Epoch e) const {
    return timeOf(clock.seen, agent(e)) >= time(e);
  }
  /// What one asynchronous operation does by several lanes is one thing.
  bool same(Epoch e) const { return agent(e) == async && time(e) == stamp; }
  /// Of a warp: what it stored is there.
  bool isPlain(Epoch e) const { return agent(e) < warps; }
  /// A later access of the same agent is waited for later.
  bool covers(Epoch e) const {
    return ordered(e) || (agent(e) == async && time(e) <= stamp);
  }
};

/// Global memory: launch 8 | block 20 | warp 5 | time 26 | bytes 4 | atomic 1.
struct GlobalEpochs {
  static unsigned launch(Epoch e) { return e >> 56; }
  static uint64_t block(Epoch e) { return e >> 36 & 0xfffff; }
  static uint32_t warp(Epoch e) { return e >> 31 & 31; }
  static uint32_t time(Epoch e) { return e >> 5 & 0x3ffffff; }
  static Epoch pack(unsigned launch, uint64_t block, uint32_t warp,
                    uint32_t time) {
    return uint64_t(launch) << 56 | (block & 0xfffff) << 36 |
           uint64_t(warp & 31) << 31 | uint64_t(time & 0x3ffffff) << 5;
  }

  RaceHistory &history;
  RaceCache &cache;
  const RaceState &state;
  const Clock &clock;
  unsigned tag;
  uint64_t mine;

  bool live(uint64_t slot) const {
    return isChain(slot) ? history.launchOf(slot) == tag : launch(slot) == tag;
  }
  bool ordered(Epoch e) const {
    if (block(e) == mine)
      return timeOf(clock.seen, warp(e)) >= time(e);
    return state.known->has(block(e), warp(e), time(e));
  }
  bool same(Epoch) const { return false; }
  bool isPlain(Epoch) const { return true; }
  bool covers(Epoch e) const { return ordered(e); }
};

/// The access that the one now made races with.
struct Conflict {
  Epoch epoch = 0;
  uint32_t line = 0;
  bool wrote = false;
};

template <typename Epochs>
bool allOrdered(const Epochs &e, uint64_t slot, uint32_t line) {
  if (!slot || e.cache.knows(slot))
    return true;
  if (e.live(slot) && !e.history.each(slot, line, [&](RaceHistory::Access a) {
        ++e.cache.visited;
        return e.ordered(a.epoch);
      }))
    return false;
  e.cache.learn(slot);
  return true;
}

/// What a plain store of a warp writes into four bytes, and what is there.
struct Stored {
  const uint8_t *value = nullptr, *there = nullptr;
  /// Where another store of the same value is put down, if one is found.
  Conflict *excused = nullptr;
  bool same(unsigned bytes) const {
    if (!value)
      return false;
    for (unsigned k = 0; k < 4; ++k)
      if (bytes >> k & 1 && value[k] != there[k])
        return false;
    return true;
  }
};

template <typename Epochs>
bool findConflict(const Epochs &e, uint64_t slot, uint32_t line, Epoch mine,
                  bool wrote, const Stored &stored, Conflict &found) {
  if (allOrdered(e, slot, line))
    return false;
  return !e.history.each(slot, line, [&](RaceHistory::Access a) {
    ++e.cache.visited;
    if (!(epochBytes(a.epoch) & epochBytes(mine)) ||
        (epochAtomic(a.epoch) && epochAtomic(mine)) || e.ordered(a.epoch) ||
        e.same(a.epoch))
      return true;
    if (wrote && !epochAtomic(a.epoch) && e.isPlain(a.epoch) &&
        stored.same(epochBytes(a.epoch) & epochBytes(mine))) {
      *stored.excused = {a.epoch, a.line, true};
      return true;
    }
    found = {a.epoch, a.line, wrote};
    return false;
  });
}

/// Adds an access to a slot.
template <typename Epochs>
void remember(const Epochs &e, uint64_t &slot, uint32_t &slotLine, Epoch mine,
              uint32_t line, bool write) {
  auto drop = [&](Epoch old) {
    ++e.cache.visited;
    // An atomic does not stand for an ordinary access: other atomics, which it
    // does not race with, need not know of either.
    return !(epochBytes(old) & ~epochBytes(mine)) &&
           (epochAtomic(old) || !epochAtomic(mine)) && e.covers(old);
  };
  if (!e.live(slot)) {
    slot = mine;
    slotLine = line;
    return;
  }
  if (!isChain(slot)) {
    if (sameAccess(slot, mine) && epochAtomic(slot) == epochAtomic(mine)) {
      slot |= mine & 30;
      return;
    }
    if (drop(slot)) {
      slot = mine;
      slotLine = line;
      return;
    }
  } else {
    slotLine = 0;
  }
  for (const RaceCache::Step &step : e.cache.steps)
    if (step.from == slot && step.mine == mine && step.fromLine == slotLine &&
        step.line == line && step.write == write) {
      slot = step.to;
      slotLine = line;
      return;
    }
  uint64_t to = e.history.add(slot, slotLine, {mine, line}, write, drop);
  e.cache.steps[e.cache.nextStep++ & 3] = {slot,     mine, to,
                                           slotLine, line, write};
  slot = to;
  slotLine = line;
}

/// One access of four bytes. False with `found` set when it races.
template <typename Epochs>
bool touch(const Epochs &e, RaceCell &cell, Epoch mine, uint32_t line,
           bool write, const Stored &stored, Conflict &found) {
  if (findConflict(e, cell.write, cell.writeLine, mine, true, stored, found))
    return false;
  if (!write) {
    remember(e, cell.read, cell.readLine, mine, line, false);
    return true;
  }
  if (findConflict(e, cell.read, cell.readLine, mine, false, stored, found))
    return false;
  remember(e, cell.write, cell.writeLine, mine, line, true);
  // Who is ordered after this write is ordered after those reads.
  if (epochBytes(mine) == 15 && !epochAtomic(mine) &&
      allOrdered(e, cell.read, cell.readLine))
    cell.read = 0;
  return true;
}

/// The same for whole words that a warp loads or stores without an atomic,
/// where nothing is to be looked at; that is so of most. False where it is.
template <typename Epochs>
bool touchWord(const Epochs &e, RaceCell &cell, Epoch mine, uint32_t line,
               bool write) {
  if (cell.write && !e.cache.knows(cell.write))
    return false;
  if (!write && cell.read == mine)
    return true;
  if (isChain(cell.read) || (cell.read && !e.cache.knows(cell.read)))
    return false;
  if (!write) {
    cell.read = mine;
    cell.readLine = line;
    return true;
  }
  if (isChain(cell.write))
    return false;
  cell.read = 0;
  cell.write = mine;
  cell.writeLine = line;
  return true;
}

const char *agentName(const Warp &w, uint32_t agent) {
  uint32_t warps = w.block->warpCount;
  return agent < 2 * warps   ? "copy (cp.async)"
         : agent < 3 * warps ? "product (wgmma)"
                             : "bulk copy";
}

bool reportShared(Warp &w, uint64_t address, uint32_t agent, bool write,
                  const Conflict &found, int lane) {
  std::string text = "race: ";
  text += agent == w.id ? std::string("this warp")
                        : std::string("the asynchronous ") +
                              agentName(w, agent) + " issued here";
  text += write ? " writes" : " reads";
  text += " shared memory at " + hex(address) + ", which ";
  uint32_t other = SharedEpochs::agent(found.epoch);
  if (other < w.block->warpCount)
    text += "warp " + std::to_string(other) +
            (found.wrote ? " wrote" : " read") + lineText(w, found.line) +
            "; nothing orders the two";
  else
    text += std::string("an asynchronous ") + agentName(w, other) +
            (found.wrote ? " writes" : " reads") + ", issued" +
            lineText(w, found.line) + "; this warp has not waited for it";
  w.fault("race", text, lane);
  return false;
}

bool reportGlobal(Warp &w, uint64_t address, bool write, const Conflict &found,
                  int lane) {
  std::string text = "race: this warp ";
  text += write ? "writes" : "reads";
  text += " global memory at " + hex(address);
  if (const auto *a = w.launch->memory->find(address))
    text += " (byte " + std::to_string(address - a->start) + " of '" + a->name +
            "')";
  uint64_t block = GlobalEpochs::block(found.epoch);
  text += ", which warp " + std::to_string(GlobalEpochs::warp(found.epoch));
  text += block == (w.block->linear & 0xfffff)
              ? " of the same block"
              : " of block " + std::to_string(block);
  text += found.wrote ? " wrote" : " read";
  text += lineText(w, found.line);
  w.fault("race", text + "; nothing orders the two", lane);
  return false;
}

/// The bytes of [address, address + bytes) in the four that begin at `at`.
unsigned touchedBytes(uint64_t at, uint64_t address, uint64_t bytes) {
  if (at >= address && at + 4 <= address + bytes)
    return 15;
  unsigned touched = 0;
  for (unsigned k = 0; k < 4; ++k)
    touched |= unsigned(at + k >= address && at + k < address + bytes) << k;
  return touched;
}

/// Calls `cell(at, flags)` for each four bytes of [address, address + bytes).
template <typename F>
bool eachWord(uint64_t address, uint64_t bytes, bool atomic, F cell) {
  for (uint64_t a = address & ~uint64_t(3); a < address + bytes; a += 4)
    if (!cell(a, uint64_t(touchedBytes(a, address, bytes)) << 1 | atomic))
      return false;
  return true;
}

/// Holds the cells of the stripe that an address is in.
class StripeLock {
public:
  explicit StripeLock(LaunchRace &race) : race(race) {}
  ~StripeLock() { release(); }
  void take(uint64_t address) {
    unsigned wanted = address >> 12 & (LaunchRace::kStripes - 1);
    if (wanted == held)
      return;
    release();
    while (race.stripes[wanted].test_and_set(std::memory_order_acquire)) {
    }
    held = wanted;
  }
  void release() {
    if (held != kNone)
      race.stripes[held].clear(std::memory_order_release);
    held = kNone;
  }

private:
  LaunchRace &race;
  unsigned held = kNone;
};

/// Lanes whose access is that of the lane before need not be looked at.
bool repeats(const uint64_t *address, uint32_t mask, int lane) {
  return lane && (mask >> (lane - 1) & 1) && address[lane] == address[lane - 1];
}

/// Makes room in a block's history now and then.
void sweepShared(RaceState &r) {
  if (!r.history.isFull())
    return;
  r.history.collect(r.shared);
  for (size_t k = 0; k < r.caches.size(); k += 2) {
    uint64_t visited = r.caches[k].visited;
    r.caches[k] = RaceCache();
    r.caches[k].visited = visited;
  }
}

/// The last of the lanes from `lane` on that repeat its access: what it stores
/// stays.
int lastOf(const uint64_t *address, uint32_t mask, int lane) {
  while (lane < 31 && repeats(address, mask, lane + 1) &&
         mask >> (lane + 1) & 1)
    ++lane;
  return lane;
}

/// Who wrote the same to the same place is worth a note, if that is asked for.
void noteSame(Warp &w, const Inst &inst, const char *space,
              const Conflict &excused) {
  if (excused.epoch && w.launch->options.noteSameStores)
    w.launch->note("several warps store the same value to the same place in " +
                   std::string(space) + " memory of kernel '" +
                   w.launch->kernel->info.name + "'," + lineText(w, inst.line) +
                   " and" + lineText(w, excused.line) +
                   "; nothing orders the two");
}

bool accessShared(Warp &w, const Inst &inst, const uint64_t *address,
                  uint32_t mask, unsigned bytes, Access access,
                  const StoredValues *values) {
  RaceState &r = *w.block->race;
  sweepShared(r);
  const Clock &clock = r.clocks[w.id];
  bool write = writes(access), atomic = isAtomic(access);
  SharedEpochs epochs{r.history, r.caches[w.id * 2], clock, kNone,
                      0,         w.block->warpCount};
  Epoch mine = SharedEpochs::pack(w.id, clock.seen[w.id], false);
  Epoch whole = mine | 30;
  Conflict found, excused;
  for (uint32_t m = mask; m; m &= m - 1) {
    int lane = __builtin_ctz(m);
    uint64_t a = address[lane];
    if (repeats(address, mask, lane))
      continue;
    const uint8_t *value =
        values ? values->of(lastOf(address, mask, lane)) : nullptr;
    auto stored = [&](uint64_t at) {
      return value ? Stored{value + static_cast<int64_t>(at - a),
                            w.block->shared + at, &excused}
                   : Stored();
    };
    if (bytes >= 4 && !atomic) {
      for (uint64_t at = a; at < a + bytes; at += 4)
        if (RaceCell &cell = r.shared[at / 4];
            !touchWord(epochs, cell, whole, inst.line, write) &&
            !touch(epochs, cell, whole, inst.line, write, stored(at), found))
          return reportShared(w, at, w.id, write, found, lane);
      continue;
    }
    if (!eachWord(a, bytes, atomic, [&](uint64_t at, uint64_t flags) {
          return touch(epochs, r.shared[at / 4], mine | flags, inst.line, write,
                       stored(at), found) ||
                 reportShared(w, at, w.id, write, found, lane);
        }))
      return false;
  }
  noteSame(w, inst, "shared", excused);
  return true;
}

bool accessGlobal(Warp &w, const Inst &inst, const uint64_t *address,
                  uint32_t mask, unsigned bytes, Access access,
                  const StoredValues *values) {
  RaceState &r = *w.block->race;
  const Clock &clock = r.clocks[w.id];
  LaunchRace &race = *w.launch->race;
  Memory &memory = *w.launch->memory;
  bool write = writes(access), atomic = isAtomic(access);
  unsigned tag = 1 + w.launch->id % 254;
  GlobalEpochs epochs{race.history, r.caches[w.id * 2 + 1],   r, clock,
                      tag,          w.block->linear & 0xfffff};
  Epoch mine = GlobalEpochs::pack(tag, w.block->linear, w.id, clock.seen[w.id]);
  Epoch whole = mine | 30;
  Conflict found, excused;
  StripeLock lock(race);
  auto report = [&](uint64_t at, int lane) {
    lock.release();
    return reportGlobal(w, at, write, found, lane);
  };
  for (uint32_t m = mask; m; m &= m - 1) {
    int lane = __builtin_ctz(m);
    uint64_t a = address[lane];
    if (repeats(address, mask, lane))
      continue;
    lock.take(a);
    const uint8_t *value =
        values ? values->of(lastOf(address, mask, lane)) : nullptr;
    auto stored = [&](uint64_t at) {
      return value ? Stored{value + static_cast<int64_t>(at - a),
                            memory.host(at), &excused}
                   : Stored();
    };
    if (bytes >= 4 && !atomic) {
      // An access is aligned to its size, so it ends in its stripe.
      RaceCell *cell = memory.raceOf(a);
      for (uint64_t at = a; at < a + bytes; at += 4, ++cell)
        if (!touchWord(epochs, *cell, whole, inst.line, write) &&
            !touch(epochs, *cell, whole, inst.line, write, stored(at), found))
          return report(at, lane);
    } else if (!eachWord(a, bytes, atomic, [&](uint64_t at, uint64_t flags) {
                 return touch(epochs, *memory.raceOf(at), mine | flags,
                              inst.line, write, stored(at), found) ||
                        report(at, lane);
               })) {
      return false;
    }
    // Before the lock is given back: whoever finds this store looks for what it
    // wrote.
    if (value)
      std::memcpy(memory.host(a), value, bytes);
  }
  lock.release();
  noteSame(w, inst, "global", excused);
  return true;
}

} // namespace

bool et::emu::raceAccess(Warp &w, const Inst &inst, Space space,
                         const uint64_t *address, uint32_t mask, unsigned bytes,
                         Access access, const StoredValues *stored) {
  if (!w.block->race)
    return true;
  auto look = space == Space::Shared ? accessShared : accessGlobal;
  if (!isAtomic(access))
    return look(w, inst, address, mask, bytes, access, stored);
  uint32_t places = 0;
  for (uint32_t m = mask; m; m &= m - 1)
    if (int lane = __builtin_ctz(m); !repeats(address, mask, lane))
      places |= 1u << lane;
  // What an atomic acquires orders the access itself too. Lanes of a warp are
  // not told apart, so all take up before any hands on.
  if (reads(access))
    raceTakeUp(w, inst, space, address, places);
  for (uint32_t m = places; m; m &= m - 1)
    if (!look(w, inst, address, m & -m, bytes, access, nullptr))
      return false;
  if (writes(access))
    raceHandOn(w, inst, space, address, places, /*isStore=*/!reads(access));
  return true;
}

void et::emu::raceEnd(Block &block) {
  if (!block.race)
    return;
  const RaceState &r = *block.race;
  RaceWork &work = block.launch->race->work;
  for (const RaceCache &cache : r.caches)
    work.visited += cache.visited;
  work.joined += r.joined;
  work.links += r.history.made;
  work.forgotten += r.history.forgotten;
  for (uint32_t agent = block.warpCount * 3; agent < r.agents.size(); ++agent) {
    const RaceAgent &a = r.agents[agent];
    bool waited = false;
    for (const Clock &clock : r.clocks)
      waited |= timeOf(clock.seen, agent) >= a.time;
    if (waited)
      continue;
    Warp &w = *block.warps[a.warp];
    bool store = agent < block.warpCount * 4;
    return w.fault("async",
                   std::string("a bulk copy ") + (store ? "out of" : "into") +
                       " shared memory, issued" + lineText(w, a.line) +
                       ", was not waited for when the block ended, and its "
                       "shared memory with it");
  }
}

bool et::emu::raceAsync(Warp &w, const Inst &inst, uint32_t agent,
                        uint32_t stamp, uint64_t address, uint32_t bytes,
                        bool write, bool proxy, int lane) {
  if (!w.block->race)
    return true;
  RaceState &r = *w.block->race;
  const Clock &clock = r.clocks[w.id];
  SharedEpochs epochs{r.history, r.caches[w.id * 2], clock, agent,
                      stamp,     w.block->warpCount};
  Epoch mine = SharedEpochs::pack(agent, stamp, proxy);
  Conflict found;
  return eachWord(address, bytes, false, [&](uint64_t at, uint64_t flags) {
    RaceCell &cell = r.shared[at / 4];
    if (findConflict(epochs, cell.write, cell.writeLine, mine | flags, true,
                     Stored(), found))
      return reportShared(w, at, agent, write, found, lane);
    uint32_t line = 0;
    if (proxy && !write && cell.write &&
        !r.history.each(cell.write, cell.writeLine, [&](RaceHistory::Access a) {
          line = a.line;
          return SharedEpochs::proxy(a.epoch) ||
                 !(epochBytes(a.epoch) << 1 & flags) ||
                 timeOf(clock.fenced, SharedEpochs::agent(a.epoch)) >=
                     SharedEpochs::time(a.epoch);
        })) {
      w.fault("proxy",
              "missing fence.proxy.async: the asynchronous " +
                  std::string(agentName(w, agent)) +
                  " issued here reads shared memory at " + hex(at) +
                  ", which was written by ordinary stores" + lineText(w, line) +
                  " with no proxy fence since",
              lane);
      return false;
    }
    return touch(epochs, cell, mine | flags, inst.line, write, Stored(),
                 found) ||
           reportShared(w, at, agent, write, found, lane);
  });
}
