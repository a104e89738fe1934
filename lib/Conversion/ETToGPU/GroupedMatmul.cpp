//===- GroupedMatmul.cpp - Kernels for grouped products -------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GroupedMatmul.h"
#include "MatrixProduct.h"
#include "Patterns.h"
#include "TileProduct.h"
#include "et/Conversion/ScalarMath.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpIPredicate;
using Values = LoopBuilder::Values;

/// Rows and columns (of all right-hand sides together) of a tile for the matrix
/// units.
static constexpr int64_t kMatrixRows = 128, kMatrixColumns = 128;
static constexpr ThreadTile kProductTile = {/*rows=*/64, /*columns=*/64,
                                            /*depth=*/16, /*threadRows=*/4,
                                            /*threadColumns=*/4};

Value et::countRowTiles(KernelBuilder &b, GroupedMatmulOp op, int64_t rows,
                        Value allRows) {
  if (!op.getOffsets())
    return b.ceilDiv(allRows, rows);
  return b.add(b.div(allRows, rows), b.dim(op.getRhs(), 0));
}

RowTile et::findRowTile(KernelBuilder &b, GroupedMatmulOp op, int64_t rows,
                        Value number) {
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

int64_t et::resultWidth(GroupedMatmulOp op) {
  auto type = cast<MemRefType>(op.getOut().getType());
  int64_t width = 16 * 8 / type.getElementTypeBitWidth();
  auto allows = [&](Value memref) {
    if (!memref)
      return true;
    auto type = cast<MemRefType>(memref.getType());
    int64_t columns = type.getShape().back();
    return type.getLayout().isIdentity() && !ShapedType::isDynamic(columns) &&
           columns % width == 0;
  };
  bool all =
      allows(op.getOut()) && allows(op.getBias()) && allows(op.getGateBias());
  return all ? width : 1;
}

void et::emitEpilogue(KernelBuilder &b, GroupedMatmulOp op, Value thread,
                      int64_t threads, const RowTile &rows, Value count,
                      Value firstColumn, int64_t columnsOfTile, Value sums,
                      int64_t splitAt) {
  int64_t width = resultWidth(op), across = columnsOfTile / width;
  Value inTile = b.mul(b.rem(thread, across), width);
  Value column = b.add(firstColumn, inTile);
  b.when(b.less(column, b.dim(op.getOut(), 1)), [&] {
    auto biasOf = [&](Value bias) {
      return bias ? b.loadElements(bias, {rows.expert, column}, width)
                  : Values(width, Value());
    };
    Values bias = biasOf(op.getBias()), gateBias = biasOf(op.getGateBias());
    auto biased = [&](Value sum, Value bias) {
      return bias ? b.add(sum, bias) : sum;
    };
    b.loopBy(
        threads / across, b.div(thread, across), count, {},
        [&](Value row, ValueRange) -> Values {
          auto sumsOf = [&](int64_t rhs) {
            if (!splitAt)
              return b.loadElements(sums, {b.index(rhs), row, inTile}, width);
            Values all;
            for (int64_t half : {int64_t(0), splitAt}) {
              Value place = b.add(b.div(inTile, 2), half);
              all.append(
                  b.loadElements(sums, {b.index(rhs), row, place}, width / 2));
            }
            return all;
          };
          Values results = sumsOf(0), gates;
          if (op.getGate())
            gates = sumsOf(1);
          for (int64_t i = 0; i < width; ++i) {
            Value product = biased(results[i], bias[i]);
            Value activated =
                gates.empty() ? product : biased(gates[i], gateBias[i]);
            activated = emitActivation(b, op.getActivation(), activated);
            results[i] = gates.empty() ? activated : b.mul(activated, product);
          }
          b.storeElements(results, op.getOut(),
                          {b.add(rows.first, row), column});
          return {};
        });
  });
}

void et::findTokens(KernelBuilder &b, GroupedMatmulOp op, Value thread,
                    int64_t threads, const RowTile &rows, Value count,
                    Value tokens, Value perWarp) {
  Value mask = op.getMask(), words = b.dim(mask, 1), none = b.i32(0);
  Value offset = b.toIndex(b.load(op.getOffsets(), rows.expert));
  // Ranks among the expert's tokens: those of the tile are [first, last).
  Value first = b.toI32(b.sub(rows.first, offset));
  Value last = b.add(first, b.toI32(count));
  Value lane = b.rem(thread, kWarpSize);
  b.loopWhile(
      {b.index(0), none},
      [&](ValueRange state) {
        return b.both(b.less(state[0], words), b.less(state[1], last));
      },
      [&](ValueRange state) -> Values {
        Value word = b.add(state[0], thread);
        Value bits = b.whenElse(
            b.less(word, words),
            [&] { return b.load(mask, {rows.expert, word}); }, none);
        Value found = b.popcount(bits), upTo = b.warpScan(found, lane);
        Value ofWarp = b.fromLane(upTo, b.index(kWarpSize - 1));
        KernelBuilder::WarpSums sums =
            b.scanWarps(ofWarp, thread, threads / kWarpSize, perWarp);
        Value rank = b.add(b.add(state[1], sums.before), b.sub(upTo, found));
        Value firstToken = b.toI32(b.mul(word, kTokensPerWord));
        b.loopWhile(
            {bits, rank},
            [&](ValueRange bit) {
              return b.both(b.cmp(CmpIPredicate::ne, bit[0], none),
                            b.less(bit[1], last));
            },
            [&](ValueRange bit) -> Values {
              b.when(b.cmp(CmpIPredicate::uge, bit[1], first), [&] {
                Value lowest = math::CountTrailingZerosOp::create(b, bit[0]);
                b.store(b.add(firstToken, lowest), tokens,
                        b.toIndex(b.sub(bit[1], first)));
              });
              return {b.both(bit[0], b.sub(bit[0], b.i32(1))),
                      b.add(bit[1], b.i32(1))};
            });
        // The next step writes perWarp again.
        b.barrier();
        return {b.add(state[0], threads), b.add(state[1], sums.all)};
      });
  b.barrier();
}

Value et::findSourceRow(KernelBuilder &b, GroupedMatmulOp op,
                        const RowTile &rows, Value row, Value tokensOfTile) {
  if (tokensOfTile)
    return b.toIndex(b.load(tokensOfTile, row));
  Value pair = b.add(rows.first, row);
  return op.getTokens() ? b.toIndex(b.load(op.getTokens(), pair)) : pair;
}

namespace {
/// A kernel for a product: `emitSums` leaves the sums of a tile of `rows` by
/// `columns` in shared memory, and returns them.
struct ProductKernel {
  int64_t rows, columns, threads;
  SmallVector<MemRefType> shared;
  int64_t dynamicShared = 0;
  function_ref<Value(const BlockInfo &, const RowTile &, Value count,
                     function_ref<Value(Value)> sourceRow, Value firstColumn)>
      emitSums;
  /// If Hopper has another: on the host, whether the device is not one.
  Value condition = Value();
};
} // namespace

static void emitBlock(GroupedMatmulOp op, KernelBuilder &b,
                      const ProductKernel &kernel, const BlockInfo &block) {
  RowTile rows = findRowTile(b, op, kernel.rows, block.x);
  Value firstColumn = b.mul(block.y, kernel.columns);
  Value any = b.both(b.less(rows.first, rows.end),
                     b.less(firstColumn, b.dim(op.getOut(), 1)));
  b.when(any, [&] {
    Value count = b.min(b.sub(rows.end, rows.first), b.index(kernel.rows));
    Value lastRow = b.sub(count, b.index(1)), tokensOfTile;
    if (op.getMask()) {
      ArrayRef<Value> mine = ArrayRef(block.shared).take_back(2);
      tokensOfTile = mine[0];
      findTokens(b, op, block.thread, kernel.threads, rows, count, mine[0],
                 mine[1]);
    }
    auto sourceRow = [&](Value row) {
      return findSourceRow(b, op, rows, b.min(row, lastRow), tokensOfTile);
    };
    Value sums = kernel.emitSums(block, rows, count, sourceRow, firstColumn);
    b.barrier();
    emitEpilogue(b, op, block.thread, kernel.threads, rows, count, firstColumn,
                 kernel.columns, sums);
  });
}

/// One tile of the output a block. Blocks beyond the plan's rows leave.
static void launchProduct(GroupedMatmulOp op, KernelBuilder &b,
                          const ProductKernel &kernel) {
  Value out = op.getOut();
  SmallVector<MemRefType> shared = kernel.shared;
  if (op.getMask()) {
    shared.push_back(b.sharedType({kernel.rows}, b.getI32Type()));
    shared.push_back(
        b.sharedType({kernel.threads / kWarpSize}, b.getI32Type()));
  }
  Value allRows = b.dim(out, 0), columns = b.dim(out, 1);
  Value rowTiles = countRowTiles(b, op, kernel.rows, allRows);
  b.launch(
      "et_grouped_matmul", {rowTiles, b.ceilDiv(columns, kernel.columns)},
      kernel.threads, shared,
      [&](const BlockInfo &block) {
        if (!kernel.condition)
          return emitBlock(op, b, kernel, block);
        Value isOther = b.bitXor(b.isHopper(), b.boolean(true));
        b.when(isOther, [&] { emitBlock(op, b, kernel, block); });
      },
      kernel.dynamicShared, kernel.condition);
}

SmallVector<Value> et::rightHandSides(GroupedMatmulOp op) {
  SmallVector<Value> result = {op.getRhs()};
  if (op.getGate())
    result.push_back(op.getGate());
  return result;
}

/// By the matrix units.
static void launchMatrixProduct(GroupedMatmulOp op, KernelBuilder &b,
                                Value condition) {
  SmallVector<Value> rhs = rightHandSides(op);
  int64_t numRhs = rhs.size(), columns = kMatrixColumns / numRhs;
  MatrixProduct tile(b, cast<MemRefType>(op.getLhs().getType()),
                     cast<MemRefType>(op.getRhs().getType()),
                     {kMatrixRows, columns, numRhs});
  auto emitSums = [&](const BlockInfo &block, const RowTile &rows, Value count,
                      function_ref<Value(Value)> sourceRow,
                      Value firstColumn) -> Value {
    Value sums = memref::ViewOp::create(b, tile.sumsType(), block.dynamicShared,
                                        b.index(0), ValueRange());
    SmallVector<MatrixProduct::Matrix> matrices;
    for (Value memref : rhs)
      matrices.push_back({memref, rows.expert});
    tile.run(block, op.getLhs(), sourceRow, count, matrices, firstColumn, sums);
    return sums;
  };
  launchProduct(op, b,
                {kMatrixRows,
                 columns,
                 MatrixProduct::kThreads,
                 {},
                 tile.sharedBytes(),
                 emitSums,
                 condition});
}

/// In f32, element by element.
static void launchThreadProduct(GroupedMatmulOp op, KernelBuilder &b) {
  SmallVector<Value> rhs = rightHandSides(op);
  TileProduct tile(b, kProductTile);
  SmallVector<MemRefType> shared = tile.sharedTypes(rhs.size());
  shared.push_back(b.sharedType({static_cast<int64_t>(rhs.size()),
                                 kProductTile.rows, kProductTile.columns},
                                b.getF32Type()));
  size_t numShared = shared.size();
  auto emitSums = [&](const BlockInfo &block, const RowTile &rows, Value,
                      function_ref<Value(Value)> sourceRow,
                      Value firstColumn) -> Value {
    SmallVector<TileProduct::Matrix> matrices;
    for (Value memref : rhs)
      matrices.push_back({memref, {rows.expert}});
    TileProduct::Sums sums =
        tile.run(block, op.getLhs(), sourceRow, matrices, firstColumn,
                 /*withSquares=*/false);
    Value shared = block.shared[numShared - 1];
    for (auto [number, product] : llvm::enumerate(sums.products))
      for (auto [i, vector] : llvm::enumerate(product))
        vector::StoreOp::create(
            b, vector, shared,
            {b.index(number), tile.row(block, i), tile.column(block, 0)});
    return shared;
  };
  launchProduct(op, b,
                {kProductTile.rows, kProductTile.columns,
                 kProductTile.threads(), shared, 0, emitSums});
}

template <bool useWarpgroups>
static void lowerGroupedMatmul(GroupedMatmulOp op, KernelBuilder &b) {
  auto lhs = cast<MemRefType>(op.getLhs().getType());
  if (!llvm::all_of(rightHandSides(op), [&](Value rhs) {
        return MatrixProduct::applies(lhs, cast<MemRefType>(rhs.getType()));
      }))
    return launchThreadProduct(op, b);
  Value isOther;
  if (useWarpgroups) {
    Value processors = b.hopperProcessors();
    launchWarpgroupProduct(op, b, processors);
    isOther = b.cmp(arith::CmpIPredicate::eq, processors, b.index(0));
  }
  launchMatrixProduct(op, b, isOther);
}

void et::populateProductKernels(RewritePatternSet &patterns,
                                bool useWarpgroups) {
  patterns.add<KernelPattern<GroupedMatmulOp>>(
      patterns.getContext(),
      useWarpgroups ? lowerGroupedMatmul<true> : lowerGroupedMatmul<false>);
}
