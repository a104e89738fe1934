//===- TileProduct.cpp - One block's tile of a matrix product -------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileProduct.h"
#include "et/Dialect/ET/IR/ETDialect.h"

using namespace mlir;
using namespace mlir::et;
using Values = LoopBuilder::Values;

SmallVector<MemRefType> TileProduct::sharedTypes(unsigned numRhs) {
  // The left-hand side lies transposed, so that a thread reads its rows as a
  // vector. The padding spreads the transposing stores over the banks and keeps
  // those vectors aligned.
  MemRefType lhs = b.sharedType({shape.depth, shape.rows + shape.threadRows},
                                b.getF32Type());
  MemRefType rhs = b.sharedType({shape.depth, shape.columns}, b.getF32Type());
  SmallVector<MemRefType> types = {lhs};
  types.append(numRhs, rhs);
  return types;
}

Value TileProduct::firstRow(const BlockInfo &block) {
  int64_t across = shape.columns / shape.threadColumns;
  return b.mul(b.div(block.thread, across), shape.threadRows);
}
Value TileProduct::firstColumn(const BlockInfo &block) {
  int64_t across = shape.columns / shape.threadColumns;
  return b.mul(b.rem(block.thread, across), shape.threadColumns);
}
Value TileProduct::row(const BlockInfo &block, int64_t i) {
  return b.add(firstRow(block), i);
}
Value TileProduct::column(const BlockInfo &block, int64_t i) {
  return b.add(firstColumn(block), i);
}

static Value loadElement(KernelBuilder &b, const TileProduct::Matrix &matrix,
                         Value k, Value column) {
  SmallVector<Value> indices(matrix.outer);
  indices.append({k, column});
  if (!matrix.format)
    return b.load(matrix.memref, indices);
  Value element = b.loadStored(matrix.format, matrix.memref, indices);
  return b.mul(element, b.loadScale(matrix.format, matrix.scales,
                                    matrix.outer.front(), k, column));
}

TileProduct::Sums TileProduct::run(const BlockInfo &block, Value lhs,
                                   function_ref<Value(Value)> sourceRow,
                                   ArrayRef<Matrix> rhs,
                                   Value firstColumnOfTile, bool withSquares) {
  int64_t threads = shape.threads();
  assert(threads % shape.depth == 0 && threads % shape.columns == 0 &&
         "threads load whole rows");
  Value depth = b.dim(lhs, 1), lastDepth = b.sub(depth, b.index(1));
  Value zero = b.f32(0.0);

  // Neighboring threads load neighbors of a row of their matrix.
  Value lhsDepth = b.rem(block.thread, shape.depth);
  Value lhsRow = b.div(block.thread, shape.depth);
  int64_t lhsStep = threads / shape.depth;
  Values lhsTileRows, lhsRows;
  for (int64_t i = 0; i < shape.rows / lhsStep; ++i) {
    lhsTileRows.push_back(b.add(lhsRow, i * lhsStep));
    lhsRows.push_back(sourceRow(lhsTileRows.back()));
  }
  Value rhsColumn = b.rem(block.thread, shape.columns);
  Value rhsDepth = b.div(block.thread, shape.columns);
  int64_t rhsStep = threads / shape.columns;
  Value columns = rhs.front().columns;
  if (!columns)
    columns = b.dim(rhs.front().memref, int64_t(1 + rhs.front().outer.size()));
  Value sourceColumn =
      b.min(b.add(firstColumnOfTile, rhsColumn), b.sub(columns, b.index(1)));

  // Carried: the products, then the squares.
  Values inits(rhs.size() * shape.threadRows + (withSquares ? 1 : 0),
               b.broadcast(zero, shape.threadColumns));
  if (withSquares)
    inits.append(shape.threadRows, zero);

  Value lhsShared = block.shared.front();
  ArrayRef<Value> rhsShared = ArrayRef(block.shared).slice(1, rhs.size());
  Value myRow = firstRow(block), myColumn = firstColumn(block);
  Values sums = b.loopBy(
      shape.depth, b.index(0), depth, inits,
      [&](Value step, ValueRange carried) -> Values {
        // Both sides are zero beyond the depth: one alone could meet a NaN.
        auto orZero = [&](Value k, Value value) {
          return b.select(b.less(k, depth), value, zero);
        };
        Value lhsK = b.add(step, lhsDepth);
        for (auto [tileRow, row] : llvm::zip_equal(lhsTileRows, lhsRows))
          b.store(orZero(lhsK, b.load(lhs, {row, b.min(lhsK, lastDepth)})),
                  lhsShared, {lhsDepth, tileRow});
        for (auto [matrix, shared] : llvm::zip_equal(rhs, rhsShared))
          for (int64_t i = 0; i < shape.depth / rhsStep; ++i) {
            Value inTile = b.add(rhsDepth, i * rhsStep);
            Value k = b.add(step, inTile);
            Value value =
                loadElement(b, matrix, b.min(k, lastDepth), sourceColumn);
            b.store(orZero(k, value), shared, {inTile, rhsColumn});
          }
        b.barrier();
        Values next = b.loopBy(
            1, b.index(0), b.index(shape.depth), carried,
            [&](Value k, ValueRange acc) -> Values {
              Value left =
                  b.loadVector(lhsShared, {k, myRow}, shape.threadRows);
              Values rows;
              for (int64_t i = 0; i < shape.threadRows; ++i)
                rows.push_back(b.element(left, i));
              Values result;
              Value firstRight;
              for (Value shared : rhsShared) {
                Value right =
                    b.loadVector(shared, {k, myColumn}, shape.threadColumns);
                if (!firstRight)
                  firstRight = right;
                for (Value row : rows)
                  result.push_back(b.fma(b.broadcast(row, shape.threadColumns),
                                         right, acc[result.size()]));
              }
              if (!withSquares)
                return result;
              result.push_back(
                  b.fma(firstRight, firstRight, acc[result.size()]));
              for (Value row : rows)
                result.push_back(b.fma(row, row, acc[result.size()]));
              return result;
            });
        // The next step overwrites what is read here.
        b.barrier();
        return next;
      });

  Sums result;
  ArrayRef<Value> rest = sums;
  for (unsigned i = 0; i < rhs.size(); ++i) {
    result.products.emplace_back(rest.take_front(shape.threadRows));
    rest = rest.drop_front(shape.threadRows);
  }
  if (withSquares) {
    result.rhsSquares = rest.front();
    llvm::append_range(result.lhsSquares, rest.drop_front());
  }
  return result;
}
