//===- State.cpp - Statistics and thresholds as plain loops ---------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpFPredicate;
using arith::CmpIPredicate;
using Values = LoopBuilder::Values;

static Value emitNaN(LoopBuilder &b) {
  return b.f32(std::numeric_limits<double>::quiet_NaN());
}

static Value isNaN(LoopBuilder &b, Value x) {
  return b.cmp(CmpFPredicate::UNO, x, x);
}

//===----------------------------------------------------------------------===//
// Statistics
//===----------------------------------------------------------------------===//

/// Calls `visit` with a statistic that has loops as its class; whether it has.
template <typename VisitFn>
static bool visitStatistic(Attribute statistic, VisitFn visit) {
  return llvm::TypeSwitch<Attribute, bool>(statistic)
      .Case<MeanMinusStdStatisticAttr, KthLargestStatisticAttr,
            QuantileStatisticAttr>([&](auto known) {
        visit(known);
        return true;
      })
      .Default(false);
}

bool et::hasLoops(StatisticAttrInterface statistic) {
  return visitStatistic(statistic, [](auto) {});
}

namespace {
/// One expert's statistic over the tokens of a batch, in f64, as an f32.
struct StatisticLowering {
  StatisticLowering(StatisticOp op, LoopBuilder &b)
      : b(b), op(op), scores(op.getScores()), tokens(b.dim(scores, 0)) {}

  void lower() {
    b.parallel(b.dim(scores, 1), [&](ValueRange iv) {
      expert = iv[0];
      Value anyNaN =
          b.loop(b.index(0), tokens, b.boolean(false),
                 [&](Value token, ValueRange acc) -> Values {
                   return {b.either(acc[0],
                                    isNaN(b, b.load(scores, {token, expert})))};
                 })[0];
      Value value;
      visitStatistic(op.getStatistic(),
                     [&](auto statistic) { value = compute(statistic); });
      b.store(b.select(anyNaN, emitNaN(b), value), op.getOut(), expert);
    });
  }

private:
  Value compute(MeanMinusStdStatisticAttr) {
    Value zero = b.f64(0.0), count = b.toF64(tokens);
    auto sum = [&](function_ref<Value(Value)> term) {
      return b.loop(b.index(0), tokens, zero,
                    [&](Value token, ValueRange acc) -> Values {
                      Value score = b.toF64(b.load(scores, {token, expert}));
                      return {b.add(acc[0], term(score))};
                    })[0];
    };
    Value mean = b.div(sum([](Value score) { return score; }), count);
    Value squares = sum([&](Value score) {
      Value deviation = b.sub(score, mean);
      return b.mul(deviation, deviation);
    });
    // One token divides 0 by 0, none 0 by -1: neither has a deviation.
    Value variance = b.div(squares, b.sub(count, b.f64(1.0)));
    Value value = b.toF32(b.sub(mean, math::SqrtOp::create(b, variance)));
    Value enough = b.cmp(CmpIPredicate::ugt, tokens, b.index(1));
    return b.select(enough, value, emitNaN(b));
  }

  Value compute(KthLargestStatisticAttr statistic) {
    Value real =
        b.mul(b.toF64(tokens), b.f64(statistic.getRate().convertToDouble()));
    Value k = toIndex(real);
    // Counting from the smallest, the k-th largest has T - k before it.
    Value value = ascending(b.sub(tokens, k));
    return b.select(b.cmp(CmpIPredicate::ne, k, b.index(0)), value, emitNaN(b));
  }

  Value compute(QuantileStatisticAttr statistic) {
    Value steps = b.sub(b.toF64(tokens), b.f64(1.0));
    Value position = b.mul(b.f64(statistic.getQ().convertToDouble()), steps);
    Value lower = math::FloorOp::create(b, position);
    Value fraction = b.sub(position, lower);
    Value index = toIndex(arith::MaximumFOp::create(b, lower, b.f64(0.0)));
    Value left = b.toF64(ascending(index));
    Value right = b.toF64(ascending(b.add(index, b.index(1))));
    Value mixed =
        b.add(b.mul(b.sub(b.f64(1.0), fraction), left), b.mul(fraction, right));
    // At a sample its neighbor does not matter, even when it is infinite.
    Value exact = b.cmp(CmpFPredicate::OEQ, fraction, b.f64(0.0));
    Value value = b.toF32(b.select(exact, left, mixed));
    return b.select(b.cmp(CmpIPredicate::ne, tokens, b.index(0)), value,
                    emitNaN(b));
  }

  Value toIndex(Value real) {
    Value integer = arith::FPToSIOp::create(b, b.getI64Type(), real);
    return b.toIndex(integer);
  }

  /// The score with `rank` scores before it in ascending order, found by
  /// counting; NaN if there is none.
  Value ascending(Value rank) {
    return b.loop(
        b.index(0), tokens, emitNaN(b),
        [&](Value token, ValueRange found) -> Values {
          Value score = b.load(scores, {token, expert});
          Value before = b.loop(
              b.index(0), tokens, b.index(0),
              [&](Value other, ValueRange count) -> Values {
                Value otherScore = b.load(scores, {other, expert});
                Value lower = b.cmp(CmpFPredicate::OLT, otherScore, score);
                Value tie = b.both(b.cmp(CmpFPredicate::OEQ, otherScore, score),
                                   b.cmp(CmpIPredicate::ult, other, token));
                return {b.add(count[0], b.select(b.either(lower, tie),
                                                 b.index(1), b.index(0)))};
              })[0];
          return {b.select(b.cmp(CmpIPredicate::eq, before, rank), score,
                           found[0])};
        })[0];
  }

  LoopBuilder &b;
  StatisticOp op;
  Value scores, tokens, expert;
};
} // namespace

static void lowerStatistic(StatisticOp op, LoopBuilder &b) {
  StatisticLowering(op, b).lower();
}

static bool hasKnownStatistic(StatisticOp op) {
  return hasLoops(op.getStatistic());
}

//===----------------------------------------------------------------------===//
// Histograms
//===----------------------------------------------------------------------===//

static void lowerHistogram(HistogramOp op, LoopBuilder &b) {
  Value scores = op.getScores(), counts = op.getCounts();
  double lo = op.getLo().convertToDouble(), hi = op.getHi().convertToDouble();
  Value bins = b.dim(counts, 1);
  b.parallel(b.dim(counts, 0), [&](ValueRange iv) {
    Value expert = iv[0];
    b.loop(b.index(0), bins,
           [&](Value bin) { b.store(b.i32(0), counts, {expert, bin}); });
    Value width = b.div(b.f32(hi - lo), b.toF32(bins));
    Value last = b.sub(b.toF32(bins), b.f32(1.0));
    b.loop(b.index(0), b.dim(scores, 0), [&](Value token) {
      Value score = b.load(scores, {token, expert});
      b.when(b.cmp(CmpFPredicate::ORD, score, score), [&] {
        Value position = b.div(b.sub(score, b.f32(lo)), width);
        // Clamp before the conversion, which has no meaning beyond its range.
        // Bins that underflow to no width make 0 / 0 of lo: the first bin.
        Value clamped = arith::MinimumFOp::create(
            b, arith::MaxNumFOp::create(b, position, b.f32(0.0)), last);
        Value bin =
            b.toIndex(arith::FPToSIOp::create(b, b.getI64Type(), clamped));
        Value count = b.load(counts, {expert, bin});
        b.store(b.add(count, b.i32(1)), counts, {expert, bin});
      });
    });
  });
}

static void lowerHistogramQuantile(HistogramQuantileOp op, LoopBuilder &b) {
  Value counts = op.getCounts();
  double lo = op.getLo().convertToDouble(), hi = op.getHi().convertToDouble();
  Value bins = b.dim(counts, 1), zero = b.f64(0.0), one = b.f64(1.0);
  b.parallel(b.dim(counts, 0), [&](ValueRange iv) {
    Value expert = iv[0];
    auto countOf = [&](Value bin) {
      return b.toF64(b.load(counts, {expert, bin}));
    };
    Value total = b.loop(b.index(0), bins, zero,
                         [&](Value bin, ValueRange acc) -> Values {
                           return {b.add(acc[0], countOf(bin))};
                         })[0];
    Value rank = b.mul(b.f64(op.getQ().convertToDouble()), b.sub(total, one));
    // Carries the count before the bin, and the position in bins once found.
    Value nan = arith::ExtFOp::create(b, b.getF64Type(), emitNaN(b));
    Value position = b.loop(
        b.index(0), bins, {zero, nan},
        [&](Value bin, ValueRange state) -> Values {
          Value count = countOf(bin), after = b.add(state[0], count);
          Value inside = b.div(b.add(b.sub(rank, state[0]), b.f64(0.5)), count);
          Value clamped = arith::MinimumFOp::create(b, inside, one);
          Value found = b.both(isNaN(b, state[1]),
                               b.cmp(CmpFPredicate::OGT, after, rank));
          return {after,
                  b.select(found, b.add(b.toF64(bin), clamped), state[1])};
        })[1];
    Value width = b.div(b.f64(hi - lo), b.toF64(bins));
    Value value = b.toF32(b.add(b.f64(lo), b.mul(position, width)));
    Value any = b.cmp(CmpFPredicate::OGT, total, zero);
    b.store(b.select(any, value, emitNaN(b)), op.getOut(), expert);
  });
}

//===----------------------------------------------------------------------===//
// Moving averages
//===----------------------------------------------------------------------===//

static Value emitAverage(LoopBuilder &b, const APFloat &beta, Value old,
                         Value m) {
  double keep = beta.convertToDouble();
  // Not a product with zero, which would make infinities NaN.
  if (keep == 1.0)
    return old;
  return b.add(b.mul(b.f32(keep), old), b.mul(b.f32(1.0 - keep), m));
}

static void lowerEmaUpdate(EmaUpdateOp op, LoopBuilder &b) {
  b.parallel(b.dim(op.getTheta(), 0), [&](ValueRange expert) {
    Value m = b.load(op.getM(), expert), old = b.load(op.getTheta(), expert);
    Value next = emitAverage(b, op.getBeta(), old, m);
    b.store(b.select(isNaN(b, m), old, next), op.getTheta(), expert);
  });
}

static void lowerEmaUpdateCorrected(EmaUpdateCorrectedOp op, LoopBuilder &b) {
  b.parallel(b.dim(op.getTheta(), 0), [&](ValueRange expert) {
    Value m = b.load(op.getM(), expert), skip = isNaN(b, m);
    Value oldRaw = b.load(op.getRaw(), expert);
    Value oldSteps = b.load(op.getSteps(), expert);
    Value one = b.i64(1);
    Value zero = b.i64(0);
    Value raw = b.select(skip, oldRaw, emitAverage(b, op.getBeta(), oldRaw, m));
    Value steps = b.select(skip, oldSteps, b.add(oldSteps, one));
    b.store(raw, op.getRaw(), expert);
    b.store(steps, op.getSteps(), expert);

    Value decay = math::PowFOp::create(b, b.f64(op.getBeta().convertToDouble()),
                                       b.toF64(steps));
    Value corrected = b.toF32(b.div(b.toF64(raw), b.sub(b.f64(1.0), decay)));
    Value started = b.cmp(CmpIPredicate::sgt, steps, zero);
    b.store(b.select(started, corrected, raw), op.getTheta(), expert);
  });
}

//===----------------------------------------------------------------------===//
// Routing statistics
//===----------------------------------------------------------------------===//

static void lowerRoutingStats(RoutingStatsOp op, LoopBuilder &b) {
  Value mask = op.getMask(), loads = op.getLoads(), fanOut = op.getFanOut();
  Value experts = b.dim(mask, 0);
  // A count beyond the mask would read past it.
  Value tokens = arith::MinUIOp::create(
      b, op.getTokenCount(), b.mul(b.dim(mask, 1), b.index(kTokensPerWord)));
  Value zero = b.index(0), none = b.i32(0), realZero = b.f32(0.0);
  b.parallel(experts, [&](ValueRange expert) {
    Value load =
        b.loop(zero, tokens, none, [&](Value token, ValueRange acc) -> Values {
          Value taken = emitTestBit(b, mask, expert[0], token);
          return {b.add(acc[0], b.select(taken, b.i32(1), none))};
        })[0];
    b.store(load, loads, expert);
  });
  b.once([&] {
    b.loop(zero, b.dim(fanOut, 0), [&](Value n) { b.store(none, fanOut, n); });
    b.loop(zero, tokens, [&](Value token) {
      Value fan = b.loop(
          zero, experts, zero, [&](Value expert, ValueRange acc) -> Values {
            Value taken = emitTestBit(b, mask, expert, token);
            return {b.add(acc[0], b.select(taken, b.index(1), zero))};
          })[0];
      b.store(b.add(b.load(fanOut, fan), b.i32(1)), fanOut, fan);
    });
    auto meanOverExperts = [&](function_ref<Value(Value)> term) {
      Value sum = b.loop(zero, experts, realZero,
                         [&](Value expert, ValueRange acc) -> Values {
                           return {b.add(acc[0], term(b.load(loads, expert)))};
                         })[0];
      return b.div(sum, b.toF32(experts));
    };
    Value mean = meanOverExperts([&](Value load) { return b.toF32(load); });
    Value variance = meanOverExperts([&](Value load) {
      Value deviation = b.sub(b.toF32(load), mean);
      return b.mul(deviation, deviation);
    });
    Value idle = meanOverExperts([&](Value load) {
      return b.select(b.cmp(CmpIPredicate::eq, load, none), b.f32(1.0),
                      realZero);
    });
    Value unrouted = b.div(b.toF32(b.load(fanOut, zero)), b.toF32(tokens));
    Value anyToken = b.cmp(CmpIPredicate::ne, tokens, zero);
    Value figures[] = {mean, variance, b.select(anyToken, unrouted, realZero),
                       idle};
    for (auto [index, figure] : llvm::enumerate(figures))
      b.store(figure, op.getFigures(), b.index(index));
  });
}

void et::populateStatePatterns(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<LoopPattern<StatisticOp>>(context, lowerStatistic,
                                         hasKnownStatistic);
  patterns.add<LoopPattern<HistogramOp>>(context, lowerHistogram);
  patterns.add<LoopPattern<HistogramQuantileOp>>(context,
                                                 lowerHistogramQuantile);
  patterns.add<LoopPattern<EmaUpdateOp>>(context, lowerEmaUpdate);
  patterns.add<LoopPattern<EmaUpdateCorrectedOp>>(context,
                                                  lowerEmaUpdateCorrected);
  patterns.add<LoopPattern<RoutingStatsOp>>(context, lowerRoutingStats);
}
