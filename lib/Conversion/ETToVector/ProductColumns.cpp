//===- ProductColumns.cpp - The panels of a task, in place or copied ------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProductLowering.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpIPredicate;

/// Of an element of a copy that vectors multiply.
static constexpr int64_t kCopiedBits = 32;

/// Tiles of a task up to which packed weights are widened for each of them.
static constexpr int64_t kWidenedTiles = 2;

void ProductLowering::emitVectorTask(PanelKernel kernel, const Task &task,
                                     const Task &next, Value hasNext,
                                     PanelOperands operands, Value scratch) {
  if (readsPacked())
    return emitColumns(kernel, task, next, hasNext, operands, scratch);
  // Scales multiply sums in the one way and weights in the other. So the
  // expert's rows decide, and not those of a task, which depend on the threads.
  auto [begin, end] = op.getScales() ? rowsOf(task.expert)
                                     : std::pair(task.firstRow, task.lastRow);
  // Widening packed weights costs less than copying those in rows.
  bool widens = op.getPanels() && !op.getScales();
  int64_t fewest = kernel.tile.rows * (widens ? kWidenedTiles : 1);
  Value once = b.cmp(CmpIPredicate::ule, b.sub(end, begin), b.index(fewest));
  if (!kernel.wholeColumns && !op.getPanels())
    once = b.both(once, b.cmp(CmpIPredicate::ule, task.lastColumn, columns));
  auto branch = scf::IfOp::create(b, once, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.thenYield());
  emitColumns(kernel, task, next, hasNext, operands, scratch);
  b.setInsertionPoint(branch.elseYield());
  emitColumns(copying(kernel), task, next, hasNext, operands, scratch);
}

PanelKernel ProductLowering::copying(PanelKernel kernel) {
  kernel.copiedFrom = kernel.interleave;
  kernel.wholeWeights = kernel.wholeColumns || op.getPanels();
  kernel.interleave = 1;
  kernel.readsAhead = false;
  return kernel;
}

SmallVector<Value> ProductLowering::copyPanels(const Task &task,
                                               ArrayRef<Value> weights,
                                               Value scratch) {
  SmallVector<Value> copies;
  int64_t width = panelColumns * kernel.interleave;
  Value rows = b.div(paddedDepth, b.index(kernel.interleave));
  for (auto [index, matrix] : llvm::enumerate(weights)) {
    Value copy =
        viewScratch(scratch, copyPlace(index), {ShapedType::kDynamic, width},
                    rows, b.getBF16Type());
    emitPanelCopy(
        b, module,
        columnsFrom(matrix, task.expert, task.firstColumn, panelColumns), copy,
        b.isWhole(op.getOut(), panelColumns), PanelCopy::ToPairs);
    copies.push_back(copy);
  }
  return copies;
}

void ProductLowering::emitColumns(PanelKernel kernel, const Task &task,
                                  const Task &next, Value hasNext,
                                  PanelOperands operands, Value scratch) {
  const TileShape &shape = kernel.tile;
  int64_t width = shape.columns();
  operands.sums = viewScratch(
      scratch, b.index(0), {ShapedType::kDynamic, shape.products * width},
      b.max(taskRows, b.index(shape.rows)), b.getF32Type());
  if (kernel.way == Multiply::Matrices)
    operands.rowBlock =
        viewScratch(scratch, copyPlace(shape.products),
                    {shape.rows, rowBlockWidth()}, {}, b.getBF16Type());
  SmallVector<Value, 2> weights = {op.getRhs()}, copies;
  if (op.getGate())
    weights.push_back(op.getGate());
  if (kernel.copiesPanels())
    copies = copyPanels(task, weights, scratch);
  Value last = b.min(task.lastColumn, columns);
  b.stepLoop(task.firstColumn, last, width, [&](Value column) {
    PanelOperands inside = operands;
    inside.column = column;
    Value nextExpert = next.expert, nextColumn = next.firstColumn;
    Value within = b.sub(column, task.firstColumn);
    if (kernel.copiesPanels()) {
      // Every part of the columns asks for its own part of the next ones.
      nextColumn = b.add(nextColumn, within);
      inside.hasNext = hasNext;
    } else {
      Value following = b.add(column, b.index(width));
      Value isInside = b.cmp(CmpIPredicate::ult, following, last);
      nextExpert = b.select(isInside, task.expert, nextExpert);
      nextColumn = b.select(isInside, following, nextColumn);
      inside.hasNext = b.either(isInside, hasNext);
    }
    Value *panels[] = {&inside.panel, &inside.gatePanel};
    Value *sources[] = {&inside.weights, &inside.gateWeights};
    Value *nextPanels[] = {&inside.nextPanel, &inside.nextGate};
    for (auto [index, matrix] : llvm::enumerate(weights)) {
      *nextPanels[index] = panelAt(matrix, nextExpert, nextColumn, width);
      if (kernel.copiesBlocks()) {
        *panels[index] = viewScratch(scratch, copyPlace(index),
                                     {kernel.blockRows(kCopiedBits), width}, {},
                                     b.getF32Type());
        *sources[index] = columnsFrom(matrix, task.expert, column, width);
      } else if (kernel.copiesPanels()) {
        SmallVector<OpFoldResult> offsets = {
            b.getIndexAttr(0), b.mul(within, b.index(kernel.interleave))};
        SmallVector<OpFoldResult> sizes = {
            b.dim(copies[index], 0), b.getIndexAttr(width * kernel.interleave)};
        SmallVector<OpFoldResult> strides(2, b.getIndexAttr(1));
        *panels[index] = memref::SubViewOp::create(b, copies[index], offsets,
                                                   sizes, strides);
      } else {
        *panels[index] = panelAt(matrix, task.expert, column, width);
      }
    }
    kernel.call(b, module, inside);
  });
}

Value ProductLowering::columnsFrom(Value weights, Value expert, Value column,
                                   int64_t width) {
  if (op.getPanels())
    return panelAt(weights, expert, column, width);
  auto type = cast<MemRefType>(weights.getType());
  SmallVector<OpFoldResult> offsets = {expert, b.getIndexAttr(0), column};
  SmallVector<OpFoldResult> sizes = {b.getIndexAttr(1), b.dim(weights, 1),
                                     b.sub(b.dim(weights, 2), column)};
  SmallVector<OpFoldResult> strides(3, b.getIndexAttr(1));
  auto viewType = memref::SubViewOp::inferRankReducedResultType(
      {ShapedType::kDynamic, ShapedType::kDynamic}, type, offsets, sizes,
      strides);
  return memref::SubViewOp::create(b, viewType, weights, offsets, sizes,
                                   strides);
}

Value ProductLowering::panelAt(Value weights, Value expert, Value column,
                               int64_t width) {
  auto type = cast<MemRefType>(weights.getType());
  SmallVector<OpFoldResult> offsets = {expert, b.getIndexAttr(0), column};
  SmallVector<OpFoldResult> sizes = {b.getIndexAttr(1), b.dim(weights, 1),
                                     b.getIndexAttr(width)};
  if (std::optional<PanelsAttr> panels = op.getPanels()) {
    int64_t interleave = panels->getInterleave();
    Value panelWidth = b.index(panelColumns);
    Value within = arith::RemUIOp::create(b, column, panelWidth);
    width *= interleave;
    offsets = {expert, b.div(column, panelWidth), b.getIndexAttr(0),
               b.mul(within, b.index(interleave))};
    sizes = {b.getIndexAttr(1), b.getIndexAttr(1), b.dim(weights, 2),
             b.getIndexAttr(width)};
  }
  SmallVector<OpFoldResult> strides(offsets.size(), b.getIndexAttr(1));
  auto panelType = memref::SubViewOp::inferRankReducedResultType(
      {ShapedType::kDynamic, width}, type, offsets, sizes, strides);
  return memref::SubViewOp::create(b, panelType, weights, offsets, sizes,
                                   strides);
}

Value ProductLowering::sliceOf(Value memref, Value expert) {
  auto type = cast<MemRefType>(memref.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(type.getRank(), b.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes =
      memref::getMixedSizes(b, b.getLoc(), memref);
  offsets[0] = expert;
  sizes[0] = b.getIndexAttr(1);
  auto sliceType = memref::SubViewOp::inferRankReducedResultType(
      type.getShape().drop_front(), type, offsets, sizes, strides);
  return memref::SubViewOp::create(b, sliceType, memref, offsets, sizes,
                                   strides);
}

Value ProductLowering::viewScratch(Value scratch, Value offset,
                                   ArrayRef<int64_t> shape, ValueRange sizes,
                                   Type element) {
  return memref::ViewOp::create(b, MemRefType::get(shape, element), scratch,
                                offset, sizes);
}

Value ProductLowering::sumBytes() {
  auto bytes = [&](Value rows, const TileShape &tile) {
    int64_t width = tile.products * tile.columns() * 4;
    return b.mul(b.max(rows, b.index(tile.rows)), b.index(width));
  };
  return b.max(bytes(taskRows, kernel.tile), bytes(taskRows, fewRows.tile));
}

Value ProductLowering::copyBytes() {
  if (readsPacked())
    return b.index(0);
  const PanelKernel &vectors = usesMatrices() ? fewRows : kernel;
  PanelKernel copy = copying(vectors);
  Value block = b.index(copy.blockRows(kCopiedBits) * copy.tile.columns() *
                        kCopiedBits / 8);
  if (!usesMatrices())
    return block;
  int64_t bits = bitsOf(op.getRhs());
  return b.max(block, b.mul(paddedDepth, b.index(panelColumns * bits / 8)));
}

Value ProductLowering::copyPlace(int64_t index) {
  return b.add(sumBytes(), b.mul(copyBytes(), b.index(index)));
}

int64_t ProductLowering::rowBlockWidth() {
  if (!usesMatrices())
    return 0;
  int64_t rows = kernel.blockRows(bitsOf(op.getRhs()));
  return llvm::alignTo(rows * kernel.interleave, kMatrixDepth);
}
