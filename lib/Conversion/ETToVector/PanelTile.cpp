//===- PanelTile.cpp - The innermost loops of a panel kernel --------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PanelKernel.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpIPredicate;
using Values = LoopBuilder::Values;

/// Rows of a panel that vectors multiply in a step.
static constexpr int64_t kStep = 8;

int64_t PanelKernel::stepRows() const {
  return way == Multiply::Matrices ? kMatrixDepth / 2 : kStep;
}

/// One row of a matrix.
static Value viewRow(VectorBuilder &b, Value matrix, Value row) {
  SmallVector<OpFoldResult> offsets = {row, b.getIndexAttr(0)};
  SmallVector<OpFoldResult> sizes = {b.getIndexAttr(1),
                                     OpFoldResult(b.dim(matrix, 1))};
  SmallVector<OpFoldResult> strides(2, b.getIndexAttr(1));
  auto type = memref::SubViewOp::inferRankReducedResultType(
      ShapedType::kDynamic, cast<MemRefType>(matrix.getType()), offsets, sizes,
      strides);
  return memref::SubViewOp::create(b, cast<MemRefType>(type), matrix, offsets,
                                   sizes, strides);
}

/// Elements [first, first + count) of a row of lhs.
static Value viewColumns(VectorBuilder &b, Value row, Value first,
                         int64_t count) {
  OpFoldResult one = b.getIndexAttr(1), size = b.getIndexAttr(count);
  return memref::SubViewOp::create(b, row, OpFoldResult(first), size, one);
}

/// Two bf16 of a row, repeated in a register; the second is 0 in `isHalf`.
static Value splatPair(VectorBuilder &b, Value row, Value column, bool isHalf) {
  Value pair;
  if (isHalf) {
    Value one = memref::LoadOp::create(b, row, column);
    one = arith::BitcastOp::create(b, b.getI16Type(), one);
    pair = arith::ExtUIOp::create(b, b.getI32Type(), one);
  } else {
    auto type = VectorType::get(2, b.getBF16Type());
    Value two = vector::LoadOp::create(b, type, row, column);
    two = vector::BitCastOp::create(b, VectorType::get(1, b.getI32Type()), two);
    pair = vector::ExtractOp::create(b, two, ArrayRef<int64_t>{0});
  }
  auto type = VectorType::get(2 * b.lanes, b.getBF16Type());
  return vector::BitCastOp::create(b, type, b.splat(pair));
}

SmallVector<Value> PanelKernel::emitPanelRow(VectorBuilder &b,
                                             const PanelOperands &operands,
                                             ValueRange lhsRows,
                                             int64_t panelRow, ValueRange old,
                                             bool isHalf) const {
  Value rowOfPanel = b.index(panelRow);
  auto panelType = cast<MemRefType>(operands.panel.getType());
  auto packed =
      VectorType::get(tile.lanes * interleave, panelType.getElementType());
  auto readPacked = [&](Value panel, int64_t vector) -> Value {
    Value within = b.index(vector * tile.lanes * interleave);
    return vector::LoadOp::create(b, packed, panel,
                                  ValueRange{rowOfPanel, within});
  };
  SmallVector<Value, 2> panels = {operands.panel};
  if (operands.gatePanel)
    panels.push_back(operands.gatePanel);
  Values sums(old), widened;
  if (scalesSums())
    widened = way == Multiply::Pairs ? scaled->readPairs(b, panels, rowOfPanel)
                                     : scaled->read(b, panels, rowOfPanel,
                                                    b.index(0), tile.vectors,
                                                    /*whole=*/true);
  for (int64_t part : llvm::seq(way == Multiply::Pairs ? 1 : interleave)) {
    Values columns = widened;
    for (Value panel : scalesSums() ? ArrayRef<Value>() : panels)
      for (int64_t vector : llvm::seq(tile.vectors)) {
        if (interleave == 1) {
          Value within = b.index(vector * tile.lanes);
          columns.push_back(
              b.read(panel, {rowOfPanel, within}, /*whole=*/true));
          continue;
        }
        Value pairs = readPacked(panel, vector);
        columns.push_back(way == Multiply::Pairs ? pairs
                                                 : b.widenOfPairs(pairs, part));
      }
    Value *sum = sums.begin();
    for (Value row : lhsRows) {
      Value k = b.index(panelRow * interleave + part);
      Value scalar = way == Multiply::Pairs ? splatPair(b, row, k, isHalf)
                                            : b.splat(b.load(row, k));
      for (Value column : columns) {
        if (way == Multiply::Pairs)
          *sum = LLVM::CallIntrinsicOp::create(
                     b, sum->getType(),
                     b.getStringAttr("llvm.x86.avx512bf16.dpbf16ps.512"),
                     ValueRange{*sum, scalar, column})
                     .getResult(0);
        else
          *sum = b.fma(scalar, column, *sum);
        ++sum;
      }
    }
  }
  return sums;
}

/// Where rows [first, first + count) lie in lhs.
static Values positionsOf(VectorBuilder &b, Value tokens, Value hasTokens,
                          Value first, int64_t count) {
  Values rows;
  for (int64_t row : llvm::seq(count))
    rows.push_back(b.add(first, b.index(row)));
  auto branch = scf::IfOp::create(b, TypeRange(ValueRange(rows)), hasTokens,
                                  /*addThenBlock=*/true, /*addElseBlock=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(branch.elseBlock());
  scf::YieldOp::create(b, rows);
  b.setInsertionPointToEnd(branch.thenBlock());
  for (Value &row : rows)
    row = b.toIndex(b.load(tokens, row));
  scf::YieldOp::create(b, rows);
  return branch.getResults();
}

std::string PanelKernel::getTilesName(const PanelOperands &operands,
                                      const Block &block) const {
  int64_t stride = VectorBuilder::rowStrideOf(operands.panel);
  std::string name;
  llvm::raw_string_ostream os(name);
  os << "et_tiles_" << tile.rows << "x" << tile.columns() << "_"
     << getElementTypeOrSelf(operands.lhs.getType()) << "_"
     << getElementTypeOrSelf(operands.panel.getType());
  if (operands.gatePanel)
    os << "_gate";
  if (interleave == 2)
    os << (way == Multiply::Pairs ? "_dot" : "_pairs");
  if (copiedFrom)
    os << "_next_" << getElementTypeOrSelf(block.next.getType());
  if (int64_t lines = linesPerRow(block); lines > 1)
    os << "x" << lines;
  if (wholeDepth)
    os << "_k" << kMatrixDepth;
  if (!ShapedType::isDynamic(stride))
    os << "_by" << stride;
  return name;
}

void PanelKernel::callTiles(VectorBuilder &b, ModuleOp module,
                            PanelOperands operands, Block block) const {
  SmallVector<Value *> arguments = {&operands.lhs, &operands.tokens,
                                    &operands.sums, &operands.begin,
                                    &operands.column};
  Value first = copiesBlocks() ? b.index(0) : block.first;
  Value rows = b.sub(block.last, block.first);
  for (Value *panel : {&operands.panel, &operands.gatePanel})
    if (*panel) {
      *panel = viewRows(b, *panel, first, rows,
                        b.getIndexAttr(tile.columns() * interleave));
      arguments.push_back(panel);
    }
  int64_t any = ShapedType::kDynamic;
  for (Value *next : {&block.next, &block.nextGate})
    if (*next) {
      *next = b.generalize(*next, any, copiedFrom ? any : b.rowStrideOf(*next));
      arguments.push_back(next);
    }
  if (scalesSums()) {
    arguments.push_back(&operands.scales);
    if (operands.gateScales)
      arguments.push_back(&operands.gateScales);
  }
  arguments.append({&block.first, &block.last, &block.tiles, &block.mostRows,
                    &block.larger, &block.nextRows, &block.streams,
                    &block.streamRows, &block.pace, &block.tilePace,
                    &block.asksMany, &block.out.address, &block.out.rowBytes,
                    &block.outLines});
  b.callShared(
      module, getTilesName(operands, block), arguments,
      [&] { emitTiles(b, operands, block); },
      scalesSums() ? scaled->getKey() : StringAttr());
}

void PanelKernel::emitTiles(VectorBuilder &b, const PanelOperands &operands,
                            const Block &block) const {
  Value hasTokens =
      b.cmp(CmpIPredicate::ne, b.dim(operands.tokens, 0), b.index(0));
  b.loop(b.index(0), block.tiles, [&](Value index) {
    Value smaller = b.sub(b.max(index, block.larger), block.larger);
    Value first = b.sub(b.mul(index, block.mostRows), smaller);
    Value isLarge = b.cmp(CmpIPredicate::ult, index, block.larger);
    Value rows =
        b.select(isLarge, block.mostRows, b.sub(block.mostRows, b.index(1)));
    Value place = b.mul(index, block.tilePace);
    Value row = b.add(operands.begin, first);
    b.loop(first, b.add(first, rows), [&](Value within) {
      b.loop(b.index(0), block.outLines,
             [&](Value line) { emitOutPrefetch(b, block, within, line); });
    });
    // Every number of rows is code of its own, so that no row is multiplied in
    // vain.
    SmallVector<int64_t> cases =
        llvm::to_vector(llvm::seq<int64_t>(1, tile.rows));
    auto branch = scf::IndexSwitchOp::create(
        b, TypeRange(), rows, cases, static_cast<unsigned>(cases.size()));
    auto emitCase = [&](Region &region, int64_t count) {
      OpBuilder::InsertionGuard guard(b);
      b.createBlock(&region);
      PanelOperands ofTile = operands;
      int64_t width = tile.products * tile.columns();
      ofTile.sums = viewRows(b, operands.sums, first, b.getIndexAttr(count),
                             b.getIndexAttr(width));
      emitTile(b, ofTile, block,
               positionsOf(b, operands.tokens, hasTokens, row, count), place);
      scf::YieldOp::create(b);
    };
    for (auto [count, region] : llvm::zip_equal(cases, branch.getCaseRegions()))
      emitCase(region, count);
    emitCase(branch.getDefaultRegion(), tile.rows);
  });
}

void PanelKernel::emitTile(VectorBuilder &b, const PanelOperands &operands,
                           const Block &block, ValueRange positions,
                           Value place) const {
  auto rows = static_cast<int64_t>(positions.size());
  Values lhsRows;
  for (Value position : positions)
    lhsRows.push_back(viewRow(b, operands.lhs, position));
  Value perRow = b.index(interleave);
  Value firstColumn = b.mul(block.first, perRow);
  // All that a step reads is addressed from views that begin where it does, at
  // a row of the block: the places in them are constants then.
  auto step = [&](Value panelRow, int64_t rows, Values sums,
                  bool isHalf = false) {
    PanelOperands inside = operands;
    for (Value *panel : {&inside.panel, &inside.gatePanel})
      if (*panel)
        *panel = viewRows(b, *panel, panelRow, b.getIndexAttr(rows),
                          b.getIndexAttr(tile.columns() * interleave));
    Values columns;
    Value column = b.add(firstColumn, b.mul(panelRow, perRow));
    for (Value row : lhsRows)
      columns.push_back(
          viewColumns(b, row, column, isHalf ? 1 : rows * interleave));
    for (int64_t row : llvm::seq(rows))
      sums = emitPanelRow(b, inside, columns, row, sums, isHalf);
    return sums;
  };

  int64_t width = tile.products * tile.columns();
  Values sums(static_cast<size_t>(rows * width / tile.lanes), b.splat(0.0));
  Value isFirst = b.cmp(CmpIPredicate::eq, block.first, b.index(0));
  if (!scalesSums()) {
    auto start = scf::IfOp::create(b, TypeRange(ValueRange(sums)), isFirst,
                                   /*addThenBlock=*/true,
                                   /*addElseBlock=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(start.thenBlock());
    scf::YieldOp::create(b, sums);
    b.setInsertionPointToEnd(start.elseBlock());
    for (auto [index, sum] : llvm::enumerate(sums))
      sum = b.read(operands.sums, placeOfSum(b, index), /*whole=*/true);
    scf::YieldOp::create(b, sums);
    sums = start.getResults();
  }

  // With pairs, an odd K leaves half a pair.
  bool mayBeOdd = way == Multiply::Pairs && !wholeDepth;
  Value all = b.sub(block.last, block.first), last = all;
  if (mayBeOdd)
    last = b.sub(b.min(block.last, b.div(b.dim(operands.lhs, 1), perRow)),
                 block.first);
  // Code costs time to compile, so a step is a loop in all tiles but the one
  // that most are. Few rows take what reading the panel takes: about as much
  // code as one row has is enough. Beside the products of more rows, a loop
  // takes no time that shows.
  int64_t part = kStep;
  if (rows < tile.rows) {
    int64_t most = rows <= tile.rows / 2 ? kStep : 3 * kStep;
    part = std::clamp<int64_t>(
        llvm::bit_floor(static_cast<uint64_t>(most / rows)), 1, kStep);
  }
  Value stride = b.index(kStep);
  Value whole = b.mul(b.div(last, stride), stride);
  Values inits = sums;
  inits.push_back(place);
  auto steps = scf::ForOp::create(b, b.index(0), whole, stride, inits);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(steps.getBody());
    ValueRange old = steps.getRegionIterArgs();
    emitPrefetch(b, block, old.back());
    Value row = steps.getInductionVar();
    Values next(old.drop_back());
    if (part == kStep) {
      next = step(row, kStep, next);
    } else {
      auto parts =
          scf::ForOp::create(b, row, b.add(row, stride), b.index(part), next);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToEnd(parts.getBody());
      scf::YieldOp::create(b, step(parts.getInductionVar(), part,
                                   Values(parts.getRegionIterArgs())));
      next = Values(parts.getResults());
    }
    next.push_back(b.add(old.back(), block.pace));
    scf::YieldOp::create(b, next);
  }
  llvm::copy(steps.getResults().drop_back(), sums.begin());
  // A block has as many rows as a multiple of steps, except for the last.
  if (!wholeDepth)
    sums = b.loop(whole, last, sums, [&](Value row, ValueRange old) {
      return step(row, 1, Values(old));
    });
  if (mayBeOdd)
    sums = b.loop(last, all, sums, [&](Value row, ValueRange old) {
      return step(row, 1, Values(old), /*isHalf=*/true);
    });
  if (scalesSums())
    return addScaled(b, operands, block, sums);
  for (auto [index, sum] : llvm::enumerate(sums))
    b.write(sum, operands.sums, placeOfSum(b, index), /*whole=*/true);
}

Values PanelKernel::placeOfSum(VectorBuilder &b, size_t index) const {
  auto vectors = static_cast<size_t>(tile.products * tile.vectors);
  auto column = static_cast<int64_t>(index % vectors) * tile.lanes;
  return {b.index(static_cast<int64_t>(index / vectors)), b.index(column)};
}

void PanelKernel::addScaled(VectorBuilder &b, const PanelOperands &operands,
                            const Block &block, ValueRange sums) const {
  auto write = [&](Value sum, size_t index) {
    b.write(sum, operands.sums, placeOfSum(b, index), /*whole=*/true);
  };
  b.when(b.cmp(arith::CmpIPredicate::eq, block.first, b.index(0)), [&] {
    for (size_t index : llvm::seq(sums.size()))
      write(b.splat(0.0), index);
  });
  // Where K is 0, there is no scale.
  b.when(b.cmp(arith::CmpIPredicate::ult, block.first, block.last), [&] {
    // Of each product: one for all columns, or one a vector.
    bool isOne = scaled->format.getBlock().sharesColumns(tile.columns());
    Value k = b.mul(block.first, b.index(interleave));
    Values factors;
    for (Value scales : {operands.scales, operands.gateScales})
      for (int64_t vector : llvm::seq(scales && !isOne ? tile.vectors : 1))
        if (scales)
          factors.push_back(scaled->readScales(
              b, scales, k,
              b.add(operands.column, b.index(vector * tile.lanes))));
    for (auto [index, sum] : llvm::enumerate(sums)) {
      auto inRow = static_cast<int64_t>(index) % (tile.vectors * tile.products);
      Value before =
          b.read(operands.sums, placeOfSum(b, index), /*whole=*/true);
      write(b.fma(sum, factors[isOne ? inRow / tile.vectors : inRow], before),
            index);
    }
  });
}
