//===- FuseDequantize.cpp - Products of weights as they are stored --------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FusionRemarks.h"
#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/Transforms/Passes.h"
#include "et/Dialect/ET/Utils/WeightUtils.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::et {
#define GEN_PASS_DEF_FUSEDEQUANTIZE
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

static constexpr StringLiteral kPass = "et-fuse-dequantize";

namespace {
/// What makes the weights of a product; null where it is no et.dequantize.
struct Sources {
  DequantizeOp rhs, gate;

  explicit Sources(GroupedMatmulOp op)
      : rhs(op.getRhs().getDefiningOp<DequantizeOp>()) {
    if (Value weights = op.getGate())
      gate = weights.getDefiningOp<DequantizeOp>();
  }
  bool any() const { return rhs || gate; }
};
} // namespace

/// Why the product does not read stored weights; empty if it may.
static StringRef findObstacle(GroupedMatmulOp op, Sources sources) {
  if (!sources.rhs || (op.getGate() && !sources.gate))
    return "its other weights are not stored in a format";
  if (sources.gate && sources.gate.getFormat() != sources.rhs.getFormat())
    return "its weights are stored in two formats";
  if (sources.rhs.getZeroPoints() ||
      (sources.gate && sources.gate.getZeroPoints()))
    return "the weights have zero points";
  return "";
}

/// Says what weights are made ahead of a product, once a call.
static void remarkMisses(GroupedMatmulOp op) {
  Sources sources(op);
  if (sources.any())
    remark::missed(op.getLoc(), fusionRemark(op, kPass))
        << "wide weights are made ahead"
        << remark::reason("{0}", findObstacle(op, sources));
  auto isCopied = [](Value value) {
    while (value) {
      value = skipReshapes(value);
      if (value.getDefiningOp<linalg::TransposeOp>())
        return true;
      value = getRearranged(value.getDefiningOp());
    }
    return false;
  };
  if (isCopied(op.getRhs()) || isCopied(op.getGate()))
    remark::missed(op.getLoc(), fusionRemark(op, kPass))
        << "weights are copied in each call"
        << remark::reason("they lie in another order than kernels read; "
                          "packing, on a CPU, copies them once");
}

namespace {
struct FuseDequantizeInto : OpRewritePattern<GroupedMatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GroupedMatmulOp op,
                                PatternRewriter &rewriter) const override {
    Sources sources(op);
    if (!sources.any())
      return failure();
    StringRef obstacle = findObstacle(op, sources);
    if (!obstacle.empty())
      return rewriter.notifyMatchFailure(op, obstacle);
    remark::passed(op.getLoc(), fusionRemark(op, kPass))
        << "weights are read as they are stored";
    rewriter.modifyOpInPlace(op, [&] {
      op.getRhsMutable().assign(sources.rhs.getW());
      op.getScalesMutable().assign(sources.rhs.getScales());
      if (sources.gate) {
        op.getGateMutable().assign(sources.gate.getW());
        op.getGateScalesMutable().assign(sources.gate.getScales());
      }
      WeightFormatAttrInterface format = sources.rhs.getFormat();
      if (format != BlocksAttr::getDefault(op.getContext()))
        op.setFormatAttr(format);
    });
    return success();
  }
};

struct FuseDequantize : et::impl::FuseDequantizeBase<FuseDequantize> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateFuseDequantizePatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    getOperation()->walk([](GroupedMatmulOp op) { remarkMisses(op); });
  }
};
} // namespace

void et::populateFuseDequantizePatterns(RewritePatternSet &patterns) {
  patterns.add<FuseDequantizeInto>(patterns.getContext());
}
