//===- Async.cpp - Work that completes later ------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Async.h"

#include "Race.h"

#include <algorithm>

using namespace et::emu;

uint32_t et::emu::agentOf(const Warp &w, AgentKind kind) {
  return w.block->warpCount * (1 + static_cast<uint32_t>(kind)) + w.id;
}

void et::emu::issue(Block &block, AsyncRef op) {
  switch (block.launch->options.schedule) {
  case Schedule::Early:
    return complete(block, *op);
  case Schedule::Random:
    if (block.random() & 1)
      return complete(block, *op);
    break;
  case Schedule::Late:
    break;
  }
  block.async->pending.push_back(std::move(op));
}

void et::emu::complete(Block &block, AsyncOp &op) {
  if (op.applied)
    return;
  op.applied = true;
  for (const AsyncRef &before : op.after)
    complete(block, *before);
  op.after.clear();
  if (op.apply)
    op.apply();
  op.apply = nullptr;
  if (!op.hasBarrier)
    return;
  auto it = block.async->barriers.find(op.barrier);
  if (it == block.async->barriers.end())
    return; // Invalidated since; the wait for it is what is wrong.
  MBarrier &b = it->second;
  if (op.stamp)
    raceHand(block, b.joined, op.agent, op.stamp);
  b.bytes -= op.bytes;
  b.pending -= std::min(b.pending, op.arrivals);
  settle(block, op.barrier, b);
}

bool et::emu::completeOne(Block &block) {
  auto &pending = block.async->pending;
  while (!pending.empty() && pending.front()->applied)
    pending.pop_front();
  if (pending.empty())
    return false;
  size_t at = 0;
  if (block.launch->options.schedule == Schedule::Random)
    at = block.random() % pending.size();
  AsyncRef op = pending[at];
  pending.erase(pending.begin() + static_cast<long>(at));
  bool fresh = !op->applied;
  complete(block, *op);
  return fresh || completeOne(block);
}

void et::emu::commitGroup(AsyncGroups &groups, uint32_t lanes) {
  AsyncGroup group;
  group.lanes = lanes;
  for (size_t k = 0; k < groups.open.size();) {
    auto &open = groups.open[k];
    if (!(open.lanes & lanes)) {
      ++k;
      continue;
    }
    group.ops.push_back(open.op);
    open.lanes &= ~lanes;
    if (open.lanes)
      ++k;
    else
      groups.open.erase(groups.open.begin() + static_cast<long>(k));
  }
  groups.groups.push_back(std::move(group));
}

void et::emu::waitGroups(Warp &w, AsyncGroups &groups, uint32_t lanes,
                         uint64_t keep) {
  uint64_t newer[32] = {};
  for (size_t k = groups.groups.size(); k-- > 0;) {
    AsyncGroup &group = groups.groups[k];
    uint32_t done = 0;
    for (uint32_t m = group.lanes & lanes; m; m &= m - 1) {
      int lane = __builtin_ctz(m);
      if (newer[lane]++ >= keep)
        done |= 1u << lane;
    }
    if (!done)
      continue;
    for (const AsyncRef &op : group.ops) {
      complete(*w.block, *op);
      raceLearn(w, op->agent, op->stamp);
    }
    group.lanes &= ~done;
  }
  while (!groups.groups.empty() && !groups.groups.front().lanes)
    groups.groups.pop_front();
}

MBarrier *et::emu::findBarrier(Warp &w, uint64_t address, int lane) {
  auto &all = w.block->async->barriers;
  auto it = all.find(address);
  if (it != all.end())
    return &it->second;
  w.fault("mbarrier",
          "no mbarrier is initialized at shared address " + hex(address), lane);
  return nullptr;
}

void et::emu::settle(Block &block, uint64_t address, MBarrier &b) {
  if (b.pending || b.bytes)
    return;
  ++b.phase;
  b.pending = b.expected;
  b.done = b.joined;
  block.async->stuck = 0;
  block.async->pollFailures = 0;
  for (uint32_t k = 0; k < block.warpCount; ++k) {
    Warp &w = *block.warps[k];
    bool woken = false;
    for (Node &n : w.nodes)
      if (n.state == Node::AtWait && n.waitAddress == address) {
        n.state = Node::Ready;
        woken = true;
      }
    if (woken && w.state == Warp::Blocked)
      w.selectLeaf();
  }
}

std::string et::emu::describeWait(Warp &w, const Node &n) {
  std::string text = "the mbarrier at shared address " + hex(n.waitAddress);
  auto it = w.block->async->barriers.find(n.waitAddress);
  if (it == w.block->async->barriers.end())
    return text + ", which is not initialized";
  const MBarrier &b = it->second;
  return text + ": phase " + std::to_string(b.phase) + " (parity " +
         std::to_string(b.phase & 1) + "), " + std::to_string(b.pending) +
         " of " + std::to_string(b.expected) + " arrivals and " +
         std::to_string(b.bytes) + " bytes missing";
}
