//===- ExecSet.cpp - One set of instruction functions ---------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExecCommon.h"

namespace et::emu::ET_EMU_ISA {

void fillExecSet(ExecSet &set) {
  registerInteger(set.ops);
  registerBits(set.ops);
  registerFloat(set.ops);
  registerArith(set.ops);
  registerConvert(set.ops);
  registerMove(set.ops);
  registerControl(set.ops);
  registerMemory(set.ops);
  registerAtomic(set.ops);
  registerWarp(set.ops);
  registerBarrier(set.ops);
  registerMatrix(set.ops);
  registerAsync(set.ops);
  registerWgmma(set.ops);
  registerWmma(set.ops);
  set.run = runWarp;
  set.special = decodeSpecial;
  set.localAddress = execLocalAddress;
  set.notPred = execNotPred;
}

} // namespace et::emu::ET_EMU_ISA
