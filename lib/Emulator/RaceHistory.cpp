//===- RaceHistory.cpp - Who touched four bytes of memory last ------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RaceHistory.h"

#include <algorithm>

using namespace et::emu;

RaceHistory::~RaceHistory() {
  for (Link *piece : pieces)
    delete[] piece;
}

uint32_t RaceHistory::append(uint32_t parent, Access access) {
  if (used >> kShift >= pieces.size()) {
    // Readers hold no lock: the table of pieces must not move where there are
    // several.
    if (most != kNoLink)
      pieces.reserve((most >> kShift) + 1);
    pieces.push_back(new Link[size_t(1) << kShift]);
  }
  uint32_t length = parent == kNoLink ? 1 : link(parent).length + 1;
  pieces[used >> kShift][used & ((1u << kShift) - 1)] = {
      access.epoch, access.line, parent, length};
  ++made;
  return used++;
}

void RaceHistory::collect(std::vector<RaceCell> &cells) {
  std::vector<Link> live;
  std::unordered_map<uint32_t, uint32_t> moved;
  std::vector<uint32_t> way;
  auto move = [&](uint64_t &slot) {
    if (!isChain(slot))
      return;
    way.clear();
    uint32_t id = idOf(slot), at = kNoLink;
    for (; id != kNoLink; id = link(id).parent) {
      auto it = moved.find(id);
      if (it != moved.end()) {
        at = it->second;
        break;
      }
      way.push_back(id);
    }
    for (; !way.empty(); way.pop_back()) {
      live.push_back(link(way.back()));
      live.back().parent = at;
      at = static_cast<uint32_t>(live.size() - 1);
      moved[way.back()] = at;
    }
    slot = kChain | uint64_t(launch) << 48 | uint64_t(at) << 5;
  };
  for (RaceCell &cell : cells) {
    move(cell.write);
    move(cell.read);
  }
  readSteps.clear();
  writeSteps.clear();
  used = 0;
  for (const Link &l : live) {
    pieces[used >> kShift][used & ((1u << kShift) - 1)] = l;
    ++used;
  }
  sweepAt = std::max<uint32_t>(1 << 18, used * 2);
}
