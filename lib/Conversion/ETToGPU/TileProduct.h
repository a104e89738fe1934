//===- TileProduct.h - One block's tile of a matrix product -----*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_ETTOGPU_TILEPRODUCT_H
#define ET_LIB_CONVERSION_ETTOGPU_TILEPRODUCT_H

#include "et/Conversion/ETToGPU/KernelBuilder.h"

namespace mlir::et {

/// A block computes rows x columns of the product, `depth` products a step;
/// each thread threadRows x threadColumns of it.
struct ThreadTile {
  int64_t rows, columns, depth;
  int64_t threadRows, threadColumns;

  int64_t threads() const {
    return (rows / threadRows) * (columns / threadColumns);
  }
};

/// The inner product of a tile in f32, through shared memory. Sizes need not be
/// multiples of the tile's: accesses beyond the end are turned to the last row
/// or column, whose results the caller does not store.
class TileProduct {
public:
  TileProduct(KernelBuilder &b, ThreadTile shape) : b(b), shape(shape) {}

  /// The shared memory that `run` needs for a number of right-hand sides.
  SmallVector<MemRefType> sharedTypes(unsigned numRhs);

  /// A matrix within a memref: indices before the last two. `scales`, where
  /// there is a format, are those of blocks of the matrix, at the same indices.
  struct Matrix {
    Value memref;
    SmallVector<Value> outer;
    WeightFormatAttrInterface format = {};
    Value scales = Value();
    /// How many there are, unless the memref has as many.
    Value columns = Value();
  };

  /// What a thread holds at the end. A vector has one value a column of the
  /// thread.
  struct Sums {
    /// [right-hand side][row of the thread] -> vector.
    SmallVector<SmallVector<Value>> products;
    /// [row of the thread] -> sum of squares of the left-hand side.
    SmallVector<Value> lhsSquares;
    /// Sums of squares of the first right-hand side, a vector.
    Value rhsSquares;
  };

  /// The first of the shared memory of the block is that of `sharedTypes`.
  /// `sourceRow` maps a row of the tile to a row of lhs that exists. There is
  /// at least one column at or after firstColumn.
  Sums run(const BlockInfo &block, Value lhs,
           function_ref<Value(Value)> sourceRow, ArrayRef<Matrix> rhs,
           Value firstColumn, bool withSquares);

  /// Row and column within the tile of the thread's i-th row and column.
  Value row(const BlockInfo &block, int64_t i);
  Value column(const BlockInfo &block, int64_t i);

private:
  Value firstRow(const BlockInfo &block);
  Value firstColumn(const BlockInfo &block);

  KernelBuilder &b;
  ThreadTile shape;
};

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_ETTOGPU_TILEPRODUCT_H
