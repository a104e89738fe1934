//===- NarrowProduct.h - A product with few rows ----------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_ETTOGPU_NARROWPRODUCT_H
#define ET_LIB_CONVERSION_ETTOGPU_NARROWPRODUCT_H

#include "MatrixInstructions.h"

namespace mlir::et {

/// One block's tile of a product of up to 32 rows of f16 or bf16 with one or
/// two right-hand sides. The right-hand sides are the wide operands of the
/// matrix instructions, so that eight rows fill one; memory is what such a
/// product waits for, and cp.async keeps all stages but one under way.
class NarrowProduct {
public:
  static constexpr int64_t kWarps = 4, kThreads = kWarps * kWarpSize;
  /// Columns of each right-hand side.
  static constexpr int64_t kColumns = 64;
  static constexpr int64_t kMaxRows = 32;

  /// For tiles of at most `maxRows` rows, which are kMaxRows at most.
  NarrowProduct(KernelBuilder &b, Type element, int64_t numRhs, int64_t maxRows)
      : b(b), element(element), numRhs(numRhs),
        maxGroups(llvm::PowerOf2Ceil(llvm::divideCeil(maxRows, kGroup))),
        depthOfStage(64 / numRhs) {}

  /// What the stages and the sums take, for any number of rows: with fewer, a
  /// block has more stages.
  static constexpr int64_t kSharedBytes = 45 * 1024;
  /// The sums: [right-hand side][row][place]. Of each eight columns, the first
  /// four have places from half their number on, the others kSplitAt further:
  /// eight threads that load four each meet all banks.
  MemRefType sumsType() const;
  /// Two rows later, eight columns' sums lie eight banks further.
  static constexpr int64_t kSumsPadding = 4;
  static constexpr int64_t kSplitAt = kColumns / 2 + kSumsPadding;

  struct Operands {
    /// Global addresses, i64, of matrices [depth, width], 16-byte aligned.
    SmallVector<Value> rhs;
    Value depth, width, firstColumn;
    /// The address of each of the first `count` rows, 0 < count <= maxRows.
    Value count;
    function_ref<Value(Value)> rowAddress;
    /// Emits what must have happened before rows are read, if anything must.
    function_ref<void()> beforeRows;
    /// Whether depth and width are known to be multiples of kColumns.
    bool isWhole = false;
  };
  /// The sums of the tile, at the start of `shared`. All threads of the block
  /// take part; none of them may be using that memory. They may read the sums
  /// at once.
  Value run(Value thread, Value shared, const Operands &operands);

private:
  static constexpr int64_t kGroup = 8;
  static constexpr int64_t kRhsRowBytes = kColumns * 2;

  int64_t rhsBytes() const { return depthOfStage * kRhsRowBytes; }
  int64_t rowBytes() const { return depthOfStage * 2; }
  int64_t stageBytes(int64_t groups) const {
    return numRhs * rhsBytes() + groups * kGroup * rowBytes();
  }
  Value placeInRhs(Value row, Value chunk);
  Value placeInRows(Value row, Value chunk);

  struct Copies;
  Copies prepareRhs(Value thread, const Operands &operands);
  Copies prepareRows(Value thread, const Operands &operands, int64_t groups);
  void emitCopies(MatrixInstructions &units, const Copies &copies,
                  const Operands &operands, Value step, Value stage);
  /// Where in a stage a lane's rows for ldmatrix start.
  struct Fragments {
    /// Of the first right-hand side and step.
    Value rhs;
    /// Of the first group, by pair of steps.
    SmallVector<Value> rows;
  };
  /// The accumulators after one stage.
  LoopBuilder::Values multiplyStage(MatrixInstructions &units,
                                    const Fragments &fragments, int64_t groups,
                                    Value stage, ValueRange accumulators);
  /// The tile as if it had `groups` groups of eight rows.
  void runGroups(Value thread, Value shared, const Operands &operands,
                 int64_t groups, Value sums);

  KernelBuilder &b;
  Type element;
  int64_t numRhs, maxGroups, depthOfStage;
};

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_ETTOGPU_NARROWPRODUCT_H
