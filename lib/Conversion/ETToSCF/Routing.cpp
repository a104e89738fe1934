//===- Routing.cpp - Scores and gates as plain loops ----------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoopRow.h"
#include "Patterns.h"

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
// Decisions
//===----------------------------------------------------------------------===//

Value et::emitTestBit(LoopBuilder &b, Value mask, Value expert, Value token) {
  Value perWord = b.index(kTokensPerWord);
  Value word = b.load(mask, {expert, b.div(token, perWord)});
  Value shift = b.toI32(arith::RemUIOp::create(b, token, perWord));
  Value bit = b.both(arith::ShRUIOp::create(b, word, shift), b.i32(1));
  return b.cmp(CmpIPredicate::ne, bit, b.i32(0));
}

void et::emitDecision(LoopBuilder &b, GateOp op, Value expert, Value token,
                      Value isChosen, Value gate) {
  Value perWord = b.index(kTokensPerWord), mask = op.getMask();
  Value word = b.div(token, perWord);
  Value shift = b.toI32(arith::RemUIOp::create(b, token, perWord));
  Value bit =
      arith::ShLIOp::create(b, b.select(isChosen, b.i32(1), b.i32(0)), shift);
  b.store(b.either(b.load(mask, {expert, word}), bit), mask, {expert, word});
  b.store(b.select(isChosen, gate, b.f32(0.0)), op.getGates(), {token, expert});
}

namespace {
/// What the lowering of a gate works on, and the loops that all rules share.
/// The tokens of one mask word belong to one iteration, so that no two
/// iterations write the same word.
struct GateLowering {
  GateLowering(GateOp op, LoopBuilder &b)
      : b(b), op(op), scores(op.getScores()), mask(op.getMask()),
        tokens(b.dim(scores, 0)), experts(b.dim(scores, 1)) {}

  void lower(PairRoutingAttrInterface routing);
  void lower(ExpertRoutingAttrInterface routing);
  void lower(TokenRoutingAttrInterface routing);

  /// Calls `body` with every token of mask word `word`.
  void tokensOfWord(Value word, function_ref<void(Value)> body) {
    Value first = b.mul(word, b.index(kTokensPerWord));
    Value end = arith::MinUIOp::create(b, b.add(first, b.index(kTokensPerWord)),
                                       tokens);
    b.loop(first, end, [&](Value token) { body(token); });
  }

  /// An expert's entry of `theta` or `bias`, null if the op has none.
  Value perExpert(Value operand, Value expert) {
    return operand ? b.load(operand, expert) : Value();
  }

  LoopBuilder &b;
  GateOp op;
  Value scores, mask, tokens, experts;

private:
  /// Decides each pair by itself: `decide` is given expert, token and score,
  /// and what `prepareExpert` made for the expert.
  void
  perPair(function_ref<Values(Value)> prepareExpert,
          function_ref<Value(Value, Value, Value, const Values &)> isChosen,
          function_ref<Value(Value)> gateOf);
  /// Whether fewer than `limit` tokens come before `token` for the expert: by
  /// score, then by position. Never for a NaN score.
  Value isAmongBest(Value expert, Value token, Value score, Value limit);
};
} // namespace

//===----------------------------------------------------------------------===//
// Rules that decide by pair and by expert
//===----------------------------------------------------------------------===//

void GateLowering::perPair(
    function_ref<Values(Value)> prepareExpert,
    function_ref<Value(Value, Value, Value, const Values &)> isChosen,
    function_ref<Value(Value)> gateOf) {
  b.parallel({experts, b.dim(mask, 1)}, [&](ValueRange iv) {
    Value expert = iv[0], word = iv[1];
    b.store(b.i32(0), mask, iv);
    Values prepared = prepareExpert(expert);
    tokensOfWord(word, [&](Value token) {
      Value score = b.load(scores, {token, expert});
      Value selected = isChosen(expert, token, score, prepared);
      emitDecision(b, op, expert, token, selected, gateOf(score));
    });
  });
}

void GateLowering::lower(PairRoutingAttrInterface routing) {
  perPair(
      [&](Value expert) -> Values {
        return {perExpert(op.getTheta(), expert),
                perExpert(op.getBias(), expert)};
      },
      [&](Value, Value, Value score, const Values &prepared) {
        return routing.emitSelected(b, score, prepared[0], prepared[1]);
      },
      [&](Value score) { return routing.emitGate(b, score); });
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

namespace {
/// An expert's scores in memory.
class LoopColumn final : public RoutingColumn {
public:
  LoopColumn(GateLowering &gate, Value expert)
      : RoutingColumn(gate.b), gate(gate), expert(expert) {}

  Value countTokens() override { return gate.tokens; }

  Value count(function_ref<Value(Value)> isCounted) override {
    LoopBuilder &b = gate.b;
    return b.loop(b.index(0), gate.tokens, b.index(0),
                  [&](Value token, ValueRange count) -> Values {
                    Value score = b.load(gate.scores, {token, expert});
                    Value step =
                        b.select(isCounted(score), b.index(1), b.index(0));
                    return {b.add(count[0], step)};
                  })[0];
  }

private:
  GateLowering &gate;
  Value expert;
};
} // namespace

void GateLowering::lower(ExpertRoutingAttrInterface routing) {
  perPair(
      [&](Value expert) -> Values {
        LoopColumn column(*this, expert);
        return {routing.emitLoad(column, perExpert(op.getTheta(), expert),
                                 perExpert(op.getBias(), expert))};
      },
      [&](Value expert, Value token, Value score, const Values &load) {
        return isAmongBest(expert, token, score, load[0]);
      },
      [&](Value score) { return routing.emitGate(b, score); });
}

//===----------------------------------------------------------------------===//
// Rules that decide by token
//===----------------------------------------------------------------------===//

void GateLowering::lower(TokenRoutingAttrInterface routing) {
  std::optional<LoopRow> row;
  b.parallel(b.dim(mask, 1), [&](ValueRange iv) {
    Value word = iv[0];
    b.loop(b.index(0), experts,
           [&](Value expert) { b.store(b.i32(0), mask, {expert, word}); });
    row.emplace(b, op, experts, b.getInsertionBlock()->getParentOp(), word);
    tokensOfWord(word, [&](Value token) {
      row->start(token);
      routing.emitToken(*row);
    });
  });
  row->freeRows();
}

bool et::hasLoops(RoutingAttrInterface routing) {
  return isa<PairRoutingAttrInterface, TokenRoutingAttrInterface,
             ExpertRoutingAttrInterface>(routing);
}

static void lowerGate(GateOp op, LoopBuilder &b) {
  GateLowering lowering(op, b);
  RoutingAttrInterface routing = op.getRouting();
  if (auto byPair = dyn_cast<PairRoutingAttrInterface>(routing))
    lowering.lower(byPair);
  else if (auto byToken = dyn_cast<TokenRoutingAttrInterface>(routing))
    lowering.lower(byToken);
  else
    lowering.lower(cast<ExpertRoutingAttrInterface>(routing));
}

static bool hasKnownRouting(GateOp op) { return hasLoops(op.getRouting()); }

void et::populateRoutingPatterns(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<LoopPattern<ScoresOp>>(context, lowerScores);
  patterns.add<LoopPattern<GateOp>>(context, lowerGate, hasKnownRouting);
}
