//===- ExpandKernelMath.cpp - Math functions of kernels -------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Codegen/GPU/Passes.h"
#include "et/Conversion/ETToGPU/KernelBuilder.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::et {
#define GEN_PASS_DEF_EXPANDKERNELMATH
#include "et/Codegen/GPU/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
/// base ^ n for a whole n >= 0, by squaring.
struct PowOfInteger : OpRewritePattern<math::PowFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::PowFOp op,
                                PatternRewriter &rewriter) const override {
    auto exponent = op.getRhs().getDefiningOp<arith::SIToFPOp>();
    if (!exponent || !exponent.getIn().getType().isInteger(64))
      return rewriter.notifyMatchFailure(op, "exponent is not whole");
    KernelBuilder b(op.getLoc(), rewriter);
    Type type = op.getType();
    Value one = arith::ConstantOp::create(b, b.getFloatAttr(type, 1.0));
    Value none = b.i64(0), bit = b.i64(1);
    Value power =
        b.loopWhile(
             {exponent.getIn(), op.getLhs(), one},
             [&](ValueRange state) {
               return b.cmp(arith::CmpIPredicate::sgt, state[0], none);
             },
             [&](ValueRange state) -> LoopBuilder::Values {
               Value isOdd = b.cmp(arith::CmpIPredicate::ne,
                                   b.both(state[0], bit), none);
               Value product = b.LoopBuilder::mul(state[2], state[1]);
               return {arith::ShRUIOp::create(b, state[0], bit),
                       b.LoopBuilder::mul(state[1], state[1]),
                       b.select(isOdd, product, state[2])};
             })[2];
    rewriter.replaceOp(op, power);
    return success();
  }
};

struct ExpandKernelMath : et::impl::ExpandKernelMathBase<ExpandKernelMath> {
  void runOnOperation() override {
    RewritePatternSet expansions(&getContext());
    populateMathPolynomialApproximationPatterns(
        expansions, [](StringRef name) {
          return name == math::ExpOp::getOperationName() ||
                 name == math::TanhOp::getOperationName() ||
                 name == math::ErfOp::getOperationName();
        });
    expansions.add<PowOfInteger>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(expansions))))
      return signalPassFailure();

    LLVMTypeConverter types(&getContext());
    RewritePatternSet intrinsics(&getContext());
    populateMathToLLVMConversionPatterns(types, intrinsics);
    ConversionTarget target(getContext());
    target.addIllegalDialect<math::MathDialect>();
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    // Left over are functions that have neither an expansion nor an
    // instruction; the back end would fail on them without a location.
    target.addIllegalOp<LLVM::ExpOp, LLVM::LogOp, LLVM::PowOp, LLVM::TanhOp>();
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(intrinsics))))
      signalPassFailure();
  }
};
} // namespace
