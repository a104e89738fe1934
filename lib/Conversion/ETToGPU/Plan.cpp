//===- Plan.cpp - Kernels for offsets, token lists and gathers ------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpIPredicate;
using Values = LoopBuilder::Values;

/// One block: a warp counts an expert's bits, and the counts of 32 experts are
/// summed up at a time.
static void lowerOffsets(OffsetsOp op, KernelBuilder &b) {
  constexpr int64_t threads = 1024, warps = threads / kWarpSize;
  Value mask = op.getMask(), offsets = op.getOffsets();
  Value experts = b.dim(mask, 0), words = b.dim(mask, 1);
  MemRefType perWarp = b.sharedType({warps}, b.getI32Type());
  b.launch(
      "offsets", b.index(1), threads, perWarp, [&](const BlockInfo &block) {
        Value lane = b.rem(block.thread, kWarpSize);
        Value warp = b.div(block.thread, kWarpSize);
        Value zero = b.index(0), none = b.i32(0);
        b.when(b.cmp(CmpIPredicate::eq, block.thread, zero),
               [&] { b.store(none, offsets, zero); });
        b.loopBy(warps, zero, experts, none,
                 [&](Value first, ValueRange sum) -> Values {
                   Value expert = b.add(first, warp);
                   Value isExpert = b.less(expert, experts);
                   Value end = b.select(isExpert, words, zero);
                   Value bits =
                       b.loopBy(kWarpSize, lane, end, none,
                                [&](Value word, ValueRange acc) -> Values {
                                  Value value = b.load(mask, {expert, word});
                                  return {b.add(acc[0], b.popcount(value))};
                                })[0];
                   Value load = b.warpSum(bits);
                   KernelBuilder::WarpSums sums =
                       b.scanWarps(load, block.thread, warps, block.shared[0]);
                   Value writes =
                       b.both(b.cmp(CmpIPredicate::eq, lane, zero), isExpert);
                   b.when(writes, [&] {
                     b.store(b.add(sum[0], b.add(sums.before, load)), offsets,
                             b.add(expert, 1));
                   });
                   b.barrier();
                   return {b.add(sum[0], sums.all)};
                 });
      });
}

/// A block lists the tokens of an expert. A thread lists those of a word,
/// behind what the words before it hold.
static void lowerTokenList(TokenListOp op, KernelBuilder &b) {
  constexpr int64_t threads = 256, warps = threads / kWarpSize;
  Value mask = op.getMask(), tokens = op.getTokens();
  Value experts = b.dim(mask, 0), words = b.dim(mask, 1);
  MemRefType perWarp = b.sharedType({warps}, b.getI32Type());
  b.launch(
      "token_list", experts, threads, perWarp, [&](const BlockInfo &block) {
        Value expert = block.x, none = b.i32(0);
        Value lane = b.rem(block.thread, kWarpSize);
        b.when(b.less(expert, experts), [&] {
          Value start = b.load(op.getOffsets(), expert);
          b.loopBy(threads, b.index(0), words, start,
                   [&](Value first, ValueRange next) -> Values {
                     Value word = b.add(first, block.thread);
                     Value bits = b.whenElse(
                         b.less(word, words),
                         [&] { return b.load(mask, {expert, word}); }, none);
                     Value count = b.popcount(bits);
                     Value upTo = b.warpScan(count, lane);
                     Value ofWarp = b.fromLane(upTo, b.index(kWarpSize - 1));
                     KernelBuilder::WarpSums sums = b.scanWarps(
                         ofWarp, block.thread, warps, block.shared[0]);
                     Value position =
                         b.add(b.add(next[0], sums.before), b.sub(upTo, count));
                     Value firstToken = b.toI32(b.mul(word, kTokensPerWord));
                     b.loopWhile(
                         {bits, position},
                         [&](ValueRange state) {
                           return b.cmp(CmpIPredicate::ne, state[0], none);
                         },
                         [&](ValueRange state) -> Values {
                           Value lowest =
                               math::CountTrailingZerosOp::create(b, state[0]);
                           b.store(b.add(firstToken, lowest), tokens,
                                   b.toIndex(state[1]));
                           Value rest =
                               b.both(state[0], b.sub(state[0], b.i32(1)));
                           return {rest, b.add(state[1], b.i32(1))};
                         });
                     b.barrier();
                     return {b.add(next[0], sums.all)};
                   });
        });
      });
}

/// A block copies a row.
static void lowerGather(GatherOp op, KernelBuilder &b) {
  constexpr int64_t threads = 128;
  Value out = op.getOut(), offsets = op.getOffsets();
  Value rows = b.dim(out, 0);
  b.launch("gather", rows, threads, {}, [&](const BlockInfo &block) {
    Value row = block.x;
    Value experts = b.sub(b.dim(offsets, 0), b.index(1));
    Value pairs = b.toIndex(b.load(offsets, experts));
    b.when(b.less(row, b.min(pairs, rows)), [&] {
      Value token = b.toIndex(b.load(op.getTokens(), row));
      b.loopBy(threads, block.thread, b.dim(out, 1), {},
               [&](Value column, ValueRange) -> Values {
                 b.store(b.load(op.getX(), {token, column}), out,
                         {row, column});
                 return {};
               });
    });
  });
}

void et::populatePlanKernels(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<KernelPattern<OffsetsOp>>(context, lowerOffsets);
  patterns.add<KernelPattern<TokenListOp>>(context, lowerTokenList);
  patterns.add<KernelPattern<GatherOp>>(context, lowerGather);
}
