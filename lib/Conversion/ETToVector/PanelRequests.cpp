//===- PanelRequests.cpp - What a kernel asks for ahead -------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PanelKernel.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpIPredicate;

/// Lines that a step of vectors asks for, if that is enough for the next block.
static constexpr int64_t kFewLines = 2;
/// Places of the next block from which lines are asked for in turn, at most:
/// what brings lines from memory before they are asked for follows each place
/// on its own.
static constexpr int64_t kMaxStreams = 8, kMaxMatrixStreams = 4,
                         kMaxStreamsReadAhead = 3;
/// Parts of a line in which a tile's place in the next block is counted.
static constexpr int64_t kLineParts = 1 << 16;

Value PanelKernel::chooseStreams(VectorBuilder &b, Value lines, Value tiles,
                                 Value steps) const {
  // One line a place and step asks for all evenly.
  bool isMatrix = way == Multiply::Matrices;
  Value most = b.index(isMatrix     ? kMaxMatrixStreams
                       : readsAhead ? kMaxStreamsReadAhead
                                    : kMaxStreams);
  // The panel is read as fast as the next one is asked for, in its order.
  if (!isMatrix)
    most =
        b.select(b.cmp(CmpIPredicate::eq, tiles, b.index(1)), b.index(1), most);
  return b.max(b.min(b.ceilDiv(lines, steps), most), b.index(1));
}

void PanelKernel::planRequests(VectorBuilder &b, Block &block) const {
  bool isMatrix = way == Multiply::Matrices;
  // Vector tiles ask in whole steps only.
  Value rows = b.sub(block.last, block.first), step = b.index(stepRows());
  Value tileSteps = isMatrix ? b.ceilDiv(rows, step) : b.div(rows, step);
  Value steps = b.mul(block.tiles, b.max(tileSteps, b.index(1)));
  Value few = isMatrix ? steps : b.mul(steps, b.index(kFewLines));
  Value perRow = b.index(linesPerRow(block));
  Value lines = b.mul(block.nextRows, perRow);
  block.streams = chooseStreams(b, lines, block.tiles, few);
  // An odd number of rows, or places a power of two apart would share a set of
  // the first-level cache.
  block.streamRows = arith::OrIOp::create(
      b, b.ceilDiv(block.nextRows, block.streams), b.index(1));
  Value streamLines = b.mul(b.min(block.streamRows, block.nextRows), perRow);
  block.pace = b.ceilDiv(b.mul(streamLines, b.index(kLineParts)), steps);
  block.tilePace = b.mul(block.pace, tileSteps);
  // No line at all is not few: those would be asked for all the same.
  if (!isMatrix)
    block.asksMany = b.cmp(CmpIPredicate::uge, b.sub(lines, b.index(1)), few);
}

void PanelKernel::setNext(VectorBuilder &b, const PanelOperands &operands,
                          Value panelRows, Value blockRows, Value isLast,
                          Block &block) const {
  // Rows of copies are fewer rows of what they are copied from.
  auto rowsOf = [&](Value rows) {
    if (!copiedFrom)
      return rows;
    return b.ceilDiv(b.mul(rows, b.index(interleave)), b.index(copiedFrom));
  };
  Value none = b.index(0), first;
  if (copiesPanels()) {
    first = rowsOf(block.first);
    block.nextRows = b.select(operands.hasNext,
                              rowsOf(b.sub(block.last, block.first)), none);
  } else {
    first = b.select(isLast, none, rowsOf(block.last));
    Value ofNext = b.select(operands.hasNext, panelRows, none);
    Value left = b.select(isLast, ofNext, b.sub(panelRows, block.last));
    block.nextRows = rowsOf(b.min(blockRows, left));
  }
  auto nextOf = [&](Value next, Value panel, Value weights) -> Value {
    if (!next)
      return {};
    if (!copiedFrom)
      next = b.select(isLast, next, panel);
    if (copiesBlocks())
      next = b.select(isLast, next, weights);
    return viewRows(b, next, first, block.nextRows,
                    b.getIndexAttr(nextWidth()));
  };
  block.next = nextOf(operands.nextPanel, operands.panel, operands.weights);
  block.nextGate =
      nextOf(operands.nextGate, operands.gatePanel, operands.gateWeights);
}

int64_t PanelKernel::linesPerRow(const Block &block) const {
  auto type = cast<MemRefType>(block.next.getType());
  return llvm::divideCeil(nextWidth() * type.getElementTypeBitWidth() / 8,
                          kCacheLine);
}

int64_t PanelKernel::outLinesPerRow(const PanelOperands &operands) const {
  auto type = cast<MemRefType>(operands.out.getType());
  return llvm::divideCeil(tile.columns() * type.getElementTypeBitWidth() / 8,
                          kCacheLine);
}

/// The row of line `line`, and its first element, in rows of `perRow` lines and
/// `width` elements.
static std::pair<Value, Value> placeOfLine(VectorBuilder &b, Value line,
                                           int64_t perRow, int64_t width) {
  Value lines = b.index(perRow);
  Value within = arith::RemUIOp::create(b, line, lines);
  return {b.div(line, lines), b.mul(within, b.index(width / perRow))};
}

void PanelKernel::emitPrefetch(VectorBuilder &b, const Block &block,
                               Value place) const {
  auto placeOf = [&](Value line) {
    return placeOfLine(b, line, linesPerRow(block), nextWidth());
  };
  auto ask = [&](Value row, Value column) {
    for (Value panel : {block.next, block.nextGate})
      if (panel)
        memref::PrefetchOp::create(b, panel, ValueRange{row, column},
                                   /*isWrite=*/false, /*localityHint=*/2,
                                   /*isDataCache=*/true);
  };
  auto lineAt = [&](Value place) { return b.div(place, b.index(kLineParts)); };
  auto askAll = [&] {
    Value next = lineAt(b.add(place, block.pace));
    b.loop(lineAt(place), next, [&](Value line) {
      auto [row, column] = placeOf(line);
      Value end = b.min(b.add(row, b.mul(block.streams, block.streamRows)),
                        block.nextRows);
      auto streams = scf::ForOp::create(b, row, end, block.streamRows);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(streams.getBody());
      ask(streams.getInductionVar(), column);
    });
  };
  if (!block.asksMany)
    return askAll();
  // If many tiles share a block, a step asks for the same number of lines as
  // any other, though some were asked for before: a branch would be predicted
  // wrongly now and then.
  Value many = LLVM::ExpectOp::create(
      b, block.asksMany, arith::ConstantOp::create(b, b.getBoolAttr(false)));
  auto branch = scf::IfOp::create(b, many, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.elseYield());
  Value between = b.div(block.pace, b.index(kFewLines)), at = place;
  for (int64_t line = 0; line < kFewLines; ++line, at = b.add(at, between)) {
    auto [row, column] = placeOf(lineAt(at));
    ask(row, column);
  }
  b.setInsertionPoint(branch.thenYield());
  askAll();
}

Place PanelKernel::placeOfResults(VectorBuilder &b,
                                  const PanelOperands &operands) const {
  auto type = cast<MemRefType>(operands.out.getType());
  Value width = b.index(type.getElementTypeBitWidth() / 8);
  Place out = b.placeOf(operands.out);
  return out.at(b, b.add(b.mul(operands.begin, out.rowBytes),
                         b.mul(operands.column, width)));
}

void PanelKernel::emitOutPrefetch(VectorBuilder &b, const Block &block,
                                  Value row, Value line) const {
  Value bytes =
      b.add(b.mul(row, block.out.rowBytes), b.mul(line, b.index(kCacheLine)));
  LLVM::Prefetch::create(b, b.toPointer(block.out.at(b, bytes).address),
                         /*rw=*/1, /*hint=*/3, /*cache=*/1);
}
