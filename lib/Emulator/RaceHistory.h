//===- RaceHistory.h - Who touched four bytes of memory last --------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Four bytes keep their writes and their reads that no later access covers.
// Mostly that is one access, which fits a slot. Several that nothing orders
// (all readers of a shared operand, say) are a chain of links; neighbors in
// memory that were touched in the same way share it, so a chain costs what it
// says, not what it is said of.
//
// Both time and room are bounded. A chain has at most four times kMost links:
// links that later ones replace stay until they are half of it, so that an
// access makes no more than two on average, and of more than twice kMost that
// nothing orders the oldest are forgotten. Chains that no memory names are
// swept up where one thread alone has them (shared memory of a block); those of
// global memory are as many as there is room for, and from then on each four
// bytes keep their last write and their last read.
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_RACEHISTORY_H
#define ET_EMULATOR_RACEHISTORY_H

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace et::emu {

/// One access: who and when above, then the bytes of the four and whether it
/// was atomic.
using Epoch = uint64_t;
inline unsigned epochBytes(Epoch e) { return e >> 1 & 15; }
inline bool epochAtomic(Epoch e) { return e & 1; }
inline bool sameAccess(Epoch a, Epoch b) { return a >> 5 == b >> 5; }

/// A slot whose top byte is this says that it is a chain: launch 8 | id 43 | 0.
inline constexpr uint64_t kChain = 0xffull << 56;
inline bool isChain(uint64_t slot) { return slot >= kChain; }

struct RaceCell {
  uint64_t write = 0, read = 0;
  /// PTX lines of the two, when they are no chains.
  uint32_t writeLine = 0, readLine = 0;
};

/// The chains of one launch, or of one block for its shared memory.
class RaceHistory {
public:
  static constexpr uint32_t kNoLink = 0xffff'ffff;
  static constexpr size_t kMost = 64;
  struct Access {
    Epoch epoch;
    uint32_t line;
  };

  /// `most`: as many links as there may be, if there is an end to them.
  explicit RaceHistory(unsigned launch, uint32_t most = kNoLink)
      : launch(launch), most(most) {}
  RaceHistory(const RaceHistory &) = delete;
  ~RaceHistory();

  unsigned launchOf(uint64_t chain) const { return chain >> 48 & 0xff; }

  /// Visits the accesses of a slot until `visit` says false.
  template <typename F>
  bool each(uint64_t slot, uint32_t line, F visit) const {
    if (!isChain(slot))
      return visit(Access{slot, line});
    for (uint32_t id = idOf(slot); id != kNoLink; id = link(id).parent)
      if (!visit(Access{link(id).epoch, link(id).line}))
        return false;
    return true;
  }

  /// The slot with one access more, less those that `drop` says it replaces.
  template <typename F>
  uint64_t add(uint64_t slot, uint32_t slotLine, Access mine, bool write,
               F drop) {
    std::lock_guard<std::mutex> hold(lock);
    auto &steps = write ? writeSteps : readSteps;
    if (steps.size() > kMaxSteps)
      steps.clear(); // They save time and room, no more.
    Step step{slot, mine.epoch, slotLine, mine.line};
    auto known = steps.find(step);
    if (known != steps.end())
      return known->second;
    std::vector<Access> kept; // The newest first.
    bool dropped = false;
    each(slot, slotLine, [&](Access a) {
      // More bytes of an access that is there already.
      if (sameAccess(a.epoch, mine.epoch) &&
          epochAtomic(a.epoch) == epochAtomic(mine.epoch)) {
        mine.epoch |= a.epoch & 30;
        dropped = true;
      } else if (drop(a.epoch)) {
        dropped = true;
      } else {
        kept.push_back(a);
      }
      return true;
    });
    uint64_t result = mine.epoch;
    uint32_t at = isChain(slot) ? idOf(slot) : kNoLink;
    uint32_t length = at == kNoLink ? 0 : link(at).length;
    bool isLong = kept.size() >= 2 * kMost;
    // Who is unordered with a replaced access is so with what replaced it: it
    // does no harm to leave it there for a while.
    bool again =
        isLong || at == kNoLink || (dropped && length >= 2 * kept.size());
    if (isLong) {
      forgotten += kept.size() - kMost;
      kept.resize(kMost);
    }
    if (kept.empty()) {
    } else if (used + kept.size() + 1 > most) {
      forgotten += kept.size();
    } else {
      if (again) {
        at = kNoLink;
        for (size_t k = kept.size(); k-- > 0;)
          at = append(at, kept[k]);
      }
      at = append(at, mine);
      result = kChain | uint64_t(launch) << 48 | uint64_t(at) << 5;
    }
    steps.emplace(step, result);
    return result;
  }

  /// There is so much that it is time to `collect`.
  bool isFull() const { return used >= sweepAt; }
  /// Keeps the chains that cells name. One thread alone may have the history,
  /// and what it knows of its chains it knows no more.
  void collect(std::vector<RaceCell> &cells);

  /// Links made so far, and accesses that were forgotten.
  uint64_t made = 0, forgotten = 0;

private:
  struct Link {
    Epoch epoch;
    uint32_t line, parent;
    /// Of the chain that ends here.
    uint32_t length;
  };
  struct Step {
    uint64_t slot, mine;
    uint32_t slotLine, line;
    bool operator==(const Step &o) const {
      return slot == o.slot && mine == o.mine && slotLine == o.slotLine &&
             line == o.line;
    }
  };
  struct StepHash {
    size_t operator()(const Step &s) const {
      uint64_t h = s.slot * 0x9e37'79b9'7f4a'7c15u;
      h = (h ^ h >> 29 ^ s.mine) * 0xbf58'476d'1ce4'e5b9u;
      return h ^ h >> 32 ^ (uint64_t(s.slotLine) << 20 ^ s.line);
    }
  };

  static constexpr size_t kMaxSteps = 1 << 20;
  static constexpr unsigned kShift = 12;
  static uint32_t idOf(uint64_t chain) {
    return static_cast<uint32_t>(chain >> 5);
  }
  /// Links stay where they are, so they are read without the lock.
  const Link &link(uint32_t id) const {
    return pieces[id >> kShift][id & ((1u << kShift) - 1)];
  }
  uint32_t append(uint32_t parent, Access access);

  unsigned launch;
  uint32_t most, sweepAt = 1 << 18;
  std::mutex lock;
  std::unordered_map<Step, uint64_t, StepHash> readSteps, writeSteps;
  std::vector<Link *> pieces;
  uint32_t used = 0;
};

/// What one warp found out about slots and need not find out again: what is
/// ordered before it stays so.
struct RaceCache {
  uint64_t ordered[4] = {~uint64_t(0), ~uint64_t(0), ~uint64_t(0),
                         ~uint64_t(0)};
  unsigned nextOrdered = 0;
  struct Step {
    uint64_t from = 0, mine = 0, to = 0;
    uint32_t fromLine = 0, line = 0;
    bool write = false;
  } steps[4];
  unsigned nextStep = 0;
  /// How many accesses of chains were looked at.
  uint64_t visited = 0;

  bool knows(uint64_t slot) const {
    slot >>= 5;
    return slot == ordered[0] || slot == ordered[1] || slot == ordered[2] ||
           slot == ordered[3];
  }
  void learn(uint64_t slot) { ordered[nextOrdered++ & 3] = slot >> 5; }
};

} // namespace et::emu

#endif // ET_EMULATOR_RACEHISTORY_H
