//===- Block.cpp - A block's warps and barriers ---------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Async.h"
#include "Decoder.h"
#include "Race.h"

#include <algorithm>
#include <cstring>

using namespace et::emu;

void Block::start(Launch &owner, uint64_t index) {
  launch = &owner;
  linear = index;
  id.x = static_cast<uint32_t>(index % owner.grid.x);
  id.y = static_cast<uint32_t>(index / owner.grid.x % owner.grid.y);
  id.z = static_cast<uint32_t>(index / owner.grid.x / owner.grid.y);
  counters = WarpCounters();
  counters.blocks = 1;
  faulted = false;
  origins.clear();
  heldFault.clear();
  heldUntil = ~uint64_t(0);
  printed.clear();
  exited = Clock();
  random.seed(owner.options.seed * 0x9e37'79b9'7f4a'7c15u + index);
  for (Barrier &b : barriers)
    b = Barrier();
  sharedBytes = owner.kernel->staticShared + owner.dynamicShared;
  // Shared memory starts with bits that are a NaN in every format.
  reservedStart = reservedEnd = sharedBytes;
  if (owner.kernel->usesReservedShared) {
    // As much as the libraries of the toolkit take.
    reservedStart = (sharedBytes + 127) / 128 * 128;
    reservedEnd = reservedStart + 288;
  }
  sharedStorage.assign(reservedEnd / 8 + 18, ~uint64_t(0));
  auto at = reinterpret_cast<uintptr_t>(sharedStorage.data());
  shared = reinterpret_cast<uint8_t *>(sharedStorage.data()) +
           (128 - at % 128) % 128;
  // They expect zeros there.
  std::memset(shared + reservedStart, 0, reservedEnd - reservedStart);
  liveThreads = owner.block.x * owner.block.y * owner.block.z;
  warpCount = (liveThreads + 31) / 32;
  while (warps.size() < warpCount)
    warps.push_back(std::make_unique<Warp>());
  for (uint32_t k = 0; k < warpCount; ++k)
    warps[k]->start(*this, k);
  for (uint32_t k = 0; k < warpCount; ++k)
    warps[k]->registers = owner.kernel->startRegisters;
  freeRegisters = 0;
  nextWarp = 0;
  async = std::make_shared<BlockAsync>();
  if (owner.options.checkInit)
    sharedInit.assign(reservedEnd, 0);
  std::fill(sharedInit.begin() +
                std::min<size_t>(reservedStart, sharedInit.size()),
            sharedInit.end(), 1);
  startRace(*this);
}

/// A warp that has long run diverged may be spinning for what lanes of its own
/// would do, were they not waiting to meet it. Those go on by themselves, and
/// another leaf gets its turn, as independent thread scheduling has it.
static void loosen(Warp &w) {
  for (int k = 0; k < Warp::kMaxNodes; ++k) {
    Node &n = w.nodes[k];
    if (n.state != Node::Ready || !n.children)
      continue;
    uint32_t arrived = n.mask;
    for (const Node &child : w.nodes)
      if (child.state != Node::Free && child.parent == k)
        arrived &= ~child.mask;
    if (!arrived)
      continue;
    int at = w.newNode(n.parent, arrived, n.pc);
    --w.nodes[at].frame->users;
    w.nodes[at].frame = n.frame;
    ++n.frame->users;
    w.nodes[at].end = n.end;
    w.nodes[at].endDepth = n.endDepth;
    n.mask &= ~arrived;
  }
  int from = static_cast<int>(w.node - w.nodes);
  for (int step = 1; step < Warp::kMaxNodes; ++step) {
    Node &n = w.nodes[(from + step) % Warp::kMaxNodes];
    if (n.state != Node::Ready || n.children)
      continue;
    w.node = &n;
    w.useFrame();
    return;
  }
}

Block::Step Block::step(uint64_t budget) {
  // A slice short enough that a warp which spins lets the others go on.
  constexpr uint64_t slice = 16384;
  while (budget > 0) {
    bool ran = false, live = false;
    for (uint32_t k = 0; k < warpCount; ++k) {
      Warp &w = *warps[(k + nextWarp) % warpCount];
      live |= w.state != Warp::Done;
      if (w.state == Warp::Yielded)
        w.state = Warp::Runnable;
      if (w.state != Warp::Runnable)
        continue;
      ran = true;
      uint64_t length = std::min(slice, budget);
      if (launch->options.schedule == Schedule::Random)
        length = 1 + random() % 256;
      uint64_t before = counters.warpInstructions;
      execSet().run(w, length);
      if (counters.warpInstructions > heldUntil)
        releaseHeld(false);
      if (faulted)
        return Step::Faulted;
      bool mixed = launch->options.schedule == Schedule::Random;
      if (w.state == Warp::Runnable && w.node->mask != w.live &&
          (!mixed || random() % 64 == 0))
        loosen(w);
      uint64_t spent = counters.warpInstructions - before + 1;
      budget -= spent < budget ? spent : budget;
    }
    if (!live) {
      raceEnd(*this);
      releaseHeld(true);
      return faulted ? Step::Faulted : Step::Done;
    }
    if (!ran && !completeOne(*this) && !expireWaits()) {
      deadlock();
      return Step::Faulted;
    }
    if (launch->options.schedule == Schedule::Random) {
      nextWarp = static_cast<uint32_t>(random() % warpCount);
      if (random() & 1)
        completeOne(*this);
    }
  }
  return Step::Spent;
}

void Block::releaseHeld(bool blockEnds) {
  if (heldFault.empty())
    return;
  if (!blockEnds || !heldGlobal) {
    // The text has its place in it already.
    warps[0]->fault("init", heldFault);
    return;
  }
  constexpr uint64_t patience = 1 << 24;
  while (launch->faultLock.test_and_set(std::memory_order_acquire)) {
  }
  if (linear < launch->heldBlock) {
    launch->heldBlock = linear;
    launch->heldFault = heldFault;
    launch->heldUntil =
        std::min<uint64_t>(launch->heldUntil, launch->instructions + patience);
  }
  launch->faultLock.clear(std::memory_order_release);
  heldFault.clear();
}

/// A try_wait may return before its phase is over. Let those that wait do so,
/// a few times, in case they would do something else.
bool Block::expireWaits() {
  if (async->stuck++ >= 3)
    return false;
  bool any = false;
  for (uint32_t k = 0; k < warpCount; ++k) {
    Warp &w = *warps[k];
    bool woken = false;
    for (Node &n : w.nodes)
      if (n.state == Node::AtWait) {
        n.state = Node::Ready;
        n.expired = true;
        any = woken = true;
      }
    if (woken && w.state == Warp::Blocked)
      w.selectLeaf();
  }
  return any;
}

bool Block::setRegisters(Warp &w, uint32_t registers) {
  if (registers > w.registers && registers - w.registers > freeRegisters)
    return false;
  bool isLess = registers < w.registers;
  freeRegisters += w.registers - registers;
  w.registers = registers;
  for (uint32_t k = 0; isLess && k < warpCount; ++k)
    for (Node &n : warps[k]->nodes)
      if (n.state == Node::AtRegisters) {
        n.state = Node::Ready;
        if (warps[k]->state == Warp::Blocked)
          warps[k]->selectLeaf();
      }
  return true;
}

void Block::barrierArrive(Warp &w, unsigned index, uint32_t expected,
                          bool wait) {
  Barrier &b = barriers[index];
  ++counters.barriers;
  if (b.arrived && b.expected != expected)
    return w.fault("barrier",
                   "barrier " + std::to_string(index) + " is met with " +
                       std::to_string(expected) +
                       " threads while others wait " + "for " +
                       std::to_string(b.expected) + " (0: all of the block)",
                   __builtin_ctz(w.exec));
  b.expected = expected;
  // With a count, a whole warp counts as 32, whatever lanes it has left.
  uint32_t add = static_cast<uint32_t>(__builtin_popcount(w.exec));
  if (expected && w.exec == w.live)
    add = 32;
  b.arrived += add;
  raceArrive(w, b.joined);
  if (expected && b.arrived > expected)
    return w.fault("barrier",
                   "barrier " + std::to_string(index) + " is met by " +
                       std::to_string(b.arrived) + " threads, " +
                       std::to_string(expected) + " are expected",
                   __builtin_ctz(w.exec));
  if (wait) {
    if (w.exec != w.node->mask) {
      // A guarded barrier: the lanes that take it part from the rest, which go
      // on; whether they may is asked when the warp can do nothing else.
      Warp::Side sides[2] = {{w.exec, w.node->pc},
                             {w.node->mask & ~w.exec, w.node->pc}};
      w.diverge(sides, 2, kNone);
    }
    w.node->barrier = static_cast<uint8_t>(index);
    w.park(Node::AtBarrier);
    if (faulted)
      return;
  }
  barrierCheck(index);
}

void Block::barrierCheck(unsigned index) {
  Barrier &b = barriers[index];
  uint32_t expected = b.expected ? b.expected : liveThreads;
  if (!b.arrived || b.arrived < expected)
    return;
  for (uint32_t k = 0; k < warpCount; ++k) {
    Warp &w = *warps[k];
    bool woken = false;
    for (Node &n : w.nodes) {
      if (n.state != Node::AtBarrier || n.barrier != index)
        continue;
      n.state = Node::Ready;
      woken = true;
      const Inst &i = launch->kernel->code[n.pc - 1];
      if (i.m[0] < 2)
        continue;
      uint8_t *to = n.frame->registers + i.op[0];
      if (i.m[0] == 2) {
        for (int l = 0; l < 32; ++l)
          if (n.mask >> l & 1)
            std::memcpy(to + 4 * l, &b.reduceCount, 4);
      } else {
        uint32_t p;
        std::memcpy(&p, to, 4);
        bool value = i.m[0] == 3 ? b.reduceAnd : b.reduceOr;
        p = value ? p | n.mask : p & ~n.mask;
        std::memcpy(to, &p, 4);
      }
    }
    if (woken) {
      raceAcquire(w, b.joined);
      if (!b.expected)
        raceAcquire(w, exited);
      if (w.state == Warp::Blocked)
        w.selectLeaf();
    }
  }
  b = Barrier();
}

void Block::threadsLeft() {
  for (unsigned k = 0; k < 17; ++k)
    if (barriers[k].arrived && !barriers[k].expected)
      barrierCheck(k);
}

void Block::deadlock() {
  std::string text = "deadlock: no warp of the block can go on";
  Warp *first = nullptr;
  for (uint32_t k = 0; k < warpCount; ++k) {
    Warp &w = *warps[k];
    if (w.state == Warp::Done)
      continue;
    for (Node &n : w.nodes) {
      if (n.state == Node::Free || n.children)
        continue;
      if (!first) {
        first = &w;
        w.node = &n;
      }
      char line[160];
      const Inst &i = launch->kernel->code[n.pc ? n.pc - 1 : 0];
      std::string what;
      if (n.state == Node::AtBarrier) {
        const Barrier &b = barriers[n.barrier];
        what = "barrier " + std::to_string(n.barrier) + " (" +
               std::to_string(b.arrived) + " of " +
               std::to_string(b.expected ? b.expected : liveThreads) +
               " threads have arrived)";
      } else if (n.state == Node::AtRegisters) {
        what = "registers: its threads have " + std::to_string(w.registers) +
               " and " + std::to_string(freeRegisters) + " more are free";
      } else if (n.state == Node::AtWarpSync) {
        std::snprintf(line, sizeof(line), "lanes %08x of its warp", n.wanted);
        what = line;
      } else {
        what = describeWait(w, n);
      }
      std::snprintf(line, sizeof(line),
                    "\n    warp %u lanes %08x, line %u: waits for ", w.id,
                    n.mask, i.line);
      text += line + what;
    }
  }
  if (first)
    first->fault("deadlock", text);
}
