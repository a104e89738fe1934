//===- FuseEpilogues.cpp - Elementwise ops into products ------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FusionRemarks.h"
#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/Transforms/Passes.h"
#include "et/Dialect/ET/Utils/UniformUtils.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::et {
#define GEN_PASS_DEF_FUSEEPILOGUES
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

static constexpr StringLiteral kPass = "et-fuse-epilogues";

/// An op that makes each element of its only result of those at the same place.
static bool isElementwise(Operation *op) {
  if (auto linalg = dyn_cast<linalg::LinalgOp>(op))
    return linalg.hasPureTensorSemantics() && op->getNumResults() == 1 &&
           linalg.getNumParallelLoops() == linalg.getNumLoops() &&
           linalg.getMatchingIndexingMap(linalg.getDpsInitOperand(0))
               .isIdentity();
  return op->getNumResults() == 1 && isInEpilogue(op) &&
         isa<RankedTensorType>(op->getResult(0).getType());
}

/// What others use of the product: its result, or that as a type with more or
/// fewer known sizes.
static Value findProduct(GroupedMatmulOp op) {
  Value product = op->getResult(0);
  while (product.hasOneUse()) {
    auto cast = dyn_cast<tensor::CastOp>(*product.user_begin());
    if (!cast)
      break;
    product = cast.getResult();
  }
  return product;
}

/// The only op that uses the product, if it is an elementwise one.
static Operation *findNeighbor(GroupedMatmulOp op) {
  if (!op.hasPureTensorSemantics())
    return nullptr;
  Value product = findProduct(op);
  if (product.use_empty() || !llvm::all_equal(product.getUsers()))
    return nullptr;
  Operation *neighbor = *product.getUsers().begin();
  return isElementwise(neighbor) ? neighbor : nullptr;
}

/// Why the product cannot do what its neighbor does; empty if it can.
static StringRef findObstacle(GroupedMatmulOp op, Operation *neighbor) {
  Value product = findProduct(op);
  if (neighbor->getBlock() != op->getBlock())
    return "it is in another block";
  if (op.getOffsets() && !op.getOut().getDefiningOp<tensor::EmptyOp>())
    return "rows of no expert have values, which it changes too";
  auto type = cast<RankedTensorType>(neighbor->getResult(0).getType());
  if (type.getShape() != cast<RankedTensorType>(product.getType()).getShape())
    return "its result has another shape";
  if (!type.getElementType().isF32() &&
      type.getElementType() != getElementTypeOrSelf(op.getLhs().getType()))
    return "its result has neither the type of the product's rows nor f32";
  auto linalg = dyn_cast<linalg::LinalgOp>(neighbor);
  for (OpOperand &operand : neighbor->getOpOperands()) {
    bool isProduct = operand.get() == product;
    if (linalg && linalg.isDpsInit(&operand)) {
      if (isProduct || linalg.payloadUsesValueFromOperand(&operand))
        return "it reads its destination";
      continue;
    }
    if (!isProduct && !getUniformValue(operand.get()))
      return "it reads another tensor, or a scalar that is not constant";
    if (isProduct && linalg &&
        !linalg.getMatchingIndexingMap(&operand).isIdentity())
      return "it moves elements";
  }
  if (!linalg)
    return "";
  for (Operation &inner : linalg.getBlock()->without_terminator()) {
    if (!isInEpilogue(&inner))
      return "it has an op that is not elementwise arithmetic";
    for (Value operand : inner.getOperands())
      if (operand.getParentBlock() != linalg.getBlock() &&
          !getUniformValue(operand))
        return "it reads a scalar that is not constant";
  }
  return "";
}

namespace {
/// Emits an elementwise op for one element.
class ElementEmitter {
public:
  ElementEmitter(OpBuilder &builder, Location loc, Value product, Value element)
      : builder(builder), loc(loc) {
    elements.map(product, element);
  }

  Value emit(Operation *op) {
    auto linalg = dyn_cast<linalg::LinalgOp>(op);
    if (!linalg)
      return emitScalar(op);
    Block *body = linalg.getBlock();
    for (OpOperand *operand : linalg.getDpsInputOperands()) {
      Value argument = linalg.getMatchingBlockArgument(operand);
      if (!argument.use_empty())
        elements.map(argument, elementOf(operand->get()));
    }
    for (Operation &inner : body->without_terminator())
      elements.map(inner.getResult(0), emitScalar(&inner));
    return elementOf(body->getTerminator()->getOperand(0));
  }

private:
  Value elementOf(Value value) {
    if (!elements.contains(value))
      elements.map(value, arith::ConstantOp::create(builder, loc,
                                                    getUniformValue(value)));
    return elements.lookup(value);
  }

  Value emitScalar(Operation *op) {
    if (isa<arith::ConstantOp>(op))
      return elementOf(op->getResult(0));
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(elementOf(operand));
    Type type = getElementTypeOrSelf(op->getResult(0).getType());
    return clone(builder, op, type, operands)->getResult(0);
  }

  OpBuilder &builder;
  Location loc;
  IRMapping elements;
};

struct FuseEpiloguePattern : OpRewritePattern<GroupedMatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GroupedMatmulOp op,
                                PatternRewriter &rewriter) const override {
    Operation *neighbor = findNeighbor(op);
    if (!neighbor)
      return rewriter.notifyMatchFailure(op, "no elementwise op uses it alone");
    StringRef obstacle = findObstacle(op, neighbor);
    if (!obstacle.empty())
      return rewriter.notifyMatchFailure(op, obstacle);
    remark::passed(neighbor->getLoc(), fusionRemark(op, kPass))
        << "part of the product before it";

    Location loc = rewriter.getFusedLoc({op.getLoc(), neighbor->getLoc()});
    rewriter.setInsertionPoint(neighbor);
    Value product = findProduct(op);
    auto wanted = cast<RankedTensorType>(neighbor->getResult(0).getType());
    Value destination;
    if (auto dps = dyn_cast<DestinationStyleOpInterface>(neighbor))
      destination = dps.getDpsInits()[0];
    else
      destination = tensor::EmptyOp::create(
          rewriter, loc, tensor::getMixedSizes(rewriter, loc, op.getOut()),
          wanted.getElementType());
    OperationState state(loc, op->getName(), op->getOperands(),
                         destination.getType(), op->getAttrs());
    state.operands.back() = destination;
    makeBody(rewriter, loc, op, neighbor, *state.addRegion());
    Value fused = rewriter.create(state)->getResult(0);
    rewriter.replaceOp(
        neighbor, rewriter.createOrFold<tensor::CastOp>(loc, wanted, fused));
    assert(product.use_empty() && "the neighbor was its only user");
    while (product != op->getResult(0)) {
      auto dead = product.getDefiningOp<tensor::CastOp>();
      product = dead.getSource();
      rewriter.eraseOp(dead);
    }
    rewriter.eraseOp(op);
    return success();
  }

private:
  /// What the product did already, then the rounding of its result, then the
  /// neighbor.
  static void makeBody(OpBuilder &builder, Location loc, GroupedMatmulOp op,
                       Operation *neighbor, Region &region) {
    OpBuilder::InsertionGuard guard(builder);
    Type f32 = builder.getF32Type();
    Block *body = builder.createBlock(&region, region.end(), f32, loc);
    Value value = body->getArgument(0);
    if (!op.getEpilogue().empty()) {
      Block &earlier = op.getEpilogue().front().front();
      IRMapping mapping;
      mapping.map(earlier.getArgument(0), value);
      for (Operation &inner : earlier.without_terminator())
        builder.clone(inner, mapping);
      value = mapping.lookup(earlier.getTerminator()->getOperand(0));
    }
    Type stored = getElementTypeOrSelf(op.getOut().getType());
    if (stored != f32)
      value = arith::TruncFOp::create(builder, loc, stored, value);
    value = ElementEmitter(builder, loc, findProduct(op), value).emit(neighbor);
    if (value.getType() != f32)
      value = arith::ExtFOp::create(builder, loc, f32, value);
    YieldOp::create(builder, loc, value);
  }
};

struct FuseEpilogues : et::impl::FuseEpiloguesBase<FuseEpilogues> {
  void runOnOperation() override {
    // Most products, those of layers among them, have no such neighbor.
    auto hasNeighbor = [](GroupedMatmulOp op) {
      return findNeighbor(op) ? WalkResult::interrupt() : WalkResult::advance();
    };
    if (!getOperation()->walk(hasNeighbor).wasInterrupted())
      return;
    RewritePatternSet patterns(&getContext());
    populateFuseEpiloguesPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    getOperation()->walk([](GroupedMatmulOp op) {
      if (Operation *neighbor = findNeighbor(op))
        remark::missed(neighbor->getLoc(), fusionRemark(op, kPass))
            << "not part of the product before it"
            << remark::reason("{0}", findObstacle(op, neighbor));
    });
  }
};
} // namespace

void et::populateFuseEpiloguesPatterns(RewritePatternSet &patterns) {
  patterns.add<FuseEpiloguePattern>(patterns.getContext());
}
