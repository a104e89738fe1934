//===- WarpgroupStages.cpp - From the producer to the consumers -----------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WarpgroupProduct.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::et;

void WarpgroupStages::enterKernel(const BlockInfo &block) {
  Value address = b.addressOf(block.dynamicShared);
  pointer = b.pointerTo(address, NVVM::NVVMMemorySpace::Shared);
  start = arith::TruncIOp::create(b, b.getI32Type(), address);
}

void WarpgroupStages::initializeBarriers() {
  b.notePipeline(kStages);
  auto init = [&](Value barrier, int64_t arrivals) {
    NVVM::MBarrierInitOp::create(
        b, barrier, b.i32(static_cast<int32_t>(arrivals)), Value());
  };
  for (int32_t stage = 0; stage < kStages; ++stage) {
    // A producer's thread arrives when its copies have; one more announces the
    // weights.
    init(barrier(b.i32(stage), Full), kGroup + 1);
    init(barrier(b.i32(stage), Empty), kConsumers * kGroup / kWarpSize);
  }
  init(noBarrier(), 1);
  NVVM::FenceMbarrierInitOp::create(b);
}

Value WarpgroupStages::pointerAt(Value offset, int64_t constant) {
  // In two steps, so that the constant becomes part of the instruction.
  auto moved = [&](Value from, LLVM::GEPArg by) -> Value {
    return LLVM::GEPOp::create(b, pointer.getType(), b.getI8Type(), from, by);
  };
  return moved(moved(pointer, offset), static_cast<int32_t>(constant));
}

void WarpgroupStages::waitFor(Value turn, Barrier barrierKind) {
  // The parity of the phase that ends a stage's n-th use is that of n; before
  // the first, a stage is empty.
  Value use = b.div(turn, kStages);
  if (barrierKind == Empty)
    use = b.add(use, 1);
  constexpr int32_t longest = 10'000'000;
  NVVM::MBarrierTryWaitParityOp::create(b, barrier(turn, barrierKind),
                                        b.rem(use, 2), b.i32(longest));
}

void WarpgroupStages::release(Value thread, Value empty) {
  Value lane = b.rem(thread, kWarpSize);
  b.when(b.cmp(arith::CmpIPredicate::eq, lane, b.index(0)), [&] {
    NVVM::MBarrierArriveOp::create(b, TypeRange(), empty, Value(),
                                   NVVM::MemScopeKind::CTA,
                                   /*relaxed=*/false);
  });
}
