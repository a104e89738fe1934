//===- Routing.cpp - Scores and gates as plain loops ----------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "et/Dialect/ET/IR/RoutingRow.h"

#include <map>

using namespace mlir;
using namespace mlir::et;
using arith::CmpFPredicate;
using arith::CmpIPredicate;
using Values = LoopBuilder::Values;
using Row = RoutingRow::Row;

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

  /// Writes what was decided of a pair; its bit was clear.
  void writePair(Value expert, Value token, Value isChosen, Value gate);

  /// An expert's entry of `theta` or `bias`, null if the op has none.
  Value perExpert(Value operand, Value expert) {
    return operand ? b.load(operand, expert) : Value();
  }

  LoopBuilder &b;
  GateOp op;
  Value scores, mask, gates, tokens, experts;

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

void GateLowering::writePair(Value expert, Value token, Value isChosen,
                             Value gate) {
  Value perWord = b.index(kTokensPerWord);
  Value word = b.div(token, perWord);
  Value shift = b.toI32(arith::RemUIOp::create(b, token, perWord));
  Value bit =
      arith::ShLIOp::create(b, b.select(isChosen, b.i32(1), b.i32(0)), shift);
  b.store(b.either(b.load(mask, {expert, word}), bit), mask, {expert, word});
  b.store(b.select(isChosen, gate, b.f32(0.0)), gates, {token, expert});
}

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
      writePair(expert, token, selected, gateOf(score));
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

namespace {
/// A token's rows. What costs little is computed where it is read. For the rest
/// the iteration that owns a mask word has memory of its own, which its tokens
/// use in turn. All of it is one buffer, in which the values of an expert are
/// neighbours: one pointer reaches every row, and a kernel needs few registers.
class LoopRow final : public RoutingRow {
public:
  /// In the parallel loop over the mask's words.
  LoopRow(GateLowering &gate, Operation *loop, Value word)
      : RoutingRow(gate.b), b(gate.b), gate(gate), loop(loop), word(word) {}

  /// The token that the rule is to decide for next.
  void start(Value newToken) {
    token = newToken;
    readers.clear();
    replacements.clear();
  }
  /// Frees the rows' memory, after the loop. Only now is known how many rows
  /// there are, which its type then says: a stride that is no constant would
  /// cost every loop registers.
  void freeRows() {
    if (!room)
      return;
    room.setType(typeOfRoom());
    memref::DeallocOp::create(b, room);
  }

  Value countExperts() override { return gate.experts; }
  Row scores() override {
    return addRow({b.getF32Type(), 1, 0, [this](const Place &place) {
                     return b.load(gate.scores, {token, place.expert});
                   }});
  }
  std::optional<Row> bias() override {
    if (!gate.op.getBias())
      return std::nullopt;
    return addRow({b.getF32Type(), 1, 0, [this](const Place &place) {
                     return b.load(gate.op.getBias(), place.expert);
                   }});
  }
  Row numbers() override {
    return addRow({b.getI32Type(), 0, 0, [this](const Place &place) {
                     return b.toI32(place.expert);
                   }});
  }

  Row map(Rows rows, Body body) override;

  Row replace(Row row, Value expert, Value value) override {
    Row result = addRow({typeOf(row), costOf(row) + 2, 0,
                         [this, row, expert, value](const Place &place) {
                           Value number = b.toI32(place.expert);
                           Value isThis =
                               b.cmp(CmpIPredicate::eq, number, expert);
                           return b.select(isThis, value, read(row, place));
                         }});
    replacements[result.number] = {row, expert, value};
    return result;
  }

  Value sum(Row row, Value first) override {
    return visit(0, first, [&](const Place &place, ValueRange acc) -> Values {
      return {b.add(acc[0], read(row, place))};
    })[0];
  }
  Value max(Row row) override {
    return visit(runsOf(row), lowest(),
                 [&](const Place &place, ValueRange acc) -> Values {
                   return {
                       arith::MaximumFOp::create(b, acc[0], read(row, place))};
                 })[0];
  }

  Best best(Row row) override {
    return toBest(visit(runsOf(row), noBest(),
                        [&](const Place &place, ValueRange best) -> Values {
                          return better(best, read(row, place), place.expert);
                        }));
  }
  BestOfRuns bestOfRuns(Row row, int64_t runs) override {
    Stored values = makeRoom(b.getF32Type(), runs),
           numbers = makeRoom(b.getI32Type(), runs);
    visit(runs, [&](const Place &place) {
      Value end = b.add(place.expert, sizeOf(runs));
      Best best = toBest(b.loop(place.expert, end, noBest(),
                                [&](Value expert, ValueRange best) -> Values {
                                  Value candidate = read(
                                      row, {expert, place.runs, place.run});
                                  return better(best, candidate, expert);
                                }));
      write(best.value, values, place);
      write(best.expert, numbers, place);
    });
    return {addRow(values), addRow(numbers)};
  }
  Row firstsOfRuns(int64_t runs) override {
    return addRow({b.getI32Type(), 1, runs, [this, runs](const Place &place) {
                     return b.toI32(b.mul(runOf(place, runs), sizeOf(runs)));
                   }});
  }

  State repeat(Value rounds, const State &first,
               function_ref<State(const State &)> body) override;

  void finish(Rows rows, function_ref<Decision(ValueRange)> decide) override {
    visit(0, [&](const Place &place) {
      auto [isChosen, weight] = decide(read(rows, place));
      gate.writePair(place.expert, token, isChosen, weight);
    });
  }

private:
  /// An expert; or a run of experts, one of so many, by its first one.
  struct Place {
    Value expert;
    int64_t runs = 0;
    Value run = {};
  };
  Value sizeOf(int64_t runs) { return b.div(gate.experts, b.index(runs)); }
  Value runOf(const Place &place, int64_t runs) {
    return place.runs == runs ? place.run : b.div(place.expert, sizeOf(runs));
  }
  /// Visits every one of so many runs of experts, or with 0 every expert.
  void visit(int64_t runs, function_ref<void(const Place &)> body) {
    b.loop(b.index(0), countOf(runs),
           [&](Value number) { body(placeOf(number, runs)); });
  }
  /// The same, with values that are carried along; returns the last ones.
  Values visit(int64_t runs, ValueRange inits,
               function_ref<Values(const Place &, ValueRange)> body) {
    return b.loop(b.index(0), countOf(runs), inits,
                  [&](Value number, ValueRange carried) {
                    return body(placeOf(number, runs), carried);
                  });
  }
  Value countOf(int64_t runs) { return runs ? b.index(runs) : gate.experts; }
  Place placeOf(Value number, int64_t runs) {
    return runs ? Place{b.mul(number, sizeOf(runs)), runs, number}
                : Place{number};
  }

  /// Where a row's values of this type lie, in numbers of 32 bits: a value of
  /// every expert, or of every one of so many runs.
  struct Stored {
    int64_t place;
    Type type;
    int64_t runs;
  };

  /// How a value is read, and in about how many instructions. With runs, it is
  /// the same throughout each of so many.
  struct Reader {
    Type type;
    int64_t cost, runs;
    std::function<Value(const Place &)> emit;
  };
  /// A row that costs more to read is stored.
  static constexpr int64_t kMostCost = 16;

  /// What a row that `replace` made differs in.
  struct Replacement {
    Row row;
    Value expert, value;
  };

  Stored makeRoom(Type type, int64_t runs) {
    if (!room) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(loop);
      room = memref::AllocOp::create(
          b, typeOfRoom(), ValueRange{b.dim(gate.mask, 1), gate.experts});
    }
    return {rowsInRoom++, type, runs};
  }
  MemRefType typeOfRoom() {
    int64_t any = ShapedType::kDynamic;
    return MemRefType::get({any, any, rowsInRoom}, b.getF32Type());
  }
  Values indicesOf(const Stored &row, const Place &place) {
    Value value = row.runs ? runOf(place, row.runs) : place.expert;
    return {word, value, b.index(row.place)};
  }
  void write(Value value, const Stored &row, const Place &place) {
    if (row.type.isInteger(1))
      value = arith::ExtUIOp::create(b, b.getI32Type(), value);
    if (!row.type.isF32())
      value = arith::BitcastOp::create(b, b.getF32Type(), value);
    b.store(value, room, indicesOf(row, place));
  }

  Row addRow(Reader reader) {
    readers.push_back(std::move(reader));
    return {static_cast<unsigned>(readers.size() - 1)};
  }
  Row addRow(const Stored &row) {
    return addRow({row.type, 1, row.runs, [this, row](const Place &place) {
                     Value value = b.load(room, indicesOf(row, place));
                     if (row.type.isF32())
                       return value;
                     value = arith::BitcastOp::create(b, b.getI32Type(), value);
                     return row.type.isInteger(1)
                                ? b.cmp(CmpIPredicate::ne, value, b.i32(0))
                                : value;
                   }});
  }
  Type typeOf(Row row) { return readers[row.number].type; }
  int64_t costOf(Row row) { return readers[row.number].cost; }
  int64_t runsOf(Row row) { return readers[row.number].runs; }
  Value read(Row row, const Place &place) {
    return readers[row.number].emit(place);
  }
  Values read(Rows rows, const Place &place) {
    return llvm::map_to_vector(rows, [&](Row row) { return read(row, place); });
  }

  Value lowest() { return b.f32(-std::numeric_limits<double>::infinity()); }
  /// A best's value and expert while it is looked for. What an expert waits for
  /// of the one before is a maximum: that of the value needs no number.
  Values noBest() { return {lowest(), b.i32(-1)}; }
  Values better(ValueRange best, Value candidate, Value expert) {
    Value isHigher = b.cmp(CmpFPredicate::OGT, candidate, best[0]);
    Value isFirst = b.both(b.cmp(CmpIPredicate::eq, best[1], b.i32(-1)),
                           b.cmp(CmpFPredicate::ORD, candidate, candidate));
    return {b.select(isHigher, candidate, best[0]),
            b.select(b.either(isHigher, isFirst), b.toI32(expert), best[1])};
  }
  Best toBest(ValueRange found) {
    Value isNone = b.cmp(CmpIPredicate::eq, found[1], b.i32(-1));
    Value nan = b.f32(std::numeric_limits<double>::quiet_NaN());
    return {b.select(isNone, nan, found[0]), found[1]};
  }

  LoopBuilder &b;
  GateLowering &gate;
  Operation *loop;
  Value word, token;
  SmallVector<Reader> readers;
  std::map<unsigned, Replacement> replacements;
  /// [W, E, rows].
  Value room;
  int64_t rowsInRoom = 0;
};
} // namespace

/// About how many instructions an op of a body is.
static int64_t costOf(Operation &op) {
  constexpr int64_t kMany = 32;
  if (op.hasTrait<OpTrait::ConstantLike>())
    return 0;
  bool divides =
      isa<arith::DivFOp, arith::RemFOp, arith::DivSIOp, arith::DivUIOp,
          arith::RemSIOp, arith::RemUIOp, arith::CeilDivSIOp,
          arith::CeilDivUIOp, arith::FloorDivSIOp>(op);
  return isa<arith::ArithDialect>(op.getDialect()) && !divides ? 1 : kMany;
}

Row LoopRow::map(Rows rows, Body body) {
  // The body's ops, in a block of their own: each reader clones them. The
  // rewriter needs to know of the clones alone.
  auto made = std::make_shared<Block>();
  int64_t cost = 0, runs = rows.empty() ? 0 : runsOf(rows.front());
  for (Row row : rows) {
    made->addArgument(typeOf(row), b.getLoc());
    cost += costOf(row);
    if (runsOf(row) != runs)
      runs = 0;
  }
  Value result;
  {
    OpBuilder::InsertionGuard guard(b);
    OpBuilder::Listener *listener = b.getListener();
    b.setListener(nullptr);
    b.setInsertionPointToStart(made.get());
    result = body(made->getArguments());
    b.setListener(listener);
  }
  for (Operation &op : *made)
    cost += ::costOf(op);
  Row row = addRow(
      {result.getType(), cost, runs,
       [this, made, result, rows = llvm::to_vector(rows)](const Place &place) {
         IRMapping mapping;
         mapping.map(made->getArguments(), read(rows, place));
         for (Operation &op : *made)
           b.clone(op, mapping);
         return mapping.lookupOrDefault(result);
       }});
  if (cost <= kMostCost)
    return row;
  Stored stored = makeRoom(result.getType(), runs);
  visit(runs,
        [&](const Place &place) { write(read(row, place), stored, place); });
  return addRow(stored);
}

RoutingRow::State LoopRow::repeat(Value rounds, const State &first,
                                  function_ref<State(const State &)> body) {
  // The rows of the state have memory of their own, which each round writes
  // anew: a value depends on those of the same place alone.
  SmallVector<Stored> stored = llvm::map_to_vector(
      first.rows, [&](Row row) { return makeRoom(typeOf(row), runsOf(row)); });
  SmallVector<Row> rows = llvm::map_to_vector(
      stored, [&](const Stored &row) { return addRow(row); });
  using Write = std::pair<Row, Stored>;
  auto writeRows = [&](ArrayRef<Write> writes) {
    // A loop for all that have as many values. Those of experts come first:
    // they may depend on those of runs, as these were.
    std::map<int64_t, SmallVector<Write>> loops;
    for (const Write &write : writes)
      loops[write.second.runs].push_back(write);
    for (const auto &loop : loops)
      visit(loop.first, [&](const Place &place) {
        Values values =
            llvm::map_to_vector(loop.second, [&](const Write &write) {
              return read(write.first, place);
            });
        for (auto [value, into] : llvm::zip_equal(values, loop.second))
          write(value, into.second, place);
      });
  };
  SmallVector<Write> initial;
  for (auto [row, into] : llvm::zip_equal(first.rows, stored))
    initial.emplace_back(row, into);
  writeRows(initial);
  // A row that differs from its last in one value has that one written, once
  // all others were made of what was there.
  auto writeNext = [&](Rows next) {
    SmallVector<Write> whole;
    SmallVector<std::pair<Replacement, Stored>> single;
    for (auto [row, last, into] : llvm::zip_equal(next, rows, stored)) {
      auto found = replacements.find(row.number);
      if (found != replacements.end() &&
          found->second.row.number == last.number)
        single.emplace_back(found->second, into);
      else
        whole.emplace_back(row, into);
      if (runsOf(row) != into.runs)
        llvm::reportFatalUsageError(
            "a routing's row of runs must stay one from round to round");
    }
    writeRows(whole);
    for (const auto &one : single) {
      const Replacement &by = one.first;
      b.when(b.cmp(CmpIPredicate::sge, by.expert, b.i32(0)),
             [&] { write(by.value, one.second, {b.toIndex(by.expert)}); });
    }
  };

  // Carried: the round, the scalars, and whether the token is open.
  Values inits = {b.index(0)};
  llvm::append_range(inits, first.scalars);
  if (first.isOpen)
    inits.push_back(first.isOpen);
  auto stateOf = [&](ValueRange carried) {
    State state{rows, {}, {}};
    carried = carried.drop_front();
    if (first.isOpen) {
      state.isOpen = carried.back();
      carried = carried.drop_back();
    }
    llvm::append_range(state.scalars, carried);
    return state;
  };
  auto advance = [&](ValueRange carried) -> Values {
    State next = body(stateOf(carried));
    writeNext(next.rows);
    Values results = {b.add(carried[0], b.index(1))};
    llvm::append_range(results, next.scalars);
    if (next.isOpen)
      results.push_back(next.isOpen);
    return results;
  };
  auto whileOp = scf::WhileOp::create(
      b, ValueRange(inits).getTypes(), inits,
      [&](OpBuilder &nested, Location, ValueRange carried) {
        OpBuilder::InsertionGuard guard(b);
        b.restoreInsertionPoint(nested.saveInsertionPoint());
        Value goesOn = b.cmp(CmpIPredicate::ult, carried[0], rounds);
        if (first.isOpen)
          goesOn = b.both(goesOn, carried.back());
        scf::ConditionOp::create(b, goesOn, carried);
      },
      [&](OpBuilder &nested, Location, ValueRange carried) {
        OpBuilder::InsertionGuard guard(b);
        b.restoreInsertionPoint(nested.saveInsertionPoint());
        scf::YieldOp::create(b, advance(carried));
      });
  return stateOf(whileOp.getResults());
}

void GateLowering::lower(TokenRoutingAttrInterface routing) {
  std::optional<LoopRow> row;
  b.parallel(b.dim(mask, 1), [&](ValueRange iv) {
    Value word = iv[0];
    b.loop(b.index(0), experts,
           [&](Value expert) { b.store(b.i32(0), mask, {expert, word}); });
    row.emplace(*this, b.getInsertionBlock()->getParentOp(), word);
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
