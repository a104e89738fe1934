//===- GroupedMatmul.cpp - Kernels for grouped products -------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "TileProduct.h"
#include "et/Conversion/ScalarMath.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpIPredicate;
using Values = LoopBuilder::Values;

static constexpr TileShape kProductTile = {/*rows=*/64, /*columns=*/64,
                                           /*depth=*/16, /*threadRows=*/4,
                                           /*threadColumns=*/4};

namespace {
/// The rows that a block works on: [first, end) of one expert.
struct RowTile {
  Value expert, first, end;
};
} // namespace

/// Tiles are numbered so that tile offsets[e] / rows + e is the first of expert
/// e: there are never fewer numbers than tiles between two experts, at most E
/// more in all, and the expert of a number is found by bisection.
static RowTile findRowTile(KernelBuilder &b, GroupedMatmulOp op, Value number) {
  constexpr int64_t rows = kProductTile.rows;
  Value offsets = op.getOffsets(), zero = b.index(0);
  if (!offsets)
    return {zero, b.mul(number, rows), b.dim(op.getOut(), 0)};
  Value experts = b.sub(b.dim(offsets, 0), b.index(1));
  auto offset = [&](Value expert) {
    return b.toIndex(b.load(offsets, expert));
  };
  auto firstNumber = [&](Value expert) {
    return b.add(b.div(offset(expert), rows), expert);
  };
  // The expert lies in [state[0], state[1]).
  Value expert = b.loopWhile(
      {zero, experts},
      [&](ValueRange state) {
        return b.less(b.index(1), b.sub(state[1], state[0]));
      },
      [&](ValueRange state) -> Values {
        Value middle = b.div(b.add(state[0], state[1]), 2);
        Value isAbove = b.less(number, firstNumber(middle));
        return {b.select(isAbove, state[0], middle),
                b.select(isAbove, middle, state[1])};
      })[0];
  Value tile = b.sub(number, firstNumber(expert));
  // Without experts there is no next offset, and no row.
  return {expert, b.add(offset(expert), b.mul(tile, rows)),
          offset(b.min(b.add(expert, 1), experts))};
}

/// One tile of the output a block. Blocks beyond the plan's rows leave.
static void lowerGroupedMatmul(GroupedMatmulOp op, KernelBuilder &b) {
  Value out = op.getOut();
  Value allRows = b.dim(out, 0), columns = b.dim(out, 1);
  Value rowTiles = b.ceilDiv(allRows, kProductTile.rows);
  if (op.getOffsets())
    rowTiles = b.add(b.div(allRows, kProductTile.rows), b.dim(op.getRhs(), 0));
  TileProduct tile(b, kProductTile);
  b.launch(
      "et_grouped_matmul", {rowTiles, b.ceilDiv(columns, kProductTile.columns)},
      kProductTile.threads(), tile.sharedTypes(op.getGate() ? 2 : 1),
      [&](const BlockInfo &block) {
        RowTile rows = findRowTile(b, op, block.x);
        Value firstColumn = b.mul(block.y, kProductTile.columns);
        Value any =
            b.both(b.less(rows.first, rows.end), b.less(firstColumn, columns));
        b.when(any, [&] {
          Value lastRow = b.sub(rows.end, b.index(1));
          auto sourceRow = [&](Value row) {
            Value pair = b.min(b.add(rows.first, row), lastRow);
            return op.getTokens() ? b.toIndex(b.load(op.getTokens(), pair))
                                  : pair;
          };
          SmallVector<TileProduct::Matrix> rhs = {{op.getRhs(), {rows.expert}}};
          if (op.getGate())
            rhs.push_back({op.getGate(), {rows.expert}});
          TileProduct::Sums sums =
              tile.run(block, op.getLhs(), sourceRow, rhs, firstColumn,
                       /*withSquares=*/false);

          for (int64_t j = 0; j < kProductTile.threadColumns; ++j) {
            Value column = b.add(firstColumn, tile.column(block, j));
            b.when(b.less(column, columns), [&] {
              auto biasOf = [&](Value bias) {
                return bias ? b.load(bias, {rows.expert, column}) : Value();
              };
              Value bias = biasOf(op.getBias());
              Value gateBias = biasOf(op.getGateBias());
              for (int64_t i = 0; i < kProductTile.threadRows; ++i) {
                Value row = b.add(rows.first, tile.row(block, i));
                b.when(b.less(row, rows.end), [&] {
                  auto biased = [&](Value vector, Value bias) {
                    Value sum = b.element(vector, j);
                    return bias ? b.add(sum, bias) : sum;
                  };
                  Value value = biased(sums.products[0][i], bias);
                  if (op.getGate())
                    value = b.mul(
                        emitActivation(b, op.getActivation(),
                                       biased(sums.products[1][i], gateBias)),
                        value);
                  else
                    value = emitActivation(b, op.getActivation(), value);
                  b.store(value, out, {row, column});
                });
              }
            });
          }
        });
      });
}

void et::populateProductKernels(RewritePatternSet &patterns) {
  patterns.add<KernelPattern<GroupedMatmulOp>>(patterns.getContext(),
                                               lowerGroupedMatmul);
}
