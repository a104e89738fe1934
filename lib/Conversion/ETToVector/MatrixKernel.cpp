//===- MatrixKernel.cpp - The product kernel of matrix registers ----------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The panel kernel for bf16 on processors with AMX: registers of 16 rows of 64
// bytes, and an instruction that adds a 16 x 32 by 32 x 16 product to 16 x 16
// sums. A panel always goes through a thread's scratch, where two rows of the
// weights are interleaved as the instruction wants them and whatever is past
// the end of K or N is zero; so only rows of results have tails.
//
// The intrinsics are called by name: their tiles are LLVM values, which loops
// carry as they are, while the type of MLIR's amx dialect does not survive the
// conversion of branches on its own.
//
//===----------------------------------------------------------------------===//

#include "PanelKernel.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::et;
using Values = LoopBuilder::Values;

/// Rows of a register, and its bytes a row.
static constexpr int64_t kTileRows = 16, kTileBytes = 64;
/// Two bf16, one below the other, in bytes.
static constexpr int64_t kPair = 4;

namespace {
/// Where a matrix register is read from or written to.
struct Place {
  Value address, rowBytes;

  Place at(VectorBuilder &b, Value bytes) const {
    return {b.add(address, bytes), rowBytes};
  }
};
} // namespace

static Place placeOf(VectorBuilder &b, Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  Value width = b.index(type.getElementTypeBitWidth() / 8);
  auto parts = memref::ExtractStridedMetadataOp::create(b, memref);
  Value base = memref::ExtractAlignedPointerAsIndexOp::create(b, memref);
  return {b.add(base, b.mul(parts.getOffset(), width)),
          b.mul(parts.getStrides()[0], width)};
}

static Value i16(VectorBuilder &b, int64_t value) {
  return arith::ConstantOp::create(b, b.getI16IntegerAttr(value));
}

/// Calls `llvm.x86.NAME.internal` on a register's shape and `operands`.
static LLVM::CallIntrinsicOp callTile(VectorBuilder &b, StringRef name,
                                      Values operands, bool hasResult = true) {
  operands.insert(operands.begin(), {i16(b, kTileRows), i16(b, kTileBytes)});
  auto tile = LLVM::LLVMX86AMXType::get(b.getContext());
  auto intrinsic = b.getStringAttr("llvm.x86." + name + ".internal");
  return hasResult ? LLVM::CallIntrinsicOp::create(b, tile, intrinsic, operands)
                   : LLVM::CallIntrinsicOp::create(b, intrinsic, operands);
}

static Values toLLVM(VectorBuilder &b, const Place &place) {
  auto i64 = b.getI64Type();
  Value address = arith::IndexCastOp::create(b, i64, place.address);
  return {LLVM::IntToPtrOp::create(
              b, LLVM::LLVMPointerType::get(b.getContext()), address),
          arith::IndexCastOp::create(b, i64, place.rowBytes)};
}

static Value loadTile(VectorBuilder &b, const Place &place) {
  return callTile(b, "tileloadd64", toLLVM(b, place)).getResult(0);
}

static void storeTile(VectorBuilder &b, Value tile, const Place &place) {
  Values operands = toLLVM(b, place);
  operands.push_back(tile);
  callTile(b, "tilestored64", operands, /*hasResult=*/false);
}

void et::emitRowCopy(VectorBuilder &b, Value lhs, Value from, Value copy,
                     Value to) {
  auto type = VectorType::get(kMatrixDepth, b.getBF16Type());
  Value zero =
      arith::ConstantOp::create(b, b.getZeroAttr(type.getElementType()));
  b.stepLoop(b.index(0), b.dim(copy, 1), kMatrixDepth, [&](Value k) {
    Value part = vector::TransferReadOp::create(
        b, type, lhs, ValueRange{from, k}, zero, ArrayRef<bool>{false});
    vector::TransferWriteOp::create(b, part, copy, ValueRange{to, k},
                                    ArrayRef<bool>{true});
  });
}

/// panel[k, 2n + i] = weights[2k + i, column + n].
static void emitPacking(VectorBuilder &b, const TileShape &tile,
                        bool wholeColumns, Value weights, Value column,
                        Value panel) {
  int64_t width = tile.vectors % 2 ? tile.lanes : 2 * tile.lanes;
  auto type = VectorType::get(width, b.getBF16Type());
  Value none = arith::ConstantOp::create(b, b.getZeroAttr(type));
  Value element =
      arith::ConstantOp::create(b, b.getZeroAttr(type.getElementType()));
  auto rowPair = [&](Value pair, bool first, bool second) {
    for (int64_t within = 0; within < tile.columns(); within += width) {
      auto read = [&](bool exists, int64_t odd) -> Value {
        if (!exists)
          return none;
        Value row = b.add(b.mul(pair, b.index(2)), b.index(odd));
        return vector::TransferReadOp::create(
            b, type, weights, ValueRange{row, b.add(column, b.index(within))},
            element, ArrayRef<bool>{wholeColumns});
      };
      Value both =
          vector::InterleaveOp::create(b, read(first, 0), read(second, 1));
      vector::TransferWriteOp::create(b, both, panel,
                                      ValueRange{pair, b.index(2 * within)},
                                      ArrayRef<bool>{true});
    }
  };
  Value depth = b.dim(weights, 0), two = b.index(2);
  Value pairs = b.div(depth, two), some = b.ceilDiv(depth, two);
  b.loop(b.index(0), pairs, [&](Value pair) { rowPair(pair, true, true); });
  b.loop(pairs, some, [&](Value pair) { rowPair(pair, true, false); });
  b.loop(some, b.dim(panel, 0),
         [&](Value pair) { rowPair(pair, false, false); });
}

void PanelKernel::emitMatrixBody(VectorBuilder &b,
                                 const PanelOperands &operands) const {
  emitPacking(b, tile, wholeColumns, operands.weights, operands.column,
              operands.panel);
  if (operands.gatePanel)
    emitPacking(b, tile, wholeColumns, operands.gateWeights, operands.column,
                operands.gatePanel);

  Value begin = operands.begin, end = operands.end;
  Value tileRows = b.index(tile.rows);
  Value blocks = b.ceilDiv(b.sub(end, begin), tileRows);
  Value lines = nextLines(b, operands);
  Value nextPerBlock = b.ceilDiv(lines, b.max(blocks, b.index(1)));
  b.stepLoop(begin, end, tile.rows, [&](Value row) {
    Value rows = b.min(b.sub(end, row), tileRows);
    Value block = b.div(b.sub(row, begin), tileRows);
    // The last blocks may have none left.
    Value firstNext = b.min(b.mul(block, nextPerBlock), lines);
    Value lastNext = b.min(b.add(firstNext, nextPerBlock), lines);
    // Rows of other experts do no harm, but a matrix register must not be
    // filled from past the end.
    Value inside = b.cmp(arith::CmpIPredicate::ule, b.add(row, tileRows),
                         b.dim(operands.lhs, 0));
    Value outside = b.cmp(arith::CmpIPredicate::ugt, b.add(row, tileRows),
                          b.dim(operands.lhs, 0));
    b.when(outside, [&] {
      b.loop(b.index(0), rows, [&](Value copied) {
        emitRowCopy(b, operands.lhs, b.add(row, copied), operands.rowBlock,
                    copied);
      });
    });
    Place matrix = placeOf(b, operands.lhs);
    Place copies = placeOf(b, operands.rowBlock);
    matrix = matrix.at(b, b.mul(row, matrix.rowBytes));
    Place lhs = {b.select(inside, matrix.address, copies.address),
                 b.select(inside, matrix.rowBytes, copies.rowBytes)};

    Value wide = b.cmp(arith::CmpIPredicate::ugt, rows, b.index(kTileRows));
    auto branch = scf::IfOp::create(b, wide, /*withElseRegion=*/true);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(branch.thenYield());
      emitMatrixSums(b, operands, lhs.address, lhs.rowBytes, /*rowTiles=*/2,
                     firstNext, lastNext);
      b.setInsertionPoint(branch.elseYield());
      emitMatrixSums(b, operands, lhs.address, lhs.rowBytes, /*rowTiles=*/1,
                     firstNext, lastNext);
    }
    emitEpilogue(b, operands, row, rows);
  });
}

void PanelKernel::emitMatrixSums(VectorBuilder &b,
                                 const PanelOperands &operands, Value lhs,
                                 Value lhsBytes, int64_t rowTiles,
                                 Value firstNext, Value lastNext) const {
  // Of eight registers, the sums take four, 2 x 2 or 1 x 4; the rows' tiles two
  // or one. A column's tile is read just before its products, so that one more
  // register holds each in turn: all four at once would be nine, and a spill in
  // every step.
  int64_t most = rowTiles == 2 ? 2 : 4;
  int64_t groups = llvm::divideCeil(tile.vectors, most) * tile.products;
  Value depth = b.dim(operands.lhs, 1), step = b.index(kMatrixDepth);
  Value steps = b.ceilDiv(depth, step);
  Value nextPerStep =
      b.ceilDiv(b.sub(lastNext, firstNext), b.mul(steps, b.index(groups)));
  SmallVector<Value, 2> panels = {operands.panel};
  if (operands.gatePanel)
    panels.push_back(operands.gatePanel);
  Place sums = placeOf(b, operands.sums);
  int64_t group = 0;
  for (auto [product, panelMemRef] : llvm::enumerate(panels)) {
    Place panel = placeOf(b, panelMemRef);
    for (int64_t first = 0; first < tile.vectors; first += most, ++group) {
      int64_t columnTiles = std::min(most, tile.vectors - first);
      Values zeros;
      for (int64_t sum = 0; sum < rowTiles * columnTiles; ++sum)
        zeros.push_back(callTile(b, "tilezero", {}).getResult(0));
      Value next =
          b.add(firstNext, b.mul(b.mul(steps, b.index(group)), nextPerStep));
      auto loop = scf::ForOp::create(b, b.index(0), steps, b.index(1), zeros);
      {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(loop.getBody());
        Value k = loop.getInductionVar();
        emitPrefetch(b, operands, b.add(next, b.mul(k, nextPerStep)),
                     nextPerStep, lastNext);
        Values left, results(loop.getRegionIterArgs());
        Place row = {b.add(lhs, b.mul(k, b.index(kTileBytes))), lhsBytes};
        for (int64_t i : llvm::seq(rowTiles))
          left.push_back(
              loadTile(b, row.at(b, b.mul(lhsBytes, b.index(i * kTileRows)))));
        Value depthBytes = b.mul(k, b.mul(panel.rowBytes, b.index(kTileRows)));
        for (int64_t j : llvm::seq(columnTiles)) {
          Value right = loadTile(
              b, panel.at(b, b.add(depthBytes,
                                   b.index((first + j) * tile.lanes * kPair))));
          for (int64_t i : llvm::seq(rowTiles)) {
            Value &sum = results[i * columnTiles + j];
            sum = callTile(b, "tdpbf16ps",
                           {i16(b, kTileBytes), sum, left[i], right})
                      .getResult(0);
          }
        }
        scf::YieldOp::create(b, results);
      }
      for (auto [index, sum] : llvm::enumerate(loop.getResults())) {
        int64_t column = static_cast<int64_t>(product) * tile.columns() +
                         (first + index % columnTiles) * tile.lanes;
        int64_t row = index / columnTiles * kTileRows;
        storeTile(b, sum,
                  sums.at(b, b.add(b.mul(sums.rowBytes, b.index(row)),
                                   b.index(column * 4))));
      }
    }
  }
}
