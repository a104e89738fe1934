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

#include <memory>
#include <unordered_map>

namespace et::emu {

/// What is known of other blocks: of some the clock, of others that all they do
/// is ordered. The latter are those with the lowest numbers when there would be
/// too many clocks; nobody is told of races with them. Clocks are shared by all
/// who know them, so that what is the same is seen to be without a look inside.
class Known {
public:
  using SharedClock = std::shared_ptr<const Clock>;

  bool isEmpty() const { return clocks.empty() && whole.empty(); }
  bool has(uint64_t block, uint32_t warp, uint32_t time) const;
  bool isWhole(uint64_t block) const {
    return block / 64 < whole.size() && (whole[block / 64] >> block % 64 & 1);
  }
  const Clock *clockOf(uint64_t block) const;
  void join(uint64_t block, const SharedClock &clock);
  /// Whether anything of `other` is new here; counts the clocks looked into.
  bool lacks(const Known &other, uint64_t except, uint64_t &looked) const;
  void join(const Known &other, uint64_t except, uint64_t &looked);

private:
  static constexpr size_t kMost = 256;
  struct Entry {
    uint64_t block;
    SharedClock clock;
  };
  void trim();
  std::vector<Entry> clocks; // By block.
  std::vector<uint64_t> whole;
};

/// Knowledge that many have in common; who learns more gets a copy.
class SharedKnown {
public:
  static constexpr uint64_t kNoBlock = ~uint64_t(0);
  const Known &operator*() const;
  const Known *operator->() const { return &**this; }
  void clear() { known.reset(); }
  bool isSame(const SharedKnown &other) const { return known == other.known; }
  /// Takes over what is new; false if nothing is.
  bool join(const SharedKnown &other, uint64_t except, uint64_t &looked);
  void join(uint64_t block, const Clock &clock);

private:
  Known &own();
  std::shared_ptr<Known> known;
};

/// How much there was to do, of all blocks that ended.
struct RaceWork {
  std::atomic<uint64_t> visited{0}, joined{0}, links{0}, forgotten{0};
};

/// What the blocks of a launch share.
struct LaunchRace {
  explicit LaunchRace(unsigned launch) : history(launch, kMostLinks) {}
  static constexpr uint32_t kMostLinks = 1 << 24;
  /// What is handed on through one location that atomics touch.
  struct Place {
    SharedKnown known;
    /// Grows when that changes.
    uint64_t version = 0;
  };
  std::mutex lock;
  /// Beyond this many locations several share a place, through which more is
  /// handed on than through each of them.
  static constexpr size_t kMostPlaces = 4096;
  std::unordered_map<uint64_t, Place> at;
  /// Null if there is none and none is wanted.
  Place *placeOf(uint64_t address, bool make, bool &isShared);
  RaceHistory history;
  RaceWork work;
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
  /// As of the last fence: the warp's own, and that of other blocks; and both,
  /// once handed on.
  Clock clock;
  SharedKnown known, handed;
  /// Taken up since, to be known at the next one.
  SharedKnown pending;
};

/// What a warp last exchanged with some locations, so that it need not do so
/// again while there is nothing new.
struct Exchanged {
  struct Entry {
    uint64_t address = 0;
    /// The place's version up to which all is known, or waits for a fence.
    uint64_t learned = 0, pending = 0;
  } entries[64];
  Entry &of(uint64_t address) {
    Entry &e = entries[address / 4 % 64];
    if (e.address != address) {
      e = Entry();
      e.address = address;
    }
    return e;
  }
};

struct RaceState {
  std::vector<Clock> clocks;
  std::vector<RaceAgent> agents;
  std::vector<RaceCell> shared;
  RaceHistory history{0};
  /// What this block learned of other blocks.
  SharedKnown known;
  std::unordered_map<uint64_t, Clock> sharedSync;
  /// Of each warp.
  std::vector<FencedKnowledge> fenced;
  std::vector<Exchanged> exchanged;
  /// How many clocks were joined with others'.
  uint64_t joined = 0;
  /// Of each warp: for shared memory, then for global memory.
  std::vector<RaceCache> caches;
};

inline uint32_t timeOf(const std::vector<uint32_t> &clock, uint32_t agent) {
  return agent < clock.size() ? clock[agent] : 0;
}

/// What strong accesses of lanes `mask` hand on through their locations, and
/// take up there. For relaxed ones in global memory, that waits for the fence
/// beside them. A plain store ends what was handed on before; an atomic goes on
/// with it.
void raceHandOn(Warp &w, const Inst &inst, Space space, const uint64_t *address,
                uint32_t mask, bool isStore);
void raceTakeUp(Warp &w, const Inst &inst, Space space, const uint64_t *address,
                uint32_t mask);

} // namespace et::emu

#endif // ET_EMULATOR_RACECLOCKS_H
