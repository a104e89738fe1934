//===- LaneRow.cpp - A rule by token in registers -------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaneRow.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpFPredicate;
using arith::CmpIPredicate;
using Best = RoutingRow::Best;
using Row = RoutingRow::Row;
using State = RoutingRow::State;
using Values = LoopBuilder::Values;

LaneLayout::LaneLayout(int64_t experts) : experts(experts), lanes(1) {
  // Few enough for registers, and enough that steps between lanes are few.
  constexpr int64_t few = 8;
  while (lanes < kWarpSize && lanes * few < experts)
    lanes *= 2;
  each = llvm::alignTo(llvm::divideCeil(experts, lanes), width());
}

LaneRow::LaneRow(KernelBuilder &b, LaneLayout layout, Value lane, Value isToken,
                 LoadFn loadScores, LoadFn loadBias, StoreFn storeGates)
    : RoutingRow(b), b(b), layout(layout), lane(b.toI32(lane)),
      isToken(isToken), loadScores(loadScores), loadBias(loadBias),
      storeGates(storeGates) {
  firstExpert = b.mul(b.rem(this->lane, layout.lanes), layout.each);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

Row LaneRow::addRow(Values values) {
  rows.push_back(std::move(values));
  return {static_cast<unsigned>(rows.size() - 1)};
}

Value LaneRow::isExpert(int64_t place) {
  return b.less(b.add(firstExpert, place),
                b.i32(static_cast<int32_t>(layout.experts)));
}

Row LaneRow::load(LoadFn from) {
  Values values;
  for (int64_t i = 0; i < layout.each; i += layout.width()) {
    Value isThere = isToken;
    if (!layout.isEverywhere(i))
      isThere = b.both(isThere, isExpert(i));
    Values none(layout.width(),
                b.f32(std::numeric_limits<double>::quiet_NaN()));
    values.append(b.whenElse(
        isThere,
        [&] { return from(b.toIndex(b.add(firstExpert, i)), layout.width()); },
        none));
  }
  return addRow(std::move(values));
}

std::optional<Row> LaneRow::bias() {
  if (!loadBias)
    return std::nullopt;
  return load(loadBias);
}

Row LaneRow::numbers() {
  Values values;
  for (int64_t i = 0; i < layout.each; ++i)
    values.push_back(b.add(firstExpert, i));
  return addRow(std::move(values));
}

/// Of each row the i-th value.
static Values valuesAt(ArrayRef<Values> all, RoutingRow::Rows rows, int64_t i) {
  return llvm::map_to_vector(rows, [&](Row row) { return all[row.number][i]; });
}

Row LaneRow::map(Rows of, Body body) {
  Values values;
  for (int64_t i = 0; i < layout.each; ++i)
    values.push_back(body(valuesAt(rows, of, i)));
  return addRow(std::move(values));
}

Row LaneRow::replace(Row row, Value expert, Value value) {
  return map({row, numbers()}, [&](ValueRange v) {
    return b.select(b.cmp(CmpIPredicate::eq, v[1], expert), value, v[0]);
  });
}

Values LaneRow::padded(Row row, double neutral) {
  Values values = rows[row.number];
  for (auto [i, value] : llvm::enumerate(values))
    if (!layout.isEverywhere(i))
      value = b.select(isExpert(i), value, b.f32(neutral));
  return values;
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

Value LaneRow::combine(Value value, int64_t lanes,
                       function_ref<Value(Value, Value)> op) {
  for (int64_t distance = 1; distance < lanes; distance *= 2)
    value = op(value, b.fromNeighbor(value, distance));
  return value;
}

Value LaneRow::sum(Row row, Value first) {
  // Zero with this sign changes no sum.
  Values values = padded(row, -0.0);
  Value firstLane = b.sub(lane, b.rem(lane, layout.lanes));
  // In turn, each lane's values are added to what all before it came to.
  return b.loopBy(1, b.index(0), b.index(layout.lanes), first,
                  [&](Value turn, ValueRange sum) -> Values {
                    Value total = sum[0];
                    for (Value value : values)
                      total = b.add(total, value);
                    return {b.fromLane(total, b.add(firstLane, b.toI32(turn)))};
                  })[0];
}

Value LaneRow::max(Row row) {
  Values values = padded(row, -std::numeric_limits<double>::infinity());
  auto larger = [&](Value left, Value right) -> Value {
    return arith::MaximumFOp::create(b, left, right);
  };
  Value largest = values.front();
  for (Value value : ArrayRef(values).drop_front())
    largest = larger(largest, value);
  return combine(largest, layout.lanes, larger);
}

Best LaneRow::bestOf(ArrayRef<Value> values, int64_t first, int64_t end,
                     int64_t lanes) {
  auto larger = [&](Value left, Value right) -> Value {
    return arith::MaxNumFOp::create(b, left, right);
  };
  Value largest = values[first];
  for (int64_t i = first + 1; i < end; ++i)
    largest = larger(largest, values[i]);
  largest = combine(largest, lanes, larger);
  // Without a sign, the number of no expert is above all others.
  Value number = b.i32(-1);
  for (int64_t i = end - 1; i >= first; --i)
    number = b.select(b.cmp(CmpFPredicate::OEQ, values[i], largest),
                      b.add(firstExpert, i), number);
  auto lower = [&](Value left, Value right) { return b.min(left, right); };
  return {largest, combine(number, lanes, lower)};
}

Best LaneRow::best(Row row) {
  Values values = padded(row, std::numeric_limits<double>::quiet_NaN());
  return bestOf(values, 0, layout.each, layout.lanes);
}

RoutingRow::BestOfRuns LaneRow::bestOfRuns(Row row, int64_t runs) {
  int64_t size = layout.experts / runs;
  Values values(layout.each), experts(layout.each);
  bool isOfLanes =
      size % layout.each == 0 && llvm::isPowerOf2_64(size / layout.each);
  if (isOfLanes || layout.each % size == 0) {
    Values own = padded(row, std::numeric_limits<double>::quiet_NaN());
    int64_t length = std::min(size, layout.each);
    for (int64_t first = 0; first < layout.each; first += length) {
      Best best = bestOf(own, first, first + length,
                         std::max<int64_t>(size / layout.each, 1));
      std::fill_n(values.begin() + first, length, best.value);
      std::fill_n(experts.begin() + first, length, best.expert);
    }
    return {addRow(std::move(values)), addRow(std::move(experts))};
  }
  // Runs that end within a lane, or between lanes that are no power of two, one
  // by one.
  Value nan = b.f32(std::numeric_limits<double>::quiet_NaN());
  Row found = addRow(Values(layout.each, nan));
  Row number = addRow(Values(layout.each, b.i32(-1)));
  Row runOf = map(numbers(), [&](ValueRange v) { return b.div(v[0], size); });
  State last = repeat(b.index(runs), {{found, number}, {b.i32(0)}, {}},
                      [&](const State &state) -> State {
                        Value run = state.scalars[0];
                        auto isInRun = [&](Value other) {
                          return b.cmp(CmpIPredicate::eq, other, run);
                        };
                        Row own = map({row, runOf}, [&](ValueRange v) {
                          return b.select(isInRun(v[1]), v[0], nan);
                        });
                        Best best = this->best(own);
                        auto put = [&](Row into, Value value) {
                          return map({into, runOf}, [&](ValueRange v) {
                            return b.select(isInRun(v[1]), value, v[0]);
                          });
                        };
                        return {{put(state.rows[0], best.value),
                                 put(state.rows[1], best.expert)},
                                {b.add(run, 1)},
                                {}};
                      });
  return {last.rows[0], last.rows[1]};
}

Row LaneRow::firstsOfRuns(int64_t runs) {
  int64_t size = layout.experts / runs;
  return map(numbers(),
             [&](ValueRange v) { return b.sub(v[0], b.rem(v[0], size)); });
}

//===----------------------------------------------------------------------===//
// Loops and the end
//===----------------------------------------------------------------------===//

State LaneRow::repeat(Value rounds, const State &first,
                      function_ref<State(const State &)> body) {
  // Carried: the values of the rows, the scalars, whether the token is open.
  auto flatten = [&](const State &state) {
    Values values;
    for (Row row : state.rows)
      values.append(rows[row.number]);
    values.append(state.scalars);
    if (state.isOpen)
      values.push_back(state.isOpen);
    return values;
  };
  auto stateOf = [&](ValueRange carried) {
    State state;
    for (size_t i = 0; i < first.rows.size(); ++i) {
      state.rows.push_back(addRow(Values(carried.take_front(layout.each))));
      carried = carried.drop_front(layout.each);
    }
    state.scalars = Values(carried.take_front(first.scalars.size()));
    if (first.isOpen)
      state.isOpen = carried.back();
    return state;
  };
  if (!first.isOpen)
    return stateOf(b.loopBy(1, b.index(0), rounds, flatten(first),
                            [&](Value, ValueRange carried) {
                              return flatten(body(stateOf(carried)));
                            }));
  Values inits = flatten(first);
  inits.push_back(b.index(0));
  Values last = b.loopWhile(
      inits,
      [&](ValueRange carried) {
        // Lanes of several tokens stay together.
        Value open = b.ballot(carried.drop_back().back());
        return b.both(b.less(carried.back(), rounds),
                      b.cmp(CmpIPredicate::ne, open, b.i32(0)));
      },
      [&](ValueRange carried) {
        Values next = flatten(body(stateOf(carried.drop_back())));
        next.push_back(b.add(carried.back(), 1));
        return next;
      });
  return stateOf(ValueRange(last).drop_back());
}

void LaneRow::finish(Rows of, function_ref<Decision(ValueRange)> decide) {
  Values gates;
  chosen = b.i32(0);
  for (int64_t i = 0; i < layout.each; ++i) {
    auto [isChosen, gate] = decide(valuesAt(rows, of, i));
    if (!layout.isEverywhere(i))
      isChosen = b.both(isChosen, isExpert(i));
    gates.push_back(b.select(isChosen, gate, b.f32(0.0)));
    Value bit = b.i32(static_cast<int32_t>(uint32_t(1) << i));
    chosen = b.either(chosen, b.select(isChosen, bit, b.i32(0)));
  }
  chosen = b.select(isToken, chosen, b.i32(0));
  for (int64_t i = 0; i < layout.each; i += layout.width()) {
    Value isThere = isToken;
    if (!layout.isEverywhere(i))
      isThere = b.both(isThere, isExpert(i));
    b.when(isThere, [&] {
      storeGates(b.toIndex(b.add(firstExpert, i)),
                 ArrayRef<Value>(gates).slice(i, layout.width()));
    });
  }
}

//===----------------------------------------------------------------------===//
// A block's tokens
//===----------------------------------------------------------------------===//

Values et::loadExperts(KernelBuilder &b, Value from, ValueRange indices,
                       int64_t width) {
  if (width == accessWidth(from))
    return b.loadElements(from, indices, width);
  Values values, at(indices);
  for (int64_t i = 0; i < width; ++i) {
    at.back() = b.add(indices.back(), i);
    values.push_back(b.load(from, at));
  }
  return values;
}

/// Makes words with a bit a token of the bits that lanes have chosen; a warp
/// works on those of one lane of all tokens at a time.
static void emitWords(KernelBuilder &b, LaneLayout layout, Value thread,
                      int64_t warps, Value bits,
                      function_ref<void(Value expert, Value word)> store) {
  Value lane = b.rem(thread, kWarpSize);
  b.loopBy(warps, b.div(thread, kWarpSize), b.index(layout.lanes), {},
           [&](Value column, ValueRange) -> Values {
             Value ofToken = b.load(bits, {column, lane}), word = b.i32(0);
             for (int64_t i = 0; i < layout.each; ++i) {
               Value bit = b.i32(static_cast<int32_t>(uint32_t(1) << i));
               Value ballot = b.ballot(
                   b.cmp(CmpIPredicate::ne, b.both(ofToken, bit), b.i32(0)));
               word = b.select(b.cmp(CmpIPredicate::eq, lane, b.index(i)),
                               ballot, word);
             }
             Value expert = b.add(b.mul(column, layout.each), lane);
             Value isOwn = b.both(b.less(lane, b.index(layout.each)),
                                  b.less(expert, b.index(layout.experts)));
             b.when(isOwn, [&] { store(expert, word); });
             return {};
           });
}

void et::emitTokenGate(KernelBuilder &b, LaneLayout layout, Value thread,
                       int64_t threads, Value tokens, Value bits,
                       const TokenGate &gate) {
  assert(llvm::isPowerOf2_64(threads) && "tokens come in equal turns");
  int64_t useful = layout.usefulThreads(threads);
  auto whenUseful = [&](function_ref<void()> body) {
    if (useful == threads)
      body();
    else
      b.when(b.less(thread, b.index(useful)), body);
  };
  Value lane = b.rem(thread, kWarpSize);
  Value ofThread = b.div(thread, layout.lanes);
  Value inToken = b.rem(thread, layout.lanes);
  whenUseful([&] {
    b.loopBy(useful / layout.lanes, b.index(0), b.index(kTokensPerWord), {},
             [&](Value first, ValueRange) -> Values {
               Value token = b.add(first, ofThread);
               auto loadScores = [&](Value expert, int64_t width) {
                 return gate.loadScores(token, expert, width);
               };
               auto storeGates = [&](Value expert, ValueRange gates) {
                 gate.storeGates(token, expert, gates);
               };
               LaneRow rows(b, layout, lane, b.less(token, tokens), loadScores,
                            gate.loadBias, storeGates);
               gate.routing.emitToken(rows);
               b.store(rows.chosen, bits, {inToken, token});
               return {};
             });
  });
  b.barrier();
  whenUseful([&] {
    emitWords(b, layout, thread, useful / kWarpSize, bits, gate.storeWord);
  });
}
