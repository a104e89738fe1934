//===- ExecBulk.h - What asynchronous instructions share ------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_EMULATOR_EXECBULK_H
#define ET_EMULATOR_EXECBULK_H

#include "Async.h"
#include "ExecCommon.h"
#include "Race.h"

namespace et::emu::ET_EMU_ISA {

/// After `cp.async.bulk` and `cp.reduce.async.bulk`.
bool decodeBulk(Decoder &d);
bool decodeBulkReduce(Decoder &d);

void poison(Block &block, uint64_t address, uint64_t bytes);
void markShared(Block &block, uint64_t address, uint64_t bytes);
/// Copies global memory into shared memory, with what is known of it.
void copyShared(Block &block, uint64_t to, uint64_t from, uint64_t bytes);
/// Turns a generic address into a shared one and checks it. False after a
/// fault.
bool sharedRange(Warp &w, uint64_t &address, uint64_t bytes, uint64_t align,
                 Access access, int lane);

} // namespace et::emu::ET_EMU_ISA

#endif // ET_EMULATOR_EXECBULK_H
