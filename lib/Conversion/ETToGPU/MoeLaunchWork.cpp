//===- MoeLaunchWork.cpp - What the blocks of a layer's kernel do ---------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MoeLaunch.h"
#include "et/Conversion/Epilogue.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpIPredicate;
using Values = LoopBuilder::Values;

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// By a rule by pair, also gates and mask words; else the scores are kept where
/// the gates will be.
void OneLaunch::emitScores(Value firstExpert) {
  auto byPair = dyn_cast<PairRoutingAttrInterface>(op.getRouting());
  Value found;
  if (scores)
    found = scores->run(thread, dynamicShared, firstExpert);
  Value lane = b.rem(thread, kWarpSize), isToken = b.less(lane, tokens);
  Value end = b.min(b.sub(b.index(experts), firstExpert),
                    b.index(NarrowScores::kExperts));
  b.loopBy(kThreads / kWarpSize, b.div(thread, kWarpSize), end, {},
           [&](Value column, ValueRange) -> Values {
             Value expert = b.add(firstExpert, column);
             auto loadScore = [&]() -> Value {
               return found ? b.load(found, {column, lane})
                            : b.load(router, {lane, expert});
             };
             // There is no room for more tokens than the layer may have.
             if (!byPair) {
               b.when(isToken, [&] { storeGate(loadScore(), expert, lane); });
               return {};
             }
             auto perExpert = [&](Value operand) {
               return operand ? b.load(operand, expert) : Value();
             };
             Value taken = b.whenElse(
                 isToken,
                 [&] {
                   Value score = loadScore();
                   storeGate(byPair.emitGate(b, score), expert, lane);
                   return byPair.emitSelected(b, score, perExpert(theta),
                                              perExpert(bias));
                 },
                 b.boolean(false));
             Value word = b.ballot(taken);
             b.when(b.cmp(CmpIPredicate::eq, lane, b.index(0)),
                    [&] { b.store(word, words, maskWord(expert)); });
             return {};
           });
}

void OneLaunch::decideTokens(TokenRoutingAttrInterface routing) {
  LaneLayout layout(experts);
  Value bits = memref::ViewOp::create(b, layout.bitsType(b), dynamicShared,
                                      b.index(0), ValueRange());
  auto loadScores = [&](Value token, Value expert, int64_t width) {
    Values scores;
    for (int64_t i = 0; i < width; ++i)
      scores.push_back(loadGate(b.add(expert, i), token));
    return scores;
  };
  auto loadBias = [&](Value expert, int64_t width) {
    return loadExperts(b, bias, expert, width);
  };
  auto storeGates = [&](Value token, Value expert, ValueRange gates) {
    for (auto [i, gate] : llvm::enumerate(gates))
      storeGate(gate, b.add(expert, i), token);
  };
  auto storeWord = [&](Value expert, Value word) {
    b.store(word, words, maskWord(expert));
  };
  TokenGate gate{routing, loadScores, {}, storeGates, storeWord};
  if (bias)
    gate.loadBias = loadBias;
  emitTokenGate(b, layout, thread, kThreads, tokens, bits, gate);
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// What a thread works on at a time: 16 bytes of f16 or bf16.
static constexpr int64_t kStep = 8;

static Values loadSums(KernelBuilder &b, Value sums, int64_t product, Value row,
                       Value column) {
  Values result;
  for (int64_t half : {int64_t(0), NarrowProduct::kSplitAt})
    result.append(b.loadElements(
        sums, {b.index(product), row, b.add(b.div(column, 2), half)},
        kStep / 2));
  return result;
}

static Value toI64(KernelBuilder &b, Value value) {
  return arith::IndexCastOp::create(b, b.getI64Type(), value);
}

/// The address of an expert's matrix of so many elements.
Value OneLaunch::weightsOf(const Expert &expert, Value routed, Value shared,
                           int64_t elements) {
  Value bytes = toI64(b, b.mul(expert.number, elements * 2));
  Value address = b.add(b.addressOf(routed), bytes);
  return shared ? b.select(expert.isShared, b.addressOf(shared), address)
                : address;
}

Value OneLaunch::hiddenWidth(const Expert &expert) {
  if (sharedHidden == 0 || sharedHidden == hidden)
    return b.index(hidden);
  return b.select(expert.isShared, b.index(sharedHidden), b.index(hidden));
}

/// The address of a row of 16-bit elements.
Value OneLaunch::rowIn(Value buffer, Value row, Value rowWidth) {
  return b.add(b.addressOf(buffer),
               toI64(b, b.mul(b.mul(row, rowWidth), b.index(2))));
}

void OneLaunch::emitHidden(const Expert &expert, Value tile) {
  Value columns = hiddenWidth(expert), firstColumn = b.mul(tile, kColumns);
  b.when(b.less(thread, b.index(kOneLaunchTokens)), [&] {
    Value bit = arith::ShLIOp::create(b, b.i32(1), b.toI32(thread));
    b.when(b.cmp(CmpIPredicate::ne, b.both(expert.word, bit), b.i32(0)), [&] {
      Value before = b.popcount(b.both(expert.word, b.sub(bit, b.i32(1))));
      b.store(b.toI32(thread), tokensOfExpert, b.toIndex(before));
    });
  });
  b.barrier();

  NarrowProduct::Operands operands;
  operands.rhs.push_back(weightsOf(expert, w1, sharedW1, width * hidden));
  if (gate)
    operands.rhs.push_back(weightsOf(expert, gate, sharedGate, width * hidden));
  operands.depth = b.index(width);
  operands.width = columns;
  operands.firstColumn = firstColumn;
  operands.count = expert.count;
  auto rowAddress = [&](Value row) {
    Value token = b.toIndex(b.load(tokensOfExpert, row));
    return rowIn(x, token, b.index(width));
  };
  operands.rowAddress = rowAddress;
  operands.isWhole = isWhole;
  Value sums = hiddenProduct.run(thread, dynamicShared, operands);

  constexpr int64_t across = kColumns / kStep;
  Value inTile = b.mul(b.rem(thread, across), kStep);
  Value column = b.add(firstColumn, inTile);
  b.when(b.less(column, columns), [&] {
    // The shared expert has no bias; it loads what is there and drops it.
    auto biasOf = [&](Value bias) {
      if (!bias)
        return Values(kStep, Value());
      Value zero = b.index(0);
      return b.loadElements(bias,
                            {b.select(expert.isShared, zero, expert.number),
                             b.select(expert.isShared, zero, column)},
                            kStep);
    };
    Values bias = biasOf(b1), biasOfGate = biasOf(gateBias);
    Epilogue epilogue(op.getActivation());
    Value firstPlace = b.mul(b.mul(expert.number, tokens), b.index(hidden));
    b.loopBy(kThreads / across, b.div(thread, across), expert.count, {},
             [&](Value row, ValueRange) -> Values {
               Values results = loadSums(b, sums, 0, row, inTile);
               Values gates;
               if (gate)
                 gates = loadSums(b, sums, 1, row, inTile);
               for (int64_t i = 0; i < kStep; ++i) {
                 Epilogue::Term gate;
                 if (!gates.empty())
                   gate = {gates[i], biasOfGate[i]};
                 results[i] = epilogue.emit(b, {results[i], bias[i]}, gate,
                                            expert.isShared);
               }
               b.storeElements(
                   results, hiddenUnits,
                   b.add(firstPlace, b.add(b.mul(row, columns), column)));
               return {};
             });
  });
}

void OneLaunch::emitOutputs(const Expert &expert, Value tile) {
  Value depth = hiddenWidth(expert), firstColumn = b.mul(tile, kColumns);
  NarrowProduct::Operands operands;
  operands.rhs.push_back(weightsOf(expert, w2, sharedW2, hidden * width));
  operands.depth = depth;
  operands.width = b.index(width);
  operands.firstColumn = firstColumn;
  operands.count = expert.count;
  Value firstByte =
      b.mul(b.mul(b.mul(expert.number, tokens), b.index(hidden)), b.index(2));
  auto rowAddress = [&](Value row) {
    return b.add(rowIn(hiddenUnits, row, depth), toI64(b, firstByte));
  };
  operands.rowAddress = rowAddress;
  auto beforeRows = [&] {
    await(hiddenWord(expert.rank), b.ceilDiv(depth, kColumns));
  };
  operands.beforeRows = beforeRows;
  operands.isWhole = isWhole;
  Value sums = outputProduct.run(thread, dynamicShared, operands);

  constexpr int64_t across = kColumns / kStep;
  Value inTile = b.mul(b.rem(thread, across), kStep);
  Value column = b.add(firstColumn, inTile);
  b.when(b.less(column, b.index(width)), [&] {
    Epilogue epilogue(NoneActivationAttr::get(b.getContext()));
    Values bias(kStep, Value());
    if (b2)
      bias = b.loadElements(
          b2, {b.select(expert.isShared, b.index(0), expert.number), column},
          kStep);
    b.loopBy(kThreads / across, b.div(thread, across), expert.count, {},
             [&](Value row, ValueRange) -> Values {
               Values results = loadSums(b, sums, 0, row, inTile);
               for (int64_t i = 0; i < kStep; ++i)
                 results[i] = epilogue.emit(b, {results[i], bias[i]},
                                            /*gate=*/{}, expert.isShared);
               Value pair = b.add(b.mul(expert.number, tokens), row);
               b.storeElements(results, outputs, outputPlace(pair, column));
               return {};
             });
  });
}

/// The experts' outputs of every token, in some columns, experts ascending.
void OneLaunch::emitCombine(Value tile) {
  // Eight tokens at a time, which leaves no thread without work in most layers.
  constexpr int64_t step = 4, across = kColumns / step;
  Value column =
      b.add(b.mul(tile, kColumns), b.mul(b.rem(thread, across), step));
  b.when(b.less(column, b.index(width)), [&] {
    b.loopBy(
        kThreads / across, b.div(thread, across), tokens, {},
        [&](Value token, ValueRange) -> Values {
          Values sums(step, b.f32(0.0));
          if (sharedHidden != 0) {
            Value pair = b.add(b.mul(tokens, experts), token);
            sums = b.loadElements(outputs, outputPlace(pair, column), step);
          }
          Value bit = arith::ShLIOp::create(b, b.i32(1), b.toI32(token));
          Value bitsBefore = b.sub(bit, b.i32(1));
          sums = b.loopBy(
              1, b.index(0), numListed, sums,
              [&](Value rank, ValueRange carried) -> Values {
                Value word = b.load(listedWords, rank);
                Value isChosen =
                    b.cmp(CmpIPredicate::ne, b.both(word, bit), b.i32(0));
                auto branch = scf::IfOp::create(b, carried.getTypes(), isChosen,
                                                /*withElseRegion=*/true);
                OpBuilder::InsertionGuard guard(b);
                b.setInsertionPointToEnd(branch.elseBlock());
                scf::YieldOp::create(b, carried);
                b.setInsertionPointToEnd(branch.thenBlock());
                Value expert = b.toIndex(b.load(listedExperts, rank));
                Value before = b.popcount(b.both(word, bitsBefore));
                Value pair = b.add(b.mul(expert, tokens), b.toIndex(before));
                Values part =
                    b.loadElements(outputs, outputPlace(pair, column), step);
                Value gate = loadGate(expert, token);
                for (auto [sum, value] : llvm::zip_equal(carried, part))
                  value = b.fma(gate, value, sum);
                scf::YieldOp::create(b, part);
                return branch.getResults();
              });
          // Rows of a strided output may start anywhere.
          int64_t together = std::min(step, accessWidth(out));
          for (int64_t i = 0; i < step; i += together)
            b.storeElements(ArrayRef<Value>(sums).slice(i, together), out,
                            {token, b.add(column, i)});
          return {};
        });
  });
}
