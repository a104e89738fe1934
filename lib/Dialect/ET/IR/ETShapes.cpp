//===- ETShapes.cpp - The operands' shapes --------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::et;

DerivedSize DerivedSize::parse(StringRef name) {
  DerivedSize size;
  if (llvm::isAlpha(name.front())) {
    size.letter = name.front();
    name = name.drop_front();
    if (name.consume_front("/"))
      (void)name.consumeInteger(10, size.divisor);
    if (name.consume_front("*"))
      (void)name.consumeInteger(10, size.factor);
    if (!name.consume_front("+"))
      return size;
  }
  (void)name.consumeInteger(10, size.addend);
  return size;
}

int64_t et::getStaticSize(StringRef name, const NamedSizes &letters) {
  DerivedSize size = DerivedSize::parse(name);
  if (!size.letter)
    return size.addend;
  auto it = letters.find(size.letter);
  if (it == letters.end())
    return ShapedType::kDynamic;
  return llvm::divideCeilSigned(it->second, size.divisor) * size.factor +
         size.addend;
}

/// The shapes whose operand is there.
static SmallVector<NamedShape> present(ArrayRef<NamedShape> shapes) {
  return llvm::to_vector(llvm::make_filter_range(
      shapes, [](const NamedShape &shape) { return bool(shape.value); }));
}

SmallVector<NamedShape> ScoresOp::getNamedShapes() {
  return present({{"x", getX(), "T D"},
                  {"router", getRouter(), "D E"},
                  {"out", getOut(), "T E"}});
}

SmallVector<NamedShape> GateOp::getNamedShapes() {
  return present({{"scores", getScores(), "T E"},
                  {"theta", getTheta(), "E"},
                  {"bias", getBias(), "E"},
                  {"mask", getMask(), "E T/32"},
                  {"gates", getGates(), "T E"}});
}

SmallVector<NamedShape> RouteOp::getNamedShapes() {
  return present({{"x", getX(), "T D"},
                  {"router", getRouter(), "D E"},
                  {"theta", getTheta(), "E"},
                  {"bias", getBias(), "E"},
                  {"mask", getMask(), "E T/32"},
                  {"gates", getGates(), "T E"},
                  {"offsets", getOffsets(), "E+1"}});
}

SmallVector<NamedShape> StatisticOp::getNamedShapes() {
  return present({{"scores", getScores(), "T E"}, {"out", getOut(), "E"}});
}

SmallVector<NamedShape> HistogramOp::getNamedShapes() {
  return present(
      {{"scores", getScores(), "T E"}, {"counts", getCounts(), "E B"}});
}

SmallVector<NamedShape> HistogramQuantileOp::getNamedShapes() {
  return present({{"counts", getCounts(), "E B"}, {"out", getOut(), "E"}});
}

SmallVector<NamedShape> EmaUpdateOp::getNamedShapes() {
  return present({{"m", getM(), "E"}, {"theta", getTheta(), "E"}});
}

SmallVector<NamedShape> EmaUpdateCorrectedOp::getNamedShapes() {
  return present({{"m", getM(), "E"},
                  {"raw", getRaw(), "E"},
                  {"steps", getSteps(), "E"},
                  {"theta", getTheta(), "E"}});
}

SmallVector<NamedShape> RoutingStatsOp::getNamedShapes() {
  return present({{"mask", getMask(), "E W"},
                  {"loads", getLoads(), "E"},
                  {"fan_out", getFanOut(), "E+1"},
                  {"figures", getFigures(), "4"}});
}

SmallVector<NamedShape> OffsetsOp::getNamedShapes() {
  return present(
      {{"mask", getMask(), "E W"}, {"offsets", getOffsets(), "E+1"}});
}

SmallVector<NamedShape> TokenListOp::getNamedShapes() {
  return present({{"mask", getMask(), "E W"},
                  {"offsets", getOffsets(), "E+1"},
                  {"tokens", getTokens(), "P"}});
}

SmallVector<NamedShape> GatherOp::getNamedShapes() {
  return present({{"x", getX(), "T D"},
                  {"tokens", getTokens(), "P"},
                  {"offsets", getOffsets(), "O"},
                  {"out", getOut(), "P D"}});
}

SmallVector<NamedShape> CombineOp::getNamedShapes() {
  return present({{"pairs", getPairs(), "P D"},
                  {"gates", getGates(), "T E"},
                  {"mask", getMask(), "E T/32"},
                  {"offsets", getOffsets(), "E+1"},
                  {"shared", getShared(), "T D"},
                  {"out", getOut(), "T D"}});
}

SmallVector<NamedShape> PackOp::getNamedShapes() {
  return present(
      {{"w", getW(), "E K N"}, {"out", getOut(), getPanels().getPackedDims()}});
}

/// The names of the dimensions of weights "E K N" as they are stored.
static std::string getStoredDims(WeightFormatAttrInterface format) {
  int64_t count = format.getCount();
  return count == 1 ? "E K N" : "E K N/" + std::to_string(count);
}

SmallVector<NamedShape> DequantizeOp::getNamedShapes() {
  std::string scales = getFormat().getBlock().getScaleDims('K', 'N');
  return present({{"w", getW(), getStoredDims(getFormat())},
                  {"scales", getScales(), scales},
                  {"zero_points", getZeroPoints(), scales},
                  {"out", getOut(), "E K N"}});
}

SmallVector<NamedShape> GroupedMatmulOp::getNamedShapes() {
  bool gathers = getTokens() || getMask();
  std::string weights = "E K N", scales;
  if (WeightFormatAttrInterface format = getWeightFormat()) {
    weights = getStoredDims(format);
    scales = format.getBlock().getScaleDims('K', 'N');
  }
  if (getPanels())
    weights = getPanelsAttr().getPackedDims();
  return present({{"lhs", getLhs(), gathers ? "T K" : "P K"},
                  {"rhs", getRhs(), weights},
                  {"offsets", getOffsets(), "E+1"},
                  {"tokens", getTokens(), "P"},
                  {"mask", getMask(), "E T/32"},
                  {"bias", getBias(), "E N"},
                  {"gate", getGate(), weights},
                  {"gate_bias", getGateBias(), "E N"},
                  {"scales", getScales(), scales},
                  {"gate_scales", getGateScales(), scales},
                  {"out", getOut(), "P N"}});
}

SmallVector<NamedShape> ExpertFfnOp::getNamedShapes() {
  WeightBlock block = BlocksAttr::getDefault(getContext()).getBlock();
  return present(
      {{"x", getX(), getTokens() ? "T D" : "P D"},
       {"w1", getW1(), "E D F"},
       {"w2", getW2(), "E F D"},
       {"offsets", getOffsets(), "E+1"},
       {"tokens", getTokens(), "P"},
       {"b1", getB1(), "E F"},
       {"b2", getB2(), "E D"},
       {"gate", getGate(), "E D F"},
       {"gate_bias", getGateBias(), "E F"},
       {"w1_scales", getW1Scales(), block.getScaleDims('D', 'F')},
       {"w2_scales", getW2Scales(), block.getScaleDims('F', 'D')},
       {"gate_scales", getGateScales(), block.getScaleDims('D', 'F')},
       {"out", getOut(), "P D"}});
}

SmallVector<NamedShape> CombineWavesOp::getNamedShapes() {
  return present({{"gates", getGates(), "T E"},
                  {"mask", getMask(), "E T/32"},
                  {"offsets", getOffsets(), "E+1"},
                  {"x", getX(), "T D"},
                  {"w1", getW1(), "E D F"},
                  {"w2", getW2(), "E F D"},
                  {"b1", getB1(), "E F"},
                  {"b2", getB2(), "E D"},
                  {"gate", getGate(), "E D F"},
                  {"gate_bias", getGateBias(), "E F"},
                  {"shared", getShared(), "T D"},
                  {"hidden", getHidden(), "P F"},
                  {"pairs", getPairs(), "P D"},
                  {"out", getOut(), "T D"}});
}

SmallVector<NamedShape> MoeOp::getNamedShapes() {
  bool areGiven = getScore() == ScoreKind::Given;
  WeightBlock block = BlocksAttr::getDefault(getContext()).getBlock();
  return present(
      {{"x", getX(), "T D"},
       {"router", getRouter(), areGiven ? "T E" : "D E"},
       {"w1", getW1(), "E D F"},
       {"w2", getW2(), "E F D"},
       {"theta", getTheta(), "E"},
       {"bias", getBias(), "E"},
       {"b1", getB1(), "E F"},
       {"b2", getB2(), "E D"},
       {"gate", getGate(), "E D F"},
       {"gate_bias", getGateBias(), "E F"},
       {"w1_scales", getW1Scales(), block.getScaleDims('D', 'F')},
       {"w2_scales", getW2Scales(), block.getScaleDims('F', 'D')},
       {"gate_scales", getGateScales(), block.getScaleDims('D', 'F')},
       {"shared_w1", getSharedW1(), "D G"},
       {"shared_w2", getSharedW2(), "G D"},
       {"shared_gate", getSharedGate(), "D G"},
       {"out", getOut(), "T D"}});
}
