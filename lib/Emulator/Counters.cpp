//===- Counters.cpp - What a launch did, by name --------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

#include <cstring>

using namespace et::emu;

void et::emu::addCounters(WarpCounters &to, const WarpCounters &from) {
  // Nothing but 64-bit counts.
  static_assert(std::is_trivially_copyable_v<WarpCounters> &&
                sizeof(WarpCounters) % 8 == 0);
  constexpr size_t n = sizeof(WarpCounters) / 8;
  uint64_t a[n], b[n];
  std::memcpy(a, &to, sizeof(a));
  std::memcpy(b, &from, sizeof(b));
  for (size_t k = 0; k < n; ++k)
    a[k] += b[k];
  std::memcpy(static_cast<void *>(&to), a, sizeof(a));
}

Counters et::emu::countForms(const Launch &launch) {
  Counters out;
  const std::vector<std::string> &forms = launch.kernel->forms;
  for (size_t pc = 0; launch.executed && pc < forms.size(); ++pc)
    if (uint64_t count = launch.executed[pc]; count && !forms[pc].empty())
      out[forms[pc]] += count;
  return out;
}

Counters et::emu::nameCounters(const WarpCounters &c, const Launch &launch) {
  static const char *const classes[] = {
      "integer",      "float",       "half",         "double",
      "special",      "convert",     "move",         "predicate",
      "branch",       "barrier",     "shuffle",      "load_global",
      "store_global", "load_shared", "store_shared", "load_other",
      "store_other",  "atomic",      "matrix",       "async",
      "other"};
  static_assert(sizeof(classes) / sizeof(*classes) ==
                static_cast<size_t>(Class::Count));
  Counters out;
  for (size_t k = 0; k < static_cast<size_t>(Class::Count); ++k)
    out[std::string("inst.") + classes[k]] = c.byClass[k];
  out["warp_instructions"] = c.warpInstructions;
  out["thread_instructions"] = c.threadInstructions;
  out["divergent_branches"] = c.divergentBranches;
  out["blocks"] = c.blocks;
  out["barriers"] = c.barriers;
  out["matrix.ops"] = c.matrixOps;
  out["matrix.macs"] = c.matrixMacs;
  out["async.bytes"] = c.asyncBytes;
  out["device.peak_bytes"] = launch.memory->peakBytes();
  if (!launch.options.countMemory)
    return out;
  out["global.load.bytes"] = c.globalLoadBytes;
  out["global.load.requests"] = c.globalLoadRequests;
  out["global.load.sectors"] = c.globalLoadSectors;
  out["global.store.bytes"] = c.globalStoreBytes;
  out["global.store.requests"] = c.globalStoreRequests;
  out["global.store.sectors"] = c.globalStoreSectors;
  out["shared.load.bytes"] = c.sharedLoadBytes;
  out["shared.load.requests"] = c.sharedLoadRequests;
  out["shared.load.ways"] = c.sharedLoadWays;
  out["shared.load.conflicts"] = c.sharedLoadConflicts;
  out["shared.store.bytes"] = c.sharedStoreBytes;
  out["shared.store.requests"] = c.sharedStoreRequests;
  out["shared.store.ways"] = c.sharedStoreWays;
  out["shared.store.conflicts"] = c.sharedStoreConflicts;
  uint64_t loaded = 0, stored = 0;
  for (const auto &[start, a] : launch.memory->all())
    for (uint64_t at = start; at < a.end; ++at) {
      loaded += *launch.memory->loadedOf(at);
      stored += *launch.memory->storedOf(at);
    }
  out["global.load.unique_bytes"] = loaded;
  out["global.store.unique_bytes"] = stored;
  return out;
}
