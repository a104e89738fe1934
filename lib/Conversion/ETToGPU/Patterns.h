//===- Patterns.h - Patterns of convert-et-to-gpu by theme ------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_ETTOGPU_PATTERNS_H
#define ET_LIB_CONVERSION_ETTOGPU_PATTERNS_H

#include "et/Conversion/ETToGPU/KernelBuilder.h"
#include "et/Conversion/Passes.h"
#include "et/Dialect/ET/IR/ETDialect.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::et {

/// A pattern that replaces a bufferized op by the kernels that `lower` emits.
/// Preferred to the same op's plain loops.
template <typename OpTy>
struct KernelPattern : OpRewritePattern<OpTy> {
  using LowerFn = void (*)(OpTy, KernelBuilder &);
  using AppliesFn = bool (*)(OpTy);

  KernelPattern(MLIRContext *context, LowerFn lower,
                AppliesFn applies = nullptr)
      : OpRewritePattern<OpTy>(context, /*benefit=*/2), lower(lower),
        applies(applies) {}

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureBufferSemantics())
      return rewriter.notifyMatchFailure(op, "works on tensors");
    if (applies && !applies(op))
      return rewriter.notifyMatchFailure(op, "has no kernel of its own");
    KernelBuilder builder(op.getLoc(), rewriter);
    lower(op, builder);
    rewriter.eraseOp(op);
    return success();
  }

private:
  LowerFn lower;
  AppliesFn applies;
};

/// Whether the layer is configured to be one kernel, and can be.
bool runsInOneLaunch(MoeOp op);

/// Says of each product which kernel it gets, and why not another.
void remarkProducts(Operation *root, GPUTargetAttr target,
                    F32Products f32Products);

void populateRouteKernels(RewritePatternSet &patterns);
void populateRoutingKernels(RewritePatternSet &patterns);
void populateStateKernels(RewritePatternSet &patterns);
void populatePlanKernels(RewritePatternSet &patterns);
void populateProductKernels(RewritePatternSet &patterns, GPUTargetAttr target,
                            F32Products f32Products);
void populateCombineKernels(RewritePatternSet &patterns);
void populateCombineWavesKernels(RewritePatternSet &patterns,
                                 F32Products f32Products);
void populateMoeKernels(RewritePatternSet &patterns);

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_ETTOGPU_PATTERNS_H
