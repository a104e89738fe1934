//===- MatrixProduct.h - A tile by the matrix units -------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_ETTOGPU_MATRIXPRODUCT_H
#define ET_LIB_CONVERSION_ETTOGPU_MATRIXPRODUCT_H

#include "MatrixInstructions.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

namespace mlir::et {

/// One block's tile of a product of f16, bf16 or (by parts, see SplitF32.h) f32
/// matrices, from operands that cp.async brings to shared memory several steps
/// ahead, by mma.sync.
///
/// Rows are gathered: each comes from wherever `sourceRow` says. Every warp
/// multiplies all rows of the tile by its share of the columns, so that a tile
/// with few rows issues few matrix instructions whichever warp one looks at.
class MatrixProduct {
public:
  static constexpr int64_t kStages = 4, kWarps = 4;
  static constexpr int64_t kThreads = kWarps * kWarpSize;
  static constexpr int64_t kSumsPadding = 8;

  /// For lhs [.., K] and right-hand sides [.., K, N]. `rows` is 32 times a
  /// power of two, `columns` of each right-hand side 64 or 128.
  struct Tile {
    int64_t rows, columns, numRhs;
    /// Whether the sums of a row are those of the first four of each eight
    /// columns and, from splitAt() on, those of the others.
    bool splitsSums;
    /// At least two; with fewer, less shared memory, and less under way.
    int64_t stages = kStages;
  };
  MatrixProduct(KernelBuilder &b, MemRefType lhs, MemRefType rhs, Tile tile)
      : b(b), element(lhs.getElementType()), depth(lhs.getShape().back()),
        width(rhs.getShape().back()), tile(tile) {}

  /// Whether rows lie one behind the other, and have a known multiple of `unit`
  /// elements.
  static bool isWhole(MemRefType type, int64_t unit);
  /// Copies move 16 bytes, so rows must start at multiples of 16 bytes.
  static bool applies(MemRefType lhs, MemRefType rhs, bool splitsF32);

  /// Sums in shared memory: [right-hand side][row][column], rows padded so that
  /// the warps' stores meet no bank twice.
  MemRefType sumsType();
  /// 0 if sums are not split.
  int64_t splitAt() const {
    return tile.splitsSums ? (tile.columns + kSumsPadding) / 2 : 0;
  }
  int64_t sharedBytes();

  /// A matrix [K, N], or the one at `outer` within a memref [.., K, N].
  struct Matrix {
    Value memref, outer;
  };

  /// Computes rows [0, count) of the tile, 0 < count <= tile.rows, whose
  /// columns start at firstColumn; leaves them in the memref `sums` at the
  /// start of `dynamicShared`. All threads of the block take part; they must
  /// meet a barrier before they read the sums.
  void run(const BlockInfo &block, Value lhs,
           function_ref<Value(Value)> sourceRow, Value count,
           ArrayRef<Matrix> rhs, Value firstColumn, Value sums);

private:
  using Units = MatrixInstructions;

  /// What a thread copies into a stage: one chunk of each of some rows.
  struct Copies {
    struct Slab {
      /// Addresses of the chunks in step 0, and whether they exist.
      SmallVector<Value> sources, isThere;
      /// The distance from one step's chunk to the next one's, in bytes.
      int64_t stepBytes;
      /// Where the first chunk goes in a stage, and how far apart they go.
      Value target;
      int64_t targetStep;
      /// For each chunk, its depth in step 0.
      SmallVector<Value> depths;
    };
    Slab lhs;
    SmallVector<Slab> rhs;
  };

  /// Where in a stage a lane's rows for ldmatrix start.
  struct Fragments {
    /// Of the first slice, by step of kStep.
    SmallVector<Value> lhs;
    /// Of the first right-hand side and step: by pair of narrow columns, or, of
    /// f32, the lane's element of the first.
    SmallVector<Value> rhs;
    Value lane, warp;
  };

  Copies prepareCopies(const BlockInfo &block, Value lhs,
                       function_ref<Value(Value)> sourceRow, Value count,
                       ArrayRef<Matrix> rhs, Value firstColumn);
  Fragments prepareFragments(const BlockInfo &block);
  /// The tile as if it had `slices` slices of 16 rows.
  void runSlices(int64_t slices, const Copies &copies,
                 const Fragments &fragments, Value sums);
  void emitCopies(const Copies &copies, int64_t slices, Value step,
                  Value stage);
  /// The accumulators after the first `depth` of a stage.
  SmallVector<Value> emitProducts(const Fragments &fragments, int64_t slices,
                                  Value stage, int64_t depth,
                                  ValueRange accumulators);
  SmallVector<Value> emitSplitProducts(const Fragments &fragments,
                                       int64_t slices, Value stage,
                                       ValueRange accumulators);
  /// Where a stage starts, from the first; the one after it, in turn.
  Value stageAt(int64_t stage);
  Value stageAfter(Value stage);
  /// Where in its slab a chunk of a row lies, in bytes.
  Value placeInLhs(Value row, Value chunk);
  Value placeInRhs(Value row, Value chunk);

  static constexpr int64_t kLhsRowBytes = 64, kStepBytes = 32;
  static constexpr int64_t kRhsPadding = 32;
  bool isF32() const { return element.isF32(); }
  int64_t elementBytes() const { return isF32() ? 4 : 2; }
  /// Elements of a copy, of a matrix instruction's depth and of a stage's.
  int64_t chunk() const { return Units::kChunkBytes / elementBytes(); }
  int64_t step() const { return kStepBytes / elementBytes(); }
  int64_t stageDepth() const { return kLhsRowBytes / elementBytes(); }
  /// Rows of 16-bit elements lie in slabs of 64 columns.
  int64_t rhsRowBytes() const {
    return isF32() ? tile.columns * 4 + kRhsPadding : 128;
  }
  /// What the last stage has of the depth, if it ends in half a step of 16-bit
  /// elements: there the stage is apart from the others', and multiplies no
  /// zeros. 0 otherwise.
  int64_t tailDepth() const {
    int64_t tail = depth % stageDepth();
    return !isF32() && tail % step() ? tail : 0;
  }
  int64_t lhsBytes() const { return tile.rows * kLhsRowBytes; }
  int64_t rhsBytes() const {
    return stageDepth() *
           (tile.columns * elementBytes() + (isF32() ? kRhsPadding : 0));
  }
  int64_t stageBytes() const { return lhsBytes() + tile.numRhs * rhsBytes(); }
  int64_t warpColumns() const { return tile.columns / kWarps; }

  KernelBuilder &b;
  Type element;
  int64_t depth, width;
  Tile tile;
  /// On the stages, within `run`.
  std::optional<MatrixInstructions> units;
};

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_ETTOGPU_MATRIXPRODUCT_H
