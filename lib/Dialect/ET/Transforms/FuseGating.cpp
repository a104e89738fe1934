//===- FuseGating.cpp - Scores, gate and offsets in one op ----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FusionRemarks.h"
#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::et {
#define GEN_PASS_DEF_FUSEGATING
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

static constexpr StringLiteral kPass = "et-fuse-gating";

/// Why the gate of these offsets stays apart from scores and offsets; empty if
/// it need not.
static StringRef findObstacle(OffsetsOp op, GateOp gate) {
  if (gate->getBlock() != op->getBlock())
    return "the gate is in another block";
  if (!isa<PairRoutingAttrInterface>(gate.getRouting()))
    return "the gate compares scores with each other";
  auto scores = gate.getScores().getDefiningOp<ScoresOp>();
  if (!scores || scores->getBlock() != op->getBlock())
    return "the scores are computed elsewhere";
  if (!scores->hasOneUse())
    return "the scores have another reader";
  for (Operation *user : gate->getUsers()) {
    Operation *here = op->getBlock()->findAncestorOpInBlock(*user);
    if (here && here->isBeforeInBlock(op))
      return "the gate's results are used before the offsets";
  }
  return "";
}

namespace {
/// On tensors: `et.route` takes the place of the offsets.
struct FuseGatingPattern : OpRewritePattern<OffsetsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(OffsetsOp op,
                                PatternRewriter &rewriter) const override {
    auto gate = op.getMask().getDefiningOp<GateOp>();
    if (!gate)
      return failure();
    StringRef obstacle = findObstacle(op, gate);
    if (!obstacle.empty())
      return rewriter.notifyMatchFailure(op, obstacle);
    remark::passed(op.getLoc(), fusionRemark(op, kPass))
        << "tokens are scored, gated and counted in one pass over them";
    auto scores = gate.getScores().getDefiningOp<ScoresOp>();
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
      return signalPassFailure();
    getOperation()->walk([](OffsetsOp op) {
      if (auto gate = op.getMask().getDefiningOp<GateOp>())
        remark::missed(op.getLoc(), fusionRemark(op, kPass))
            << "scores, gate and offsets stay apart"
            << remark::reason("{0}", findObstacle(op, gate));
    });
  }
};
} // namespace

void et::populateFuseGatingPatterns(RewritePatternSet &patterns) {
  patterns.add<FuseGatingPattern>(patterns.getContext());
}
