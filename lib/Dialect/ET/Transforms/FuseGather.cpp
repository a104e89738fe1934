//===- FuseGather.cpp - Gathers into the products that read them ----------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FusionRemarks.h"
#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::et {
#define GEN_PASS_DEF_FUSEGATHER
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

static constexpr StringLiteral kPass = "et-fuse-gather";

template <typename OpTy>
static GatherOp getGather(OpTy op) {
  return op->getOperand(0).template getDefiningOp<GatherOp>();
}

/// Why a product does not read what `gather` reads; empty if it may.
template <typename OpTy>
static StringRef findObstacle(OpTy op, GatherOp gather) {
  if (op.getTokens())
    return "the product has a token list of its own";
  if (op.getOffsets() != gather.getOffsets())
    return "the gather is by the offsets of another plan";
  return "";
}

template <typename OpTy>
static void remarkMiss(OpTy op) {
  if (GatherOp gather = getGather(op))
    remark::missed(op.getLoc(), fusionRemark(op, kPass))
        << "rows are gathered ahead"
        << remark::reason("{0}", findObstacle(op, gather));
}

namespace {
/// Rows beyond the plan differ between the gathered copy and x, but no consumer
/// of the same plan reads them.
template <typename OpTy>
struct FuseGatherInto : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    OpOperand &rows = op->getOpOperand(0);
    GatherOp gather = getGather(op);
    if (!gather)
      return failure();
    StringRef obstacle = findObstacle(op, gather);
    if (!obstacle.empty())
      return rewriter.notifyMatchFailure(op, obstacle);
    remark::passed(op.getLoc(), fusionRemark(op, kPass))
        << "rows are gathered by the product that reads them";
    rewriter.modifyOpInPlace(op, [&] {
      rows.set(gather.getX());
      op.getTokensMutable().assign(gather.getTokens());
    });
    return success();
  }
};

struct FuseGather : et::impl::FuseGatherBase<FuseGather> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateFuseGatherPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    getOperation()->walk([](Operation *op) {
      llvm::TypeSwitch<Operation *>(op).Case<GroupedMatmulOp, ExpertFfnOp>(
          [](auto product) { remarkMiss(product); });
    });
  }
};
} // namespace

void et::populateFuseGatherPatterns(RewritePatternSet &patterns) {
  patterns.add<FuseGatherInto<GroupedMatmulOp>, FuseGatherInto<ExpertFfnOp>>(
      patterns.getContext());
}
