//===- NarrowScores.h - Scores of few tokens, by a block --------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_ETTOGPU_NARROWSCORES_H
#define ET_LIB_CONVERSION_ETTOGPU_NARROWSCORES_H

#include "MatrixInstructions.h"
#include "et/Dialect/ET/IR/ETDialect.h"

namespace mlir::et {

/// The scores of all tokens, of which there are at most 32, for 16 experts. A
/// score has the bits that ScoreTile gives it: the same instructions add up the
/// same products in the same order. What differs is that operands come in by a
/// longer pipeline, and that fewer experts make more blocks busy.
class NarrowScores {
public:
  static constexpr int64_t kThreads = 128, kExperts = 16;

  /// For x [T, D] and router [D, E] of f16 or bf16, D and E multiples of 8.
  NarrowScores(KernelBuilder &b, Value x, Value router, ScoreKind kind,
               int64_t maxTokens)
      : b(b), x(x), router(router), isCosine(kind == ScoreKind::Cosine),
        element(cast<MemRefType>(x.getType()).getElementType()),
        slices(llvm::divideCeil(maxTokens, MatrixInstructions::kSlice)) {}

  /// What the stages and the scores take, for any number of tokens.
  static constexpr int64_t kSharedBytes = 45 * 1024;

  /// The scores [expert of the tile][token] at the start of `shared`. All
  /// threads of the block take part; none of them may be using that memory.
  /// They may read the scores at once.
  Value run(Value thread, Value shared, Value firstExpert);

private:
  static constexpr int64_t kDepth = 64;
  static constexpr int64_t kRowBytes = kDepth * 2, kRouterBytes = kExperts * 2;

  int64_t tokens() const { return slices * MatrixInstructions::kSlice; }
  int64_t xBytes() const { return tokens() * kRowBytes; }
  int64_t stageBytes() const { return xBytes() + kDepth * kRouterBytes; }
  int64_t stages() const { return kSharedBytes / stageBytes(); }
  MemRefType scoresType() const;
  Value placeInX(Value row, Value chunk);
  Value placeInRouter(Value row, Value chunk);

  using Values = LoopBuilder::Values;
  void emitCopies(MatrixInstructions &units, Value thread, Value firstExpert,
                  Value step, Value stage);
  /// What is carried from stage to stage, and how a stage changes it.
  Values multiplyByUnits(MatrixInstructions &units, Value thread, Value stage,
                         ValueRange sums);
  Values multiplyByThreads(Value thread, Value shared, Value stage,
                           ValueRange sums);
  void storeSums(Value thread, ValueRange sums, Value scores);

  KernelBuilder &b;
  Value x, router;
  bool isCosine;
  Type element;
  int64_t slices;
};

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_ETTOGPU_NARROWSCORES_H
