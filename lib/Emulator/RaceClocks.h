//===- RaceClocks.h - What is known of others' times ----------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_RACECLOCKS_H
#define ET_EMULATOR_RACECLOCKS_H

#include "Machine.h"
#include "RaceHistory.h"

#include <unordered_map>

namespace et::emu {

using Known = std::unordered_map<uint64_t, Clock>;

/// What the blocks of a launch share.
struct LaunchRace {
  explicit LaunchRace(unsigned launch) : history(launch) {}
  /// What is handed on through one location that atomics touch.
  std::mutex lock;
  std::unordered_map<uint64_t, Known> at;
  RaceHistory history;
  /// Held while the cells of a piece of global memory are looked at.
  static constexpr unsigned kStripes = 1024;
  std::atomic_flag stripes[kStripes] = {};
};

/// What is asynchronous and its last operation; the entries of warps are idle.
struct RaceAgent {
  uint32_t time = 0, warp = 0, line = 0;
};

/// What fences give to a warp's relaxed accesses.
struct FencedKnowledge {
  /// As of the last fence: the warp's own, and that of other blocks.
  Clock clock;
  Known known;
  /// Taken up since, to be known at the next one.
  Known pending;
};

struct RaceState {
  std::vector<Clock> clocks;
  std::vector<RaceAgent> agents;
  std::vector<RaceCell> shared;
  RaceHistory history{0};
  /// What this block learned of other blocks.
  Known known;
  std::unordered_map<uint64_t, Clock> sharedSync;
  /// Of each warp.
  std::vector<FencedKnowledge> fenced;
  /// Of each warp: for shared memory, then for global memory.
  std::vector<RaceCache> caches;
};

inline uint32_t timeOf(const std::vector<uint32_t> &clock, uint32_t agent) {
  return agent < clock.size() ? clock[agent] : 0;
}

/// What a strong access hands on through its location, and takes up there. For
/// a relaxed one in global memory, that waits for the fence beside it. A plain
/// store ends what was handed on before; an atomic goes on with it.
void raceHandOn(Warp &w, const Inst &inst, Space space, uint64_t address,
                bool isStore);
void raceTakeUp(Warp &w, const Inst &inst, Space space, uint64_t address);

} // namespace et::emu

#endif // ET_EMULATOR_RACECLOCKS_H
