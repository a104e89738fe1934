//===- FuseTokenList.cpp - Products that read the mask --------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FusionRemarks.h"
#include "SizeFacts.h"
#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::et {
#define GEN_PASS_DEF_FUSETOKENLIST
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

/// Whether the mask is known to have a word for every 32 rows of x: the list
/// does not ask for that, the product's mask does.
static bool hasWordsOf(Value mask, Value x) {
  if (auto gate = mask.getDefiningOp<GateOp>()) {
    auto scores = gate.getScores().getDefiningOp<ScoresOp>();
    if (scores && scores.getX() == x)
      return true;
    SizeFacts facts;
    return facts.ofDim(gate.getScores(), 0) == facts.ofDim(x, 0);
  }
  if (auto route = mask.getDefiningOp<RouteOp>())
    return route.getX() == x;
  int64_t words = cast<ShapedType>(mask.getType()).getDimSize(1);
  int64_t tokens = cast<ShapedType>(x.getType()).getDimSize(0);
  return !ShapedType::isDynamic(words) && !ShapedType::isDynamic(tokens) &&
         words ==
             static_cast<int64_t>(llvm::divideCeil(tokens, kTokensPerWord));
}

static constexpr StringLiteral kPass = "et-fuse-token-list";

/// Why a product by a list of tokens needs that list; empty if its mask does.
static StringRef findObstacle(GroupedMatmulOp op) {
  auto list = op.getTokens().getDefiningOp<TokenListOp>();
  if (!list)
    return "no mask is known that the list is of";
  if (list.getOffsets() != op.getOffsets())
    return "the list is by the offsets of another plan";
  if (!hasWordsOf(list.getMask(), op.getLhs()))
    return "the mask may be of other tokens";
  return "";
}

namespace {
struct FuseTokenListPattern : OpRewritePattern<GroupedMatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GroupedMatmulOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getTokens())
      return failure();
    StringRef obstacle = findObstacle(op);
    if (!obstacle.empty())
      return rewriter.notifyMatchFailure(op, obstacle);
    remark::passed(op.getLoc(), fusionRemark(op, kPass))
        << "tokens are found in the mask, no list is written";
    auto list = op.getTokens().getDefiningOp<TokenListOp>();
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
      return signalPassFailure();
    getOperation()->walk([](GroupedMatmulOp op) {
      if (op.getTokens())
        remark::missed(op.getLoc(), fusionRemark(op, kPass))
            << "the product reads a token list"
            << remark::reason("{0}", findObstacle(op));
    });
  }
};
} // namespace

void et::populateFuseTokenListPatterns(RewritePatternSet &patterns) {
  patterns.add<FuseTokenListPattern>(patterns.getContext());
}
