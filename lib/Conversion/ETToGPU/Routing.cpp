//===- Routing.cpp - Kernels for scores and gates -------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaneRow.h"
#include "Patterns.h"
#include "ScoreTile.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::et;
using Values = LoopBuilder::Values;

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

static void lowerScores(ScoresOp op, KernelBuilder &b) {
  Value out = op.getOut();
  Value tokens = b.dim(out, 0), experts = b.dim(out, 1);
  ScoreTile tile(b, op.getX(), op.getRouter(), op.getKind());
  b.launch(
      "scores",
      {b.ceilDiv(tokens, ScoreTile::kRows), b.ceilDiv(experts, tile.columns())},
      tile.threads(), tile.sharedTypes(),
      [&](const BlockInfo &block) {
        Value firstToken = b.mul(block.x, ScoreTile::kRows);
        Value firstExpert = b.mul(block.y, tile.columns());
        Value any =
            b.both(b.less(firstToken, tokens), b.less(firstExpert, experts));
        b.when(any, [&] {
          tile.emit(block, firstToken, firstExpert);
          Value column = tile.column(block);
          Value expert = b.add(firstExpert, column);
          Value end =
              b.min(b.sub(tokens, firstToken), b.index(ScoreTile::kRows));
          b.when(b.less(expert, experts), [&] {
            b.loopBy(tile.parts(), tile.part(block), end, {},
                     [&](Value row, ValueRange) -> LoopBuilder::Values {
                       b.store(tile.load(row, column), out,
                               {b.add(firstToken, row), expert});
                       return {};
                     });
          });
        });
      },
      tile.dynamicSharedBytes());
}

//===----------------------------------------------------------------------===//
// Gates by pair
//===----------------------------------------------------------------------===//

/// A gate's kernel is called after its rule, without the dialect.
static std::string nameOf(GateOp op) {
  StringRef rule = op.getRouting().getAbstractAttribute().getName();
  return ("gate_" + rule.split('.').second).str();
}

static bool decidesByPair(GateOp op) {
  return isa<PairRoutingAttrInterface>(op.getRouting());
}

/// A block decides the pairs of one mask word's tokens and 32 experts. Scores
/// and gates are read and written along the experts, as they lie in memory;
/// decisions pass through shared memory to warps that run along the tokens, so
/// that a ballot is a mask word.
static void lowerPairGate(GateOp op, KernelBuilder &b) {
  constexpr int64_t threads = 256, warps = threads / kWarpSize;
  auto routing = cast<PairRoutingAttrInterface>(op.getRouting());
  Value scores = op.getScores(), gates = op.getGates(), mask = op.getMask();
  Value tokens = b.dim(scores, 0), experts = b.dim(scores, 1);
  Value words = b.dim(mask, 1);
  // One more column keeps the walk along the tokens off a single bank.
  MemRefType decisions =
      b.sharedType({kTokensPerWord, kWarpSize + 1}, b.getI32Type());
  b.launch(nameOf(op), {words, b.ceilDiv(experts, kWarpSize)}, threads,
           decisions, [&](const BlockInfo &block) {
             Value lane = b.rem(block.thread, kWarpSize);
             Value warp = b.div(block.thread, kWarpSize);
             Value firstToken = b.mul(block.x, kTokensPerWord);
             Value firstExpert = b.mul(block.y, kWarpSize);
             Value chosen = block.shared[0];

             Value expert = b.add(firstExpert, lane);
             Value isExpert = b.less(expert, experts);
             auto perExpert = [&](Value operand) {
               return operand ? b.whenElse(
                                    isExpert,
                                    [&] { return b.load(operand, expert); },
                                    b.f32(0.0))
                              : Value();
             };
             Value theta = perExpert(op.getTheta());
             Value bias = perExpert(op.getBias());
             for (int64_t i = 0; i < kTokensPerWord; i += warps) {
               Value row = b.add(warp, i), token = b.add(firstToken, row);
               Value isPair = b.both(isExpert, b.less(token, tokens));
               Value taken = b.whenElse(
                   isPair,
                   [&]() -> Value {
                     Value score = b.load(scores, {token, expert});
                     Value taken = routing.emitSelected(b, score, theta, bias);
                     Value gate = routing.emitGate(b, score);
                     b.store(b.select(taken, gate, b.f32(0.0)), gates,
                             {token, expert});
                     return arith::ExtUIOp::create(b, b.getI32Type(), taken);
                   },
                   b.i32(0));
               b.store(taken, chosen, {row, lane});
             }
             b.barrier();
             for (int64_t i = 0; i < kWarpSize; i += warps) {
               Value column = b.add(warp, i);
               Value row = b.add(firstExpert, column);
               Value bit = b.load(chosen, {lane, column});
               Value word =
                   b.ballot(b.cmp(arith::CmpIPredicate::ne, bit, b.i32(0)));
               Value writes =
                   b.both(b.cmp(arith::CmpIPredicate::eq, lane, b.index(0)),
                          b.both(b.less(row, experts), b.less(block.x, words)));
               b.when(writes, [&] { b.store(word, mask, {row, block.x}); });
             }
           });
}

//===----------------------------------------------------------------------===//
// Gates by token
//===----------------------------------------------------------------------===//

/// Whether there are as many experts, known, as a warp has registers for.
static bool decidesByToken(GateOp op) {
  int64_t experts = cast<MemRefType>(op.getScores().getType()).getDimSize(1);
  return isa<TokenRoutingAttrInterface>(op.getRouting()) && experts > 0 &&
         experts <= LaneLayout::kMostExperts;
}

static void storeExperts(KernelBuilder &b, ValueRange values, Value to,
                         ValueRange indices) {
  if (accessWidth(to) == static_cast<int64_t>(values.size()))
    return b.storeElements(values, to, indices);
  Values at(indices);
  for (auto [i, value] : llvm::enumerate(values)) {
    at.back() = b.add(indices.back(), i);
    b.store(value, to, at);
  }
}

/// A block decides for the tokens of one mask word.
static void lowerTokenGate(GateOp op, KernelBuilder &b) {
  Value scores = op.getScores(), gates = op.getGates(), bias = op.getBias();
  LaneLayout layout(cast<MemRefType>(scores.getType()).getDimSize(1));
  int64_t threads = layout.usefulThreads(256);
  Value words = b.dim(op.getMask(), 1);
  b.launch(
      nameOf(op), words, threads, layout.bitsType(b),
      [&](const BlockInfo &block) {
        Value firstToken = b.mul(block.x, kTokensPerWord);
        auto loadScores = [&](Value token, Value expert, int64_t width) {
          return loadExperts(b, scores, {b.add(firstToken, token), expert},
                             width);
        };
        auto loadBias = [&](Value expert, int64_t width) {
          return loadExperts(b, bias, expert, width);
        };
        auto storeGates = [&](Value token, Value expert, ValueRange values) {
          storeExperts(b, values, gates, {b.add(firstToken, token), expert});
        };
        auto storeWord = [&](Value expert, Value word) {
          b.store(word, op.getMask(), {expert, block.x});
        };
        TokenGate gate{cast<TokenRoutingAttrInterface>(op.getRouting()),
                       loadScores,
                       {},
                       storeGates,
                       storeWord};
        if (bias)
          gate.loadBias = loadBias;
        b.when(b.less(block.x, words), [&] {
          Value tokens = b.sub(b.dim(scores, 0), firstToken);
          emitTokenGate(b, layout, block.thread, threads, tokens,
                        block.shared[0], gate);
        });
      });
}

void et::populateRoutingKernels(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<KernelPattern<ScoresOp>>(context, lowerScores);
  patterns.add<KernelPattern<GateOp>>(context, lowerPairGate, decidesByPair);
  patterns.add<KernelPattern<GateOp>>(context, lowerTokenGate, decidesByToken);
}
