//===- MatrixProduct.h - A tile by the matrix units -------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_ETTOGPU_MATRIXPRODUCT_H
#define ET_LIB_CONVERSION_ETTOGPU_MATRIXPRODUCT_H

#include "et/Conversion/ETToGPU/KernelBuilder.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

namespace mlir::et {

/// One block's tile of a product of f16 or bf16 matrices, by mma.sync from
/// operands that cp.async brings to shared memory several steps ahead.
///
/// Rows are gathered: each comes from wherever `sourceRow` says. Every warp
/// multiplies all rows of the tile by its share of the columns, so that a tile
/// with few rows issues few matrix instructions whichever warp one looks at.
class MatrixProduct {
public:
  static constexpr int64_t kDepth = 32, kStages = 4, kWarps = 4;
  static constexpr int64_t kThreads = kWarps * kWarpSize;

  /// For lhs [.., K] and right-hand sides [.., K, N]. `rows` is 16 times a
  /// power of two; `columns`, of each right-hand side, is 64 times one, or 128
  /// divided by their number.
  struct Tile {
    int64_t rows, columns, numRhs;
  };
  MatrixProduct(KernelBuilder &b, MemRefType lhs, MemRefType rhs, Tile tile)
      : b(b), element(lhs.getElementType()), depth(lhs.getShape().back()),
        width(rhs.getShape().back()), tile(tile) {}

  /// Copies move 16 bytes, so rows must start at multiples of 16 bytes.
  static bool applies(MemRefType lhs, MemRefType rhs);

  /// Sums in shared memory: [right-hand side][row][column], rows padded so that
  /// the warps' stores meet no bank twice.
  MemRefType sumsType();
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
  struct Copies;
  struct Fragments;

  Copies prepareCopies(const BlockInfo &block, Value lhs,
                       function_ref<Value(Value)> sourceRow, Value count,
                       ArrayRef<Matrix> rhs, Value firstColumn);
  Fragments prepareFragments(const BlockInfo &block);
  /// The tile as if it had `slices` slices of 16 rows.
  void runSlices(int64_t slices, const Copies &copies,
                 const Fragments &fragments, Value sums);
  void emitCopies(const Copies &copies, int64_t slices, Value step,
                  Value stage);
  /// The accumulators after one stage.
  SmallVector<Value> emitProducts(const Fragments &fragments, int64_t slices,
                                  Value stage, ValueRange accumulators);
  void copy16(Value source, Value sharedOffset, Value isThere);
  SmallVector<Value> loadMatrices(Value sharedOffset, NVVM::MMALayout layout);
  SmallVector<Value> multiply(ArrayRef<Value> lhs, ArrayRef<Value> rhs,
                              ValueRange accumulators);
  Value sharedPointer(Value offset);

  int64_t lhsRowBytes() const { return kDepth * 2; }
  int64_t rhsRowBytes() const { return tile.columns * 2; }
  int64_t lhsBytes() const { return tile.rows * lhsRowBytes(); }
  int64_t rhsBytes() const { return kDepth * rhsRowBytes(); }
  int64_t stageBytes() const { return lhsBytes() + tile.numRhs * rhsBytes(); }
  int64_t warpColumns() const { return tile.columns / kWarps; }

  KernelBuilder &b;
  Type element;
  int64_t depth, width;
  Tile tile;
  /// The start of the block's dynamic shared memory.
  Value shared;
};

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_ETTOGPU_MATRIXPRODUCT_H
