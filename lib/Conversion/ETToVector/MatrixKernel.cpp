//===- MatrixKernel.cpp - The product kernel of matrix registers ----------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The tiles of a panel kernel for bf16 on processors with AMX: registers of 16
// rows of 64 bytes, and an instruction that adds a 16 x 32 by 32 x 16 product
// to 16 x 16 sums. Panels hold pairs of steps of K as the instruction wants
// them, and whatever is past the end of K or N is zero; so only rows of results
// have tails.
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
  return {b.toPointer(place.address),
          arith::IndexCastOp::create(b, b.getI64Type(), place.rowBytes)};
}

static Value loadTile(VectorBuilder &b, const Place &place) {
  return callTile(b, "tileloadd64", toLLVM(b, place)).getResult(0);
}

static void storeTile(VectorBuilder &b, Value tile, const Place &place) {
  Values operands = toLLVM(b, place);
  operands.push_back(tile);
  callTile(b, "tilestored64", operands, /*hasResult=*/false);
}

void PanelKernel::emitMatrixTile(VectorBuilder &b,
                                 const PanelOperands &operands,
                                 const Block &block, Value place) const {
  // Rows of other experts do no harm, but a matrix register must not be filled
  // from past the end.
  Value end = b.add(block.row, b.index(tile.rows));
  Value isOutside =
      b.cmp(arith::CmpIPredicate::ugt, end, b.dim(operands.lhs, 0));
  Value firstColumn = b.mul(block.first, b.index(interleave));
  b.when(isOutside, [&] {
    b.loop(b.index(0), block.rows, [&](Value copied) {
      emitRowCopy(b, operands.lhs, b.add(block.row, copied), firstColumn,
                  operands.rowBlock, copied);
    });
  });
  Place matrix = b.placeOf(operands.lhs), copies = b.placeOf(operands.rowBlock);
  matrix = matrix.at(b, b.add(b.mul(block.row, matrix.rowBytes),
                              b.mul(block.first, b.index(kPair))));
  Value lhs = b.select(isOutside, copies.address, matrix.address);
  Value lhsBytes = b.select(isOutside, copies.rowBytes, matrix.rowBytes);

  Place sums = b.placeOf(operands.sums);
  Value sum = b.add(sums.address,
                    b.mul(b.sub(block.row, operands.begin), sums.rowBytes));
  Value isFirst = b.cmp(arith::CmpIPredicate::eq, block.first, b.index(0));
  auto branch = scf::IfOp::create(b, isFirst, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  for (bool first : {true, false}) {
    b.setInsertionPoint(first ? branch.thenYield() : branch.elseYield());
    emitMatrixSums(b, operands, block, lhs, lhsBytes, sum, first, place);
  }
}

void PanelKernel::emitMatrixSums(VectorBuilder &b,
                                 const PanelOperands &operands,
                                 const Block &block, Value lhs, Value lhsBytes,
                                 Value sum, bool isFirst, Value place) const {
  SmallVector<Value, 2> panels = {operands.panel};
  if (operands.gatePanel)
    panels.push_back(operands.gatePanel);
  int64_t columnTiles = tile.products * tile.vectors;
  Place sums = b.placeOf(operands.sums);
  auto placeOfSum = [&](int64_t index) -> Place {
    return {b.add(sum, b.index(index * kTileBytes)), sums.rowBytes};
  };
  Values inits;
  for (int64_t index : llvm::seq(columnTiles))
    inits.push_back(isFirst ? callTile(b, "tilezero", {}).getResult(0)
                            : loadTile(b, placeOfSum(index)));
  // A line of each row at once would fill the buffers that loads need.
  Value stride = b.index(stepRows());
  Value steps = b.ceilDiv(b.sub(block.last, block.first), stride);
  Value firstOut = b.mul(b.sub(block.row, operands.begin), block.outLines);
  Value outLines = b.mul(block.rows, block.outLines);
  Value outPerStep = b.ceilDiv(outLines, b.max(steps, b.index(1)));
  Value perRow = b.index(outLinesPerRow(operands));
  auto loop = scf::ForOp::create(b, block.first, block.last, stride, inits);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(loop.getBody());
    Value panelRow = loop.getInductionVar();
    Value within = b.sub(panelRow, block.first);
    Value step = b.div(within, stride);
    emitPrefetch(b, block, b.add(place, b.mul(step, block.pace)));
    Value asked = b.mul(step, outPerStep);
    b.loop(asked, b.min(b.add(asked, outPerStep), outLines), [&](Value line) {
      line = b.add(firstOut, line);
      emitOutPrefetch(b, block, b.div(line, perRow),
                      arith::RemUIOp::create(b, line, perRow));
    });
    Values results(loop.getRegionIterArgs());
    Value left =
        loadTile(b, {b.add(lhs, b.mul(within, b.index(kPair))), lhsBytes});
    for (auto [index, result] : llvm::enumerate(results)) {
      auto column = static_cast<int64_t>(index);
      Place panel = b.placeOf(panels[column / tile.vectors]);
      Value offset = b.add(b.mul(panelRow, panel.rowBytes),
                           b.index(column % tile.vectors * tile.lanes * kPair));
      Value right = loadTile(b, panel.at(b, offset));
      result =
          callTile(b, "tdpbf16ps", {i16(b, kTileBytes), result, left, right})
              .getResult(0);
    }
    scf::YieldOp::create(b, results);
  }
  for (auto [index, result] : llvm::enumerate(loop.getResults()))
    storeTile(b, result, placeOfSum(static_cast<int64_t>(index)));
}
