//===- RaceClocks.cpp - What orders the accesses of warps -----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Happens-before by vector clocks, at the grain of a warp: each warp knows up
// to which time it has synchronized with each other warp and with each
// asynchronous agent. Barriers, mbarriers, and strong accesses with fences
// beside them hand this knowledge on.
//
//===----------------------------------------------------------------------===//

#include "RaceClocks.h"

#include "Race.h"

#include <algorithm>

using namespace et::emu;

namespace {

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
bool covers(const std::vector<uint32_t> &all, const std::vector<uint32_t> &of) {
  for (size_t k = 0; k < of.size(); ++k)
    if (timeOf(all, static_cast<uint32_t>(k)) < of[k])
      return false;
  return true;
}
bool covers(const Clock &all, const Clock &of) {
  return covers(all.seen, of.seen) && covers(all.fenced, of.fenced);
}
/// One of the two if it has all of the other.
Known::SharedClock joined(const Known::SharedClock &a,
                          const Known::SharedClock &b) {
  if (covers(*a, *b))
    return a;
  if (covers(*b, *a))
    return b;
  Clock both = *a;
  join(both, *b);
  return std::make_shared<const Clock>(std::move(both));
}

} // namespace

const Clock *Known::clockOf(uint64_t block) const {
  auto it = std::lower_bound(
      clocks.begin(), clocks.end(), block,
      [](const Entry &e, uint64_t wanted) { return e.block < wanted; });
  return it != clocks.end() && it->block == block ? it->clock.get() : nullptr;
}

bool Known::has(uint64_t block, uint32_t warp, uint32_t time) const {
  const Clock *clock = clockOf(block);
  return clock ? timeOf(clock->seen, warp) >= time : isWhole(block);
}

void Known::trim() {
  if (clocks.size() <= kMost)
    return;
  auto rest = clocks.end() - kMost / 2;
  for (auto e = clocks.begin(); e != rest; ++e) {
    if (whole.size() <= e->block / 64)
      whole.resize(e->block / 64 + 1, 0);
    whole[e->block / 64] |= uint64_t(1) << e->block % 64;
  }
  clocks.erase(clocks.begin(), rest);
}

void Known::join(uint64_t block, const SharedClock &clock) {
  if (isWhole(block))
    return;
  auto it = std::lower_bound(
      clocks.begin(), clocks.end(), block,
      [](const Entry &e, uint64_t wanted) { return e.block < wanted; });
  if (it != clocks.end() && it->block == block) {
    it->clock = joined(it->clock, clock);
    return;
  }
  clocks.insert(it, {block, clock});
  trim();
}

bool Known::lacks(const Known &other, uint64_t except, uint64_t &looked) const {
  for (size_t k = 0; k < other.whole.size(); ++k)
    if (other.whole[k] & ~(k < whole.size() ? whole[k] : 0))
      return true;
  auto mine = clocks.begin();
  for (const Entry &e : other.clocks) {
    while (mine != clocks.end() && mine->block < e.block)
      ++mine;
    if (e.block == except)
      continue;
    bool isHere = mine != clocks.end() && mine->block == e.block;
    if (isHere && mine->clock == e.clock)
      continue;
    if (!isHere && isWhole(e.block))
      continue;
    ++looked;
    if (!isHere || !covers(*mine->clock, *e.clock))
      return true;
  }
  return false;
}

void Known::join(const Known &other, uint64_t except, uint64_t &looked) {
  if (whole.size() < other.whole.size())
    whole.resize(other.whole.size(), 0);
  for (size_t k = 0; k < other.whole.size(); ++k)
    whole[k] |= other.whole[k];
  if (!other.whole.empty())
    clocks.erase(
        std::remove_if(clocks.begin(), clocks.end(),
                       [&](const Entry &e) { return isWhole(e.block); }),
        clocks.end());
  size_t before = clocks.size(), mine = 0;
  for (const Entry &e : other.clocks) {
    while (mine < before && clocks[mine].block < e.block)
      ++mine;
    if (e.block == except || isWhole(e.block))
      continue;
    if (mine == before || clocks[mine].block != e.block) {
      clocks.push_back(e);
    } else if (clocks[mine].clock != e.clock) {
      ++looked;
      clocks[mine].clock = joined(clocks[mine].clock, e.clock);
    }
  }
  if (clocks.size() > before)
    std::sort(clocks.begin(), clocks.end(),
              [](const Entry &a, const Entry &b) { return a.block < b.block; });
  trim();
}

const Known &SharedKnown::operator*() const {
  static const Known nothing;
  return known ? *known : nothing;
}

Known &SharedKnown::own() {
  if (!known)
    known = std::make_shared<Known>();
  else if (known.use_count() > 1)
    known = std::make_shared<Known>(*known);
  return *known;
}

bool SharedKnown::join(const SharedKnown &other, uint64_t except,
                       uint64_t &looked) {
  if (known == other.known || !(*this)->lacks(*other, except, looked))
    return false;
  if (!known && !other->clockOf(except))
    known = other.known;
  else
    own().join(*other, except, looked);
  return true;
}

void SharedKnown::join(uint64_t block, const Clock &clock) {
  own().join(block, std::make_shared<const Clock>(clock));
}

LaunchRace::Place *LaunchRace::placeOf(uint64_t address, bool make,
                                       bool &isShared) {
  isShared = false;
  auto it = at.find(address);
  if (it == at.end() && at.size() >= kMostPlaces) {
    // No address is so low.
    isShared = true;
    address = (address * 0x9e37'79b9'7f4a'7c15u) >> 56;
    it = at.find(address);
  }
  if (it != at.end())
    return &it->second;
  return make ? &at[address] : nullptr;
}

Counters et::emu::countRace(const LaunchRace &race) {
  return {{"visited", race.work.visited},
          {"joined", race.work.joined},
          {"links", race.work.links + race.history.made},
          {"forgotten", race.work.forgotten + race.history.forgotten}};
}

std::shared_ptr<LaunchRace> et::emu::startLaunchRace(Launch &launch) {
  unsigned tag = 1 + launch.id % 254;
  // Tags come again: none of their last use may be left by then.
  if (tag == 254)
    launch.memory->clearRace();
  return std::make_shared<LaunchRace>(tag);
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
  r.fenced.assign(block.warpCount, FencedKnowledge());
  r.agents.assign(block.warpCount * 4, RaceAgent());
  r.shared.assign(block.reservedEnd / 4 + 1, RaceCell());
  r.caches.assign(block.warpCount * 2, RaceCache());
  r.exchanged.assign(block.warpCount, Exchanged());
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
  block.race->agents.emplace_back();
  return static_cast<uint32_t>(block.race->agents.size() - 1);
}
uint32_t et::emu::raceStamp(Warp &w, const Inst &inst, uint32_t agent) {
  if (!w.block->race)
    return 0;
  RaceAgent &a = w.block->race->agents[agent];
  a.warp = w.id;
  a.line = inst.line;
  return ++a.time;
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

/// As epochs have it.
static uint64_t numberOf(const Block &block) { return block.linear & 0xfffff; }

static void learn(Warp &w, const SharedKnown &known) {
  RaceState &r = *w.block->race;
  Clock &mine = r.clocks[w.id];
  uint64_t own = numberOf(*w.block);
  if (const Clock *clock = known->clockOf(own))
    join(mine, *clock);
  else if (known->isWhole(own))
    for (const Clock &clock : r.clocks)
      join(mine, clock);
  r.known.join(known, own, r.joined);
}

void et::emu::raceHandOn(Warp &w, const Inst &inst, Space space,
                         const uint64_t *address, uint32_t mask, bool isStore) {
  RaceState &r = *w.block->race;
  Clock &mine = r.clocks[w.id];
  if (space == Space::Shared) {
    for (; mask; mask &= mask - 1) {
      Clock &there = r.sharedSync[address[__builtin_ctz(mask)]];
      if (isStore)
        there = Clock();
      join(there, mine);
    }
    ++mine.seen[w.id];
    return;
  }
  FencedKnowledge &fenced = r.fenced[w.id];
  const Clock &own = inst.releases ? mine : fenced.clock;
  // The lanes' locations get the same.
  SharedKnown all = inst.releases ? r.known : fenced.known;
  bool nothing = all->isEmpty() && own.seen.empty();
  if (!inst.releases && !fenced.handed->isEmpty()) {
    all = fenced.handed;
  } else if (!nothing) {
    all.join(numberOf(*w.block), own);
    if (!inst.releases)
      fenced.handed = all;
  }
  LaunchRace &table = *w.launch->race;
  std::lock_guard<std::mutex> hold(table.lock);
  for (; mask; mask &= mask - 1) {
    uint64_t at = address[__builtin_ctz(mask)];
    bool isShared;
    LaunchRace::Place *there = table.placeOf(at, !nothing, isShared);
    if (!there)
      continue;
    Exchanged::Entry &last = r.exchanged[w.id].of(at);
    bool knowsAll = last.learned == there->version && !isShared;
    bool wasPending = last.pending == there->version;
    // What was handed on through another location must stay.
    if (isStore && !isShared)
      there->known.clear();
    if (inst.releases && knowsAll)
      there->known = all;
    else if (!there->known.join(all, SharedKnown::kNoBlock, r.joined) &&
             !isStore)
      continue;
    ++there->version;
    // Who knew all that was there knows all that is.
    if (knowsAll)
      last.learned = there->version;
    if (wasPending)
      last.pending = there->version;
  }
  if (inst.releases)
    ++mine.seen[w.id];
}

void et::emu::raceTakeUp(Warp &w, const Inst &inst, Space space,
                         const uint64_t *address, uint32_t mask) {
  RaceState &r = *w.block->race;
  if (space == Space::Shared) {
    for (; mask; mask &= mask - 1)
      join(r.clocks[w.id], r.sharedSync[address[__builtin_ctz(mask)]]);
    return;
  }
  LaunchRace &table = *w.launch->race;
  std::lock_guard<std::mutex> hold(table.lock);
  SharedKnown before;
  for (; mask; mask &= mask - 1) {
    uint64_t at = address[__builtin_ctz(mask)];
    bool isShared;
    LaunchRace::Place *there = table.placeOf(at, false, isShared);
    if (!there)
      continue;
    Exchanged::Entry &last = r.exchanged[w.id].of(at);
    uint64_t &seen = inst.acquires ? last.learned : last.pending;
    if (seen == there->version && !isShared)
      continue;
    seen = there->version;
    // Locations that went through the same hands know the same.
    if (there->known.isSame(before))
      continue;
    before = there->known;
    if (inst.acquires)
      learn(w, before);
    else
      r.fenced[w.id].pending.join(before, SharedKnown::kNoBlock, r.joined);
  }
}

void et::emu::raceFence(Warp &w) {
  if (!w.block->race)
    return;
  RaceState &r = *w.block->race;
  FencedKnowledge &fenced = r.fenced[w.id];
  learn(w, fenced.pending);
  fenced.pending.clear();
  Clock &mine = r.clocks[w.id];
  fenced.clock = mine;
  fenced.known = r.known;
  fenced.handed.clear();
  // What the warp does from now on is behind the fence.
  ++mine.seen[w.id];
}

void et::emu::raceReacquire(Warp &w, const Inst &inst, Space space,
                            const uint64_t *address, uint32_t mask) {
  if (!w.block->race || space != Space::Global)
    return; // Blocks alone run at the same time.
  raceTakeUp(w, inst, space, address, mask);
}
