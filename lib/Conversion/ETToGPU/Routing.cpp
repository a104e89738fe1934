//===- Routing.cpp - Kernels for scores and threshold gates ---------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "TileProduct.h"
#include "et/Conversion/ScalarMath.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpFPredicate;

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

// Layers have few experts, so tiles are narrow, and long in depth.
static constexpr ThreadTile kScoreTile = {/*rows=*/32, /*columns=*/16,
                                          /*depth=*/32, /*threadRows=*/2,
                                          /*threadColumns=*/2};

static void lowerScores(ScoresOp op, KernelBuilder &b) {
  Value x = op.getX(), out = op.getOut();
  Value tokens = b.dim(out, 0), experts = b.dim(out, 1);
  bool cosine = op.getKind() == ScoreKind::Cosine;
  TileProduct tile(b, kScoreTile);
  b.launch(
      "et_scores",
      {b.ceilDiv(tokens, kScoreTile.rows),
       b.ceilDiv(experts, kScoreTile.columns)},
      kScoreTile.threads(), tile.sharedTypes(1), [&](const BlockInfo &block) {
        Value firstToken = b.mul(block.x, kScoreTile.rows);
        Value firstExpert = b.mul(block.y, kScoreTile.columns);
        Value any =
            b.both(b.less(firstToken, tokens), b.less(firstExpert, experts));
        b.when(any, [&] {
          Value lastToken = b.sub(tokens, b.index(1));
          TileProduct::Sums sums = tile.run(
              block, x,
              [&](Value row) {
                return b.min(b.add(firstToken, row), lastToken);
              },
              TileProduct::Matrix{op.getRouter(), {}}, firstExpert, cosine);
          auto norm = [&](Value squares) -> Value {
            return arith::MaximumFOp::create(
                b, math::SqrtOp::create(b, squares), b.f32(1e-12));
          };
          for (int64_t i = 0; i < kScoreTile.threadRows; ++i) {
            Value token = b.add(firstToken, tile.row(block, i));
            for (int64_t j = 0; j < kScoreTile.threadColumns; ++j) {
              Value expert = b.add(firstExpert, tile.column(block, j));
              Value score = b.element(sums.products[0][i], j);
              if (cosine)
                score =
                    b.div(score, b.mul(norm(sums.lhsSquares[i]),
                                       norm(b.element(sums.rhsSquares, j))));
              Value inside =
                  b.both(b.less(token, tokens), b.less(expert, experts));
              b.when(inside, [&] { b.store(score, out, {token, expert}); });
            }
          }
        });
      });
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
  b.launch("et_gate", {words, b.ceilDiv(experts, kWarpSize)}, threads,
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
