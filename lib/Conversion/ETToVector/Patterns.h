//===- Patterns.h - Patterns of convert-et-to-vector ------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_ETTOVECTOR_PATTERNS_H
#define ET_LIB_CONVERSION_ETTOVECTOR_PATTERNS_H

#include "VectorBuilder.h"
#include "et/Conversion/Passes.h"
#include "et/Dialect/ET/IR/ETDialect.h"

namespace mlir::et {

/// A pattern that replaces a bufferized op by the code that `lower` emits, or
/// leaves it alone where `lower` fails before it has emitted anything.
template <typename OpTy>
struct VectorPattern : OpRewritePattern<OpTy> {
  using LowerFn = LogicalResult (*)(OpTy, VectorBuilder &, CPUTargetAttr);

  VectorPattern(MLIRContext *context, CPUTargetAttr target, LowerFn lower)
      : OpRewritePattern<OpTy>(context), target(target), lower(lower) {}

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureBufferSemantics())
      return rewriter.notifyMatchFailure(op, "works on tensors");
    // Vectors run along the last dimension.
    for (Value operand : op->getOperands())
      if (!cast<MemRefType>(operand.getType()).isLastDimUnitStride())
        return rewriter.notifyMatchFailure(op, "has a strided last dimension");
    VectorBuilder builder(op.getLoc(), rewriter, target.getLanes());
    if (failed(lower(op, builder, target)))
      return failure();
    rewriter.eraseOp(op);
    return success();
  }

private:
  CPUTargetAttr target;
  LowerFn lower;
};

void populateGatherVectorPatterns(RewritePatternSet &patterns,
                                  CPUTargetAttr target);
void populatePackPatterns(RewritePatternSet &patterns, CPUTargetAttr target);
void populateProductPatterns(RewritePatternSet &patterns, CPUTargetAttr target);
void populateRoutingVectorPatterns(RewritePatternSet &patterns,
                                   CPUTargetAttr target);
void populateCombineVectorPatterns(RewritePatternSet &patterns,
                                   CPUTargetAttr target);

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_ETTOVECTOR_PATTERNS_H
