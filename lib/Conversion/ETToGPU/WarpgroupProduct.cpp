//===- WarpgroupProduct.cpp - A tile by Hopper's wgmma --------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The block is one warpgroup. wgmma reads both operands from shared memory, in
// the layout that MatrixProduct.cpp describes, and works on while the next step
// is prepared: one group of products is in flight, so a stage is filled again
// two steps after it was read.
//
//===----------------------------------------------------------------------===//

#include "MatrixProduct.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::et;
using Values = LoopBuilder::Values;

/// Elements of the depth that an instruction takes.
static constexpr int64_t kStep = 16;
/// Columns of eight; of each a thread has two in each of two rows.
static constexpr int64_t kNarrow = 8, kPerNarrow = 4;

/// The part of a matrix descriptor that does not depend on the address (PTX
/// ISA, "Matrix Descriptor Format"): distances in bytes, and the swizzle.
static int64_t describe(uint64_t leading, uint64_t stride, uint64_t swizzle) {
  constexpr uint64_t unit = 16;
  return static_cast<int64_t>(leading / unit << 16 | stride / unit << 32 |
                              swizzle << 62);
}
static constexpr uint64_t kSwizzle128 = 1, kSwizzle64 = 2;

SmallVector<Value> MatrixProduct::issueProducts(int64_t groups, Value stage,
                                                ValueRange accumulators,
                                                bool isFirst) {
  MLIRContext *context = b.getContext();
  auto operand =
      element.isF16() ? NVVM::WGMMATypes::f16 : NVVM::WGMMATypes::bf16;
  auto shape = NVVM::MMAShapeAttr::get(context, static_cast<int>(kGroupRows),
                                       static_cast<int>(tile.columns),
                                       static_cast<int>(kStep));
  Value address = b.add(
      sharedAddress, Value(arith::ExtUIOp::create(b, b.getI64Type(), stage)));
  Value place = b.div(address, 16);
  auto descriptor = [&](int64_t offset, int64_t description) {
    return b.add(place, offset / 16 + description);
  };
  Values sums(accumulators);
  for (int64_t step = 0; step < kDepth / kStep; ++step)
    for (int64_t group = 0; group < groups; ++group)
      for (int64_t product = 0; product < tile.numRhs; ++product) {
        // Eight rows of lhs lie together; a step is within their swizzle.
        Value left =
            descriptor(group * kGroupRows * kLhsRowBytes + step * kStep * 2,
                       describe(0, 8 * kLhsRowBytes, kSwizzle64));
        // Eight of the depth lie together, 64 columns beside another 64.
        Value right = descriptor(
            lhsBytes() + product * rhsBytes() + step * kStep * kRhsRowBytes,
            describe(kDepth * kRhsRowBytes, 8 * kRhsRowBytes, kSwizzle128));
        Value &sum = sums[group * tile.numRhs + product];
        sum = NVVM::WgmmaMmaAsyncOp::create(
            b, sum.getType(), sum, left, right, shape, operand, operand,
            NVVM::WGMMATypes::f32,
            isFirst && step == 0 ? NVVM::WGMMAScaleOut::zero
                                 : NVVM::WGMMAScaleOut::one,
            NVVM::WGMMAScaleIn::one, NVVM::WGMMAScaleIn::one,
            NVVM::MMALayout::row, NVVM::MMALayout::row,
            /*satfinite=*/nullptr);
      }
  return sums;
}

void MatrixProduct::runGroups(int64_t groups, const Copies &copies,
                              const Fragments &fragments, Value sums) {
  constexpr int64_t ahead = kStages - 2;
  int64_t steps = llvm::divideCeil(depth, kDepth);
  int64_t slices = groups * kGroupRows / 16;
  for (int64_t stage = 0; stage < ahead; ++stage) {
    if (stage < steps)
      emitCopies(copies, slices, b.index(stage), stageAt(stage));
    NVVM::CpAsyncCommitGroupOp::create(b);
  }
  auto sumsOfProduct = LLVM::LLVMStructType::getLiteral(
      b.getContext(),
      SmallVector<Type>(tile.columns / kNarrow * kPerNarrow, b.getF32Type()));
  // The first products start from nothing, as they say themselves: registers
  // set to zero could be set between the fence and the product.
  Value nothing = LLVM::PoisonOp::create(b, sumsOfProduct);
  Values inits = {stageAt(0), stageAt(ahead)};
  inits.append(groups * tile.numRhs, nothing);
  auto oneStep = [&](Value step, ValueRange carried, bool isFirst) -> Values {
    NVVM::CpAsyncWaitGroupOp::create(b, ahead - 1);
    // wgmma reads by another proxy than cp.async writes.
    NVVM::FenceProxyOp::create(
        b, NVVM::ProxyKind::async_shared,
        NVVM::SharedSpaceAttr::get(b.getContext(),
                                   NVVM::SharedSpace::shared_cta));
    b.barrier();
    NVVM::WgmmaFenceAlignedOp::create(b);
    Values products =
        issueProducts(groups, carried[0], carried.drop_front(2), isFirst);
    NVVM::WgmmaGroupSyncAlignedOp::create(b);
    Value next = b.add(step, ahead);
    b.when(b.less(next, b.index(steps)),
           [&] { emitCopies(copies, slices, next, carried[1]); });
    NVVM::CpAsyncCommitGroupOp::create(b);
    NVVM::WgmmaWaitGroupSyncOp::create(b, 1);
    Values result = {stageAfter(carried[0]), stageAfter(carried[1])};
    result.append(products);
    return result;
  };
  Values first = oneStep(b.index(0), inits, /*isFirst=*/true);
  Values last = b.loopBy(1, b.index(1), b.index(steps), first,
                         [&](Value step, ValueRange carried) {
                           return oneStep(step, carried, /*isFirst=*/false);
                         });
  NVVM::WgmmaWaitGroupSyncOp::create(b, 0);
  NVVM::CpAsyncWaitGroupOp::create(b, 0);
  b.barrier();

  Value row = b.add(b.mul(fragments.warp, 16), b.div(fragments.lane, 4));
  Value column = b.mul(b.rem(fragments.lane, 4), 2);
  for (int64_t group = 0; group < groups; ++group)
    for (int64_t product = 0; product < tile.numRhs; ++product) {
      Value results = last[2 + group * tile.numRhs + product];
      for (int64_t i = 0; i < tile.columns / kNarrow * kPerNarrow; i += 2) {
        Value pair[] = {LLVM::ExtractValueOp::create(b, results, i),
                        LLVM::ExtractValueOp::create(b, results, i + 1)};
        int64_t half = i % kPerNarrow / 2 * 8;
        Value place[] = {b.index(product),
                         b.add(row, group * kGroupRows + half),
                         b.add(column, i / kPerNarrow * kNarrow)};
        b.storeElements(pair, sums, place);
      }
    }
}
