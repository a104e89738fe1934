//===- LoopRow.cpp - A rule by token in loops -----------------------------===//
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
using Best = RoutingRow::Best;
using BestOfRuns = RoutingRow::BestOfRuns;
using Row = RoutingRow::Row;
using Values = LoopBuilder::Values;

//===----------------------------------------------------------------------===//
// Places and memory
//===----------------------------------------------------------------------===//

void LoopRow::visit(int64_t runs, function_ref<void(const Place &)> body) {
  b.loop(b.index(0), countOf(runs),
         [&](Value number) { body(placeOf(number, runs)); });
}

Values LoopRow::visit(int64_t runs, ValueRange inits,
                      function_ref<Values(const Place &, ValueRange)> body) {
  return b.loop(b.index(0), countOf(runs), inits,
                [&](Value number, ValueRange carried) {
                  return body(placeOf(number, runs), carried);
                });
}

LoopRow::Stored LoopRow::makeRoom(Type type, int64_t runs) {
  if (!room) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(loop);
    room = memref::AllocOp::create(b, typeOfRoom(),
                                   ValueRange{b.dim(op.getMask(), 1), experts});
  }
  return {rowsInRoom++, type, runs};
}

void LoopRow::write(Value value, const Stored &row, const Place &place) {
  if (row.type.isInteger(1))
    value = arith::ExtUIOp::create(b, b.getI32Type(), value);
  if (!row.type.isF32())
    value = arith::BitcastOp::create(b, b.getF32Type(), value);
  b.store(value, room, indicesOf(row, place));
}

Row LoopRow::addRow(const Stored &row) {
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

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

Row LoopRow::scores() {
  return addRow({b.getF32Type(), 1, 0, [this](const Place &place) {
                   return b.load(op.getScores(), {token, place.expert});
                 }});
}

std::optional<Row> LoopRow::bias() {
  if (!op.getBias())
    return std::nullopt;
  return addRow({b.getF32Type(), 1, 0, [this](const Place &place) {
                   return b.load(op.getBias(), place.expert);
                 }});
}

Row LoopRow::numbers() {
  return addRow({b.getI32Type(), 0, 0,
                 [this](const Place &place) { return b.toI32(place.expert); }});
}

Row LoopRow::firstsOfRuns(int64_t runs) {
  return addRow({b.getI32Type(), 1, runs, [this, runs](const Place &place) {
                   return b.toI32(b.mul(runOf(place, runs), sizeOf(runs)));
                 }});
}

Row LoopRow::replace(Row row, Value expert, Value value) {
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

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

Value LoopRow::sum(Row row, Value first) {
  return visit(0, first, [&](const Place &place, ValueRange acc) -> Values {
    return {b.add(acc[0], read(row, place))};
  })[0];
}

Value LoopRow::max(Row row) {
  return visit(
      runsOf(row), lowest(), [&](const Place &place, ValueRange acc) -> Values {
        return {arith::MaximumFOp::create(b, acc[0], read(row, place))};
      })[0];
}

Values LoopRow::better(ValueRange best, Value candidate, Value expert) {
  Value isHigher = b.cmp(CmpFPredicate::OGT, candidate, best[0]);
  Value isFirst = b.both(b.cmp(CmpIPredicate::eq, best[1], b.i32(-1)),
                         b.cmp(CmpFPredicate::ORD, candidate, candidate));
  return {b.select(isHigher, candidate, best[0]),
          b.select(b.either(isHigher, isFirst), b.toI32(expert), best[1])};
}

Best LoopRow::toBest(ValueRange found) {
  Value isNone = b.cmp(CmpIPredicate::eq, found[1], b.i32(-1));
  Value nan = b.f32(std::numeric_limits<double>::quiet_NaN());
  return {b.select(isNone, nan, found[0]), found[1]};
}

Best LoopRow::best(Row row) {
  return toBest(visit(runsOf(row), noBest(),
                      [&](const Place &place, ValueRange best) -> Values {
                        return better(best, read(row, place), place.expert);
                      }));
}

BestOfRuns LoopRow::bestOfRuns(Row row, int64_t runs) {
  Stored values = makeRoom(b.getF32Type(), runs),
         numbers = makeRoom(b.getI32Type(), runs);
  visit(runs, [&](const Place &place) {
    Value end = b.add(place.expert, sizeOf(runs));
    Best best = toBest(b.loop(place.expert, end, noBest(),
                              [&](Value expert, ValueRange best) -> Values {
                                Value candidate =
                                    read(row, {expert, place.runs, place.run});
                                return better(best, candidate, expert);
                              }));
    write(best.value, values, place);
    write(best.expert, numbers, place);
  });
  return {addRow(values), addRow(numbers)};
}

//===----------------------------------------------------------------------===//
// Loops and the end
//===----------------------------------------------------------------------===//

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

void LoopRow::finish(Rows rows, function_ref<Decision(ValueRange)> decide) {
  visit(0, [&](const Place &place) {
    auto [isChosen, weight] = decide(read(rows, place));
    emitDecision(b, op, place.expert, token, isChosen, weight);
  });
}
