//===- ETVerifiers.cpp - Constraints of the et ops ------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Every rule here is a numbered constraint of docs/Spec.md, cited in brackets.
// Rules on the element types and ranks of single operands (the I constraints of
// the specification) are in the op definitions.
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::et;

namespace {
/// Gives every dimension name one size, and complains about the operand that
/// disagrees. Dynamic sizes agree with everything.
class ShapeBinder {
public:
  explicit ShapeBinder(Operation *op) : op(op) {}

  LogicalResult bind(ArrayRef<NamedShape> shapes) {
    // Derived sizes need their letters, so plain names go first.
    for (bool derived : {false, true})
      for (const NamedShape &shape : shapes)
        if (failed(bind(shape, derived)))
          return failure();
    return success();
  }

  /// The size bound to a letter, or dynamic.
  int64_t size(char letter) const {
    return getStaticSize(StringRef(&letter, 1), sizes);
  }

private:
  LogicalResult bind(const NamedShape &shape, bool derived) {
    SmallVector<StringRef> names =
        llvm::to_vector(llvm::split(shape.dims, ' '));
    auto type = cast<ShapedType>(shape.value.getType());
    for (auto [index, name] : llvm::enumerate(names)) {
      int64_t actual = type.getDimSize(index);
      if (ShapedType::isDynamic(actual) || isDerivedSize(name) != derived)
        continue;
      if (derived) {
        int64_t wanted = getStaticSize(name, sizes);
        if (ShapedType::isDynamic(wanted) || wanted == actual)
          continue;
        InFlightDiagnostic diagnostic = error(shape, index, actual);
        if (llvm::isAlpha(name.front()))
          diagnostic << name << " = ";
        return diagnostic << wanted << " [C2]";
      }
      auto [it, fresh] = sizes.try_emplace(name.front(), actual);
      if (fresh)
        binders[name.front()] = shape.operand;
      else if (it->second != actual)
        return error(shape, index, actual)
               << name << " = " << it->second << " by '"
               << binders[name.front()] << "' [C1]";
    }
    return success();
  }

  InFlightDiagnostic error(const NamedShape &shape, unsigned index,
                           int64_t actual) {
    return op->emitOpError()
           << "operand '" << shape.operand << "' has size " << actual
           << " in dimension " << index << ", expected ";
  }

  Operation *op;
  NamedSizes sizes;
  /// The operand that set each size.
  llvm::SmallDenseMap<char, StringRef> binders;
};
} // namespace

/// C0: operands are all tensors or all memrefs; a memref op returns nothing.
static LogicalResult verifySemantics(Operation *op) {
  auto dps = cast<DestinationStyleOpInterface>(op);
  if (!dps.hasPureTensorSemantics() && !dps.hasPureBufferSemantics())
    return op->emitOpError("mixes tensor and memref operands [C0]");
  return success();
}

static Type elementType(Value value) {
  return getElementTypeOrSelf(value.getType());
}

/// The operands (absent ones are null) share the element type of the first.
static LogicalResult
verifySameElement(Operation *op, ArrayRef<std::pair<StringRef, Value>> operands,
                  StringRef constraint) {
  auto [firstName, first] = operands.front();
  for (auto [name, value] : operands.drop_front())
    if (value && elementType(value) != elementType(first))
      return op->emitOpError()
             << "operand '" << name << "' has element type "
             << elementType(value) << ", but '" << firstName << "' has "
             << elementType(first) << " [" << constraint << "]";
  return success();
}

/// Weights (absent ones are null) have the element type of the input, or all
/// that of the format.
static LogicalResult
verifyWeights(Operation *op, WeightFormatAttrInterface format,
              std::pair<StringRef, Value> input,
              ArrayRef<std::pair<StringRef, Value>> weights,
              StringRef constraint) {
  if (elementType(weights.front().second) == format.getStored())
    return verifySameElement(op, weights, constraint);
  SmallVector<std::pair<StringRef, Value>> all = {input};
  all.append(weights.begin(), weights.end());
  return verifySameElement(op, all, constraint);
}

/// Weights have scales if and only if they are stored in the format.
static LogicalResult verifyScales(Operation *op,
                                  WeightFormatAttrInterface format,
                                  StringRef name, Value scales, Value weights,
                                  StringRef constraint) {
  Type element = format.getStored();
  if (bool(scales) == (weights && elementType(weights) == element))
    return success();
  if (scales)
    return op->emitOpError()
           << "has operand '" << name << "' without weights of " << element
           << " [" << constraint << "]";
  return op->emitOpError() << "needs operand '" << name << "' with weights of "
                           << element << " [" << constraint << "]";
}

/// A product's destination has the storage type of its input or f32.
static LogicalResult verifyWideDestination(Operation *op, StringRef name,
                                           Value out, Value input,
                                           StringRef constraint) {
  if (elementType(out).isF32() || elementType(out) == elementType(input))
    return success();
  return op->emitOpError() << "operand '" << name << "' has element type "
                           << elementType(out) << ", expected f32 or "
                           << elementType(input) << " [" << constraint << "]";
}

static LogicalResult verifyTheta(Operation *op, RoutingAttrInterface routing,
                                 Value theta, StringRef constraint) {
  if (routing.usesTheta() == bool(theta))
    return success();
  return op->emitOpError() << (theta ? "takes no" : "needs")
                           << " operand 'theta' with " << routing << " ["
                           << constraint << "]";
}

static LogicalResult verifyBias(Operation *op, RoutingAttrInterface routing,
                                Value bias, StringRef constraint) {
  if (!bias || routing.allowsBias())
    return success();
  return op->emitOpError() << "takes no operand 'bias' with " << routing << " ["
                           << constraint << "]";
}

/// The constraints that a routing sets on the number of experts are its own.
static LogicalResult verifyExperts(Operation *op, RoutingAttrInterface routing,
                                   int64_t experts) {
  if (ShapedType::isDynamic(experts))
    return success();
  return routing.verifyExperts([&] { return op->emitOpError(); }, experts);
}

static APFloat roundToF32(APFloat value) {
  bool inexact;
  value.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &inexact);
  return value;
}

/// Bins are computed in f32, so that is where the range must have a width.
static LogicalResult verifyBins(Operation *op, const APFloat &lo,
                                const APFloat &hi, StringRef constraint) {
  APFloat width = roundToF32(hi) - roundToF32(lo);
  if (width.isFiniteNonZero() && !width.isNegative())
    return success();
  return op->emitOpError()
         << "needs lo < hi with a finite distance in f32, got ("
         << lo.convertToDouble() << ", " << hi.convertToDouble() << ") ["
         << constraint << "]";
}

static LogicalResult verifyAnyBin(Operation *op, int64_t bins,
                                  StringRef constraint) {
  if (bins != 0)
    return success();
  return op->emitOpError() << "operand 'counts' has no bin [" << constraint
                           << "]";
}

static LogicalResult verifyUnit(Operation *op, StringRef name,
                                const APFloat &value, StringRef constraint) {
  double v = value.convertToDouble();
  if (v >= 0.0 && v <= 1.0)
    return success();
  return op->emitOpError() << "needs " << name << " in [0, 1], got " << v
                           << " [" << constraint << "]";
}

static LogicalResult verifyGateBias(Operation *op, Value gate, Value gateBias,
                                    StringRef constraint) {
  if (gateBias && !gate)
    return op->emitOpError()
           << "has operand 'gate_bias' without 'gate' [" << constraint << "]";
  return success();
}

/// Without offsets there is exactly one expert.
static LogicalResult verifyOffsets(Operation *op, Value offsets,
                                   int64_t experts, StringRef constraint) {
  if (offsets || experts == 1)
    return success();
  return op->emitOpError() << "needs operand 'offsets' unless E is 1 ["
                           << constraint << "]";
}

//===----------------------------------------------------------------------===//
// Routing
//===----------------------------------------------------------------------===//

/// Scores that are given are no op's to compute.
static LogicalResult verifyComputed(Operation *op, ScoreKind score,
                                    StringRef constraint) {
  if (score != ScoreKind::Given)
    return success();
  return op->emitOpError()
         << "computes scores, which are not 'given' then; use linear or "
            "cosine, or the scores in its place ["
         << constraint << "]";
}

LogicalResult ScoresOp::verify() {
  if (failed(verifySemantics(*this)) ||
      failed(ShapeBinder(*this).bind(getNamedShapes())))
    return failure();
  if (failed(verifySameElement(*this, {{"x", getX()}, {"router", getRouter()}},
                               "C3")))
    return failure();
  return verifyComputed(*this, getKind(), "C4");
}

LogicalResult GateOp::verify() {
  ShapeBinder binder(*this);
  if (failed(verifySemantics(*this)) || failed(binder.bind(getNamedShapes())))
    return failure();
  RoutingAttrInterface routing = getRouting();
  if (failed(verifyTheta(*this, routing, getTheta(), "C3")) ||
      failed(verifyBias(*this, routing, getBias(), "C4")))
    return failure();
  return verifyExperts(*this, routing, binder.size('E'));
}

LogicalResult RouteOp::verify() {
  ShapeBinder binder(*this);
  if (failed(verifySemantics(*this)) || failed(binder.bind(getNamedShapes())) ||
      failed(verifySameElement(*this, {{"x", getX()}, {"router", getRouter()}},
                               "C3")))
    return failure();
  RoutingAttrInterface routing = getRouting();
  if (failed(verifyTheta(*this, routing, getTheta(), "C4")) ||
      failed(verifyBias(*this, routing, getBias(), "C5")) ||
      failed(verifyComputed(*this, getScore(), "C6")))
    return failure();
  return verifyExperts(*this, routing, binder.size('E'));
}

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

LogicalResult StatisticOp::verify() {
  if (failed(verifySemantics(*this)))
    return failure();
  return ShapeBinder(*this).bind(getNamedShapes());
}

LogicalResult HistogramOp::verify() {
  ShapeBinder binder(*this);
  if (failed(verifySemantics(*this)) || failed(binder.bind(getNamedShapes())))
    return failure();
  if (failed(verifyBins(*this, getLo(), getHi(), "C3")))
    return failure();
  return verifyAnyBin(*this, binder.size('B'), "C4");
}

LogicalResult HistogramQuantileOp::verify() {
  ShapeBinder binder(*this);
  if (failed(verifySemantics(*this)) || failed(binder.bind(getNamedShapes())))
    return failure();
  if (failed(verifyBins(*this, getLo(), getHi(), "C3")) ||
      failed(verifyAnyBin(*this, binder.size('B'), "C4")))
    return failure();
  return verifyUnit(*this, "q", getQ(), "C5");
}

LogicalResult EmaUpdateOp::verify() {
  if (failed(verifySemantics(*this)) ||
      failed(ShapeBinder(*this).bind(getNamedShapes())))
    return failure();
  return verifyUnit(*this, "beta", getBeta(), "C3");
}

LogicalResult EmaUpdateCorrectedOp::verify() {
  if (failed(verifySemantics(*this)) ||
      failed(ShapeBinder(*this).bind(getNamedShapes())))
    return failure();
  // beta = 1 would divide by zero: the average would never move.
  double beta = getBeta().convertToDouble();
  if (beta >= 0.0 && beta < 1.0)
    return success();
  return emitOpError() << "needs beta in [0, 1), got " << beta << " [C3]";
}

LogicalResult RoutingStatsOp::verify() {
  if (failed(verifySemantics(*this)))
    return failure();
  return ShapeBinder(*this).bind(getNamedShapes());
}

//===----------------------------------------------------------------------===//
// Dispatch
//===----------------------------------------------------------------------===//

LogicalResult OffsetsOp::verify() {
  if (failed(verifySemantics(*this)))
    return failure();
  return ShapeBinder(*this).bind(getNamedShapes());
}

LogicalResult TokenListOp::verify() {
  if (failed(verifySemantics(*this)))
    return failure();
  return ShapeBinder(*this).bind(getNamedShapes());
}

LogicalResult GatherOp::verify() {
  if (failed(verifySemantics(*this)) ||
      failed(ShapeBinder(*this).bind(getNamedShapes())))
    return failure();
  if (failed(
          verifySameElement(*this, {{"x", getX()}, {"out", getOut()}}, "C3")))
    return failure();
  // The last entry is the number of pairs.
  if (cast<ShapedType>(getOffsets().getType()).getDimSize(0) == 0)
    return emitOpError("operand 'offsets' has no entry [C4]");
  return success();
}

LogicalResult CombineOp::verify() {
  if (failed(verifySemantics(*this)))
    return failure();
  return ShapeBinder(*this).bind(getNamedShapes());
}

//===----------------------------------------------------------------------===//
// Compute
//===----------------------------------------------------------------------===//

LogicalResult PackOp::verify() {
  if (failed(verifySemantics(*this)) ||
      failed(ShapeBinder(*this).bind(getNamedShapes())))
    return failure();
  return verifySameElement(*this, {{"w", getW()}, {"out", getOut()}}, "C3");
}

LogicalResult DequantizeOp::verify() {
  if (failed(verifySemantics(*this)) ||
      failed(ShapeBinder(*this).bind(getNamedShapes())))
    return failure();
  if (elementType(getW()) != getFormat().getStored())
    return emitOpError() << "operand 'w' has element type "
                         << elementType(getW()) << ", but the format has "
                         << getFormat().getStored() << " [C3]";
  return success();
}

/// Packed weights have one dimension more.
static LogicalResult verifyPacking(GroupedMatmulOp op, StringRef name,
                                   Value weights, StringRef constraint) {
  int64_t wanted = op.getPanels() ? 4 : 3;
  if (!weights || cast<ShapedType>(weights.getType()).getRank() == wanted)
    return success();
  return op->emitOpError() << "needs operand '" << name << "' of rank "
                           << wanted << (op.getPanels() ? " with" : " without")
                           << " 'panels' [" << constraint << "]";
}

/// Some activations are functions of the gate's product too.
static LogicalResult verifyForm(Operation *op,
                                ActivationAttrInterface activation, Value gate,
                                StringRef constraint) {
  if (activation.allowsForm(bool(gate)))
    return success();
  return op->emitOpError() << "has the activation '" << activation.getWord()
                           << "', which is not there with"
                           << (gate ? "" : "out") << " operand 'gate' ["
                           << constraint << "]";
}

/// Lanes that no one asked for are computed too, and must do no harm. Divisions
/// of integers can, though MLIR takes remainders for pure.
bool et::isInEpilogue(Operation *op) {
  if (isa<arith::ConstantOp>(op))
    return true;
  return isa_and_present<arith::ArithDialect, math::MathDialect>(
             op->getDialect()) &&
         OpTrait::hasElementwiseMappableTraits(op) && isPure(op) &&
         !isa<arith::RemSIOp, arith::RemUIOp>(op);
}

static LogicalResult verifyEpilogue(GroupedMatmulOp op, StringRef constraint) {
  MutableArrayRef<Region> regions = op.getEpilogue();
  if (regions.empty())
    return success();
  Block &body = regions.front().front();
  if (regions.size() > 1 || body.getNumArguments() != 1 ||
      !body.getArgument(0).getType().isF32() || body.empty() ||
      !isa<YieldOp>(body.back()))
    return op.emitOpError() << "needs one epilogue at most, with an argument "
                               "of f32 and an 'et.yield' ["
                            << constraint << "]";
  for (Operation &inner : body.without_terminator())
    if (!isInEpilogue(&inner))
      return op.emitOpError()
             << "has '" << inner.getName()
             << "' in its epilogue, which takes elementwise ops of arith and "
                "math without integer division, and constants, alone ["
             << constraint << "]";
  return success();
}

LogicalResult GroupedMatmulOp::verify() {
  ShapeBinder binder(*this);
  // Names are of the format's sizes, whether it is there or not.
  WeightFormatAttrInterface format =
      getFormat().value_or(BlocksAttr::getDefault(getContext()));
  if (failed(verifyPacking(*this, "rhs", getRhs(), "C9")) ||
      failed(verifyPacking(*this, "gate", getGate(), "C9")) ||
      failed(verifySemantics(*this)) || failed(binder.bind(getNamedShapes())) ||
      failed(verifySameElement(*this,
                               {{"lhs", getLhs()},
                                {"bias", getBias()},
                                {"gate_bias", getGateBias()}},
                               "C3")) ||
      failed(verifyWeights(*this, format, {"lhs", getLhs()},
                           {{"rhs", getRhs()}, {"gate", getGate()}}, "C3")) ||
      failed(verifyWideDestination(*this, "out", getOut(), getLhs(), "C4")) ||
      failed(verifyGateBias(*this, getGate(), getGateBias(), "C5")) ||
      failed(verifyOffsets(*this, getOffsets(), binder.size('E'), "C6")) ||
      failed(verifyForm(*this, getActivation(), getGate(), "C11")) ||
      failed(verifyEpilogue(*this, "C12")))
    return failure();
  if (getMask() && getTokens())
    return emitOpError("has operands 'tokens' and 'mask' [C7]");
  if (getMask() && !getOffsets())
    return emitOpError("needs operand 'offsets' with 'mask' [C8]");
  if (failed(verifyScales(*this, format, "scales", getScales(), getRhs(),
                          "C10")) ||
      failed(verifyScales(*this, format, "gate_scales", getGateScales(),
                          getGate(), "C10")))
    return failure();
  if (getFormat() && !getScales())
    return emitOpError("has 'format' without operand 'scales' [C13]");
  if (getPanels() && getScales() && format.getCount() > 1)
    return emitOpError("has 'panels', but elements have several weights [C14]");
  return success();
}

template <typename OpTy>
static LogicalResult verifyExpertScales(OpTy op, StringRef constraint) {
  auto format = BlocksAttr::getDefault(op.getContext());
  if (failed(verifyScales(op, format, "w1_scales", op.getW1Scales(), op.getW1(),
                          constraint)) ||
      failed(verifyScales(op, format, "w2_scales", op.getW2Scales(), op.getW2(),
                          constraint)))
    return failure();
  return verifyScales(op, format, "gate_scales", op.getGateScales(),
                      op.getGate(), constraint);
}

LogicalResult ExpertFfnOp::verify() {
  ShapeBinder binder(*this);
  if (failed(verifySemantics(*this)) || failed(binder.bind(getNamedShapes())) ||
      failed(verifySameElement(*this,
                               {{"x", getX()},
                                {"b1", getB1()},
                                {"b2", getB2()},
                                {"gate_bias", getGateBias()}},
                               "C3")) ||
      failed(verifyWeights(
          *this, BlocksAttr::getDefault(getContext()), {"x", getX()},
          {{"w1", getW1()}, {"w2", getW2()}, {"gate", getGate()}}, "C3")) ||
      failed(verifyWideDestination(*this, "out", getOut(), getX(), "C4")) ||
      failed(verifyGateBias(*this, getGate(), getGateBias(), "C5")) ||
      failed(verifyOffsets(*this, getOffsets(), binder.size('E'), "C6")) ||
      failed(verifyForm(*this, getActivation(), getGate(), "C8")))
    return failure();
  return verifyExpertScales(*this, "C7");
}

LogicalResult CombineWavesOp::verify() {
  if (failed(verifySemantics(*this)) ||
      failed(ShapeBinder(*this).bind(getNamedShapes())) ||
      failed(verifySameElement(*this,
                               {{"x", getX()},
                                {"w1", getW1()},
                                {"w2", getW2()},
                                {"b1", getB1()},
                                {"b2", getB2()},
                                {"gate", getGate()},
                                {"gate_bias", getGateBias()},
                                {"hidden", getHidden()},
                                {"pairs", getPairs()}},
                               "C3")) ||
      failed(verifyWideDestination(*this, "out", getOut(), getX(), "C4")) ||
      failed(verifyForm(*this, getActivation(), getGate(), "C6")))
    return failure();
  return verifyGateBias(*this, getGate(), getGateBias(), "C5");
}

LogicalResult MoeOp::verify() {
  ShapeBinder binder(*this);
  RoutingAttrInterface routing = getRouting();
  bool areGiven = getScore() == ScoreKind::Given;
  if (failed(verifySemantics(*this)) || failed(binder.bind(getNamedShapes())) ||
      failed(verifyTheta(*this, routing, getTheta(), "C3")) ||
      failed(verifyBias(*this, routing, getBias(), "C4")) ||
      failed(verifyExperts(*this, routing, binder.size('E'))) ||
      failed(verifySameElement(*this,
                               {{"x", getX()},
                                {"router", areGiven ? Value() : getRouter()},
                                {"b1", getB1()},
                                {"b2", getB2()},
                                {"gate_bias", getGateBias()},
                                {"shared_w1", getSharedW1()},
                                {"shared_w2", getSharedW2()},
                                {"shared_gate", getSharedGate()}},
                               "C5")) ||
      failed(verifyWeights(
          *this, BlocksAttr::getDefault(getContext()), {"x", getX()},
          {{"w1", getW1()}, {"w2", getW2()}, {"gate", getGate()}}, "C5")) ||
      failed(verifyWideDestination(*this, "out", getOut(), getX(), "C6")) ||
      failed(verifyGateBias(*this, getGate(), getGateBias(), "C7")) ||
      failed(verifyForm(*this, getActivation(), getGate(), "C11")))
    return failure();
  if (areGiven && !elementType(getRouter()).isF32())
    return emitOpError() << "has given scores of element type "
                         << elementType(getRouter()) << ", expected f32 [C13]";
  if (bool(getSharedW1()) != bool(getSharedW2()))
    return emitOpError("needs operands 'shared_w1' and 'shared_w2' together "
                       "[C8]");
  // The shared expert has the experts' form.
  if (getSharedW1() && getGate() && !getSharedGate())
    return emitOpError("has a gated expert form but no operand 'shared_gate' "
                       "for its shared expert [C9]");
  if (getSharedGate() && !(getSharedW1() && getGate()))
    return emitOpError("has operand 'shared_gate' without 'shared' and 'gate' "
                       "[C9]");
  if (failed(verifyExpertScales(*this, "C10")))
    return failure();
  int64_t tokens = binder.size('T');
  std::optional<LoweringConfigAttr> config = getLoweringConfig();
  if (config && config->getMaxTokens() && !ShapedType::isDynamic(tokens) &&
      tokens > config->getMaxTokens())
    return emitOpError("has ")
           << tokens
           << " tokens, more than max_tokens = " << config->getMaxTokens()
           << " of its lowering_config [C12]";
  return success();
}

std::optional<int64_t> et::getMaxTokens(MoeOp op) {
  int64_t tokens = cast<ShapedType>(op.getX().getType()).getDimSize(0);
  if (!ShapedType::isDynamic(tokens))
    return tokens;
  std::optional<LoweringConfigAttr> config = op.getLoweringConfig();
  if (config && config->getMaxTokens())
    return config->getMaxTokens();
  return std::nullopt;
}
