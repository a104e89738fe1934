//===- Stats.h - Counters as text -----------------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_STATS_H
#define ET_EMULATOR_STATS_H

#include "et/Emulator/Emulator.h"

namespace et::emu {

/// The least that a problem asks of whoever solves it; what is 0 is not known.
struct Problem {
  /// Bytes of its inputs and of its results, multiply-adds, and bytes that must
  /// be on the device at a time.
  uint64_t load = 0, store = 0, macs = 0, memory = 0;
};

/// `load=BYTES,store=BYTES,macs=N,memory=BYTES`, or some of them.
bool parseProblem(Problem &problem, const std::string &text,
                  std::string &error);

/// What `from` counted goes into `to`.
void addResult(LaunchResult &to, const LaunchResult &from);

/// One JSON object, the same each time: the kernel's name, every counter, and
/// what was used, least possible and wasted where the problem says so. With
/// `timing` also the seconds, which are not the same each time.
std::string countersToJson(const std::string &kernel,
                           const LaunchResult &result, const Problem &problem,
                           bool timing);
/// The same for people: what is zero is left out, the time is there.
std::string countersToTable(const std::string &kernel,
                            const LaunchResult &result, const Problem &problem);

} // namespace et::emu

#endif // ET_EMULATOR_STATS_H
