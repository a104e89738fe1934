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

} // namespace

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
  r.shared.assign(block.sharedBytes / 4 + 1, RaceCell());
  r.caches.assign(block.warpCount * 2, RaceCache());
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

static void learn(Warp &w, uint64_t block, const Clock &clock) {
  RaceState &r = *w.block->race;
  join(block == w.block->linear ? r.clocks[w.id] : r.known[block], clock);
}

void et::emu::raceHandOn(Warp &w, const Inst &inst, Space space,
                         uint64_t address, bool isStore) {
  RaceState &r = *w.block->race;
  Clock &mine = r.clocks[w.id];
  if (space == Space::Shared) {
    Clock &there = r.sharedSync[address];
    if (isStore)
      there = Clock();
    join(there, mine);
    ++mine.seen[w.id];
    return;
  }
  const FencedKnowledge &fenced = r.fenced[w.id];
  LaunchRace &table = *w.launch->race;
  std::lock_guard<std::mutex> hold(table.lock);
  Known &there = table.at[address];
  if (isStore)
    there.clear();
  for (const auto &[block, clock] : inst.releases ? r.known : fenced.known)
    join(there[block], clock);
  join(there[w.block->linear], inst.releases ? mine : fenced.clock);
  if (inst.releases)
    ++mine.seen[w.id];
}

void et::emu::raceTakeUp(Warp &w, const Inst &inst, Space space,
                         uint64_t address) {
  RaceState &r = *w.block->race;
  if (space == Space::Shared) {
    join(r.clocks[w.id], r.sharedSync[address]);
    return;
  }
  LaunchRace &table = *w.launch->race;
  std::lock_guard<std::mutex> hold(table.lock);
  for (const auto &[block, clock] : table.at[address])
    if (inst.acquires)
      learn(w, block, clock);
    else
      join(r.fenced[w.id].pending[block], clock);
}

void et::emu::raceFence(Warp &w) {
  if (!w.block->race)
    return;
  RaceState &r = *w.block->race;
  FencedKnowledge &fenced = r.fenced[w.id];
  for (const auto &[block, clock] : fenced.pending)
    learn(w, block, clock);
  fenced.pending.clear();
  Clock &mine = r.clocks[w.id];
  fenced.clock = mine;
  fenced.known = r.known;
  // What the warp does from now on is behind the fence.
  ++mine.seen[w.id];
}

void et::emu::raceReacquire(Warp &w, const Inst &inst, Space space,
                            const uint64_t *address, uint32_t mask) {
  if (!w.block->race || space != Space::Global)
    return; // Blocks alone run at the same time.
  for (; mask; mask &= mask - 1)
    raceTakeUp(w, inst, space, address[__builtin_ctz(mask)]);
}
