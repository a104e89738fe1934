//===- Routing.cpp - Scores and gates as plain loops ----------------------===//
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

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

static void lowerScores(ScoresOp op, LoopBuilder &b) {
  Value x = op.getX(), router = op.getRouter(), out = op.getOut();
  b.parallel({b.dim(out, 0), b.dim(out, 1)}, [&](ValueRange iv) {
    // Sums of products: x router, x x, router router.
    Value zero = b.f32(0.0);
    Values sums = b.loop(b.index(0), b.dim(x, 1), {zero, zero, zero},
                         [&](Value d, ValueRange acc) -> Values {
                           Value left = b.load(x, {iv[0], d});
                           Value right = b.load(router, {d, iv[1]});
                           return {b.add(acc[0], b.mul(left, right)),
                                   b.add(acc[1], b.mul(left, left)),
                                   b.add(acc[2], b.mul(right, right))};
                         });
    Value score = sums[0];
    if (op.getKind() == ScoreKind::Cosine) {
      auto norm = [&](Value squares) -> Value {
        return arith::MaximumFOp::create(b, math::SqrtOp::create(b, squares),
                                         b.f32(1e-12));
      };
      score = b.div(score, b.mul(norm(sums[1]), norm(sums[2])));
    }
    b.store(score, out, iv);
  });
}

//===----------------------------------------------------------------------===//
// Bits of the mask
//===----------------------------------------------------------------------===//

Value et::emitTestBit(LoopBuilder &b, Value mask, Value expert, Value token) {
  Value perWord = b.index(kTokensPerWord);
  Value word = b.load(mask, {expert, b.div(token, perWord)});
  Value shift = b.toI32(arith::RemUIOp::create(b, token, perWord));
  Value bit = b.both(arith::ShRUIOp::create(b, word, shift), b.i32(1));
  return b.cmp(CmpIPredicate::ne, bit, b.i32(0));
}

namespace {
/// What the lowering of a gate works on, and the loops that all rules share.
/// The tokens of one mask word belong to one iteration, so that no two
/// iterations write the same word.
struct GateLowering {
  GateLowering(GateOp op, LoopBuilder &b)
      : b(b), op(op), scores(op.getScores()), mask(op.getMask()),
        gates(op.getGates()), tokens(b.dim(scores, 0)),
        experts(b.dim(scores, 1)) {}

  void lower(ThresholdRoutingAttr routing);
  void lower(BoundedThresholdRoutingAttr routing);
  void lower(ExpertChoiceRoutingAttr routing);
  void lower(TopKRoutingAttr routing);
  void lower(TopPRoutingAttr routing);

private:
  /// Decides each pair by itself: `chosen` is given expert, token and score.
  void perPair(GateKind gate, function_ref<Value(Value)> prepareExpert,
               function_ref<Value(Value, Value, Value, Value)> chosen);
  /// Handles each token by itself, with its bits cleared before.
  void perToken(function_ref<void(Value)> body);

  /// Calls `body` with every token of mask word `word`.
  void tokensOfWord(Value word, function_ref<void(Value)> body) {
    Value first = b.mul(word, b.index(kTokensPerWord));
    Value end = arith::MinUIOp::create(b, b.add(first, b.index(kTokensPerWord)),
                                       tokens);
    b.loop(first, end, [&](Value token) { body(token); });
  }

  void setBit(Value bits, Value expert, Value token, Value condition) {
    Value perWord = b.index(kTokensPerWord);
    Value word = b.div(token, perWord);
    Value shift = b.toI32(arith::RemUIOp::create(b, token, perWord));
    Value bit = arith::ShLIOp::create(
        b, b.select(condition, b.i32(1), b.i32(0)), shift);
    b.store(b.either(b.load(bits, {expert, word}), bit), bits, {expert, word});
  }

  Value compare(Comparison comparison, Value score, Value theta) {
    return b.cmp(comparison == Comparison::GT ? CmpFPredicate::OGT
                                              : CmpFPredicate::OGE,
                 score, theta);
  }

  /// floor(T * rate)
  Value targetLoad(const APFloat &rate) {
    Value product = b.mul(b.toF64(tokens), b.f64(rate.convertToDouble()));
    return toCount(product);
  }
  Value toCount(Value real) {
    Value integer = arith::FPToSIOp::create(b, b.getI64Type(), real);
    return arith::IndexCastOp::create(b, b.getIndexType(), integer);
  }

  /// Whether fewer than `limit` tokens come before `token` for the expert: by
  /// score, then by position. Never for a NaN score.
  Value isAmongBest(Value expert, Value token, Value score, Value limit);

  /// Writes the probabilities of a token's experts to its row of gates.
  void writeProbabilities(Scoring scoring, Value token);
  /// The best expert of a token by `value`, among those that `eligible` lets
  /// pass and whose mask bit is clear; -1 if there is none.
  Value pickBest(Value token, function_ref<Value(Value)> value,
                 function_ref<Value(Value)> eligible);
  /// Divides the gates of chosen experts by their sum and `epsilon`, if asked;
  /// clears the others.
  void finishGates(Value token, bool renormalize, double epsilon);
  Value allowGroups(TopKRoutingAttr routing);
  Value rank(Value token, Value expert);

  LoopBuilder &b;
  GateOp op;
  Value scores, mask, gates, tokens, experts;
};
} // namespace

void GateLowering::perPair(
    GateKind gate, function_ref<Value(Value)> prepareExpert,
    function_ref<Value(Value, Value, Value, Value)> chosen) {
  b.parallel({experts, b.dim(mask, 1)}, [&](ValueRange iv) {
    Value expert = iv[0], word = iv[1];
    b.store(b.i32(0), mask, iv);
    Value prepared = prepareExpert(expert);
    tokensOfWord(word, [&](Value token) {
      Value score = b.load(scores, {token, expert});
      Value selected = chosen(expert, token, score, prepared);
      setBit(mask, expert, token, selected);
      Value weight = b.select(selected, emitGate(b, gate, score), b.f32(0.0));
      b.store(weight, gates, {token, expert});
    });
  });
}

void GateLowering::perToken(function_ref<void(Value)> body) {
  b.parallel(b.dim(mask, 1), [&](ValueRange iv) {
    b.loop(b.index(0), experts,
           [&](Value expert) { b.store(b.i32(0), mask, {expert, iv[0]}); });
    tokensOfWord(iv[0], body);
  });
}

//===----------------------------------------------------------------------===//
// Rules that decide by expert
//===----------------------------------------------------------------------===//

void GateLowering::lower(ThresholdRoutingAttr routing) {
  perPair(
      routing.getGate(),
      [&](Value expert) { return b.load(op.getTheta(), expert); },
      [&](Value, Value, Value score, Value theta) {
        return compare(routing.getCompare(), score, theta);
      });
}

Value GateLowering::isAmongBest(Value expert, Value token, Value score,
                                Value limit) {
  Value before =
      b.loop(b.index(0), tokens, b.index(0),
             [&](Value other, ValueRange count) -> Values {
               Value otherScore = b.load(scores, {other, expert});
               Value higher = b.cmp(CmpFPredicate::OGT, otherScore, score);
               Value tie = b.both(b.cmp(CmpFPredicate::OEQ, otherScore, score),
                                  b.cmp(CmpIPredicate::ult, other, token));
               Value step =
                   b.select(b.either(higher, tie), b.index(1), b.index(0));
               return {b.add(count[0], step)};
             })[0];
  return b.both(b.cmp(CmpFPredicate::ORD, score, score),
                b.cmp(CmpIPredicate::ult, before, limit));
}

void GateLowering::lower(BoundedThresholdRoutingAttr routing) {
  Value target = targetLoad(routing.getRate());
  double slack = routing.getSlack().convertToDouble();
  auto scaled = [&](double factor) {
    return toCount(b.mul(b.toF64(target), b.f64(factor)));
  };
  Value least = scaled(1.0 - slack), most = scaled(1.0 + slack);
  perPair(
      routing.getGate(),
      [&](Value expert) -> Value {
        Value theta = b.load(op.getTheta(), expert);
        Value above = b.loop(
            b.index(0), tokens, b.index(0),
            [&](Value token, ValueRange count) -> Values {
              Value passes = compare(routing.getCompare(),
                                     b.load(scores, {token, expert}), theta);
              return {
                  b.add(count[0], b.select(passes, b.index(1), b.index(0)))};
            })[0];
        return arith::MinUIOp::create(
            b, arith::MaxUIOp::create(b, above, least), most);
      },
      [&](Value expert, Value token, Value score, Value limit) {
        return isAmongBest(expert, token, score, limit);
      });
}

void GateLowering::lower(ExpertChoiceRoutingAttr routing) {
  Value target = targetLoad(routing.getRate());
  perPair(
      routing.getGate(), [&](Value) { return target; },
      [&](Value expert, Value token, Value score, Value limit) {
        return isAmongBest(expert, token, score, limit);
      });
}

//===----------------------------------------------------------------------===//
// Rules that decide by token
//===----------------------------------------------------------------------===//

void GateLowering::writeProbabilities(Scoring scoring, Value token) {
  Value zero = b.index(0);
  if (scoring == Scoring::Sigmoid) {
    b.loop(zero, experts, [&](Value expert) {
      Value score = b.load(scores, {token, expert});
      b.store(emitSigmoid(b, score), gates, {token, expert});
    });
    return;
  }
  Value infinity = b.f32(-std::numeric_limits<double>::infinity());
  Value largest = b.loop(zero, experts, infinity,
                         [&](Value expert, ValueRange acc) -> Values {
                           return {arith::MaximumFOp::create(
                               b, acc[0], b.load(scores, {token, expert}))};
                         })[0];
  Value sum = b.loop(
      zero, experts, b.f32(0.0), [&](Value expert, ValueRange acc) -> Values {
        Value shifted = b.sub(b.load(scores, {token, expert}), largest);
        Value exp = math::ExpOp::create(b, shifted);
        b.store(exp, gates, {token, expert});
        return {b.add(acc[0], exp)};
      })[0];
  b.loop(zero, experts, [&](Value expert) {
    Value exp = b.load(gates, {token, expert});
    b.store(b.div(exp, sum), gates, {token, expert});
  });
}

Value GateLowering::pickBest(Value token, function_ref<Value(Value)> value,
                             function_ref<Value(Value)> eligible) {
  Value none = b.i32(-1);
  return b.loop(b.index(0), experts, {none, b.f32(0.0)},
                [&](Value expert, ValueRange best) -> Values {
                  Value candidate = value(expert);
                  Value free = arith::XOrIOp::create(
                      b, emitTestBit(b, mask, expert, token), b.boolean(true));
                  Value first =
                      b.both(b.cmp(CmpIPredicate::eq, best[0], none),
                             b.cmp(CmpFPredicate::ORD, candidate, candidate));
                  Value better = b.either(
                      first, b.cmp(CmpFPredicate::OGT, candidate, best[1]));
                  Value take = b.both(b.both(free, better), eligible(expert));
                  return {b.select(take, b.toI32(expert), best[0]),
                          b.select(take, candidate, best[1])};
                })[0];
}

void GateLowering::finishGates(Value token, bool renormalize, double epsilon) {
  Value zero = b.index(0), divisor;
  if (renormalize)
    divisor =
        b.loop(zero, experts, b.f32(epsilon),
               [&](Value expert, ValueRange acc) -> Values {
                 Value chosen = emitTestBit(b, mask, expert, token);
                 Value weight = b.load(gates, {token, expert});
                 return {b.add(acc[0], b.select(chosen, weight, b.f32(0.0)))};
               })[0];
  b.loop(zero, experts, [&](Value expert) {
    Value weight = b.load(gates, {token, expert});
    if (renormalize)
      weight = b.div(weight, divisor);
    Value chosen = emitTestBit(b, mask, expert, token);
    b.store(b.select(chosen, weight, b.f32(0.0)), gates, {token, expert});
  });
}

/// What token choice ranks an expert by: its probability and selection bias.
Value GateLowering::rank(Value token, Value expert) {
  Value probability = b.load(gates, {token, expert});
  return op.getBias() ? b.add(probability, b.load(op.getBias(), expert))
                      : probability;
}

/// A mask of its own with the experts of each token's best groups.
Value GateLowering::allowGroups(TopKRoutingAttr routing) {
  Value allowed = memref::AllocOp::create(
      b,
      MemRefType::get({ShapedType::kDynamic, ShapedType::kDynamic},
                      b.getI32Type()),
      ValueRange{experts, b.dim(mask, 1)});
  Value groups = b.index(routing.getGroups());
  Value size = b.div(experts, groups);
  Value lowest = b.f32(-std::numeric_limits<double>::infinity());
  b.parallel(b.dim(mask, 1), [&](ValueRange iv) {
    b.loop(b.index(0), experts,
           [&](Value expert) { b.store(b.i32(0), allowed, {expert, iv[0]}); });
    tokensOfWord(iv[0], [&](Value token) {
      writeProbabilities(routing.getScoring(), token);
      // The sum of the two best ranks of a group; NaN counts as none.
      auto groupScore = [&](Value group) -> Value {
        Value first = b.mul(group, size);
        Values best = b.loop(
            first, b.add(first, size), {lowest, lowest},
            [&](Value expert, ValueRange acc) -> Values {
              Value value = rank(token, expert);
              Value beatsFirst = b.cmp(CmpFPredicate::OGT, value, acc[0]);
              Value beatsSecond = b.cmp(CmpFPredicate::OGT, value, acc[1]);
              Value second = b.select(beatsSecond, value, acc[1]);
              return {b.select(beatsFirst, value, acc[0]),
                      b.select(beatsFirst, acc[0], second)};
            });
        Value single = b.cmp(CmpFPredicate::OEQ, best[1], lowest);
        return b.select(single, best[0], b.add(best[0], best[1]));
      };
      b.loop(b.index(0), groups, [&](Value group) {
        Value score = groupScore(group);
        Value before = b.loop(
            b.index(0), groups, b.index(0),
            [&](Value other, ValueRange count) -> Values {
              Value otherScore = groupScore(other);
              Value higher = b.cmp(CmpFPredicate::OGT, otherScore, score);
              Value tie = b.both(b.cmp(CmpFPredicate::OEQ, otherScore, score),
                                 b.cmp(CmpIPredicate::ult, other, group));
              return {b.add(count[0], b.select(b.either(higher, tie),
                                               b.index(1), b.index(0)))};
            })[0];
        Value passes =
            b.cmp(CmpIPredicate::ult, before, b.index(routing.getGroupLimit()));
        Value first = b.mul(group, size);
        b.loop(first, b.add(first, size),
               [&](Value expert) { setBit(allowed, expert, token, passes); });
      });
    });
  });
  return allowed;
}

void GateLowering::lower(TopKRoutingAttr routing) {
  Value allowed;
  if (routing.getGroups() > 1)
    allowed = allowGroups(routing);
  Value always = b.boolean(true);
  perToken([&](Value token) {
    if (!allowed)
      writeProbabilities(routing.getScoring(), token);
    Value rounds = arith::MinUIOp::create(b, b.index(routing.getK()), experts);
    b.loop(b.index(0), rounds, [&](Value) {
      Value best = pickBest(
          token, [&](Value expert) { return rank(token, expert); },
          [&](Value expert) {
            return allowed ? emitTestBit(b, allowed, expert, token) : always;
          });
      b.when(b.cmp(CmpIPredicate::sge, best, b.i32(0)),
             [&] { setBit(mask, b.toIndex(best), token, always); });
    });
    finishGates(token, routing.getRenormalize(),
                routing.getEpsilon().convertToDouble());
  });
  if (allowed)
    memref::DeallocOp::create(b, allowed);
}

void GateLowering::lower(TopPRoutingAttr routing) {
  Value limit = b.f32(routing.getP().convertToDouble());
  Value always = b.boolean(true);
  perToken([&](Value token) {
    writeProbabilities(Scoring::Softmax, token);
    b.loop(
        b.index(0), experts, {b.f32(0.0), always},
        [&](Value, ValueRange state) -> Values {
          Value sum = state[0], open = state[1];
          Value best = pickBest(
              token,
              [&](Value expert) { return b.load(gates, {token, expert}); },
              [&](Value) { return always; });
          Value take = b.both(open, b.cmp(CmpIPredicate::sge, best, b.i32(0)));
          Value expert = b.toIndex(arith::MaxSIOp::create(b, best, b.i32(0)));
          b.when(take, [&] { setBit(mask, expert, token, always); });
          Value weight =
              b.select(take, b.load(gates, {token, expert}), b.f32(0.0));
          Value next = b.add(sum, weight);
          return {next, b.both(take, b.cmp(CmpFPredicate::OLT, next, limit))};
        });
    finishGates(token, routing.getRenormalize(), /*epsilon=*/0.0);
  });
}

/// Calls `visit` with a rule that has loops as its class; whether it has.
template <typename VisitFn>
static bool visitRouting(Attribute routing, VisitFn visit) {
  return llvm::TypeSwitch<Attribute, bool>(routing)
      .Case<ThresholdRoutingAttr, BoundedThresholdRoutingAttr,
            ExpertChoiceRoutingAttr, TopKRoutingAttr, TopPRoutingAttr>(
          [&](auto known) {
            visit(known);
            return true;
          })
      .Default(false);
}

bool et::hasLoops(RoutingAttrInterface routing) {
  return visitRouting(routing, [](auto) {});
}

static void lowerGate(GateOp op, LoopBuilder &b) {
  GateLowering lowering(op, b);
  visitRouting(op.getRouting(), [&](auto routing) { lowering.lower(routing); });
}

static bool hasKnownRouting(GateOp op) { return hasLoops(op.getRouting()); }

void et::populateRoutingPatterns(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<LoopPattern<ScoresOp>>(context, lowerScores);
  patterns.add<LoopPattern<GateOp>>(context, lowerGate, hasKnownRouting);
}
