//===- State.cpp - Kernel for order statistics ----------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpFPredicate;
using arith::CmpIPredicate;
using Values = LoopBuilder::Values;

static constexpr int64_t kThreads = 256, kWarps = kThreads / kWarpSize;
static constexpr int32_t kSignBit = std::numeric_limits<int32_t>::min();

namespace {
/// One expert's scores, looked at by a block.
struct OrderStatistics {
  KernelBuilder &b;
  const BlockInfo &block;
  Value scores, tokens, expert;

  /// How many scores satisfy the predicate, in every thread.
  Value count(function_ref<Value(Value)> predicate) {
    Value mine = b.loopBy(
        kThreads, block.thread, tokens, b.i32(0),
        [&](Value token, ValueRange acc) -> Values {
          Value holds = predicate(b.load(scores, {token, expert}));
          return {b.add(
              acc[0], Value(arith::ExtUIOp::create(b, b.getI32Type(), holds)))};
        })[0];
    Value all =
        b.scanWarps(b.warpSum(mine), block.thread, kWarps, block.shared[0]).all;
    b.barrier();
    return all;
  }

  /// An i32 that is ordered, unsigned, as the scores are.
  Value toKey(Value score) {
    Value bits = arith::BitcastOp::create(b, b.getI32Type(), score);
    Value sign = arith::ShRSIOp::create(b, bits, b.i32(31));
    return arith::XOrIOp::create(b, bits, b.either(sign, b.i32(kSignBit)));
  }
  Value fromKey(Value key) {
    Value wasPositive = b.cmp(CmpIPredicate::slt, key, b.i32(0));
    Value flips = b.select(wasPositive, b.i32(kSignBit), b.i32(-1));
    return arith::BitcastOp::create(b, b.getF32Type(),
                                    arith::XOrIOp::create(b, key, flips));
  }

  /// The score with `rank` (an i32) scores before it in ascending order: the
  /// largest key with at most `rank` scores below, found from its highest bit
  /// down. NaN if there is none.
  Value ascending(Value rank) {
    Value key =
        b.loopBy(1, b.index(0), b.index(32), b.i32(0),
                 [&](Value i, ValueRange prefix) -> Values {
                   Value bit =
                       arith::ShRUIOp::create(b, b.i32(kSignBit), b.toI32(i));
                   Value candidate = b.either(prefix[0], bit);
                   Value below = count([&](Value score) {
                     return b.cmp(CmpIPredicate::ult, toKey(score), candidate);
                   });
                   Value fits = b.cmp(CmpIPredicate::sle, below, rank);
                   return {b.select(fits, candidate, prefix[0])};
                 })[0];
    return fromKey(key);
  }

  Value compute(KthLargestStatisticAttr statistic) {
    Value real =
        b.mul(b.toF64(tokens), b.f64(statistic.getRate().convertToDouble()));
    Value k = arith::FPToSIOp::create(b, b.getI32Type(), real);
    Value value = ascending(b.sub(b.toI32(tokens), k));
    return b.select(b.cmp(CmpIPredicate::ne, k, b.i32(0)), value, nan());
  }

  Value compute(QuantileStatisticAttr statistic) {
    Value steps = b.sub(b.toF64(tokens), b.f64(1.0));
    Value position = b.mul(b.f64(statistic.getQ().convertToDouble()), steps);
    Value lower = math::FloorOp::create(b, position);
    Value fraction = b.sub(position, lower);
    Value rank = arith::FPToSIOp::create(b, b.getI32Type(), lower);
    Value left = b.toF64(ascending(rank));
    Value right = b.toF64(ascending(b.add(rank, b.i32(1))));
    Value mixed =
        b.add(b.mul(b.sub(b.f64(1.0), fraction), left), b.mul(fraction, right));
    // At a sample its neighbor does not matter, even when it is infinite.
    Value exact = b.cmp(CmpFPredicate::OEQ, fraction, b.f64(0.0));
    Value value = b.toF32(b.select(exact, left, mixed));
    return b.select(b.cmp(CmpIPredicate::ne, tokens, b.index(0)), value, nan());
  }

  Value nan() { return b.f32(std::numeric_limits<double>::quiet_NaN()); }
};
} // namespace

static bool isOrderStatistic(StatisticOp op) {
  return isa<KthLargestStatisticAttr, QuantileStatisticAttr>(op.getStatistic());
}

static void lowerOrderStatistic(StatisticOp op, KernelBuilder &b) {
  Value scores = op.getScores(), out = op.getOut();
  Value tokens = b.dim(scores, 0), experts = b.dim(scores, 1);
  MemRefType perWarp = b.sharedType({kWarps}, b.getI32Type());
  b.launch("statistic_order", experts, kThreads, perWarp,
           [&](const BlockInfo &block) {
             b.when(b.less(block.x, experts), [&] {
               OrderStatistics order = {b, block, scores, tokens, block.x};
               Value nans = order.count([&](Value score) {
                 return b.cmp(CmpFPredicate::UNO, score, score);
               });
               Attribute statistic = op.getStatistic();
               auto quantile = dyn_cast<QuantileStatisticAttr>(statistic);
               Value value =
                   quantile ? order.compute(quantile)
                            : order.compute(
                                  cast<KthLargestStatisticAttr>(statistic));
               Value known = b.cmp(CmpIPredicate::eq, nans, b.i32(0));
               b.when(b.cmp(CmpIPredicate::eq, block.thread, b.index(0)), [&] {
                 b.store(b.select(known, value, order.nan()), out, block.x);
               });
             });
           });
}

void et::populateStateKernels(RewritePatternSet &patterns) {
  patterns.add<KernelPattern<StatisticOp>>(
      patterns.getContext(), lowerOrderStatistic, isOrderStatistic);
}
