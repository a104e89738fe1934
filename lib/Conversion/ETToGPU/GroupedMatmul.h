//===- GroupedMatmul.h - What kernels for products share --------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_ETTOGPU_GROUPEDMATMUL_H
#define ET_LIB_CONVERSION_ETTOGPU_GROUPEDMATMUL_H

#include "TileProduct.h"
#include "et/Dialect/ET/IR/ETDialect.h"

namespace mlir::et {

/// The right-hand sides: the weights and, if there is one, the gate's.
SmallVector<Value> rightHandSides(GroupedMatmulOp op);
/// Their scales; null ones where they have none.
SmallVector<Value> rightHandScales(GroupedMatmulOp op);

/// The rows that a block works on: [first, end) of one expert. If the buffers
/// hold pairs from `firstPair` on, null for the first, rows count from there.
struct RowTile {
  Value expert, first, end;
  Value firstPair = Value();
};

/// Tiles of `rows` rows are numbered so that tile offsets[e] / rows + e is the
/// first of expert e: there are never fewer numbers than tiles between two
/// experts, at most E more in all, and the expert of a number is found by
/// bisection. Pairs that the result has no row for have no tile.
RowTile findRowTile(KernelBuilder &b, GroupedMatmulOp op, int64_t rows,
                    Value number, Value firstPair = Value());
/// How many numbers there are, where the rows end at `allRows`.
Value countRowTiles(KernelBuilder &b, GroupedMatmulOp op, int64_t rows,
                    Value allRows);

/// The tokens of a tile's rows, found in the mask by all `threads`, into shared
/// memory. `perWarp` is as for KernelBuilder::scanWarps.
void findTokens(KernelBuilder &b, GroupedMatmulOp op, Value thread,
                int64_t threads, const RowTile &rows, Value count, Value tokens,
                Value perWarp);

/// The row of lhs that is row `row` of a tile, which has that many rows;
/// `tokensOfTile` is what findTokens found, if the op has a mask.
Value findSourceRow(KernelBuilder &b, GroupedMatmulOp op, const RowTile &rows,
                    Value row, Value tokensOfTile);

/// Elements of a row that a thread turns from sums to results at a time: what
/// makes 16 bytes of the result, if all rows are made of that.
int64_t resultWidth(GroupedMatmulOp op);

/// The epilogue of the first `count` rows of a tile whose sums lie
/// in shared memory [right-hand side][row][column], on their way to the result.
/// Unless `splitAt` is 0, a row has the first four of each eight columns, and
/// there the others: so neighboring threads read neighboring sixteens of bytes.
void emitEpilogue(KernelBuilder &b, GroupedMatmulOp op, Value thread,
                  int64_t threads, const RowTile &rows, Value count,
                  Value firstColumn, int64_t columnsOfTile, Value sums,
                  int64_t splitAt);

/// How large a block's tile is.
struct ProductShape {
  /// By the matrix units, by which the columns are of each right-hand side.
  int64_t rows, columns, stages;
  /// By plain multiply-adds.
  ThreadTile threadTile;
};

/// How the tiles of a product are computed: `emitSums` leaves the sums of a
/// tile of `rows` by `columns` in shared memory, and returns them.
struct ProductKernel {
  GroupedMatmulOp op;
  int64_t rows, columns, threads;
  SmallVector<MemRefType> shared;
  int64_t dynamicShared;
  /// As for emitEpilogue.
  int64_t splitAt;
  std::function<Value(const BlockInfo &, const RowTile &, Value count,
                      function_ref<Value(Value)> sourceRow, Value firstColumn)>
      emitSums;

  bool hasMask() const { return GroupedMatmulOp(op).getMask() != nullptr; }
  bool fitsOneLaunchWith(const ProductKernel &other) const {
    return rows == other.rows && columns == other.columns &&
           threads == other.threads && shared == other.shared &&
           dynamicShared == other.dynamicShared;
  }
};

/// By the matrix units, if they can do it; they can split f32 into parts. The
/// shape does not show in results.
ProductKernel chooseKernel(GroupedMatmulOp op, KernelBuilder &b,
                           const ProductShape &shape, bool splitsF32);

/// The product's tiles by rows and by columns.
std::array<Value, 2> countTiles(KernelBuilder &b, const ProductKernel &kernel);

/// One tile of the output, unless it lies beyond the plan's rows. `forTokens`
/// is shared memory, where the product has a mask: an i32 a row of a tile, and
/// one a warp.
void emitTile(KernelBuilder &b, const ProductKernel &kernel,
              const BlockInfo &block, Value rowTile, Value columnTile,
              ArrayRef<Value> forTokens, Value firstPair = Value());

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_ETTOGPU_GROUPEDMATMUL_H
