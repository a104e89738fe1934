//===- Combine.cpp - Kernel for the sum of a token's experts --------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For 32 experts at a time, a warp finds the row of a chosen expert's pair by
// counting the expert's bits before the token; then every thread adds the pairs
// of its columns, experts ascending.
//
//===----------------------------------------------------------------------===//

#include "Combine.h"
#include "Patterns.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpIPredicate;
using Values = LoopBuilder::Values;

/// A block's token, and its place in a row of the mask: the token's own bit of
/// a word, and those of the tokens before it.
struct TokenSum::Token {
  Value number, word, bit, bitsBefore;
};

TokenSum::TokenSum(KernelBuilder &b, const Operands &operands,
                   int64_t leastThreads)
    : b(b), op(operands) {
  constexpr int64_t mostThreads = 256, scattered = 4;
  SmallVector<Value> rows = {op.pairs, op.out};
  if (op.shared)
    rows.push_back(op.shared);
  numThreads = leastThreads == kWarpSize ? mostThreads : leastThreads;
  width = accessWidth(rows);
  steps = scattered;
  if (width == 1)
    return;
  // Warps take turns by a mask, so they are a power of two.
  uint64_t columns = cast<MemRefType>(op.out.getType()).getDimSize(1);
  int64_t needed = llvm::PowerOf2Ceil(llvm::divideCeil(columns, width));
  numThreads = std::clamp(needed, leastThreads, mostThreads);
  steps = 1;
}

Value TokenSum::blocksOfToken() {
  return b.ceilDiv(b.dim(op.out, 1), ofBlock());
}

TokenSum::Token TokenSum::findToken(Value number) {
  Value bitNumber = b.toI32(b.rem(number, kTokensPerWord));
  Value bit = arith::ShLIOp::create(b, b.i32(1), bitNumber);
  return {number, b.div(number, kTokensPerWord), bit, b.sub(bit, b.i32(1))};
}

/// A loop over the bits of a set, lowest first, that carries values.
Values TokenSum::forEachBit(Value set, ValueRange inits,
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
void TokenSum::findRows(Value thread, Value rows, const Token &token,
                        Value first, Value chosen, const Wave *wave) {
  int64_t warps = numThreads / kWarpSize;
  Value lane = b.rem(thread, kWarpSize);
  Value warp = b.toI32(b.div(thread, kWarpSize));
  forEachBit(chosen, b.i32(0), [&](Value bit, ValueRange turn) -> Values {
    Value isMine =
        b.cmp(CmpIPredicate::eq, warp,
              b.both(turn[0], b.i32(static_cast<int32_t>(warps - 1))));
    b.when(isMine, [&] {
      Value expert = b.add(first, bit);
      Value count = b.loopBy(kWarpSize, lane, token.word, b.i32(0),
                             [&](Value word, ValueRange acc) -> Values {
                               Value bits = b.load(op.mask, {expert, word});
                               return {b.add(acc[0], b.popcount(bits))};
                             })[0];
      Value own = b.load(op.mask, {expert, token.word});
      Value before =
          b.add(b.warpSum(count), b.popcount(b.both(own, token.bitsBefore)));
      Value row = b.add(b.load(op.offsets, expert), before);
      if (wave)
        row = b.sub(row, b.toI32(wave->firstPair));
      b.when(b.cmp(CmpIPredicate::eq, lane, b.index(0)),
             [&] { b.store(row, rows, bit); });
    });
    return {b.add(turn[0], b.i32(1))};
  });
}

/// Whether any of the expert's pairs is.
Value TokenSum::isOfWave(Value expert, const Wave &wave) {
  Value end = b.add(wave.firstPair, b.dim(op.pairs, 0));
  Value first = b.toIndex(b.load(op.offsets, expert));
  Value last = b.toIndex(b.load(op.offsets, b.add(expert, 1)));
  return b.both(b.less(first, end), b.less(wave.firstPair, last));
}

void TokenSum::emit(Value thread, Value rows, Value tokenNumber, Value number,
                    const Wave *wave) {
  Value experts = b.dim(op.mask, 0);
  Token token = findToken(tokenNumber);
  Value firstColumn = b.add(b.mul(number, ofBlock()), b.mul(thread, width));
  Values column, isThere;
  for (int64_t j = 0; j < steps; ++j) {
    column.push_back(b.add(firstColumn, j * numThreads));
    isThere.push_back(b.less(column[j], b.dim(op.out, 1)));
  }
  auto ofStep = [&](ValueRange values, int64_t j) {
    return values.slice(j * width, width);
  };
  // The sums with a row added, times its gate; without a gate, the row.
  auto addRow = [&](ValueRange sums, Value memref, Value row, Value gate) {
    Values result;
    for (int64_t j = 0; j < steps; ++j) {
      auto add = [&]() -> Values {
        Values values = b.loadElements(memref, {row, column[j]}, width);
        if (gate)
          for (auto [value, sum] : llvm::zip_equal(values, ofStep(sums, j)))
            value = b.fma(gate, value, sum);
        return values;
      };
      llvm::append_range(result, b.whenElse(isThere[j], add, ofStep(sums, j)));
    }
    return result;
  };

  Values sums(steps * width, b.f32(0.0));
  auto addShared = [&]() -> Values {
    return addRow(sums, op.shared, token.number, /*gate=*/Value());
  };
  if (wave) {
    Value isLater = b.bitXor(wave->isFirst, b.boolean(true));
    if (op.shared)
      sums = b.whenElse(wave->isFirst, addShared, sums);
    sums = b.whenElse(
        isLater,
        [&] {
          return addRow(sums, wave->sums, token.number, /*gate=*/Value());
        },
        sums);
  } else if (op.shared) {
    sums = addShared();
  }
  sums = b.loopBy(
      kWarpSize, b.index(0), experts, sums,
      [&](Value first, ValueRange carried) -> Values {
        Value expert = b.add(first, b.rem(thread, kWarpSize));
        Value word = b.whenElse(
            b.less(expert, experts),
            [&] { return b.load(op.mask, {expert, token.word}); }, b.i32(0));
        Value isChosen =
            b.cmp(CmpIPredicate::ne, b.both(word, token.bit), b.i32(0));
        if (wave)
          isChosen = b.whenElse(
              isChosen, [&] { return isOfWave(expert, *wave); },
              b.boolean(false));
        Value chosen = b.ballot(isChosen);
        findRows(thread, rows, token, first, chosen, wave);
        b.barrier();
        Values next = forEachBit(
            chosen, carried, [&](Value bit, ValueRange old) -> Values {
              Value row = b.toIndex(b.load(rows, bit));
              auto add = [&]() -> Values {
                Value gate =
                    b.load(op.gates, {token.number, b.add(first, bit)});
                return addRow(old, op.pairs, row, gate);
              };
              if (!wave)
                return add();
              // Rows before the wave wrap around.
              return b.whenElse(b.less(row, b.dim(op.pairs, 0)), add, old);
            });
        b.barrier();
        return next;
      });
  auto storeTo = [&](Value memref) {
    for (int64_t j = 0; j < steps; ++j)
      b.when(isThere[j], [&] {
        b.storeElements(ofStep(sums, j), memref, {token.number, column[j]});
      });
  };
  if (wave && wave->sums != op.out) {
    b.when(wave->isLast, [&] { storeTo(op.out); });
    b.when(b.bitXor(wave->isLast, b.boolean(true)),
           [&] { storeTo(wave->sums); });
  } else {
    storeTo(op.out);
  }
}

static void lowerCombine(CombineOp op, KernelBuilder &b) {
  TokenSum sum(b, {op.getPairs(), op.getGates(), op.getMask(), op.getOffsets(),
                   op.getShared(), op.getOut()});
  Value tokens = b.dim(op.getOut(), 0);
  b.launch("combine", {tokens, sum.blocksOfToken()}, sum.threads(),
           sum.rowsType(), [&](const BlockInfo &block) {
             b.when(b.less(block.x, tokens), [&] {
               sum.emit(block.thread, block.shared[0], block.x, block.y);
             });
           });
}

void et::populateCombineKernels(RewritePatternSet &patterns) {
  patterns.add<KernelPattern<CombineOp>>(patterns.getContext(), lowerCombine);
}
