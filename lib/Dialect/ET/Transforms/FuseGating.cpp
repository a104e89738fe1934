//===- FuseGating.cpp - Scores, gate and offsets in one op ----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::et {
#define GEN_PASS_DEF_FUSEGATING
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
/// On tensors: `et.route` takes the place of the offsets.
struct FuseGatingPattern : OpRewritePattern<OffsetsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(OffsetsOp op,
                                PatternRewriter &rewriter) const override {
    auto gate = op.getMask().getDefiningOp<GateOp>();
    if (!gate || gate->getBlock() != op->getBlock())
      return failure();
    if (!isa<ThresholdRoutingAttr>(gate.getRouting()))
      return rewriter.notifyMatchFailure(gate,
                                         "compares scores with each other");
    auto scores = gate.getScores().getDefiningOp<ScoresOp>();
    if (!scores || !scores->hasOneUse() || scores->getBlock() != op->getBlock())
      return rewriter.notifyMatchFailure(gate, "shares its scores");
    for (Operation *user : gate->getUsers()) {
      Operation *here = op->getBlock()->findAncestorOpInBlock(*user);
      if (here && here->isBeforeInBlock(op))
        return rewriter.notifyMatchFailure(gate, "is used before the offsets");
    }
    SmallVector<Type> types(gate->getResultTypes());
    llvm::append_range(types, op->getResultTypes());
    auto route = RouteOp::create(
        rewriter, op.getLoc(), types, scores.getKind(), gate.getRouting(),
        scores.getX(), scores.getRouter(), gate.getTheta(), gate.getBias(),
        gate.getMask(), gate.getGates(), op.getOffsets());
    rewriter.replaceOp(op, route.getResult(2));
    rewriter.replaceOp(gate, route.getResults().drop_back());
    rewriter.eraseOp(scores);
    return success();
  }
};

struct FuseGating : et::impl::FuseGatingBase<FuseGating> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateFuseGatingPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

void et::populateFuseGatingPatterns(RewritePatternSet &patterns) {
  patterns.add<FuseGatingPattern>(patterns.getContext());
}
