//===- ExpandMath.cpp - Math functions of f32 by arithmetic ---------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Formulas.h"
#include "et/Conversion/Passes.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace mlir::et {
#define GEN_PASS_DEF_EXPANDMATH
#include "et/Conversion/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

/// Of formulas whose names Number has as well, those of Num.
static constexpr Num (*unary(Num (*formula)(Num)))(Num) { return formula; }

namespace {
/// Replaces an op whose first operand is of f32 by a formula of its operands.
template <typename OpTy, auto formula>
struct Expand : OpRewritePattern<OpTy> {
  Expand(MLIRContext *context, bool onlyVectors)
      : OpRewritePattern<OpTy>(context), onlyVectors(onlyVectors) {}

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    Type type = op->getOperand(0).getType();
    if (!getElementTypeOrSelf(type).isF32())
      return rewriter.notifyMatchFailure(op, "not of f32");
    if (onlyVectors && !isa<VectorType>(type))
      return rewriter.notifyMatchFailure(op, "left to the math library");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    if constexpr (OpTy::template hasTrait<OpTrait::OneOperand>())
      rewriter.replaceOp(op, Value(formula(Num(b, op->getOperand(0)))));
    else
      rewriter.replaceOp(op, Value(formula(Num(b, op->getOperand(0)),
                                           Num(b, op->getOperand(1)))));
    return success();
  }

private:
  bool onlyVectors;
};

struct ExpandMath : et::impl::ExpandMathBase<ExpandMath> {
  using Base::Base;

  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    set.add<Expand<math::AcosOp, et::acos>, Expand<math::AcoshOp, et::acosh>,
            Expand<math::AsinOp, et::asin>, Expand<math::AsinhOp, et::asinh>,
            Expand<math::AtanOp, et::atan>, Expand<math::Atan2Op, et::atan2>,
            Expand<math::AtanhOp, et::atanh>, Expand<math::CbrtOp, et::cbrt>,
            Expand<math::CosOp, et::cos>, Expand<math::CoshOp, et::cosh>,
            Expand<math::ErfOp, unary(et::erf)>, Expand<math::ErfcOp, et::erfc>,
            Expand<math::ExpOp, unary(et::exp)>, Expand<math::Exp2Op, et::exp2>,
            Expand<math::LogOp, et::log>, Expand<math::Log10Op, et::log10>,
            Expand<math::Log1pOp, et::log1p>, Expand<math::Log2Op, et::log2>,
            Expand<math::PowFOp, et::pow>, Expand<math::SinOp, et::sin>,
            Expand<math::SinhOp, et::sinh>, Expand<math::TanOp, et::tan>,
            Expand<math::TanhOp, unary(et::tanh)>>(context, onlyVectors);
    // No library has powers to integers, and upstream's conversion has no call
    // of expm1: it rounds the difference away.
    set.add<Expand<math::ExpM1Op, et::expm1>, Expand<math::FPowIOp, et::powi>>(
        context, /*onlyVectors=*/false);
    patterns = std::move(set);
    return success();
  }

  void runOnOperation() override {
    walkAndApplyPatterns(getOperation(), patterns);
  }

private:
  FrozenRewritePatternSet patterns;
};
} // namespace
