//===- ETRoutings.cpp - How routings decide -------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All that is known of a rule: what follows from its parameters, and how it
// decides, which each target turns into loops, vectors or kernels.
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/IR/RoutingRow.h"
#include "et/Dialect/ET/Utils/RoutingUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpFPredicate;
using arith::CmpIPredicate;
using Best = RoutingRow::Best;
using BestOfRuns = RoutingRow::BestOfRuns;
using Decision = RoutingRow::Decision;
using Row = RoutingRow::Row;
using State = RoutingRow::State;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();
static constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

//===----------------------------------------------------------------------===//
// Formulas on scalars and vectors
//===----------------------------------------------------------------------===//

/// An f32 constant of the type of `like`.
static Value constantLike(ImplicitLocOpBuilder &b, Value like, double value) {
  TypedAttr attr = b.getF32FloatAttr(static_cast<float>(value));
  if (auto type = dyn_cast<ShapedType>(like.getType()))
    attr = DenseElementsAttr::get(type, attr);
  return arith::ConstantOp::create(b, attr);
}
static Value f32(ImplicitLocOpBuilder &b, double value) {
  return arith::ConstantOp::create(
      b, b.getF32FloatAttr(static_cast<float>(value)));
}
static Value i32(ImplicitLocOpBuilder &b, int32_t value) {
  return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
}
static Value add(ImplicitLocOpBuilder &b, Value left, Value right) {
  return arith::AddFOp::create(b, left, right);
}
static Value both(ImplicitLocOpBuilder &b, Value left, Value right) {
  return arith::AndIOp::create(b, left, right);
}
static Value select(ImplicitLocOpBuilder &b, Value condition, Value ifTrue,
                    Value ifFalse) {
  return arith::SelectOp::create(b, condition, ifTrue, ifFalse);
}
static Value compare(ImplicitLocOpBuilder &b, CmpFPredicate predicate,
                     Value left, Value right) {
  return arith::CmpFOp::create(b, predicate, left, right);
}
static Value compare(ImplicitLocOpBuilder &b, CmpIPredicate predicate,
                     Value left, Value right) {
  return arith::CmpIOp::create(b, predicate, left, right);
}
static Value isNumber(ImplicitLocOpBuilder &b, Value value) {
  return compare(b, CmpFPredicate::ORD, value, value);
}
static Value isNaN(ImplicitLocOpBuilder &b, Value value) {
  return compare(b, CmpFPredicate::UNO, value, value);
}

/// 1 / (1 + exp(-r))
static Value emitSigmoid(ImplicitLocOpBuilder &b, Value r) {
  Value one = constantLike(b, r, 1.0);
  Value exp = math::ExpOp::create(b, arith::NegFOp::create(b, r));
  return arith::DivFOp::create(b, one, add(b, one, exp));
}

/// sqrt(log(1 + exp(r))); what is above 0 of r stands beside the logarithm, so
/// that no exponential overflows.
static Value emitSqrtSoftplus(ImplicitLocOpBuilder &b, Value r) {
  Value above = arith::MaximumFOp::create(b, r, constantLike(b, r, 0.0));
  Value below = arith::NegFOp::create(b, math::AbsFOp::create(b, r));
  Value rest = math::Log1pOp::create(b, math::ExpOp::create(b, below));
  return math::SqrtOp::create(b, add(b, above, rest));
}

/// The gate of a selected pair by its score alone.
static Value emitGateOf(ImplicitLocOpBuilder &b, GateKind kind, Value r) {
  switch (kind) {
  case GateKind::Binary:
    return constantLike(b, r, 1.0);
  case GateKind::Sigmoid:
    return emitSigmoid(b, r);
  case GateKind::Relu:
    return arith::MaximumFOp::create(b, r, constantLike(b, r, 0.0));
  case GateKind::Raw:
    return r;
  }
  llvm_unreachable("unknown gate");
}

static Value emitPasses(ImplicitLocOpBuilder &b, Comparison comparison,
                        Value score, Value theta) {
  return compare(
      b, comparison == Comparison::GT ? CmpFPredicate::OGT : CmpFPredicate::OGE,
      score, theta);
}

//===----------------------------------------------------------------------===//
// Thresholds
//===----------------------------------------------------------------------===//

bool ThresholdRoutingAttr::usesTheta() const { return true; }

/// Thresholds of NaN, or of +inf under `gt`, let no score pass. (-inf has no
/// counterpart: NaN scores, and -inf under `gt`, still select nothing.)
bool ThresholdRoutingAttr::selectsNothing(int64_t,
                                          DenseFPElementsAttr theta) const {
  return theta && llvm::all_of(theta, [&](const APFloat &threshold) {
           return threshold.isNaN() ||
                  (getCompare() == Comparison::GT && threshold.isPosInfinity());
         });
}

Value ThresholdRoutingAttr::emitSelected(ImplicitLocOpBuilder &b, Value score,
                                         Value theta, Value) const {
  return emitPasses(b, getCompare(), score, theta);
}

Value ThresholdRoutingAttr::emitGate(ImplicitLocOpBuilder &b,
                                     Value score) const {
  return emitGateOf(b, getGate(), score);
}

//===----------------------------------------------------------------------===//
// A target for every expert's load
//===----------------------------------------------------------------------===//

/// floor(count * factor)
static Value emitShare(ImplicitLocOpBuilder &b, Value count, double factor) {
  count = arith::IndexCastOp::create(b, b.getI64Type(), count);
  Value real = arith::SIToFPOp::create(b, b.getF64Type(), count);
  Value product = arith::MulFOp::create(
      b, real, arith::ConstantOp::create(b, b.getF64FloatAttr(factor)));
  Value integer = arith::FPToSIOp::create(b, b.getI64Type(), product);
  return arith::IndexCastOp::create(b, b.getIndexType(), integer);
}

bool BoundedThresholdRoutingAttr::usesTheta() const { return true; }
/// With a target of no token the bounds are 0 whatever the slack.
bool BoundedThresholdRoutingAttr::selectsNothing(int64_t tokens,
                                                 DenseFPElementsAttr) const {
  return takesNoToken(getRate(), tokens);
}

Value BoundedThresholdRoutingAttr::emitLoad(RoutingColumn &column, Value theta,
                                            Value) const {
  ImplicitLocOpBuilder &b = column.builder;
  double slack = getSlack().convertToDouble();
  Value target =
      emitShare(b, column.countTokens(), getRate().convertToDouble());
  Value least = emitShare(b, target, 1.0 - slack);
  Value most = emitShare(b, target, 1.0 + slack);
  Value above = column.count(
      [&](Value score) { return emitPasses(b, getCompare(), score, theta); });
  return arith::MinUIOp::create(b, arith::MaxUIOp::create(b, above, least),
                                most);
}

Value BoundedThresholdRoutingAttr::emitGate(ImplicitLocOpBuilder &b,
                                            Value score) const {
  return emitGateOf(b, getGate(), score);
}

bool ExpertChoiceRoutingAttr::selectsNothing(int64_t tokens,
                                             DenseFPElementsAttr) const {
  return takesNoToken(getRate(), tokens);
}

Value ExpertChoiceRoutingAttr::emitLoad(RoutingColumn &column, Value,
                                        Value) const {
  return emitShare(column.builder, column.countTokens(),
                   getRate().convertToDouble());
}

Value ExpertChoiceRoutingAttr::emitGate(ImplicitLocOpBuilder &b,
                                        Value score) const {
  return emitGateOf(b, getGate(), score);
}

//===----------------------------------------------------------------------===//
// Token choice
//===----------------------------------------------------------------------===//

static Row emitSoftmax(RoutingRow &row) {
  ImplicitLocOpBuilder &b = row.builder;
  Row scores = row.scores();
  Value largest = row.max(scores);
  Row exps = row.map(scores, [&](ValueRange r) -> Value {
    return math::ExpOp::create(b, arith::SubFOp::create(b, r[0], largest));
  });
  Value sum = row.sum(exps, f32(b, 0.0));
  return row.map(exps, [&](ValueRange e) -> Value {
    return arith::DivFOp::create(b, e[0], sum);
  });
}

static Row emitProbabilities(RoutingRow &row, Scoring scoring) {
  ImplicitLocOpBuilder &b = row.builder;
  switch (scoring) {
  case Scoring::Softmax:
    return emitSoftmax(row);
  case Scoring::Sigmoid:
    return row.map(row.scores(),
                   [&](ValueRange r) { return emitSigmoid(b, r[0]); });
  case Scoring::SqrtSoftplus:
    return row.map(row.scores(),
                   [&](ValueRange r) { return emitSqrtSoftplus(b, r[0]); });
  }
  llvm_unreachable("unknown scoring");
}

/// The ranks with NaN, which is no rank, in the place of one expert's.
static Row strikeOut(RoutingRow &row, Row ranks, Value expert) {
  return row.replace(ranks, expert, f32(row.builder, kNaN));
}

/// The ranks of the experts in the `limit` best of so many groups, NaN for the
/// others. A group scores the sum of its two best ranks.
static Row keepBestGroups(RoutingRow &row, Row ranks, int64_t groups,
                          int64_t limit) {
  ImplicitLocOpBuilder &b = row.builder;
  BestOfRuns first = row.bestOfRuns(ranks, groups);
  Row others = row.map({ranks, row.numbers(), first.expert}, [&](ValueRange v) {
    Value isFirst = compare(b, CmpIPredicate::eq, v[1], v[2]);
    return select(b, isFirst, f32(b, kNaN), v[0]);
  });
  BestOfRuns second = row.bestOfRuns(others, groups);
  // Who has no rank at all counts as lowest; a second that is lowest as none.
  Row sums = row.map({first.value, second.value}, [&](ValueRange v) -> Value {
    Value lowest = f32(b, -kInfinity);
    Value best = select(b, isNumber(b, v[0]), v[0], lowest);
    Value hasSecond = compare(b, CmpFPredicate::OGT, v[1], lowest);
    return select(b, hasSecond, add(b, best, v[1]), best);
  });
  // Rounds that each take the best group left, whose sum is NaN from then on.
  Row firsts = row.firstsOfRuns(groups);
  auto takeBest = [&](const State &state) -> State {
    Best best = row.best(state.rows[0]);
    Row left = row.map({state.rows[0], firsts}, [&](ValueRange v) {
      Value isTaken = compare(b, CmpIPredicate::eq, v[1], best.expert);
      return select(b, isTaken, f32(b, kNaN), v[0]);
    });
    return {{left}, {}, {}};
  };
  Value rounds = arith::ConstantIndexOp::create(b, limit);
  Row left = row.repeat(rounds, {{sums}, {}, {}}, takeBest).rows[0];
  return row.map({ranks, left}, [&](ValueRange v) {
    return select(b, isNaN(b, v[1]), v[0], f32(b, kNaN));
  });
}

/// Chosen are the experts with a rank of whose rank nothing is left. Gates are
/// the weights, over `epsilon` and the sum of those of the chosen if asked.
static void finishChoice(RoutingRow &row, Row ranks, Row left, Row weights,
                         bool renormalize, double epsilon) {
  ImplicitLocOpBuilder &b = row.builder;
  auto isChosen = [&](Value rank, Value left) {
    return both(b, isNumber(b, rank), isNaN(b, left));
  };
  Value divisor;
  if (renormalize) {
    Row chosen = row.map({weights, ranks, left}, [&](ValueRange v) {
      return select(b, isChosen(v[1], v[2]), v[0], f32(b, 0.0));
    });
    divisor = row.sum(chosen, f32(b, epsilon));
  }
  row.finish({weights, ranks, left}, [&](ValueRange v) -> Decision {
    Value gate =
        divisor ? arith::DivFOp::create(b, v[0], divisor).getResult() : v[0];
    return {isChosen(v[1], v[2]), gate};
  });
}

bool TopKRoutingAttr::allowsBias() const { return true; }
/// Probabilities are not negative, so that adding a zero of either sign keeps
/// their order. (Another uniform bias could round two of them to one value.)
bool TopKRoutingAttr::ignoresZeroBias() const { return true; }
int64_t TopKRoutingAttr::getMaxExpertsPerToken(int64_t) const { return getK(); }

/// A limit that lets every group compete is no limit.
RoutingAttrInterface TopKRoutingAttr::getCanonical() const {
  if (getGroups() == 1 || getGroupLimit() != getGroups())
    return *this;
  return TopKRoutingAttr::get(getContext(), getK(), getScoring(),
                              getRenormalize(), /*groups=*/1, /*groupLimit=*/1,
                              getEpsilon());
}

void TopKRoutingAttr::emitToken(RoutingRow &row) const {
  ImplicitLocOpBuilder &b = row.builder;
  Row weights = emitProbabilities(row, getScoring()), ranks = weights;
  if (std::optional<Row> bias = row.bias())
    ranks = row.map({weights, *bias},
                    [&](ValueRange v) { return add(b, v[0], v[1]); });
  if (getGroups() > 1)
    ranks = keepBestGroups(row, ranks, getGroups(), getGroupLimit());
  Value rounds = arith::MinUIOp::create(
      b, arith::ConstantIndexOp::create(b, getK()), row.countExperts());
  auto takeBest = [&](const State &state) -> State {
    Best best = row.best(state.rows[0]);
    return {{strikeOut(row, state.rows[0], best.expert)}, {}, {}};
  };
  Row left = row.repeat(rounds, {{ranks}, {}, {}}, takeBest).rows[0];
  finishChoice(row, ranks, left, weights, getRenormalize(),
               getEpsilon().convertToDouble());
}

void TopPRoutingAttr::emitToken(RoutingRow &row) const {
  ImplicitLocOpBuilder &b = row.builder;
  Row weights = emitSoftmax(row);
  Value limit = f32(b, getP().convertToDouble());
  auto takeBest = [&](const State &state) -> State {
    Best best = row.best(state.rows[0]);
    Value isFound = compare(b, CmpIPredicate::sge, best.expert, i32(b, 0));
    Value takes = both(b, state.isOpen, isFound);
    Value weight = select(b, takes, best.value, f32(b, 0.0));
    Value sum = add(b, state.scalars[0], weight);
    Value isOpen = both(b, takes, compare(b, CmpFPredicate::OLT, sum, limit));
    Value taken = select(b, takes, best.expert, i32(b, -1));
    return {{strikeOut(row, state.rows[0], taken)}, {sum}, isOpen};
  };
  Value always = arith::ConstantOp::create(b, b.getBoolAttr(true));
  Row left = row.repeat(row.countExperts(), {{weights}, {f32(b, 0.0)}, always},
                        takeBest)
                 .rows[0];
  finishChoice(row, weights, left, weights, getRenormalize(), /*epsilon=*/0.0);
}
