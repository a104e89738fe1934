//===- FuseGather.cpp - Gathers into the products that read them ----------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::et {
#define GEN_PASS_DEF_FUSEGATHER
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
/// Rows beyond the plan differ between the gathered copy and x, but no consumer
/// of the same plan reads them.
template <typename OpTy>
struct FuseGatherInto : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    OpOperand &rows = op->getOpOperand(0);
    auto gather = rows.get().template getDefiningOp<GatherOp>();
    if (!gather || op.getTokens() || op.getOffsets() != gather.getOffsets())
      return failure();
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
      signalPassFailure();
  }
};
} // namespace

void et::populateFuseGatherPatterns(RewritePatternSet &patterns) {
  patterns.add<FuseGatherInto<GroupedMatmulOp>, FuseGatherInto<ExpertFfnOp>>(
      patterns.getContext());
}
