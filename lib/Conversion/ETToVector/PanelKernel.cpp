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

/// Steps of k in a row, between requests for the next panel.
static constexpr int64_t kStep = 4;

TileShape TileShape::choose(int64_t lanes, int64_t registers, int64_t columns,
                            int64_t products) {
  // Accumulators, one row of the panel and one broadcast live at a time. Wide
  // tiles need the fewest loads for a product: 6 x 64 with 32 registers of 16
  // lanes, 6 x 16 with 16 registers of 8.
  int64_t vectors = registers >= 32 ? 4 : 2;
  if (!ShapedType::isDynamic(columns))
    vectors =
        std::min<int64_t>(vectors, llvm::divideCeil(columns, lanes) * products);
  vectors = std::max<int64_t>(1, vectors / products);
  int64_t perRow = vectors * products;
  // Beyond 12 accumulators, more rows no longer hide latency, and every tail
  // of fewer rows is code of its own.
  int64_t rows = (registers - 1 - perRow) / perRow;
  rows = std::clamp<int64_t>(rows, 1, std::max<int64_t>(6, 12 / perRow));
  return {rows, vectors, products, lanes};
}

TileShape TileShape::chooseMatrix(int64_t columns, int64_t products) {
  // Two matrix registers a side. Wider panels read longer pieces of the rows
  // of the weights.
  int64_t vectors = 8 / products;
  if (!ShapedType::isDynamic(columns))
    vectors = std::min<int64_t>(vectors, llvm::divideCeil(columns, 16));
  return {/*rows=*/32, vectors, products, /*lanes=*/16};
}

PanelsAttr et::choosePanels(GroupedMatmulOp op,
                            const VectorRegisters &registers) {
  int64_t columns = cast<ShapedType>(op.getOut().getType()).getDimSize(1);
  int64_t products = op.getGate() ? 2 : 1;
  MLIRContext *context = op.getContext();
  if (registers.matrices &&
      getElementTypeOrSelf(op.getLhs().getType()).isBF16()) {
    TileShape tile = TileShape::chooseMatrix(columns, products);
    return PanelsAttr::get(context, tile.columns(), /*interleave=*/2,
                           /*step=*/kMatrixDepth);
  }
  TileShape tile =
      TileShape::choose(registers.lanes, registers.count, columns, products);
  return PanelsAttr::get(context, tile.columns(), /*interleave=*/1, /*step=*/1);
}

SmallVector<Value *> PanelOperands::present() {
  SmallVector<Value *> result;
  for (Value *operand :
       {&lhs, &tokens, &weights, &gateWeights, &panel, &gatePanel, &nextPanel,
        &nextGate, &bias, &gateBias, &out, &rowBlock, &sums, &begin, &end,
        &column, &nextRows})
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
  if (operands.bias)
    os << "_bias";
  if (operands.gatePanel)
    os << "_gate";
  if (operands.gateBias)
    os << "_gatebias";
  if (operands.weights)
    os << "_packing";
  if (wholeColumns)
    os << "_whole";
  if (matrices)
    os << "_matrix";
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
    if (llvm::is_contained({&operands.nextPanel, &operands.nextGate}, operand))
      shape.back() = tile.columns();
    if (llvm::is_contained({&operands.panel, &operands.gatePanel}, operand))
      shape.back() = matrices ? ShapedType::kDynamic : tile.columns();
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
    matrices ? emitMatrixBody(b, inside) : emitBody(b, inside);
    func::ReturnOp::create(b);
  }
  func::CallOp::create(b, kernel, arguments);
}

void PanelKernel::emitBody(VectorBuilder &b, PanelOperands operands) const {
  Value tileRows = b.index(tile.rows), begin = operands.begin;
  // Requests for the next panel are spread evenly over the steps of all tiles.
  Value steps = b.mul(b.ceilDiv(b.sub(operands.end, begin), tileRows),
                      b.div(b.dim(operands.lhs, 1), b.index(kStep)));
  Value nextPerStep =
      b.ceilDiv(nextLines(b, operands), b.max(steps, b.index(1)));
  b.stepLoop(begin, operands.end, tile.rows, [&](Value row) {
    Value rows = b.min(b.sub(operands.end, row), tileRows), which = rows;
    SmallVector<int64_t> cases =
        llvm::to_vector(llvm::seq<int64_t>(1, tile.rows));
    if (operands.weights) {
      cases.push_back(0);
      which = b.select(b.cmp(arith::CmpIPredicate::eq, row, begin), b.index(0),
                       rows);
    }
    // Every number of rows is code of its own, so that no row is multiplied in
    // vain; only the first tile packs, whatever its number of rows.
    auto tiles = scf::IndexSwitchOp::create(
        b, TypeRange(), which, cases, static_cast<unsigned>(cases.size()));
    auto emitCase = [&](Region &region, int64_t count, bool packing) {
      OpBuilder::InsertionGuard guard(b);
      b.createBlock(&region);
      emitTile(b, operands, count, row, nextPerStep, packing);
      scf::YieldOp::create(b);
    };
    for (auto [count, region] : llvm::zip_equal(cases, tiles.getCaseRegions()))
      emitCase(region, count ? count : tile.rows, /*packing=*/count == 0);
    emitCase(tiles.getDefaultRegion(), tile.rows, /*packing=*/false);
    emitEpilogue(b, operands, row, rows);
  });
}

SmallVector<Value> PanelKernel::emitSums(VectorBuilder &b,
                                         const PanelOperands &operands,
                                         Value lhs, ValueRange lhsRows,
                                         Value firstNext, Value nextPerStep,
                                         bool packing) const {
  using Values = LoopBuilder::Values;
  SmallVector<Value, 2> weights = {operands.weights}, panels = {operands.panel};
  if (operands.gatePanel) {
    weights.push_back(operands.gateWeights);
    panels.push_back(operands.gatePanel);
  }
  auto oneDepth = [&](Value k, ValueRange old) {
    Values columns, next;
    for (auto [source, panel] : llvm::zip_equal(weights, panels))
      for (int64_t vector : llvm::seq(tile.vectors)) {
        Value within = b.index(vector * tile.lanes);
        if (!packing) {
          columns.push_back(b.read(panel, {k, within}, /*whole=*/true));
          continue;
        }
        Value column = b.add(operands.column, within);
        columns.push_back(b.read(source, {k, column}, wholeColumns));
        b.write(columns.back(), panel, {k, within}, /*whole=*/true);
      }
    for (Value row : lhsRows) {
      Value scalar = b.splat(b.load(lhs, {row, k}));
      for (Value column : columns)
        next.push_back(b.fma(scalar, column, old[next.size()]));
    }
    return next;
  };

  Value zero = b.index(0), depth = b.dim(operands.lhs, 1);
  Values zeros(lhsRows.size() * tile.products * tile.vectors, b.splat(0.0));
  Value step = b.index(kStep), whole = b.mul(b.div(depth, step), step);
  Value lines = nextLines(b, operands);
  auto steps = scf::ForOp::create(b, zero, whole, step, zeros);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(steps.getBody());
    Value k = steps.getInductionVar();
    Value next = b.add(firstNext, b.mul(b.div(k, step), nextPerStep));
    emitPrefetch(b, operands, next, nextPerStep, lines);
    Values sums(steps.getRegionIterArgs().begin(),
                steps.getRegionIterArgs().end());
    if (packing) {
      // Unrolled, its many loads and stores leave no registers.
      sums = b.loop(k, b.add(k, step), sums, oneDepth);
    } else {
      for (int64_t part : llvm::seq(kStep))
        sums = oneDepth(b.add(k, b.index(part)), sums);
    }
    scf::YieldOp::create(b, sums);
  }
  return b.loop(whole, depth, steps.getResults(), oneDepth);
}

int64_t PanelKernel::linesPerRow(const PanelOperands &operands) const {
  Type element = getElementTypeOrSelf(operands.nextPanel.getType());
  return llvm::divideCeil(tile.columns() * element.getIntOrFloatBitWidth() / 8,
                          kCacheLine);
}

Value PanelKernel::nextLines(VectorBuilder &b,
                             const PanelOperands &operands) const {
  return b.mul(operands.nextRows, b.index(linesPerRow(operands)));
}

void PanelKernel::emitPrefetch(VectorBuilder &b, const PanelOperands &operands,
                               Value first, Value count, Value last) const {
  int64_t perRow = linesPerRow(operands), perLine = tile.columns() / perRow;
  b.loop(first, b.min(b.add(first, count), last), [&](Value line) {
    Value lines = b.index(perRow), row = b.div(line, lines);
    Value column =
        b.mul(arith::RemUIOp::create(b, line, lines), b.index(perLine));
    for (Value panel : {operands.nextPanel, operands.nextGate})
      if (panel)
        memref::PrefetchOp::create(b, panel, ValueRange{row, column},
                                   /*isWrite=*/false, /*localityHint=*/2,
                                   /*isDataCache=*/true);
  });
}

void PanelKernel::emitTile(VectorBuilder &b, const PanelOperands &operands,
                           int64_t rows, Value firstRow, Value nextPerStep,
                           bool packing) const {
  using Values = LoopBuilder::Values;
  Value zero = b.index(0), depth = b.dim(operands.lhs, 1);
  Values lhsRows;
  for (int64_t row : llvm::seq(rows)) {
    Value position = b.add(firstRow, b.index(row));
    // The packing tile may have fewer rows: the last one is computed again.
    if (packing)
      position = b.min(position, b.sub(operands.end, b.index(1)));
    lhsRows.push_back(operands.tokens
                          ? b.toIndex(b.load(operands.tokens, position))
                          : position);
  }
  Value lhs = operands.lhs;
  if (operands.rowBlock) {
    // Widening a scalar each time it is broadcast would take the multipliers'
    // issue slots, so a block of rows is widened by vectors, once.
    lhs = operands.rowBlock;
    for (int64_t row : llvm::seq(rows))
      b.stepLoop(zero, depth, tile.lanes, [&](Value k) {
        b.write(b.read(operands.lhs, {lhsRows[row], k}), lhs, {b.index(row), k},
                /*whole=*/true);
      });
    for (int64_t row : llvm::seq(rows))
      lhsRows[row] = b.index(row);
  }
  Value tileIndex = b.div(b.sub(firstRow, operands.begin), b.index(tile.rows));
  Value stepsPerTile = b.div(depth, b.index(kStep));
  Value firstNext = b.mul(b.mul(tileIndex, stepsPerTile), nextPerStep);
  Values sums =
      emitSums(b, operands, lhs, lhsRows, firstNext, nextPerStep, packing);

  for (auto [index, sum] : llvm::enumerate(sums)) {
    int64_t perRow = tile.products * tile.vectors;
    int64_t row = index / perRow, column = index % perRow * tile.lanes;
    b.write(sum, operands.sums, {b.index(row), b.index(column)},
            /*whole=*/true);
  }
}

void PanelKernel::emitEpilogue(VectorBuilder &b, const PanelOperands &operands,
                               Value firstRow, Value rows) const {
  auto biased = [&](Value sum, Value bias, Value column) {
    return bias ? b.add(sum, b.read(bias, column, wholeColumns)) : sum;
  };
  b.loop(b.index(0), rows, [&](Value row) {
    for (int64_t vector : llvm::seq(tile.vectors)) {
      int64_t within = vector * tile.lanes;
      auto sumAt = [&](int64_t column) {
        return b.read(operands.sums, {row, b.index(column)}, /*whole=*/true);
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
