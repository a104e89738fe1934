//===- FuseTokenList.cpp - Products that read the mask --------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::et {
#define GEN_PASS_DEF_FUSETOKENLIST
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
struct FuseTokenListPattern : OpRewritePattern<GroupedMatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GroupedMatmulOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getTokens())
      return failure();
    auto list = op.getTokens().getDefiningOp<TokenListOp>();
    if (!list || list.getOffsets() != op.getOffsets())
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      op.getTokensMutable().clear();
      op.getMaskMutable().assign(list.getMask());
    });
    return success();
  }
};

struct FuseTokenList : et::impl::FuseTokenListBase<FuseTokenList> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateFuseTokenListPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

void et::populateFuseTokenListPatterns(RewritePatternSet &patterns) {
  patterns.add<FuseTokenListPattern>(patterns.getContext());
}
