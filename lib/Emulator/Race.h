//===- Race.h - Accesses that nothing orders --------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_RACE_H
#define ET_EMULATOR_RACE_H

#include "Checks.h"

namespace et::emu {

std::shared_ptr<SyncTable> makeSyncTable();
void startRace(Block &block);
/// What the warp has done so far is handed to whoever acquires the clock.
void raceArrive(Warp &w, Clock &clock);
/// The warp goes on knowing what was handed to the clock.
void raceAcquire(Warp &w, const Clock &clock);
/// False after a fault.
bool raceAccess(Warp &w, const Inst &inst, Space space, uint64_t address,
                unsigned bytes, Access access, int lane);
std::string describeWait(Warp &w, const Node &n);

} // namespace et::emu

#endif // ET_EMULATOR_RACE_H
