//===- LayerWork.cpp - What the ops of a layer cannot do without ----------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Codegen/GPU/LayerWork.h"

#include "et/Dialect/ET/IR/ETDialect.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace mlir::et;

/// How many experts `rows` pairs reach where they choose at random.
static double reachedOf(double experts, double rows) {
  return experts == 0 ? 0 : experts * (1 - std::pow(1 - 1 / experts, rows));
}

namespace {
/// Sums an op's work. One unknown size makes all of it unknown.
class WorkCounter {
public:
  explicit WorkCounter(LayerSize size) : size(size) {}

  /// An array whose first size is `rows` if it is not static.
  void move(Value array, double rows) {
    if (!array)
      return;
    auto type = cast<ShapedType>(array.getType());
    if (type.getRank() && !type.isDynamicDim(0))
      rows = static_cast<double>(type.getDimSize(0));
    moveRows(array, type.getRank() ? rows : 1);
  }
  /// So many rows of an array.
  void moveRows(Value array, double rows) {
    if (!array)
      return;
    auto type = cast<ShapedType>(array.getType());
    double elements = rows;
    for (int64_t i = 1; i < type.getRank(); ++i)
      elements *= known(type.getDimSize(i));
    work.bytes += elements * type.getElementTypeBitWidth() / 8;
  }
  /// A mask, of which a bit is a pair of a token and an expert.
  void moveMask(Value mask) {
    if (mask)
      work.bytes += known(cast<ShapedType>(mask.getType()).getDimSize(0)) *
                    std::ceil(size.tokens / 32) * 4;
  }
  /// The part of the experts that `rows` rows reach.
  void moveReached(Value array, double rows) {
    if (!array)
      return;
    double experts = known(cast<ShapedType>(array.getType()).getDimSize(0));
    moveRows(array, reachedOf(experts, rows));
  }
  void addBytes(double bytes) { work.bytes += bytes; }
  void addFlops(double flops) { work.flops += flops; }
  void giveUp() { isKnown = false; }
  /// `rows` rows of an [E, K, N] of weights, in the experts that they reach.
  void multiply(Value weights, double rows) {
    if (!weights)
      return;
    auto type = cast<ShapedType>(weights.getType());
    if (type.getRank() == 3)
      moveReached(weights, rows);
    else
      moveRows(weights, known(type.getDimSize(0)));
    work.flops += 2 * rows * known(type.getDimSize(type.getRank() - 2)) *
                  known(type.getDimSize(type.getRank() - 1));
  }

  std::optional<KernelWork> get() const {
    return isKnown ? std::optional(work) : std::nullopt;
  }

  const LayerSize size;

private:
  double known(int64_t extent) {
    isKnown &= !ShapedType::isDynamic(extent);
    return static_cast<double>(extent);
  }

  KernelWork work;
  bool isKnown = true;
};
} // namespace

template <typename OpTy>
static void countCombine(OpTy op, WorkCounter &counter) {
  counter.moveRows(op.getPairs(), counter.size.pairs);
  counter.move(op.getGates(), counter.size.tokens);
  counter.moveMask(op.getMask());
  counter.move(op.getShared(), counter.size.tokens);
  counter.move(op.getOut(), counter.size.tokens);
}

static void countProduct(GroupedMatmulOp op, WorkCounter &counter) {
  bool isRouted = op.getOffsets() != nullptr;
  double rows = isRouted ? counter.size.pairs : counter.size.tokens;
  bool isGathered = op.getTokens() || op.getMask();
  counter.moveRows(op.getLhs(),
                   isGathered ? std::min(rows, counter.size.tokens) : rows);
  for (Value bias : {op.getBias(), op.getGateBias()})
    counter.moveReached(bias, rows);
  counter.multiply(op.getRhs(), rows);
  counter.multiply(op.getGate(), rows);
  for (Value scales : {op.getScales(), op.getGateScales()})
    counter.moveReached(scales, rows);
  counter.moveMask(op.getMask());
  counter.moveRows(op.getOut(), rows);
}

/// The size that an operand knows, given the operands and dimensions that have
/// it.
static double
findSize(WorkCounter &counter,
         std::initializer_list<std::pair<Value, unsigned>> places) {
  for (auto [operand, dimension] : places)
    if (operand)
      if (auto type = cast<ShapedType>(operand.getType());
          !type.isDynamicDim(dimension))
        return static_cast<double>(type.getDimSize(dimension));
  counter.giveUp();
  return 0;
}

/// What a layer moves at least: its arguments, and hidden units, which are
/// written and read.
static void countLayer(MoeOp op, WorkCounter &counter, int64_t rowsOfUnit) {
  auto [tokens, pairs] = counter.size;
  Value x = op.getX(), router = op.getRouter(), w1 = op.getW1();
  Value w2 = op.getW2();
  // The scores are there, or those of all tokens are products of a width each.
  bool areGiven = op.getScore() == ScoreKind::Given;
  double width = findSize(counter, {{x, 1},
                                    {areGiven ? Value() : router, 0},
                                    {w1, 1},
                                    {w2, 2},
                                    {op.getOut(), 1}});
  double experts =
      findSize(counter, {{router, 1}, {w1, 0}, {w2, 0}, {op.getTheta(), 0}});
  double hidden = findSize(counter, {{w1, 2}, {w2, 1}});
  double matrices = op.getGate() ? 3 : 2;
  double reached = reachedOf(experts, pairs);
  auto roundUp = [&](double rows, double parts) {
    if (rowsOfUnit == 1 || parts == 0)
      return rows;
    auto ofPart = static_cast<uint64_t>(std::ceil(rows / parts));
    return parts * static_cast<double>(llvm::alignTo(ofPart, rowsOfUnit));
  };
  auto bytesOf = [](Value array) {
    return cast<ShapedType>(array.getType()).getElementTypeBitWidth() / 8.0;
  };
  counter.addBytes(tokens * width * (bytesOf(x) + bytesOf(op.getOut())) +
                   (areGiven ? tokens : width) * experts * bytesOf(router));
  if (op.getTheta())
    counter.addBytes(experts * bytesOf(op.getTheta()));
  for (auto [bias, size] : {std::pair(op.getB1(), hidden),
                            {op.getGateBias(), hidden},
                            {op.getB2(), width}})
    if (bias)
      counter.addBytes(reached * size * bytesOf(bias));
  if (!areGiven)
    counter.addFlops(2 * tokens * width * experts);
  auto addExperts = [&](Value array, double number, double rows, double units) {
    double weights = matrices * width * units;
    counter.addBytes(number * weights * bytesOf(array) +
                     2 * rows * units * bytesOf(x));
    counter.addFlops(2 * roundUp(rows, number) * weights);
  };
  addExperts(w1, reached, pairs, hidden);
  if (Value sharedW1 = op.getSharedW1())
    addExperts(sharedW1, 1, tokens,
               findSize(counter, {{sharedW1, 1}, {op.getSharedW2(), 0}}));
}

std::optional<KernelWork> et::estimateWork(Operation *op, LayerSize size,
                                           int64_t rowsOfUnit) {
  WorkCounter counter(size);
  auto [tokens, pairs] = size;
  if (auto product = dyn_cast<GroupedMatmulOp>(op)) {
    if (product.getPanels())
      return std::nullopt;
    countProduct(product, counter);
  } else if (auto layer = dyn_cast<MoeOp>(op)) {
    countLayer(layer, counter, rowsOfUnit);
  } else if (auto route = dyn_cast<RouteOp>(op)) {
    counter.move(route.getX(), tokens);
    counter.multiply(route.getRouter(), tokens);
    counter.move(route.getTheta(), 0);
    counter.moveMask(route.getMask());
    counter.move(route.getGates(), tokens);
    counter.move(route.getOffsets(), 0);
  } else if (auto scores = dyn_cast<ScoresOp>(op)) {
    counter.move(scores.getX(), tokens);
    counter.multiply(scores.getRouter(), tokens);
    counter.move(scores.getOut(), tokens);
  } else if (auto gate = dyn_cast<GateOp>(op)) {
    counter.move(gate.getScores(), tokens);
    counter.move(gate.getTheta(), 0);
    counter.move(gate.getBias(), 0);
    counter.moveMask(gate.getMask());
    counter.move(gate.getGates(), tokens);
  } else if (auto offsets = dyn_cast<OffsetsOp>(op)) {
    counter.moveMask(offsets.getMask());
    counter.move(offsets.getOffsets(), 0);
  } else if (auto list = dyn_cast<TokenListOp>(op)) {
    counter.moveMask(list.getMask());
    counter.move(list.getOffsets(), 0);
    counter.moveRows(list.getTokens(), pairs);
  } else if (auto gather = dyn_cast<GatherOp>(op)) {
    counter.moveRows(gather.getX(), std::min(pairs, tokens));
    counter.moveRows(gather.getTokens(), pairs);
    counter.move(gather.getOffsets(), 0);
    counter.moveRows(gather.getOut(), pairs);
  } else if (auto statistic = dyn_cast<StatisticOp>(op)) {
    counter.move(statistic.getScores(), tokens);
    counter.move(statistic.getOut(), 0);
  } else if (auto combine = dyn_cast<CombineOp>(op)) {
    countCombine(combine, counter);
  } else if (auto waves = dyn_cast<CombineWavesOp>(op)) {
    // As if there were room for all pairs.
    countCombine(waves, counter);
  } else {
    return std::nullopt;
  }
  return counter.get();
}
