//===- DecomposeMoe.cpp - et.moe into its steps ---------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FusionRemarks.h"
#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/Transforms/Passes.h"
#include "et/Dialect/ET/Utils/DestinationUtils.h"
#include "et/Dialect/ET/Utils/RoutingUtils.h"
#include "et/Dialect/ET/Utils/WeightUtils.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

namespace mlir::et {
#define GEN_PASS_DEF_DECOMPOSEMOE
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
struct DecomposeMoePattern : OpRewritePattern<MoeOp> {
  DecomposeMoePattern(MLIRContext *context, PairBuffers pairBuffers,
                      bool keepsOneLaunch)
      : OpRewritePattern(context), pairBuffers(pairBuffers),
        keepsOneLaunch(keepsOneLaunch) {}

  LogicalResult matchAndRewrite(MoeOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<LoweringConfigAttr> config = op.getLoweringConfig();
    if (keepsOneLaunch && config &&
        config->getSchedule() == Schedule::OneLaunch)
      return rewriter.notifyMatchFailure(op, "is a kernel of its own");
    Location loc = op.getLoc();
    MLIRContext *context = op.getContext();
    Type f32 = rewriter.getF32Type(), i32 = rewriter.getI32Type();
    Value x = op.getX();
    OpFoldResult tokens = getMixedSize(rewriter, loc, x, 0);
    OpFoldResult width = getMixedSize(rewriter, loc, x, 1);
    OpFoldResult experts = getMixedSize(rewriter, loc, op.getW1(), 0);
    AffineExpr s0, s1;
    bindSymbols(context, s0, s1);
    auto compute = [&](AffineExpr expr, ArrayRef<OpFoldResult> operands) {
      return affine::makeComposedFoldedAffineApply(rewriter, loc, expr,
                                                   operands);
    };
    auto destination = [&](ArrayRef<OpFoldResult> sizes, Type element) {
      return createDestination(rewriter, loc, x, sizes, element);
    };

    Value scores = op.getRouter();
    if (op.getScore() != ScoreKind::Given)
      scores = createInto<ScoresOp>(rewriter, loc,
                                    destination({tokens, experts}, f32),
                                    op.getScoreAttr(), x, op.getRouter())[0];
    OpFoldResult words = compute(s0.ceilDiv(kTokensPerWord), {tokens});
    SmallVector<Value> gate = createInto<GateOp>(
        rewriter, loc,
        {destination({experts, words}, i32),
         destination({tokens, experts}, f32)},
        op.getRouting(), scores, op.getTheta(), op.getBias());
    Value mask = gate[0], gates = gate[1];
    Value offsets = createInto<OffsetsOp>(
        rewriter, loc, destination({compute(s0 + 1, {experts})}, i32), mask)[0];

    if (std::optional<double> room = findRoom(op)) {
      // In parts of 2^20, so that it is the same number everywhere.
      constexpr int64_t parts = 1 << 20;
      auto most = static_cast<int64_t>(std::ceil(*room * parts));
      OpFoldResult rows =
          compute((s0 * s1 * most).ceilDiv(parts), {tokens, experts});
      computeInWaves(rewriter, op, {gates, mask, offsets}, rows);
      return success();
    }

    OpFoldResult pairs = countPairs(rewriter, op, offsets, tokens, experts);
    Value list = createInto<TokenListOp>(
        rewriter, loc, destination({pairs}, i32), mask, offsets)[0];
    ExpertFfnOperands ffn = {x, op.getW1(), op.getW2()};
    ffn.offsets = offsets;
    ffn.tokens = list;
    ffn.b1 = op.getB1();
    ffn.b2 = op.getB2();
    ffn.gate = op.getGate();
    ffn.gateBias = op.getGateBias();
    ffn.w1Scales = op.getW1Scales();
    ffn.w2Scales = op.getW2Scales();
    ffn.gateScales = op.getGateScales();
    Value outputs = createInto<ExpertFfnOp>(
        rewriter, loc, destination({pairs, width}, storageOf(op)),
        op.getActivation(), ffn)[0];
    Value shared = computeShared(rewriter, op);
    auto combine =
        CombineOp::create(rewriter, loc, op->getResultTypes(), outputs, gates,
                          mask, offsets, shared, op.getOut());
    rewriter.replaceOp(op, combine->getResults());
    return success();
  }

private:
  /// The share of all pairs that pair buffers have room for, if that is to be
  /// less than all that the rule allows.
  std::optional<double> findRoom(MoeOp op) const {
    std::optional<LoweringConfigAttr> config = op.getLoweringConfig();
    std::optional<double> room =
        config ? config->getRoom() : std::optional<double>();
    if (!room)
      return std::nullopt;
    std::string obstacle = whyNoRoom(op, *room);
    if (obstacle.empty())
      return room;
    remark::missed(op.getLoc(), fusionRemark(op, "et-decompose-moe", "rate"))
        << remark::add("the rate of the layer's lowering_config is not used")
        << remark::reason("{0}", obstacle);
    return std::nullopt;
  }

  /// Why buffers have room for all pairs; empty if that of the rate will do.
  std::string whyNoRoom(MoeOp op, double room) const {
    if (pairBuffers != PairBuffers::Bound)
      return "pair buffers have the size of the pairs that are selected";
    if (!ShapedType::isDynamic(
            op.getRouting().getMaxExpertsPerToken(ShapedType::kDynamic)))
      return "its routing has a bound of its own";
    for (Value weights : {op.getW1(), op.getW2(), op.getGate()})
      if (weights && getStoredElement(weights) != storageOf(op))
        return llvm::formatv(
            "later waves read weights of the storage type, and these are {0}",
            getStoredElement(weights));
    if (room >= 1.0)
      return "with the slack, it is room for all pairs";
    // Later waves need f32 sums where out is narrower.
    auto type = cast<ShapedType>(op.getW1().getType());
    if (!type.hasStaticShape() ||
        getElementTypeOrSelf(op.getOut().getType()).isF32())
      return "";
    double experts = type.getDimSize(0), width = type.getDimSize(1),
           hidden = type.getDimSize(2);
    double saved = (1.0 - room) * experts * (hidden + width) *
                   type.getElementTypeBitWidth() / 8;
    return saved > width * sizeof(float)
               ? ""
               : "sums for later waves would take more memory than it saves";
  }

  struct Plan {
    Value gates, mask, offsets;
  };

  /// The experts and the combine, with so many rows for pairs.
  static void computeInWaves(PatternRewriter &rewriter, MoeOp op,
                             const Plan &plan, OpFoldResult rows) {
    Location loc = op.getLoc();
    Value x = op.getX();
    auto destination = [&](Value weights) {
      OpFoldResult width = getMixedSize(rewriter, loc, weights, 2);
      return createDestination(rewriter, loc, x, {rows, width}, storageOf(op));
    };
    GroupedMatmulOperands first = {x, op.getW1()};
    first.offsets = plan.offsets;
    first.mask = plan.mask;
    first.bias = op.getB1();
    first.gate = op.getGate();
    first.gateBias = op.getGateBias();
    Value hidden = createInto<GroupedMatmulOp>(
        rewriter, loc, destination(op.getW1()), op.getActivation(), first)[0];
    GroupedMatmulOperands second = {hidden, op.getW2()};
    second.offsets = plan.offsets;
    second.bias = op.getB2();
    Value outputs = createInto<GroupedMatmulOp>(
        rewriter, loc, destination(op.getW2()),
        NoneActivationAttr::get(op.getContext()), second)[0];
    CombineWavesOperands all = {plan.gates, plan.mask,  plan.offsets,
                                x,          op.getW1(), op.getW2()};
    all.b1 = op.getB1();
    all.b2 = op.getB2();
    all.gate = op.getGate();
    all.gateBias = op.getGateBias();
    all.shared = computeShared(rewriter, op);
    Value out = createInto<CombineWavesOp>(rewriter, loc,
                                           {hidden, outputs, op.getOut()},
                                           op.getActivation(), all)[2];
    if (op->getNumResults() == 0)
      rewriter.eraseOp(op);
    else
      rewriter.replaceOp(op, out);
  }

  /// Experts' outputs are stored as the hidden units are.
  static Type storageOf(MoeOp op) {
    return getElementTypeOrSelf(op.getX().getType());
  }

  /// The shared expert's output for every token; null without one.
  static Value computeShared(PatternRewriter &rewriter, MoeOp op) {
    if (!op.getSharedW1())
      return {};
    Location loc = op.getLoc();
    Value x = op.getX();
    SmallVector<OpFoldResult> sizes = {getMixedSize(rewriter, loc, x, 0),
                                       getMixedSize(rewriter, loc, x, 1)};
    Value destination =
        createDestination(rewriter, loc, x, sizes, storageOf(op));
    ExpertFfnOperands expert = {x, asOneExpert(rewriter, loc, op.getSharedW1()),
                                asOneExpert(rewriter, loc, op.getSharedW2())};
    expert.gate = asOneExpert(rewriter, loc, op.getSharedGate());
    return createInto<ExpertFfnOp>(rewriter, loc, destination,
                                   op.getActivation(), expert)[0];
  }

  /// The number of rows of the pair buffers.
  OpFoldResult countPairs(PatternRewriter &rewriter, MoeOp op, Value offsets,
                          OpFoldResult tokens, OpFoldResult experts) const {
    Location loc = op.getLoc();
    if (pairBuffers == PairBuffers::Bound) {
      AffineExpr s0, s1;
      bindSymbols(op.getContext(), s0, s1);
      OpFoldResult each =
          boundExpertsPerToken(rewriter, loc, op.getRouting(), experts);
      return affine::makeComposedFoldedAffineApply(rewriter, loc, s0 * s1,
                                                   {tokens, each});
    }
    Value last = getValueOrCreateConstantIndexOp(rewriter, loc, experts);
    Value count =
        isa<TensorType>(offsets.getType())
            ? tensor::ExtractOp::create(rewriter, loc, offsets, last)
                  .getResult()
            : memref::LoadOp::create(rewriter, loc, offsets, last).getResult();
    return arith::IndexCastOp::create(rewriter, loc, rewriter.getIndexType(),
                                      count)
        .getResult();
  }

  /// A [K, N] matrix as a stack of one, [1, K, N]; null stays null.
  static Value asOneExpert(PatternRewriter &rewriter, Location loc,
                           Value matrix) {
    if (!matrix)
      return matrix;
    auto type = cast<ShapedType>(matrix.getType());
    SmallVector<int64_t> shape = {1, type.getDimSize(0), type.getDimSize(1)};
    SmallVector<OpFoldResult> sizes = {rewriter.getIndexAttr(1),
                                       getMixedSize(rewriter, loc, matrix, 0),
                                       getMixedSize(rewriter, loc, matrix, 1)};
    SmallVector<ReassociationIndices> groups = {{0, 1}, {2}};
    if (isa<TensorType>(type))
      return tensor::ExpandShapeOp::create(
          rewriter, loc, RankedTensorType::get(shape, type.getElementType()),
          matrix, groups, sizes);
    return memref::ExpandShapeOp::create(rewriter, loc, shape, matrix, groups,
                                         sizes);
  }

  PairBuffers pairBuffers;
  bool keepsOneLaunch;
};

struct DecomposeMoe : et::impl::DecomposeMoeBase<DecomposeMoe> {
  using DecomposeMoeBase::DecomposeMoeBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateDecomposeMoePatterns(patterns, pairBuffers, keepsOneLaunch);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

void et::populateDecomposeMoePatterns(RewritePatternSet &patterns,
                                      PairBuffers pairBuffers,
                                      bool keepsOneLaunch) {
  patterns.add<DecomposeMoePattern>(patterns.getContext(), pairBuffers,
                                    keepsOneLaunch);
}
