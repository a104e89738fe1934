//===- Patterns.h - Patterns of convert-et-to-scf by theme ------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_ETTOSCF_PATTERNS_H
#define ET_LIB_CONVERSION_ETTOSCF_PATTERNS_H

#include "et/Conversion/LoopBuilder.h"
#include "et/Dialect/ET/IR/ETDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::et {

/// A pattern that replaces a bufferized op by what `lower` emits, loops mostly.
template <typename OpTy>
struct LoopPattern : OpRewritePattern<OpTy> {
  using LowerFn = void (*)(OpTy, LoopBuilder &);
  using AppliesFn = bool (*)(OpTy);

  LoopPattern(MLIRContext *context, LowerFn lower, AppliesFn applies = nullptr)
      : OpRewritePattern<OpTy>(context), lower(lower), applies(applies) {}

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureBufferSemantics())
      return rewriter.notifyMatchFailure(op, "works on tensors");
    if (applies && !applies(op))
      return rewriter.notifyMatchFailure(op, "has another form");
    LoopBuilder builder(op.getLoc(), rewriter);
    lower(op, builder);
    rewriter.eraseOp(op);
    return success();
  }

private:
  LowerFn lower;
  AppliesFn applies;
};

/// Whether `et.gate` with this rule, or `et.statistic` with this statistic, has
/// loops here. Both are interfaces, which other dialects' attributes may have.
bool hasLoops(RoutingAttrInterface routing);
bool hasLoops(StatisticAttrInterface statistic);

/// Bit `token` % 32 of word `token` / 32 of mask[expert, :], as an i1.
Value emitTestBit(LoopBuilder &b, Value mask, Value expert, Value token);
/// Writes what was decided of a pair, whose bit was clear.
void emitDecision(LoopBuilder &b, GateOp op, Value expert, Value token,
                  Value isChosen, Value gate);

void populateRoutingPatterns(RewritePatternSet &patterns);
void populateStatePatterns(RewritePatternSet &patterns);
void populateDispatchPatterns(RewritePatternSet &patterns);
void populateComputePatterns(RewritePatternSet &patterns);

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_ETTOSCF_PATTERNS_H
