//===- PanelKernel.cpp - The register-tiled product kernel ----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PanelKernel.h"
#include "et/Conversion/Passes.h"
#include "et/Conversion/ScalarMath.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpIPredicate;
using Values = LoopBuilder::Values;

/// Rows of a panel that vectors multiply in a step.
static constexpr int64_t kStep = 8;
/// More than this was no faster where the first-level cache has 48 KB.
static constexpr int64_t kMaxBlockBytes = 32 << 10;

SmallVector<Value *> PanelOperands::present() {
  SmallVector<Value *> result;
  for (Value *operand :
       {&lhs, &tokens, &panel, &gatePanel, &weights, &gateWeights, &nextPanel,
        &nextGate, &scales, &gateScales, &bias, &gateBias, &out, &rowBlock,
        &sums, &begin, &end, &column, &hasNext})
    if (*operand)
      result.push_back(operand);
  return result;
}

std::string PanelKernel::getName(PanelOperands &operands) const {
  std::string name;
  llvm::raw_string_ostream os(name);
  os << "et_panel_" << tile.rows << "x" << tile.columns() << "_"
     << getElementTypeOrSelf(operands.lhs.getType()) << "_"
     << getElementTypeOrSelf(operands.panel.getType()) << "_"
     << getElementTypeOrSelf(operands.out.getType());
  if (activation != Activation::None)
    os << "_" << stringifyActivation(activation);
  if (operands.tokens)
    os << "_tokens";
  // Rows may have been widened, which a bias never is.
  auto addBias = [&](StringRef what, Value bias) {
    os << what;
    Type element = getElementTypeOrSelf(bias.getType());
    if (element != getElementTypeOrSelf(operands.lhs.getType()))
      os << "_" << element;
  };
  if (operands.bias)
    addBias("_bias", operands.bias);
  if (operands.gatePanel)
    os << "_gate";
  if (operands.gateBias)
    addBias("_gatebias", operands.gateBias);
  if (wholeColumns)
    os << "_whole";
  if (way == Multiply::Matrices)
    os << "_matrix";
  else if (interleave == 2)
    os << (way == Multiply::Pairs ? "_dot" : "_pairs");
  if (copiedFrom) {
    Type element = getElementTypeOrSelf(operands.nextPanel.getType());
    os << "_copied";
    if (element != getElementTypeOrSelf(operands.panel.getType()))
      os << "_" << element;
    if (copiedFrom == 2)
      os << "_pairs";
    else if (wholeWeights && !wholeColumns)
      os << "_packed";
  }
  if (wholeDepth)
    os << "_k" << kMatrixDepth;
  if (readsAhead)
    os << "_ahead";
  return name;
}

void PanelKernel::call(VectorBuilder &b, ModuleOp module,
                       PanelOperands operands) const {
  // One kernel serves every shape: sizes, strides and offsets are dynamic.
  for (Value *operand : operands.present()) {
    auto type = dyn_cast<MemRefType>(operand->getType());
    if (!type)
      continue;
    SmallVector<int64_t> shape(type.getRank(), ShapedType::kDynamic);
    SmallVector<int64_t> strides = shape;
    strides.back() = 1;
    if (llvm::is_contained({&operands.panel, &operands.gatePanel}, operand))
      shape.back() = tile.columns() * interleave;
    if (!copiesBlocks() &&
        llvm::is_contained({&operands.nextPanel, &operands.nextGate}, operand))
      shape.back() = nextWidth();
    auto layout =
        StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic, strides);
    auto general = MemRefType::get(shape, type.getElementType(), layout);
    if (type != general)
      *operand = memref::CastOp::create(b, general, *operand);
  }
  SmallVector<Value> arguments;
  for (Value *operand : operands.present())
    arguments.push_back(*operand);
  auto type = b.getFunctionType(TypeRange(arguments), {});

  std::string name = getName(operands);
  auto kernel = module.lookupSymbol<func::FuncOp>(name);
  if (!kernel) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    kernel = func::FuncOp::create(b, name, type);
    kernel.setPrivate();
    // Lets LLVM drop the descriptor fields that the body does not read.
    kernel->setAttr(
        "llvm.linkage",
        LLVM::LinkageAttr::get(b.getContext(), LLVM::Linkage::Internal));
    b.setInsertionPointToStart(kernel.addEntryBlock());
    PanelOperands inside = operands;
    for (auto [operand, argument] :
         llvm::zip_equal(inside.present(), kernel.getArguments()))
      *operand = argument;
    emitBody(b, module, inside);
    func::ReturnOp::create(b);
  }
  func::CallOp::create(b, kernel, arguments);
}

int64_t PanelKernel::stepRows() const {
  return way == Multiply::Matrices ? kMatrixDepth / 2 : kStep;
}

int64_t PanelKernel::blockRows(int64_t bits) const {
  if (scalesSums())
    return blockUnit();
  int64_t rowBytes = tile.columns() * tile.products * interleave * bits / 8;
  // Beside the block there is what a tile reads and writes.
  int64_t blockBytes = std::min(firstLevelBytes / 4 * 3, kMaxBlockBytes);
  return std::max<int64_t>(blockBytes / rowBytes / blockUnit(), 1) *
         blockUnit();
}

void PanelKernel::emitBody(VectorBuilder &b, ModuleOp module,
                           const PanelOperands &operands) const {
  // Steps of K that are padding need no products of vectors.
  Value panelRows =
      way == Multiply::Matrices
          ? b.dim(operands.panel, 0)
          : b.ceilDiv(b.dim(operands.lhs, 1), b.index(interleave));
  Value begin = operands.begin, rows = b.sub(operands.end, begin);
  Value tiles = b.ceilDiv(rows, b.index(tile.rows));
  // Vector tiles of even sizes: one of few rows would read a panel for little.
  Value most = b.index(tile.rows), larger = tiles;
  if (way != Multiply::Matrices) {
    most = b.ceilDiv(rows, tiles);
    larger = b.sub(rows, b.mul(b.sub(most, b.index(1)), tiles));
  }
  auto panelType = cast<MemRefType>(operands.panel.getType());
  int64_t bits = panelType.getElementTypeBitWidth();
  Value blockRows = b.index(this->blockRows(bits));
  // Sums of nothing are one block, too.
  Value allRows = b.max(panelRows, b.index(1));
  if (!scalesSums()) {
    // Blocks of even sizes, again.
    Value unit = b.index(blockUnit());
    Value blocks = b.ceilDiv(allRows, blockRows);
    blockRows = b.mul(b.ceilDiv(b.ceilDiv(allRows, blocks), unit), unit);
  }
  auto blocks = scf::ForOp::create(b, b.index(0), allRows, blockRows);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(blocks.getBody()->getTerminator());

  Block block;
  block.first = blocks.getInductionVar();
  block.last = b.min(b.add(block.first, blockRows), panelRows);
  Value isLast = b.cmp(CmpIPredicate::eq, block.last, panelRows);
  setNext(b, operands, panelRows, blockRows, isLast, block);
  // One tile reads on in order, as fast as memory gives.
  if (readsAhead)
    block.nextRows = b.select(b.cmp(CmpIPredicate::eq, tiles, b.index(1)),
                              b.index(0), block.nextRows);
  planRequests(b, operands, tiles, block);
  if (copiesBlocks())
    copyBlock(b, module, operands, block);

  b.loop(b.index(0), tiles, [&](Value index) {
    Value smaller = b.sub(b.max(index, larger), larger);
    Value row = b.add(begin, b.sub(b.mul(index, most), smaller));
    Value isLarge = b.cmp(CmpIPredicate::ult, index, larger);
    Value tileRows = b.select(isLarge, most, b.sub(most, b.index(1)));
    Value place = b.mul(index, block.tilePace);
    if (way == Multiply::Matrices)
      tileRows = b.min(most, b.sub(operands.end, row));
    // In the last block, the lines of the results come while sums are made.
    block.firstOut = row;
    block.outLines = b.select(
        isLast, b.mul(tileRows, b.index(outLinesPerRow(operands))), b.index(0));
    if (way == Multiply::Matrices) {
      emitMatrixTile(b, operands, block, row, tileRows, place);
    } else {
      emitOutPrefetch(b, operands, block, b.index(0), block.outLines);
      // Every number of rows is code of its own, so that no row is multiplied
      // in vain.
      SmallVector<int64_t> cases =
          llvm::to_vector(llvm::seq<int64_t>(1, tile.rows));
      auto branch = scf::IndexSwitchOp::create(
          b, TypeRange(), tileRows, cases, static_cast<unsigned>(cases.size()));
      auto emitCase = [&](Region &region, int64_t count) {
        OpBuilder::InsertionGuard guard(b);
        b.createBlock(&region);
        emitTile(b, operands, block, count, row, place);
        scf::YieldOp::create(b);
      };
      for (auto [count, region] :
           llvm::zip_equal(cases, branch.getCaseRegions()))
        emitCase(region, count);
      emitCase(branch.getDefaultRegion(), tile.rows);
    }
    b.when(isLast, [&] { emitEpilogue(b, operands, row, tileRows); });
  });
}

Value et::viewRows(VectorBuilder &b, Value matrix, Value first,
                   OpFoldResult rows, OpFoldResult width) {
  SmallVector<OpFoldResult> offsets = {first, b.getIndexAttr(0)};
  SmallVector<OpFoldResult> sizes = {rows, width};
  SmallVector<OpFoldResult> strides(2, b.getIndexAttr(1));
  return memref::SubViewOp::create(b, matrix, offsets, sizes, strides);
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

void PanelKernel::emitTile(VectorBuilder &b, const PanelOperands &operands,
                           const Block &block, int64_t rows, Value firstRow,
                           Value place) const {
  Values lhsRows;
  for (int64_t row : llvm::seq(rows)) {
    Value position = b.add(firstRow, b.index(row));
    if (operands.tokens)
      position = b.toIndex(b.load(operands.tokens, position));
    lhsRows.push_back(viewRow(b, operands.lhs, position));
  }
  Value perRow = b.index(interleave);
  // All that a step reads is addressed from views that begin where it does: the
  // places in them are constants then.
  auto step = [&](Value panelRow, int64_t rows, Values sums,
                  bool isHalf = false) {
    PanelOperands inside = operands;
    Value at = copiesBlocks() ? b.sub(panelRow, block.first) : panelRow;
    for (Value *panel : {&inside.panel, &inside.gatePanel})
      if (*panel)
        *panel = viewRows(b, *panel, at, b.getIndexAttr(rows),
                          b.getIndexAttr(tile.columns() * interleave));
    Values columns;
    for (Value row : lhsRows)
      columns.push_back(viewColumns(b, row, b.mul(panelRow, perRow),
                                    isHalf ? 1 : rows * interleave));
    for (int64_t row : llvm::seq(rows))
      sums = emitPanelRow(b, inside, columns, row, sums, isHalf);
    return sums;
  };

  int64_t width = tile.products * tile.columns();
  Value memory = viewRows(b, operands.sums, b.sub(firstRow, operands.begin),
                          b.getIndexAttr(rows), b.getIndexAttr(width));
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
      sum = b.read(memory, placeOfSum(b, index), /*whole=*/true);
    scf::YieldOp::create(b, sums);
    sums = start.getResults();
  }

  // With pairs, an odd K leaves half a pair.
  bool mayBeOdd = way == Multiply::Pairs && !wholeDepth;
  Value last = block.last;
  if (mayBeOdd)
    last = b.min(last, b.div(b.dim(operands.lhs, 1), perRow));
  Value count = b.sub(last, block.first), stride = b.index(kStep);
  Value whole = b.add(block.first, b.mul(b.div(count, stride), stride));
  Values inits = sums;
  inits.push_back(place);
  auto steps = scf::ForOp::create(b, block.first, whole, stride, inits);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(steps.getBody());
    ValueRange old = steps.getRegionIterArgs();
    emitPrefetch(b, operands, block, old.back());
    Values next = step(steps.getInductionVar(), kStep, Values(old.drop_back()));
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
    sums = b.loop(last, block.last, sums, [&](Value row, ValueRange old) {
      return step(row, 1, Values(old), /*isHalf=*/true);
    });
  if (scalesSums())
    return addScaled(b, operands, block, sums, memory);
  for (auto [index, sum] : llvm::enumerate(sums))
    b.write(sum, memory, placeOfSum(b, index), /*whole=*/true);
}

Values PanelKernel::placeOfSum(VectorBuilder &b, size_t index) const {
  auto vectors = static_cast<size_t>(tile.products * tile.vectors);
  auto column = static_cast<int64_t>(index % vectors) * tile.lanes;
  return {b.index(static_cast<int64_t>(index / vectors)), b.index(column)};
}

void PanelKernel::emitEpilogue(VectorBuilder &b, const PanelOperands &operands,
                               Value firstRow, Value rows) const {
  auto biased = [&](Value sum, Value bias, Value column) {
    return bias ? b.add(sum, b.read(bias, column, wholeColumns)) : sum;
  };
  Value firstSum = b.sub(firstRow, operands.begin);
  b.loop(b.index(0), rows, [&](Value row) {
    for (int64_t vector : llvm::seq(tile.vectors)) {
      int64_t within = vector * tile.lanes;
      auto sumAt = [&](int64_t column) {
        return b.read(operands.sums, {b.add(firstSum, row), b.index(column)},
                      /*whole=*/true);
      };
      Value column = b.add(operands.column, b.index(within));
      Value result = biased(sumAt(within), operands.bias, column);
      if (operands.gatePanel) {
        Value gate =
            biased(sumAt(tile.columns() + within), operands.gateBias, column);
        result = b.mul(emitActivation(b, activation, gate), result);
      } else {
        result = emitActivation(b, activation, result);
      }
      b.write(result, operands.out, {b.add(firstRow, row), column},
              wholeColumns);
    }
  });
}
