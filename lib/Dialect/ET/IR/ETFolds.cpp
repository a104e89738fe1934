//===- ETFolds.cpp - Folds and canonicalizations of the et ops ------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::et;

namespace {
/// With every threshold at NaN, or at +inf under `gt`, no score passes: the
/// mask and the gates are zero. (-inf has no counterpart: NaN scores, and -inf
/// under `gt`, still select nothing.)
struct FoldUnreachableThreshold : OpRewritePattern<GateOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GateOp op,
                                PatternRewriter &rewriter) const override {
    auto routing = dyn_cast<ThresholdRoutingAttr>(op.getRouting());
    DenseFPElementsAttr thresholds;
    if (!routing || !op.hasPureTensorSemantics() ||
        !matchPattern(op.getTheta(), m_Constant(&thresholds)))
      return failure();
    bool strict = routing.getCompare() == Comparison::GT;
    for (const APFloat &theta : thresholds)
      if (!theta.isNaN() &&
          !(strict && theta.isInfinity() && !theta.isNegative()))
        return failure();

    Location loc = op.getLoc();
    Value noBit =
        arith::ConstantOp::create(rewriter, loc, rewriter.getI32IntegerAttr(0));
    Value zero = arith::ConstantOp::create(rewriter, loc,
                                           rewriter.getF32FloatAttr(0.0f));
    auto mask = linalg::FillOp::create(rewriter, loc, noBit, op.getMask());
    auto gates = linalg::FillOp::create(rewriter, loc, zero, op.getGates());
    rewriter.replaceOp(op, {mask.getResult(0), gates.getResult(0)});
    return success();
  }
};

/// A limit that lets every group compete is no limit.
struct DropIdleGroupLimit : OpRewritePattern<GateOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GateOp op,
                                PatternRewriter &rewriter) const override {
    auto routing = dyn_cast<TopKRoutingAttr>(op.getRouting());
    if (!routing || routing.getGroups() == 1 ||
        routing.getGroupLimit() != routing.getGroups())
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      op.setRoutingAttr(TopKRoutingAttr::get(
          op.getContext(), routing.getK(), routing.getScoring(),
          routing.getRenormalize(), /*groups=*/1, /*groupLimit=*/1));
    });
    return success();
  }
};
} // namespace

void GateOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                         MLIRContext *context) {
  patterns.add<FoldUnreachableThreshold, DropIdleGroupLimit>(context);
}

/// beta = 1 never moves the average.
LogicalResult EmaUpdateOp::fold(FoldAdaptor,
                                SmallVectorImpl<OpFoldResult> &results) {
  if (!hasPureTensorSemantics() || !getBeta().isExactlyValue(1.0))
    return failure();
  results.push_back(getTheta());
  return success();
}
