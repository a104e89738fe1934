//===- Transforms.h - Patterns of the et dialect ----------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_TRANSFORMS_TRANSFORMS_H
#define ET_DIALECT_ET_TRANSFORMS_TRANSFORMS_H

#include "mlir/IR/PatternMatch.h"

namespace mlir::et {

/// How buffers with one row a selected pair are sized.
enum class PairBuffers {
  /// By the number of pairs, read from the plan.
  Exact,
  /// By the most pairs that the routing allows.
  Bound
};

/// et.moe -> scores, gate, plan, expert_ffn, combine. With `keepsOneLaunch`,
/// layers that are configured to run in one launch stay.
void populateDecomposeMoePatterns(RewritePatternSet &patterns,
                                  PairBuffers pairBuffers, bool keepsOneLaunch);

/// et.expert_ffn -> two et.grouped_matmul.
void populateDecomposeExpertFfnPatterns(RewritePatternSet &patterns);

/// The steps of a layer -> et.moe, and a shared expert that is added to one.
void populateRaiseMoePatterns(RewritePatternSet &patterns);

/// et.gather feeding a product -> the product's tokens operand.
void populateFuseGatherPatterns(RewritePatternSet &patterns);
void populateFuseDequantizePatterns(RewritePatternSet &patterns);

/// Elementwise ops into the products whose results they alone use.
void populateFuseEpiloguesPatterns(RewritePatternSet &patterns);

/// Scores, a threshold gate and offsets into an op that does all three.
void populateFuseGatingPatterns(RewritePatternSet &patterns);

/// Token lists into the products that can read the mask.
void populateFuseTokenListPatterns(RewritePatternSet &patterns);

} // namespace mlir::et

#endif // ET_DIALECT_ET_TRANSFORMS_TRANSFORMS_H
