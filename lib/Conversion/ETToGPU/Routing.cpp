//===- Routing.cpp - Kernels for scores and threshold gates ---------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "ScoreTile.h"
#include "et/Conversion/ScalarMath.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpFPredicate;

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
// Threshold gates
//===----------------------------------------------------------------------===//

static bool isThreshold(GateOp op) {
  return isa<ThresholdRoutingAttr>(op.getRouting());
}

/// A block decides the pairs of one mask word's tokens and 32 experts. Scores
/// and gates are read and written along the experts, as they lie in memory;
/// decisions pass through shared memory to warps that run along the tokens, so
/// that a ballot is a mask word.
static void lowerThresholdGate(GateOp op, KernelBuilder &b) {
  constexpr int64_t threads = 256, warps = threads / kWarpSize;
  auto routing = cast<ThresholdRoutingAttr>(op.getRouting());
  CmpFPredicate predicate = routing.getCompare() == Comparison::GT
                                ? CmpFPredicate::OGT
                                : CmpFPredicate::OGE;
  Value scores = op.getScores(), gates = op.getGates(), mask = op.getMask();
  Value tokens = b.dim(scores, 0), experts = b.dim(scores, 1);
  Value words = b.dim(mask, 1);
  // One more column keeps the walk along the tokens off a single bank.
  MemRefType decisions =
      b.sharedType({kTokensPerWord, kWarpSize + 1}, b.getI32Type());
  b.launch("gate_threshold", {words, b.ceilDiv(experts, kWarpSize)}, threads,
           decisions, [&](const BlockInfo &block) {
             Value lane = b.rem(block.thread, kWarpSize);
             Value warp = b.div(block.thread, kWarpSize);
             Value firstToken = b.mul(block.x, kTokensPerWord);
             Value firstExpert = b.mul(block.y, kWarpSize);
             Value chosen = block.shared[0];

             Value expert = b.add(firstExpert, lane);
             Value isExpert = b.less(expert, experts);
             Value theta = b.whenElse(
                 isExpert, [&] { return b.load(op.getTheta(), expert); },
                 b.f32(0.0));
             for (int64_t i = 0; i < kTokensPerWord; i += warps) {
               Value row = b.add(warp, i), token = b.add(firstToken, row);
               Value isPair = b.both(isExpert, b.less(token, tokens));
               Value taken = b.whenElse(
                   isPair,
                   [&]() -> Value {
                     Value score = b.load(scores, {token, expert});
                     Value above = b.cmp(predicate, score, theta);
                     Value gate = emitGate(b, routing.getGate(), score);
                     b.store(b.select(above, gate, b.f32(0.0)), gates,
                             {token, expert});
                     return arith::ExtUIOp::create(b, b.getI32Type(), above);
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

void et::populateRoutingKernels(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<KernelPattern<ScoresOp>>(context, lowerScores);
  patterns.add<KernelPattern<GateOp>>(context, lowerThresholdGate, isThreshold);
}
