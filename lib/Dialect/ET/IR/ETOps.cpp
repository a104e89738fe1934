//===- ETOps.cpp - Assembly, effects and shapes of the et ops -------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::et;

/// The results are the tensor destinations, so the assembly does not repeat
/// their types. Unranked ones are the verifier's to refuse.
static ParseResult parseDpsResults(OpAsmParser &, ArrayRef<Type> outs,
                                   SmallVectorImpl<Type> &results) {
  llvm::copy_if(outs, std::back_inserter(results), llvm::IsaPred<TensorType>);
  return success();
}
static ParseResult parseDpsResults(OpAsmParser &parser, Type out,
                                   SmallVectorImpl<Type> &results) {
  return parseDpsResults(parser, ArrayRef<Type>(out), results);
}
static ParseResult parseDpsResults(OpAsmParser &parser, Type out0, Type out1,
                                   SmallVectorImpl<Type> &results) {
  return parseDpsResults(parser, ArrayRef<Type>{out0, out1}, results);
}
static ParseResult parseDpsResults(OpAsmParser &parser, Type out0, Type out1,
                                   Type out2, SmallVectorImpl<Type> &results) {
  return parseDpsResults(parser, ArrayRef<Type>{out0, out1, out2}, results);
}
template <typename... Args>
static void printDpsResults(OpAsmPrinter &, Operation *, Args &&...) {}

/// An enum's word, and nothing else: `#et<...>` would be taken for it too.
template <typename AttrT>
static ParseResult parseWord(OpAsmParser &parser, AttrT &attribute) {
  attribute = llvm::cast_or_null<AttrT>(AttrT::parse(parser, Type()));
  return success(attribute != nullptr);
}
template <typename AttrT>
static void printWord(OpAsmPrinter &printer, Operation *, AttrT attribute) {
  printer << stringifyEnum(attribute.getValue());
}

/// An attribute that implements an interface. `what` are those that do.
template <typename InterfaceT>
static ParseResult parseImplementation(OpAsmParser &parser, StringRef kind,
                                       const std::string &what,
                                       InterfaceT &implementation) {
  SMLoc loc = parser.getCurrentLocation();
  Attribute attribute;
  OptionalParseResult parsed = parser.parseOptionalAttribute(attribute);
  if (parsed.has_value() && failed(*parsed))
    return failure();
  implementation = dyn_cast_or_null<InterfaceT>(attribute);
  if (implementation)
    return success();
  return parser.emitError(loc) << "expected a " << kind << ", one of: " << what;
}
static ParseResult parseRouting(OpAsmParser &parser,
                                RoutingAttrInterface &routing) {
  return parseImplementation(parser, "routing", listRoutings(), routing);
}
static ParseResult parseStatistic(OpAsmParser &parser,
                                  StatisticAttrInterface &statistic) {
  return parseImplementation(parser, "statistic", listStatistics(), statistic);
}
static ParseResult parseWeightFormat(OpAsmParser &parser,
                                     WeightFormatAttrInterface &format) {
  return parseImplementation(parser, "format of weights", listWeightFormats(),
                             format);
}
static void printRouting(OpAsmPrinter &printer, Operation *,
                         Attribute routing) {
  printer << routing;
}
static void printStatistic(OpAsmPrinter &printer, Operation *,
                           Attribute statistic) {
  printer << statistic;
}

static void printWeightFormat(OpAsmPrinter &printer, Operation *,
                              Attribute format) {
  printer << format;
}

/// `epilogue(%v) { ... }`, or nothing.
static ParseResult
parseEpilogue(OpAsmParser &parser,
              SmallVectorImpl<std::unique_ptr<Region>> &regions) {
  if (failed(parser.parseOptionalKeyword("epilogue")))
    return success();
  OpAsmParser::Argument argument;
  argument.type = parser.getBuilder().getF32Type();
  regions.push_back(std::make_unique<Region>());
  return failure(parser.parseLParen() || parser.parseArgument(argument) ||
                 parser.parseRParen() ||
                 parser.parseRegion(*regions.back(), argument));
}
static void printEpilogue(OpAsmPrinter &printer, Operation *,
                          MutableArrayRef<Region> regions) {
  for (Region &region : regions) {
    printer << " epilogue(" << region.getArgument(0) << ") ";
    printer.printRegion(region, /*printEntryBlockArgs=*/false);
  }
}

/// Buffers are read as inputs and written as destinations; tensors have no
/// effects.
template <typename OpTy>
static void getDpsEffects(
    OpTy op, SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
                 &effects) {
  auto dps = cast<DestinationStyleOpInterface>(op.getOperation());
  for (OpOperand *input : dps.getDpsInputOperands())
    if (isa<MemRefType>(input->get().getType()))
      effects.emplace_back(MemoryEffects::Read::get(), input);
  for (auto [index, init] : llvm::enumerate(dps.getDpsInitsMutable())) {
    if (!isa<MemRefType>(init.get().getType()))
      continue;
    if (OpTy::readsDestination(index))
      effects.emplace_back(MemoryEffects::Read::get(), &init);
    effects.emplace_back(MemoryEffects::Write::get(), &init);
  }
}

/// A result is called like its destination, or like the op if that is just
/// "out".
template <typename OpTy>
static void nameDpsResults(OpTy op, OpAsmSetValueNameFn setName) {
  SmallVector<NamedShape> shapes = op.getNamedShapes();
  auto destinations = ArrayRef(shapes).take_back(OpTy::kNumDestinations);
  for (auto [result, shape] : llvm::zip(op->getResults(), destinations))
    setName(result, shape.operand == "out" ? op->getName().stripDialect()
                                           : shape.operand);
}

/// Every result has the shape of its destination.
static LogicalResult reifyDpsShapes(Operation *op, OpBuilder &builder,
                                    ReifiedRankedShapedTypeDims &shapes) {
  for (Value init : cast<DestinationStyleOpInterface>(op).getDpsInits()) {
    if (!isa<RankedTensorType>(init.getType()))
      continue;
    shapes.push_back(tensor::getMixedSizes(builder, op->getLoc(), init));
  }
  return success();
}

WeightFormatAttrInterface GroupedMatmulOp::getWeightFormat() {
  if (!getScales() && !getGateScales())
    return {};
  if (std::optional<WeightFormatAttrInterface> format = getFormat())
    return *format;
  return BlocksAttr::getDefault(getContext());
}

//===----------------------------------------------------------------------===//
// Builders
//===----------------------------------------------------------------------===//

/// Adds the operands that are there, and to the properties which these are.
template <typename OpTy>
static void addOperands(OperationState &state, ArrayRef<Value> operands) {
  auto &segments =
      state.getOrAddProperties<typename OpTy::Properties>().operandSegmentSizes;
  for (auto [segment, operand] : llvm::zip_equal(segments, operands)) {
    segment = operand ? 1 : 0;
    if (operand)
      state.addOperands(operand);
  }
}

void GroupedMatmulOp::build(OpBuilder &, OperationState &state,
                            TypeRange results,
                            ActivationAttrInterface activation,
                            const GroupedMatmulOperands &operands, Value out) {
  state.getOrAddProperties<Properties>().activation = activation;
  auto [lhs, rhs, offsets, tokens, mask, bias, gate, gateBias, scales,
        gateScales] = operands;
  addOperands<GroupedMatmulOp>(state,
                               {lhs, rhs, offsets, tokens, mask, bias, gate,
                                gateBias, scales, gateScales, out});
  state.addTypes(results);
}

void ExpertFfnOp::build(OpBuilder &, OperationState &state, TypeRange results,
                        ActivationAttrInterface activation,
                        const ExpertFfnOperands &operands, Value out) {
  state.getOrAddProperties<Properties>().activation = activation;
  auto [x, w1, w2, offsets, tokens, b1, b2, gate, gateBias, w1Scales, w2Scales,
        gateScales] = operands;
  addOperands<ExpertFfnOp>(state,
                           {x, w1, w2, offsets, tokens, b1, b2, gate, gateBias,
                            w1Scales, w2Scales, gateScales, out});
  state.addTypes(results);
}

void CombineWavesOp::build(OpBuilder &, OperationState &state,
                           TypeRange results,
                           ActivationAttrInterface activation,
                           const CombineWavesOperands &operands, Value hidden,
                           Value pairs, Value out) {
  state.getOrAddProperties<Properties>().activation = activation;
  auto [gates, mask, offsets, x, w1, w2, b1, b2, gate, gateBias, shared] =
      operands;
  addOperands<CombineWavesOp>(state,
                              {gates, mask, offsets, x, w1, w2, b1, b2, gate,
                               gateBias, shared, hidden, pairs, out});
  state.addTypes(results);
}

void MoeOp::build(OpBuilder &builder, OperationState &state, TypeRange results,
                  ScoreKind score, RoutingAttrInterface routing,
                  ActivationAttrInterface activation,
                  const MoeOperands &operands, Value out) {
  auto &properties = state.getOrAddProperties<Properties>();
  properties.score = ScoreKindAttr::get(builder.getContext(), score);
  properties.routing = routing;
  properties.activation = activation;
  auto [x, router, w1, w2, theta, bias, b1, b2, gate, gateBias, w1Scales,
        w2Scales, gateScales, sharedW1, sharedW2, sharedGate] = operands;
  addOperands<MoeOp>(state, {x, router, w1, w2, theta, bias, b1, b2, gate,
                             gateBias, w1Scales, w2Scales, gateScales, sharedW1,
                             sharedW2, sharedGate, out});
  state.addTypes(results);
}

#include "et/Dialect/ET/IR/ETOpInterfaces.cpp.inc"

#define GET_OP_CLASSES
#include "et/Dialect/ET/IR/ETOps.cpp.inc"
