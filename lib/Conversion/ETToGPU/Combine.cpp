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

/// The columns of a token that a block sums up. A thread has neighbors, as many
/// as one access of 16 bytes takes; where rows are not made of those, it has
/// columns that lie a block apart, so that a warp's accesses are whole.
namespace {
struct Columns {
  int64_t threads, width, steps;
  int64_t ofBlock() const { return threads * width * steps; }
};
} // namespace

static Columns chooseColumns(CombineOp op) {
  constexpr int64_t mostThreads = 256, scattered = 4;
  Value shared = op.getShared();
  SmallVector<Value> rows = {op.getPairs(), op.getOut()};
  if (shared)
    rows.push_back(shared);
  int64_t width = accessWidth(rows);
  if (width == 1)
    return {mostThreads, width, scattered};
  // Warps take turns by a mask, so they are a power of two.
  uint64_t columns = cast<MemRefType>(op.getOut().getType()).getDimSize(1);
  uint64_t threads = llvm::PowerOf2Ceil(llvm::divideCeil(columns, width));
  return {std::clamp<int64_t>(threads, kWarpSize, mostThreads), width, 1};
}

/// A block sums up a token's pairs over some columns. For 32 experts at a time,
/// a warp finds the row of a chosen expert's pair by counting the expert's bits
/// before the token; then every thread adds the pairs of its columns, experts
/// ascending.
static void lowerCombine(CombineOp op, KernelBuilder &b) {
  const Columns split = chooseColumns(op);
  const int64_t threads = split.threads, warps = threads / kWarpSize;
  Value mask = op.getMask(), out = op.getOut(), gates = op.getGates();
  Value tokens = b.dim(out, 0), columns = b.dim(out, 1);
  Value experts = b.dim(mask, 0);
  MemRefType rowsType = b.sharedType({kWarpSize}, b.getI32Type());
  b.launch(
      "et_combine", {tokens, b.ceilDiv(columns, split.ofBlock())}, threads,
      rowsType, [&](const BlockInfo &block) {
        Value token = block.x, rows = block.shared[0], none = b.i32(0);
        Value lane = b.rem(block.thread, kWarpSize);
        Value warp = b.div(block.thread, kWarpSize);
        Value wordOfToken = b.div(token, kTokensPerWord);
        Value bitOfToken = b.toI32(b.rem(token, kTokensPerWord));
        // The token's own bit, and those of the tokens before it in its word.
        Value bit = arith::ShLIOp::create(b, b.i32(1), bitOfToken);
        Value bitsBefore = b.sub(bit, b.i32(1));
        auto firstExpertOf = [&](Value set) -> Value {
          return math::CountTrailingZerosOp::create(b, set);
        };
        auto withoutFirst = [&](Value set) {
          return b.both(set, b.sub(set, b.i32(1)));
        };

        b.when(b.less(token, tokens), [&] {
          Value firstColumn = b.add(b.mul(block.y, split.ofBlock()),
                                    b.mul(block.thread, split.width));
          SmallVector<Value> column, isThere, sums;
          for (int64_t j = 0; j < split.steps; ++j) {
            column.push_back(b.add(firstColumn, j * threads));
            isThere.push_back(b.less(column[j], columns));
          }
          // The values of the columns that exist, else `otherwise`.
          auto forColumns =
              [&](ValueRange otherwise,
                  function_ref<Values(Value, ValueRange)> compute) {
                Values result;
                for (int64_t j = 0; j < split.steps; ++j) {
                  ValueRange old =
                      otherwise.slice(j * split.width, split.width);
                  llvm::append_range(
                      result,
                      b.whenElse(
                          isThere[j], [&] { return compute(column[j], old); },
                          old));
                }
                return result;
              };
          sums.assign(split.steps * split.width, b.f32(0.0));
          if (Value shared = op.getShared())
            sums = forColumns(sums, [&](Value c, ValueRange) {
              return b.loadElements(shared, {token, c}, split.width);
            });

          sums = b.loopBy(
              kWarpSize, b.index(0), experts, sums,
              [&](Value first, ValueRange carried) -> Values {
                Value expert = b.add(first, lane);
                Value word = b.whenElse(
                    b.less(expert, experts),
                    [&] { return b.load(mask, {expert, wordOfToken}); }, none);
                Value chosen =
                    b.ballot(b.cmp(CmpIPredicate::ne, b.both(word, bit), none));

                // Warps take turns at the chosen experts.
                b.loopWhile(
                    {chosen, none},
                    [&](ValueRange state) {
                      return b.cmp(CmpIPredicate::ne, state[0], none);
                    },
                    [&](ValueRange state) -> Values {
                      Value mine = b.cmp(CmpIPredicate::eq, b.toI32(warp),
                                         b.both(state[1], b.i32(warps - 1)));
                      b.when(mine, [&] {
                        Value inChunk = b.toIndex(firstExpertOf(state[0]));
                        Value e = b.add(first, inChunk);
                        Value count =
                            b.loopBy(kWarpSize, lane, wordOfToken, none,
                                     [&](Value w, ValueRange acc) -> Values {
                                       Value bits = b.load(mask, {e, w});
                                       return {b.add(acc[0], b.popcount(bits))};
                                     })[0];
                        Value own = b.load(mask, {e, wordOfToken});
                        Value before =
                            b.add(b.warpSum(count),
                                  b.popcount(b.both(own, bitsBefore)));
                        Value row = b.add(b.load(op.getOffsets(), e), before);
                        b.when(b.cmp(CmpIPredicate::eq, lane, b.index(0)),
                               [&] { b.store(row, rows, inChunk); });
                      });
                      return {withoutFirst(state[0]),
                              b.add(state[1], b.i32(1))};
                    });
                b.barrier();

                Values state = {chosen};
                llvm::append_range(state, carried);
                state = b.loopWhile(
                    state,
                    [&](ValueRange s) {
                      return b.cmp(CmpIPredicate::ne, s[0], none);
                    },
                    [&](ValueRange s) -> Values {
                      Value inChunk = b.toIndex(firstExpertOf(s[0]));
                      Value row = b.toIndex(b.load(rows, inChunk));
                      Value gate =
                          b.load(gates, {token, b.add(first, inChunk)});
                      Values next = {withoutFirst(s[0])};
                      llvm::append_range(
                          next, forColumns(s.drop_front(), [&](Value c,
                                                               ValueRange old) {
                            Values sums = b.loadElements(op.getPairs(),
                                                         {row, c}, split.width);
                            for (auto [sum, before] :
                                 llvm::zip_equal(sums, old))
                              sum = b.fma(gate, sum, before);
                            return sums;
                          }));
                      return next;
                    });
                b.barrier();
                return Values(ArrayRef<Value>(state).drop_front());
              });

          for (int64_t j = 0; j < split.steps; ++j)
            b.when(isThere[j], [&] {
              b.storeElements(
                  ArrayRef(sums).slice(j * split.width, split.width), out,
                  {token, column[j]});
            });
        });
      });
}

void et::populateCombineKernels(RewritePatternSet &patterns) {
  patterns.add<KernelPattern<CombineOp>>(patterns.getContext(), lowerCombine);
}
