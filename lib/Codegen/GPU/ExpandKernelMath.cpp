//===- ExpandKernelMath.cpp - Math functions of kernels -------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Codegen/GPU/Passes.h"
#include "et/Conversion/ETToGPU/KernelBuilder.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::et {
#define GEN_PASS_DEF_EXPANDKERNELMATH
#include "et/Codegen/GPU/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
/// base ^ n for a whole n: base ^ |n / 2| by squaring, twice, and what is left.
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
    Value none = b.i64(0), bit = b.i64(1), n = exponent.getIn();
    auto isOdd = [&](Value number) {
      return b.cmp(arith::CmpIPredicate::ne, b.both(number, bit), none);
    };
    Value isInverse = b.cmp(arith::CmpIPredicate::slt, n, none);
    Value magnitude = b.select(isInverse, b.LoopBuilder::sub(none, n), n);
    Value half = b.loopWhile(
        {arith::ShRUIOp::create(b, magnitude, bit), op.getLhs(), one},
        [&](ValueRange state) {
          return b.cmp(arith::CmpIPredicate::ne, state[0], none);
        },
        [&](ValueRange state) -> LoopBuilder::Values {
          Value product = b.LoopBuilder::mul(state[2], state[1]);
          return {arith::ShRUIOp::create(b, state[0], bit),
                  b.LoopBuilder::mul(state[1], state[1]),
                  b.select(isOdd(state[0]), product, state[2])};
        })[2];
    Value last = b.select(isOdd(magnitude), op.getLhs(), one);
    // The whole power may overflow where its inverse is a subnormal number.
    Value inverse = b.LoopBuilder::div(one, half);
    inverse = b.LoopBuilder::div(b.LoopBuilder::div(inverse, half), last);
    Value power = b.LoopBuilder::mul(b.LoopBuilder::mul(half, half), last);
    rewriter.replaceOp(op, b.select(isInverse, inverse, power));
    return success();
  }
};

/// Calls an LLVM intrinsic that NVPTX has an instruction for. The ops of the
/// LLVM dialect would do, but convert-gpu-to-nvvm refuses them, for it prefers
/// calls of a device library.
template <typename OpTy>
struct CallIntrinsic : OpRewritePattern<OpTy> {
  CallIntrinsic(MLIRContext *context, StringRef intrinsic)
      : OpRewritePattern<OpTy>(context), intrinsic(intrinsic) {}

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    Type element = getElementTypeOrSelf(op.getType());
    if (!element.isF32() && !element.isF64())
      return rewriter.notifyMatchFailure(op, "no instruction for this type");
    rewriter.replaceOpWithNewOp<LLVM::CallIntrinsicOp>(
        op, op.getType(), rewriter.getStringAttr(intrinsic), op->getOperands());
    return success();
  }

private:
  StringRef intrinsic;
};

struct ExpandKernelMath : et::impl::ExpandKernelMathBase<ExpandKernelMath> {
  void runOnOperation() override {
    RewritePatternSet expansions(&getContext());
    MLIRContext *context = &getContext();
    expansions.add<PowOfInteger>(context);
    expansions.add<CallIntrinsic<math::AbsFOp>>(context, "llvm.fabs");
    expansions.add<CallIntrinsic<math::CeilOp>>(context, "llvm.ceil");
    expansions.add<CallIntrinsic<math::CopySignOp>>(context, "llvm.copysign");
    expansions.add<CallIntrinsic<math::FmaOp>>(context, "llvm.fma");
    expansions.add<CallIntrinsic<math::FloorOp>>(context, "llvm.floor");
    expansions.add<CallIntrinsic<math::RoundEvenOp>>(context, "llvm.roundeven");
    expansions.add<CallIntrinsic<math::RoundOp>>(context, "llvm.round");
    expansions.add<CallIntrinsic<math::SqrtOp>>(context, "llvm.sqrt");
    expansions.add<CallIntrinsic<math::TruncOp>>(context, "llvm.trunc");
    expansions.add<CallIntrinsic<arith::MaxNumFOp>>(context, "llvm.maxnum");
    expansions.add<CallIntrinsic<arith::MinNumFOp>>(context, "llvm.minnum");
    if (failed(applyPatternsGreedily(getOperation(), std::move(expansions))))
      return signalPassFailure();

    WalkResult result = getOperation().walk([](Operation *op) {
      // Remainders would become calls of a device library too.
      if (!(isa_and_nonnull<math::MathDialect>(op->getDialect()) ||
            isa<arith::RemFOp>(op)) ||
          isa<math::CountTrailingZerosOp, math::CountLeadingZerosOp,
              math::CtPopOp>(op))
        return WalkResult::advance();
      op->emitOpError("is not computed in ")
          << getElementTypeOrSelf(op->getOperand(0).getType())
          << " on the GPU; "
          << (isa<arith::RemFOp>(op)
                  ? "x - trunc(x / y) * y is near it where x / y is small"
                  : "convert its operands to f32");
      return WalkResult::interrupt();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
