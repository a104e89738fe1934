//===- Combine.cpp - Kernel for the sum of a token's experts --------------===//
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

namespace {
/// The columns of a token that a block sums up. A thread has neighbors, as many
/// as one access of 16 bytes takes; where rows are not made of those, it has
/// columns that lie a block apart, so that a warp's accesses are whole.
struct Columns {
  int64_t threads, width, steps;
  int64_t ofBlock() const { return threads * width * steps; }
};

/// A block's token, and its place in a row of the mask: the token's own bit of
/// a word, and those of the tokens before it.
struct Token {
  Value number, word, bit, bitsBefore;
};
} // namespace

static Columns chooseColumns(CombineOp op) {
  constexpr int64_t mostThreads = 256, scattered = 4;
  SmallVector<Value> rows = {op.getPairs(), op.getOut()};
  if (op.getShared())
    rows.push_back(op.getShared());
  int64_t width = accessWidth(rows);
  if (width == 1)
    return {mostThreads, width, scattered};
  // Warps take turns by a mask, so they are a power of two.
  uint64_t columns = cast<MemRefType>(op.getOut().getType()).getDimSize(1);
  uint64_t threads = llvm::PowerOf2Ceil(llvm::divideCeil(columns, width));
  return {std::clamp<int64_t>(threads, kWarpSize, mostThreads), width, 1};
}

static Token findToken(KernelBuilder &b, Value number) {
  Value bitNumber = b.toI32(b.rem(number, kTokensPerWord));
  Value bit = arith::ShLIOp::create(b, b.i32(1), bitNumber);
  return {number, b.div(number, kTokensPerWord), bit, b.sub(bit, b.i32(1))};
}

/// A loop over the bits of a set, lowest first, that carries values.
static Values forEachBit(KernelBuilder &b, Value set, ValueRange inits,
                         function_ref<Values(Value, ValueRange)> body) {
  Values state = {set};
  llvm::append_range(state, inits);
  state = b.loopWhile(
      state,
      [&](ValueRange s) { return b.cmp(CmpIPredicate::ne, s[0], b.i32(0)); },
      [&](ValueRange s) {
        Value lowest = math::CountTrailingZerosOp::create(b, s[0]);
        Values next = {b.both(s[0], b.sub(s[0], b.i32(1)))};
        llvm::append_range(next, body(b.toIndex(lowest), s.drop_front()));
        return next;
      });
  return Values(ArrayRef<Value>(state).drop_front());
}

/// The row of the token's pair with each of the chosen experts, a set of those
/// from `first` on, into shared memory. Warps take turns.
static void findRows(KernelBuilder &b, CombineOp op, const BlockInfo &block,
                     int64_t warps, const Token &token, Value first,
                     Value chosen) {
  Value mask = op.getMask(), rows = block.shared[0];
  Value lane = b.rem(block.thread, kWarpSize);
  Value warp = b.toI32(b.div(block.thread, kWarpSize));
  forEachBit(b, chosen, b.i32(0), [&](Value bit, ValueRange turn) -> Values {
    Value isMine =
        b.cmp(CmpIPredicate::eq, warp,
              b.both(turn[0], b.i32(static_cast<int32_t>(warps - 1))));
    b.when(isMine, [&] {
      Value expert = b.add(first, bit);
      Value count = b.loopBy(kWarpSize, lane, token.word, b.i32(0),
                             [&](Value word, ValueRange acc) -> Values {
                               Value bits = b.load(mask, {expert, word});
                               return {b.add(acc[0], b.popcount(bits))};
                             })[0];
      Value own = b.load(mask, {expert, token.word});
      Value before =
          b.add(b.warpSum(count), b.popcount(b.both(own, token.bitsBefore)));
      Value row = b.add(b.load(op.getOffsets(), expert), before);
      b.when(b.cmp(CmpIPredicate::eq, lane, b.index(0)),
             [&] { b.store(row, rows, bit); });
    });
    return {b.add(turn[0], b.i32(1))};
  });
}

/// A block sums up a token's pairs over some columns. For 32 experts at a time,
/// a warp finds the row of a chosen expert's pair by counting the expert's bits
/// before the token; then every thread adds the pairs of its columns, experts
/// ascending.
static void sumUp(KernelBuilder &b, CombineOp op, const BlockInfo &block,
                  const Columns &split) {
  Value mask = op.getMask(), experts = b.dim(mask, 0);
  Token token = findToken(b, block.x);
  Value firstColumn =
      b.add(b.mul(block.y, split.ofBlock()), b.mul(block.thread, split.width));
  Values column, isThere;
  for (int64_t j = 0; j < split.steps; ++j) {
    column.push_back(b.add(firstColumn, j * split.threads));
    isThere.push_back(b.less(column[j], b.dim(op.getOut(), 1)));
  }
  auto ofStep = [&](ValueRange values, int64_t j) {
    return values.slice(j * split.width, split.width);
  };
  // The sums with a row added, times its gate; without a gate, the row.
  auto addRow = [&](ValueRange sums, Value memref, Value row, Value gate) {
    Values result;
    for (int64_t j = 0; j < split.steps; ++j) {
      auto add = [&]() -> Values {
        Values values = b.loadElements(memref, {row, column[j]}, split.width);
        if (gate)
          for (auto [value, sum] : llvm::zip_equal(values, ofStep(sums, j)))
            value = b.fma(gate, value, sum);
        return values;
      };
      llvm::append_range(result, b.whenElse(isThere[j], add, ofStep(sums, j)));
    }
    return result;
  };

  Values sums(split.steps * split.width, b.f32(0.0));
  if (Value shared = op.getShared())
    sums = addRow(sums, shared, token.number, /*gate=*/Value());
  sums = b.loopBy(
      kWarpSize, b.index(0), experts, sums,
      [&](Value first, ValueRange carried) -> Values {
        Value expert = b.add(first, b.rem(block.thread, kWarpSize));
        Value word = b.whenElse(
            b.less(expert, experts),
            [&] { return b.load(mask, {expert, token.word}); }, b.i32(0));
        Value chosen = b.ballot(
            b.cmp(CmpIPredicate::ne, b.both(word, token.bit), b.i32(0)));
        findRows(b, op, block, split.threads / kWarpSize, token, first, chosen);
        b.barrier();
        Values next = forEachBit(
            b, chosen, carried, [&](Value bit, ValueRange old) -> Values {
              Value row = b.toIndex(b.load(block.shared[0], bit));
              Value gate =
                  b.load(op.getGates(), {token.number, b.add(first, bit)});
              return addRow(old, op.getPairs(), row, gate);
            });
        b.barrier();
        return next;
      });
  for (int64_t j = 0; j < split.steps; ++j)
    b.when(isThere[j], [&] {
      b.storeElements(ofStep(sums, j), op.getOut(), {token.number, column[j]});
    });
}

static void lowerCombine(CombineOp op, KernelBuilder &b) {
  Columns split = chooseColumns(op);
  Value tokens = b.dim(op.getOut(), 0), columns = b.dim(op.getOut(), 1);
  b.launch("et_combine", {tokens, b.ceilDiv(columns, split.ofBlock())},
           split.threads, b.sharedType({kWarpSize}, b.getI32Type()),
           [&](const BlockInfo &block) {
             b.when(b.less(block.x, tokens),
                    [&] { sumUp(b, op, block, split); });
           });
}

void et::populateCombineKernels(RewritePatternSet &patterns) {
  patterns.add<KernelPattern<CombineOp>>(patterns.getContext(), lowerCombine);
}
