//===- PanelKernel.cpp - The register-tiled product kernel ----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PanelKernel.h"
#include "et/Conversion/Passes.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpIPredicate;
using Values = LoopBuilder::Values;

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
  os << epilogue.getSuffix();
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
  // Copies lie in one way.
  int64_t stride = VectorBuilder::rowStrideOf(operands.panel);
  if (!copiesBlocks() && !ShapedType::isDynamic(stride))
    os << "_by" << stride;
  return name;
}

void PanelKernel::call(VectorBuilder &b, ModuleOp module,
                       PanelOperands operands) const {
  // One kernel serves every shape: sizes, strides and offsets are dynamic. Only
  // how far rows of panels lie apart is kept where it is known: places in them
  // are constants then.
  int64_t stride = b.rowStrideOf(operands.panel);
  if (operands.gatePanel && b.rowStrideOf(operands.gatePanel) != stride)
    stride = ShapedType::kDynamic;
  for (Value *operand : operands.present())
    if (isa<MemRefType>(operand->getType()) &&
        !llvm::is_contained({&operands.panel, &operands.gatePanel,
                             &operands.nextPanel, &operands.nextGate},
                            operand))
      *operand = b.generalize(*operand);
  for (Value *panel : {&operands.panel, &operands.gatePanel})
    if (*panel)
      *panel = b.generalize(*panel, tile.columns() * interleave, stride);
  for (Value *next : {&operands.nextPanel, &operands.nextGate})
    if (*next)
      *next = copiesBlocks()
                  ? b.generalize(*next)
                  : b.generalize(*next, nextWidth(),
                                 copiedFrom ? ShapedType::kDynamic : stride);
  std::string name = getName(operands);
  StringAttr key = epilogue.getKey();
  if (StringAttr ofFormat = scaled ? scaled->getKey() : StringAttr())
    key = key ? b.getStringAttr(key.getValue() + " " + ofFormat.getValue())
              : ofFormat;
  b.callShared(
      module, name, operands.present(), [&] { emitBody(b, module, operands); },
      key);
}

int64_t PanelKernel::blockRows(int64_t bits) const {
  if (scalesSums() && hasBlocksOfScales())
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
  Place out = placeOfResults(b, operands);
  auto panelType = cast<MemRefType>(operands.panel.getType());
  int64_t bits = panelType.getElementTypeBitWidth();
  Value blockRows = b.index(this->blockRows(bits));
  // Sums of nothing are one block, too.
  Value allRows = b.max(panelRows, b.index(1));
  if (!scalesSums() || !hasBlocksOfScales()) {
    // Blocks of even sizes: a short one would cost as much beside its products.
    Value unit = b.index(blockUnit());
    Value blocks = b.ceilDiv(allRows, blockRows);
    blockRows = b.mul(b.ceilDiv(b.ceilDiv(allRows, blocks), unit), unit);
  }
  PanelOperands ofTiles = operands;
  if (way != Multiply::Matrices && !operands.tokens)
    ofTiles.tokens = b.generalize(
        memref::AllocaOp::create(b, MemRefType::get({0}, b.getI32Type())));
  auto blocks = scf::ForOp::create(b, b.index(0), allRows, blockRows);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(blocks.getBody()->getTerminator());

  Block block;
  block.out = out;
  block.tiles = tiles;
  block.mostRows = b.index(tile.rows);
  if (way != Multiply::Matrices) {
    // Tiles of even sizes: one of few rows would read a panel for little.
    block.mostRows = b.ceilDiv(rows, tiles);
    block.larger = b.sub(rows, b.mul(b.sub(block.mostRows, b.index(1)), tiles));
  }
  block.first = blocks.getInductionVar();
  block.last = b.min(b.add(block.first, blockRows), panelRows);
  Value isLast = b.cmp(CmpIPredicate::eq, block.last, panelRows);
  setNext(b, operands, panelRows, blockRows, isLast, block);
  // One tile reads on in order, as fast as memory gives.
  if (readsAhead)
    block.nextRows = b.select(b.cmp(CmpIPredicate::eq, tiles, b.index(1)),
                              b.index(0), block.nextRows);
  planRequests(b, block);
  if (copiesBlocks())
    copyBlock(b, module, operands, block);

  block.outLines =
      b.select(isLast, b.index(outLinesPerRow(operands)), b.index(0));
  if (way != Multiply::Matrices) {
    callTiles(b, module, ofTiles, block);
    b.when(isLast, [&] { emitEpilogue(b, operands, begin, rows); });
    return;
  }
  b.loop(b.index(0), tiles, [&](Value index) {
    block.row = b.add(begin, b.mul(index, block.mostRows));
    block.rows = b.min(block.mostRows, b.sub(operands.end, block.row));
    emitMatrixTile(b, operands, block, b.mul(index, block.tilePace));
    b.when(isLast, [&] { emitEpilogue(b, operands, block.row, block.rows); });
  });
}

Value et::viewRows(VectorBuilder &b, Value matrix, Value first,
                   OpFoldResult rows, OpFoldResult width) {
  SmallVector<OpFoldResult> offsets = {first, b.getIndexAttr(0)};
  SmallVector<OpFoldResult> sizes = {rows, width};
  SmallVector<OpFoldResult> strides(2, b.getIndexAttr(1));
  return memref::SubViewOp::create(b, matrix, offsets, sizes, strides);
}

void PanelKernel::emitEpilogue(VectorBuilder &b, const PanelOperands &operands,
                               Value firstRow, Value rows) const {
  auto termOf = [&](Value sum, Value bias, Value column) -> Epilogue::Term {
    return {sum, bias ? b.read(bias, column, wholeColumns) : Value()};
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
      Epilogue::Term gate,
          product = termOf(sumAt(within), operands.bias, column);
      if (operands.gatePanel)
        gate =
            termOf(sumAt(tile.columns() + within), operands.gateBias, column);
      b.write(epilogue.emit(b, product, gate), operands.out,
              {b.add(firstRow, row), column}, wholeColumns);
    }
  });
}
