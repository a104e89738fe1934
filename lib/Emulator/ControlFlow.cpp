//===- ControlFlow.cpp - Where diverged lanes meet again ------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

#include <algorithm>

using namespace et::emu;

namespace {
struct BasicBlock {
  uint32_t first, last;
  std::vector<uint32_t> successors, predecessors;
};
} // namespace

/// Immediate post-dominators by Cooper, Harvey and Kennedy's iteration over
/// the reversed graph. Every block that leaves the function goes to one virtual
/// exit; so does, by an edge of no meaning, every block that cannot reach it.
void et::emu::findReconvergence(std::vector<Inst> &code,
                                const std::vector<Ref> &extra, uint32_t begin,
                                uint32_t end) {
  uint32_t size = end - begin;
  std::vector<uint8_t> leader(size + 1, 0);
  leader[0] = 1;
  auto targets = [&](const Inst &inst, auto visit) {
    if (inst.m[6] == FlowBranch)
      visit(inst.target);
    else if (inst.m[6] == FlowTable)
      for (uint32_t k = 0; k < inst.extraCount; ++k)
        visit(extra[inst.extra + k]);
  };
  for (uint32_t pc = begin; pc < end; ++pc) {
    if (code[pc].m[6] == FlowNext)
      continue;
    leader[pc - begin + 1] = 1;
    targets(code[pc], [&](uint32_t t) { leader[t - begin] = 1; });
  }
  std::vector<BasicBlock> blocks;
  std::vector<uint32_t> blockOf(size);
  for (uint32_t i = 0; i < size; ++i) {
    if (leader[i])
      blocks.push_back({i, i, {}, {}});
    blocks.back().last = i;
    blockOf[i] = static_cast<uint32_t>(blocks.size() - 1);
  }
  uint32_t exit = static_cast<uint32_t>(blocks.size());
  blocks.push_back({size, size, {}, {}});
  for (uint32_t b = 0; b < exit; ++b) {
    const Inst &inst = code[begin + blocks[b].last];
    auto link = [&](uint32_t to) {
      auto &s = blocks[b].successors;
      if (std::find(s.begin(), s.end(), to) != s.end())
        return;
      s.push_back(to);
      blocks[to].predecessors.push_back(b);
    };
    targets(inst, [&](uint32_t t) { link(blockOf[t - begin]); });
    bool always = inst.guard == kNone;
    if (inst.m[6] == FlowExit)
      link(exit);
    bool falls = inst.m[6] == FlowNext || !always;
    if (falls)
      link(blocks[b].last + 1 < size ? blockOf[blocks[b].last + 1] : exit);
  }
  // Post-order of the reversed graph from the exit; blocks in endless loops
  // are given an edge to the exit and taken up where the walk left off.
  std::vector<uint32_t> order(blocks.size(), kNone), sequence;
  auto walk = [&](uint32_t root) {
    std::vector<std::pair<uint32_t, size_t>> stack{{root, 0}};
    order[root] = 0;
    while (!stack.empty()) {
      auto &[b, next] = stack.back();
      if (next == blocks[b].predecessors.size()) {
        sequence.push_back(b);
        stack.pop_back();
        continue;
      }
      uint32_t p = blocks[b].predecessors[next++];
      if (order[p] == kNone) {
        order[p] = 0;
        stack.push_back({p, 0});
      }
    }
  };
  std::vector<uint32_t> endless;
  order[exit] = 0;
  walk(exit);
  for (uint32_t b = exit; b-- > 0;)
    if (order[b] == kNone) {
      // The exit must stay last in the sequence.
      sequence.pop_back();
      walk(b);
      sequence.push_back(exit);
      blocks[b].successors.push_back(exit);
    }
  for (uint32_t i = 0; i < sequence.size(); ++i)
    order[sequence[i]] = i;
  std::vector<uint32_t> ipdom(blocks.size(), kNone);
  ipdom[exit] = exit;
  auto meet = [&](uint32_t a, uint32_t b) {
    while (a != b) {
      while (order[a] < order[b])
        a = ipdom[a];
      while (order[b] < order[a])
        b = ipdom[b];
    }
    return a;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = sequence.size(); i-- > 0;) {
      uint32_t b = sequence[i];
      if (b == exit)
        continue;
      uint32_t found = kNone;
      for (uint32_t s : blocks[b].successors)
        if (ipdom[s] != kNone)
          found = found == kNone ? s : meet(found, s);
      if (found != ipdom[b]) {
        ipdom[b] = found;
        changed = true;
      }
    }
  }
  for (uint32_t b = 0; b < exit; ++b) {
    Inst &inst = code[begin + blocks[b].last];
    if (inst.m[6] != FlowBranch && inst.m[6] != FlowTable)
      continue;
    uint32_t to = ipdom[b];
    // Lanes that end there (m[5]) need not wait for the others, which may wait
    // for them to be gone at a barrier.
    bool meet = to != kNone && to != exit &&
                !(code[begin + blocks[to].first].m[6] == FlowExit &&
                  code[begin + blocks[to].first].m[5]);
    inst.reconverge = meet ? begin + blocks[to].first : kNone;
  }
}
