//===- Async.h - Work that completes later --------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An asynchronous operation is data that moves at some time between its issue
// and the wait for it. The schedule says when: at once, as late as the program
// allows, or at random. Whatever the schedule, what is read without a wait is a
// race (see Race.h): the operation is an agent of its own, whose doings a warp
// knows only after it waited.
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_ASYNC_H
#define ET_EMULATOR_ASYNC_H

#include "Machine.h"

#include <deque>
#include <functional>
#include <map>

namespace et::emu {

struct AsyncOp {
  /// Moves the data. Runs once.
  std::function<void()> apply;
  bool applied = false;
  uint32_t line = 0;
  /// The agent that the race checker knows it by, and its time there.
  uint32_t agent = 0, stamp = 0;
  /// The mbarrier it completes on, with the bytes it completes.
  bool hasBarrier = false;
  uint64_t barrier = 0;
  uint32_t bytes = 0;
  /// An arrival made when the operations before it are done.
  uint32_t arrivals = 0;
  std::vector<std::shared_ptr<AsyncOp>> after;
  /// wgmma: 32 lanes of each register of the result.
  std::vector<uint32_t> results;
};
using AsyncRef = std::shared_ptr<AsyncOp>;

/// Operations that lanes committed together.
struct AsyncGroup {
  uint32_t lanes = 0;
  std::vector<AsyncRef> ops;
};

/// Groups of one kind: cp.async, bulk, or wgmma.
struct AsyncGroups {
  struct Open {
    uint32_t lanes;
    AsyncRef op;
  };
  std::vector<Open> open;
  std::deque<AsyncGroup> groups;
};

struct MBarrier {
  uint32_t expected = 0, pending = 0;
  int64_t bytes = 0;
  uint32_t phase = 0;
  uint32_t agent = 0;
  /// Handed over by those that arrived in this phase, and in the last.
  Clock joined, done;
};

/// A warp's side.
struct AsyncState {
  AsyncGroups copies, bulk, products;
  /// Registers that a wgmma in flight will write: slot of the frame to the
  /// operation and its element.
  struct Target {
    AsyncRef op;
    uint32_t element;
  };
  std::map<Ref, Target> targets;
  /// Registers that a wgmma in flight reads.
  std::map<Ref, AsyncRef> sources;
  /// Registers written since the last wgmma.fence.
  std::vector<bool> dirty;
};

/// A block's side.
struct BlockAsync {
  std::deque<AsyncRef> pending;
  std::map<uint64_t, MBarrier> barriers;
  uint32_t pollFailures = 0, stuck = 0;
};

enum class AgentKind : uint8_t { Copies, Products, Bulk };
uint32_t agentOf(const Warp &w, AgentKind kind);

/// Hands an operation to the schedule.
void issue(Block &block, AsyncRef op);
void complete(Block &block, AsyncOp &op);
/// Completes one operation that is still open; false when there is none.
bool completeOne(Block &block);

void commitGroup(AsyncGroups &groups, uint32_t lanes);
/// Completes for `lanes` all but the newest `keep` groups, and lets the warp
/// know of them.
void waitGroups(Warp &w, AsyncGroups &groups, uint32_t lanes, uint64_t keep);

/// Null after a fault: no mbarrier was initialized there.
MBarrier *findBarrier(Warp &w, uint64_t address, int lane);
/// Ends the phase when nothing is missing and wakes who waits.
void settle(Block &block, uint64_t address, MBarrier &barrier);
/// What a waiting node waits for, in words.
std::string describeWait(Warp &w, const Node &n);

} // namespace et::emu

#endif // ET_EMULATOR_ASYNC_H
