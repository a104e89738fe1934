//===- DecomposeExpertFfn.cpp - et.expert_ffn into two products -----------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/Transforms/Passes.h"
#include "et/Dialect/ET/Utils/DestinationUtils.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::et {
#define GEN_PASS_DEF_DECOMPOSEEXPERTFFN
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
struct DecomposeExpertFfnPattern : OpRewritePattern<ExpertFfnOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ExpertFfnOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    SmallVector<OpFoldResult> sizes = {
        getMixedSize(rewriter, loc, op.getOut(), 0),
        getMixedSize(rewriter, loc, op.getW1(), 2)};
    Value destination =
        createDestination(rewriter, loc, op.getX(), sizes,
                          getElementTypeOrSelf(op.getX().getType()));
    GroupedMatmulOperands first = {op.getX(), op.getW1()};
    first.offsets = op.getOffsets();
    first.tokens = op.getTokens();
    first.bias = op.getB1();
    first.gate = op.getGate();
    first.gateBias = op.getGateBias();
    first.scales = op.getW1Scales();
    first.gateScales = op.getGateScales();
    Value hidden = createInto<GroupedMatmulOp>(rewriter, loc, destination,
                                               op.getActivation(), first)[0];
    GroupedMatmulOperands second = {hidden, op.getW2()};
    second.offsets = op.getOffsets();
    second.bias = op.getB2();
    second.scales = op.getW2Scales();
    auto outputs = GroupedMatmulOp::create(
        rewriter, loc, op->getResultTypes(),
        NoneActivationAttr::get(op.getContext()), second, op.getOut());
    rewriter.replaceOp(op, outputs->getResults());
    return success();
  }
};

struct DecomposeExpertFfn
    : et::impl::DecomposeExpertFfnBase<DecomposeExpertFfn> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateDecomposeExpertFfnPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

void et::populateDecomposeExpertFfnPatterns(RewritePatternSet &patterns) {
  patterns.add<DecomposeExpertFfnPattern>(patterns.getContext());
}
