//===- Race.h - Accesses that nothing orders ------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_RACE_H
#define ET_EMULATOR_RACE_H

#include "Checks.h"

namespace et::emu {

std::shared_ptr<LaunchRace> startLaunchRace(Launch &launch);
/// How much the check did for a launch, by name: accesses looked at in
/// histories, clocks joined, links made, accesses forgotten.
Counters countRace(const LaunchRace &race);
void startRace(Block &block);
/// What the warp has done so far is handed to whoever acquires the clock.
void raceArrive(Warp &w, Clock &clock);
/// The warp goes on knowing what was handed to the clock.
void raceAcquire(Warp &w, const Clock &clock);
/// An access of `bytes` at each of the lanes' addresses. False after a fault.
/// Stores of what is there already do not race with the stores of others.
bool raceAccess(Warp &w, const Inst &inst, Space space, const uint64_t *address,
                uint32_t mask, unsigned bytes, Access access,
                const StoredValues *stored = nullptr);

/// After a strong load or an atomic: another block may have written between the
/// check and the access.
void raceReacquire(Warp &w, const Inst &inst, Space space,
                   const uint64_t *address, uint32_t mask);
/// A fence for more than the block: what the warp knows goes with its relaxed
/// accesses from now on, and what came with those before it is known.
void raceFence(Warp &w);

// Asynchronous agents. They are numbered after the warps.
/// A new agent, for an mbarrier.
uint32_t raceNewAgent(Block &block);
/// The agent's next time, for one operation; 0 when races are not looked for.
uint32_t raceStamp(Warp &w, const Inst &inst, uint32_t agent);
/// The warp has waited for the agent up to a time.
void raceLearn(Warp &w, uint32_t agent, uint32_t time);
/// The same, handed to a clock.
void raceHand(Block &block, Clock &clock, uint32_t agent, uint32_t time);
/// fence.proxy.async: what the warp knows of is seen by the asynchronous proxy.
void raceProxyFence(Warp &w);
/// The agent's access to shared memory, which begins now and ends with a wait.
/// `proxy`: it is made through the asynchronous proxy. False after a fault.
bool raceAsync(Warp &w, const Inst &inst, uint32_t agent, uint32_t stamp,
               uint64_t address, uint32_t bytes, bool write, bool proxy,
               int lane);

/// A block ends, and its shared memory with it: bulk copies that use it are to
/// be waited for by then.
void raceEnd(Block &block);

} // namespace et::emu

#endif // ET_EMULATOR_RACE_H
