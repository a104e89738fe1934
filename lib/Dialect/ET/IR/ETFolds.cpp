//===- ETFolds.cpp - Folds and canonicalizations of the et ops ------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Every rewrite gives the same bits for every input, NaN and infinities among
// them; comments say why where it does not show.
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/Utils/RoutingUtils.h"
#include "et/Dialect/ET/Utils/UniformUtils.h"
#include "et/Dialect/ET/Utils/WeightUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::et;

//===----------------------------------------------------------------------===//
// Known values
//===----------------------------------------------------------------------===//

static bool hasNoElement(Value shaped) {
  return llvm::is_contained(cast<ShapedType>(shaped.getType()).getShape(), 0);
}

/// Whether a tensor of integers is known to be zero throughout.
static bool isZero(Value tensor) {
  auto value = dyn_cast_or_null<IntegerAttr>(getUniformValue(tensor));
  return (value && value.getValue().isZero()) || hasNoElement(tensor);
}

static Value fill(OpBuilder &builder, Location loc, TypedAttr value,
                  Value destination) {
  Value scalar = arith::ConstantOp::create(builder, loc, value);
  return linalg::FillOp::create(builder, loc, scalar, destination).getResult(0);
}

static TypedAttr getNaN(Builder &builder) {
  return builder.getF32FloatAttr(std::numeric_limits<float>::quiet_NaN());
}

//===----------------------------------------------------------------------===//
// All ops
//===----------------------------------------------------------------------===//

namespace {
/// Where no destination has an element there is nothing to compute.
struct DropEmptyDestinations
    : OpInterfaceRewritePattern<DestinationStyleOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(DestinationStyleOpInterface op,
                                PatternRewriter &rewriter) const override {
    SmallVector<Value> inits(op.getDpsInits());
    if (!isa<ETDialect>(op->getDialect()) || !llvm::all_of(inits, hasNoElement))
      return failure();
    if (op.hasPureTensorSemantics())
      rewriter.replaceOp(op, inits);
    else
      rewriter.eraseOp(op);
    return success();
  }
};

/// Sizes of the same name are equal, so one static size makes all static.
struct PropagateStaticSizes
    : OpInterfaceRewritePattern<NamedShapesOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(NamedShapesOpInterface op,
                                PatternRewriter &rewriter) const override {
    auto dps = cast<DestinationStyleOpInterface>(op.getOperation());
    if (!dps.hasPureTensorSemantics())
      return failure();
    SmallVector<NamedShape> shapes = op.getNamedShapes();
    NamedSizes letters = collectLetters(shapes);
    llvm::SmallDenseMap<Value, Value> refined;
    rewriter.setInsertionPoint(op);
    for (const NamedShape &shape : shapes) {
      auto type = cast<RankedTensorType>(shape.value.getType());
      RankedTensorType wanted = refine(type, shape.dims, letters);
      if (wanted != type)
        refined[shape.value] =
            tensor::CastOp::create(rewriter, op->getLoc(), wanted, shape.value);
    }
    if (refined.empty())
      return failure();

    SmallVector<Value> operands =
        llvm::map_to_vector(op->getOperands(), [&](Value operand) {
          Value cast = refined.lookup(operand);
          return cast ? cast : operand;
        });
    auto inits = ArrayRef<Value>(operands).take_back(op->getNumResults());
    Operation *onStatic =
        clone(rewriter, op, ValueRange(inits).getTypes(), operands);
    SmallVector<Value> results;
    for (auto [result, type] :
         llvm::zip_equal(onStatic->getResults(), op->getResultTypes()))
      results.push_back(
          result.getType() == type
              ? Value(result)
              : tensor::CastOp::create(rewriter, op->getLoc(), type, result));
    rewriter.replaceOp(op, results);
    return success();
  }

private:
  static NamedSizes collectLetters(ArrayRef<NamedShape> shapes) {
    NamedSizes letters;
    for (const NamedShape &shape : shapes) {
      auto type = cast<RankedTensorType>(shape.value.getType());
      for (auto [index, name] :
           llvm::enumerate(llvm::to_vector(llvm::split(shape.dims, ' '))))
        if (!isDerivedSize(name) && !type.isDynamicDim(index))
          letters.try_emplace(name.front(), type.getDimSize(index));
    }
    return letters;
  }

  static RankedTensorType refine(RankedTensorType type, StringRef dims,
                                 const NamedSizes &letters) {
    SmallVector<int64_t> sizes(type.getShape());
    for (auto [index, name] :
         llvm::enumerate(llvm::to_vector(llvm::split(dims, ' '))))
      if (ShapedType::isDynamic(sizes[index]))
        sizes[index] = getStaticSize(name, letters);
    return type.clone(sizes);
  }
};
} // namespace

void ETDialect::getCanonicalizationPatterns(RewritePatternSet &patterns) const {
  patterns.add<DropEmptyDestinations, PropagateStaticSizes>(getContext());
}

//===----------------------------------------------------------------------===//
// Routing
//===----------------------------------------------------------------------===//

static LogicalResult foldIdleRule(GateOp op, PatternRewriter &rewriter) {
  if (!op.hasPureTensorSemantics())
    return failure();
  DenseFPElementsAttr theta;
  if (op.getTheta())
    matchPattern(op.getTheta(), m_Constant(&theta));
  int64_t tokens = cast<ShapedType>(op.getScores().getType()).getDimSize(0);
  if (!op.getRouting().selectsNothing(tokens, theta))
    return failure();
  Location loc = op.getLoc();
  Value mask = fill(rewriter, loc, rewriter.getI32IntegerAttr(0), op.getMask());
  Value gates =
      fill(rewriter, loc, rewriter.getF32FloatAttr(0.0f), op.getGates());
  rewriter.replaceOp(op, {mask, gates});
  return success();
}

static LogicalResult simplifyRule(GateOp op, PatternRewriter &rewriter) {
  RoutingAttrInterface canonical = op.getRouting().getCanonical();
  if (canonical == op.getRouting())
    return failure();
  rewriter.modifyOpInPlace(op, [&] { op.setRoutingAttr(canonical); });
  return success();
}

static LogicalResult dropZeroBias(GateOp op, PatternRewriter &rewriter) {
  if (!op.getBias() || !op.getRouting().ignoresZeroBias())
    return failure();
  auto bias = dyn_cast_or_null<FloatAttr>(getUniformValue(op.getBias()));
  if (!bias || !bias.getValue().isZero())
    return failure();
  rewriter.modifyOpInPlace(op, [&] { op.getBiasMutable().clear(); });
  return success();
}

void GateOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                         MLIRContext *) {
  patterns.add(foldIdleRule);
  patterns.add(simplifyRule);
  patterns.add(dropZeroBias);
}

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

/// Whether the statistic has no value for the static number of tokens.
static bool hasNoValue(StatisticOp op) {
  int64_t tokens = cast<ShapedType>(op.getScores().getType()).getDimSize(0);
  if (auto statistic = dyn_cast<KthLargestStatisticAttr>(op.getStatistic()))
    return takesNoToken(statistic.getRate(), tokens);
  bool needsTwo = isa<MeanMinusStdStatisticAttr>(op.getStatistic());
  if (!needsTwo && !isa<QuantileStatisticAttr>(op.getStatistic()))
    return false;
  return !ShapedType::isDynamic(tokens) && tokens < (needsTwo ? 2 : 1);
}

void StatisticOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *) {
  patterns.add(+[](StatisticOp op, PatternRewriter &rewriter) {
    if (!op.hasPureTensorSemantics() || !hasNoValue(op))
      return failure();
    rewriter.replaceOp(
        op, fill(rewriter, op.getLoc(), getNaN(rewriter), op.getOut()));
    return success();
  });
}

void HistogramOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *) {
  patterns.add(+[](HistogramOp op, PatternRewriter &rewriter) {
    if (!op.hasPureTensorSemantics() || !hasNoElement(op.getScores()))
      return failure();
    rewriter.replaceOp(op, fill(rewriter, op.getLoc(),
                                rewriter.getI32IntegerAttr(0), op.getCounts()));
    return success();
  });
}

void HistogramQuantileOp::getCanonicalizationPatterns(
    RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(+[](HistogramQuantileOp op, PatternRewriter &rewriter) {
    if (!op.hasPureTensorSemantics() || !isZero(op.getCounts()))
      return failure();
    rewriter.replaceOp(
        op, fill(rewriter, op.getLoc(), getNaN(rewriter), op.getOut()));
    return success();
  });
}

/// beta = 1 and statistics without a value leave the average where it is.
void EmaUpdateOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *) {
  patterns.add(+[](EmaUpdateOp op, PatternRewriter &rewriter) {
    bool tensors = op.hasPureTensorSemantics();
    bool idle = op.getBeta().isExactlyValue(1.0);
    if (tensors && !idle) {
      auto m = dyn_cast_or_null<FloatAttr>(getUniformValue(op.getM()));
      idle = m && m.getValue().isNaN();
    }
    if (!idle)
      return failure();
    if (tensors)
      rewriter.replaceOp(op, op.getTheta());
    else
      rewriter.eraseOp(op);
    return success();
  });
}

//===----------------------------------------------------------------------===//
// Constant weights
//===----------------------------------------------------------------------===//

/// The bytes of a constant, which has all of them or, as a splat, those of one
/// element; none if they are not at hand.
static ArrayRef<char> getBytes(Attribute constant) {
  if (auto dense = dyn_cast_or_null<DenseElementsAttr>(constant))
    return dense.getRawData();
  auto resource = dyn_cast_or_null<DenseResourceElementsAttr>(constant);
  AsmResourceBlob *blob =
      resource ? resource.getRawHandle().getBlob() : nullptr;
  return blob ? blob->getData() : ArrayRef<char>();
}

static DenseElementsAttr packConstant(PanelsAttr panels,
                                      RankedTensorType weights,
                                      ArrayRef<char> bytes, bool isSplat) {
  ArrayRef<int64_t> sizes = weights.getShape();
  auto type = weights.clone(panels.getPackedShape(sizes));
  size_t size = weights.getElementTypeBitWidth() / 8;
  int64_t interleave = panels.getInterleave(), columns = panels.getColumns();
  ArrayRef<int64_t> packedSizes = type.getShape();
  std::vector<char> packed(type.getNumElements() * size);
  const char *source = bytes.data();
  for (int64_t e : llvm::seq(sizes[0]))
    for (int64_t k : llvm::seq(sizes[1]))
      for (int64_t n : llvm::seq(sizes[2])) {
        int64_t at = (e * packedSizes[1] + n / columns) * packedSizes[2] +
                     k / interleave;
        at = at * packedSizes[3] + n % columns * interleave + k % interleave;
        std::copy_n(source, size, packed.data() + at * size);
        source += isSplat ? 0 : size;
      }
  return DenseElementsAttr::getFromRawBuffer(type, packed);
}

void PackOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                         MLIRContext *) {
  patterns.add(+[](PackOp op, PatternRewriter &rewriter) {
    Attribute constant;
    if (!op.hasPureTensorSemantics())
      return failure();
    // Reshapes of a constant move no bytes.
    Value source = skipReshapes(op.getW());
    auto type = cast<RankedTensorType>(op.getW().getType());
    if (!source || !matchPattern(source, m_Constant(&constant)) ||
        !type.hasStaticShape())
      return failure();
    ArrayRef<char> bytes = getBytes(constant);
    bool isSplat = isa<SplatElementsAttr>(constant);
    int64_t size = type.getElementTypeBitWidth() / 8;
    int64_t whole = type.getNumElements() * size;
    if (whole == 0 ||
        static_cast<int64_t>(bytes.size()) != (isSplat ? size : whole))
      return failure();
    // A module is no place for what is nearly all padding.
    constexpr int64_t most = 1 << 20;
    auto packedType =
        type.clone(op.getPanels().getPackedShape(type.getShape()));
    if (packedType.getNumElements() * size > 4 * whole + most)
      return failure();
    DenseElementsAttr packed =
        packConstant(op.getPanels(), type, bytes, isSplat);
    Value value = arith::ConstantOp::create(rewriter, op.getLoc(), packed);
    rewriter.replaceOp(op, rewriter.createOrFold<tensor::CastOp>(
                               op.getLoc(), op->getResult(0).getType(), value));
    return success();
  });
}

//===----------------------------------------------------------------------===//
// Plans without a pair
//===----------------------------------------------------------------------===//

/// Rows beyond the plan keep what they held, so an op whose plan has no pair
/// returns its destination. It reads no other operand.
template <typename OpTy>
static LogicalResult dropWithoutPairs(OpTy op, PatternRewriter &rewriter) {
  if (!op.hasPureTensorSemantics() || !op.getOffsets() ||
      !isZero(op.getOffsets()))
    return failure();
  rewriter.replaceOp(op, op.getDpsInits());
  return success();
}

void OffsetsOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                            MLIRContext *) {
  patterns.add(+[](OffsetsOp op, PatternRewriter &rewriter) {
    if (!op.hasPureTensorSemantics() || !isZero(op.getMask()))
      return failure();
    rewriter.replaceOp(op,
                       fill(rewriter, op.getLoc(),
                            rewriter.getI32IntegerAttr(0), op.getOffsets()));
    return success();
  });
}

void TokenListOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *) {
  patterns.add(dropWithoutPairs<TokenListOp>);
}

void GatherOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                           MLIRContext *) {
  patterns.add(dropWithoutPairs<GatherOp>);
}

void GroupedMatmulOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                                  MLIRContext *) {
  patterns.add(dropWithoutPairs<GroupedMatmulOp>);
}

void ExpertFfnOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *) {
  patterns.add(dropWithoutPairs<ExpertFfnOp>);
}

/// The sum over no expert is the shared row, rounded to out's type, or +0.
/// Without a row for pairs there is no pair.
void CombineOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                            MLIRContext *) {
  patterns.add(+[](CombineOp op, PatternRewriter &rewriter) {
    int64_t rows = cast<ShapedType>(op.getPairs().getType()).getDimSize(0);
    if (!op.hasPureTensorSemantics() || !(isZero(op.getMask()) || rows == 0))
      return failure();
    Location loc = op.getLoc();
    Value shared = op.getShared(), out = op.getOut();
    Type element = getElementTypeOrSelf(out.getType());
    if (!shared)
      rewriter.replaceOp(
          op, fill(rewriter, loc, rewriter.getFloatAttr(element, 0.0), out));
    else if (element != getElementTypeOrSelf(shared.getType()))
      rewriter.replaceOpWithNewOp<linalg::CopyOp>(op, shared, out);
    else
      rewriter.replaceOp(op, rewriter.createOrFold<tensor::CastOp>(
                                 loc, out.getType(), shared));
    return success();
  });
}
