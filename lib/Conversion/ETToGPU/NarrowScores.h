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
        slices(slicesOf(maxTokens)) {}

  static int64_t sharedBytes(int64_t maxTokens) {
    // The scores take the place of the stages.
    return kStages * stageBytes(slicesOf(maxTokens));
  }

  /// The scores [token][expert of the tile] at the start of `shared`. All
  /// threads of the block take part; none of them may be using that memory.
  /// They may read the scores at once.
  Value run(Value thread, Value shared, Value firstExpert);

private:
  static constexpr int64_t kDepth = 64, kStages = 7;
  static constexpr int64_t kRowBytes = kDepth * 2, kRouterBytes = kExperts * 2;

  static int64_t slicesOf(int64_t tokens) {
    return llvm::divideCeil(tokens, MatrixInstructions::kSlice);
  }
  static int64_t stageBytes(int64_t slices) {
    return slices * MatrixInstructions::kSlice * kRowBytes +
           kDepth * kRouterBytes;
  }
  int64_t stageBytes() const { return stageBytes(slices); }
  int64_t tokens() const { return slices * MatrixInstructions::kSlice; }
  int64_t xBytes() const { return tokens() * kRowBytes; }
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
