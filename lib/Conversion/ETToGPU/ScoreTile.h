//===- ScoreTile.h - Scores of 32 tokens, by a block ------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_ETTOGPU_SCORETILE_H
#define ET_LIB_CONVERSION_ETTOGPU_SCORETILE_H

#include "MatrixProduct.h"
#include "TileProduct.h"
#include "et/Dialect/ET/IR/ETDialect.h"

namespace mlir::et {

/// A block's scores, in shared memory. Every kernel that scores does it by this
/// tile, so that the same token has the same score in all of them.
class ScoreTile {
public:
  static constexpr int64_t kRows = kTokensPerWord;

  /// For x [T, D] and router [D, E].
  ScoreTile(KernelBuilder &b, Value x, Value router, ScoreKind kind);

  int64_t columns() const { return tileColumns; }
  int64_t threads() const;
  /// The first of the shared memory that `emit` needs.
  SmallVector<MemRefType> sharedTypes();
  int64_t dynamicSharedBytes();

  /// Computes the scores of the tokens from firstToken on, of which there is
  /// one at least, and the experts from firstExpert on. All threads of the
  /// block take part, and may read them at once.
  void emit(const BlockInfo &block, Value firstToken, Value firstExpert);
  /// Then, a score.
  Value load(Value row, Value column);

  /// To read scores, neighboring threads take neighboring columns: a thread its
  /// column of the rows from its part on, parts() apart.
  Value column(const BlockInfo &block);
  Value part(const BlockInfo &block);
  int64_t parts() const { return threads() / tileColumns; }

private:
  void emitByThreads(const BlockInfo &block, function_ref<Value(Value)> token,
                     Value firstExpert);
  Value placeOfRow(Value row);

  KernelBuilder &b;
  Value x, router;
  bool isCosine;
  int64_t tileColumns;
  std::optional<MatrixProduct> matrix;
  /// [1][row][column or more], once there are any.
  Value scores;
};

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_ETTOGPU_SCORETILE_H
