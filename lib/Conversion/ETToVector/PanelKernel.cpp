//===- PanelKernel.cpp - The register-tiled product kernel ----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PanelKernel.h"
#include "et/Conversion/ScalarMath.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::et;

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

SmallVector<Value *> PanelOperands::present() {
  SmallVector<Value *> result;
  for (Value *operand : {&lhs, &tokens, &panel, &gatePanel, &bias, &gateBias,
                         &out, &rowBlock, &begin, &end, &column})
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
  if (wholeColumns)
    os << "_whole";
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
    if (operand == &operands.panel || operand == &operands.gatePanel)
      shape.back() = tile.columns();
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
    emitBody(b, inside);
    func::ReturnOp::create(b);
  }
  func::CallOp::create(b, kernel, arguments);
}

void PanelKernel::emitBody(VectorBuilder &b, PanelOperands operands) const {
  Value rows = b.index(tile.rows);
  Value tail =
      arith::RemUIOp::create(b, b.sub(operands.end, operands.begin), rows);
  Value tailBegin = b.sub(operands.end, tail);
  b.stepLoop(operands.begin, tailBegin, tile.rows,
             [&](Value row) { emitTile(b, operands, tile.rows, row); });
  SmallVector<int64_t> cases =
      llvm::to_vector(llvm::seq<int64_t>(1, tile.rows));
  auto tails = scf::IndexSwitchOp::create(b, TypeRange(), tail, cases,
                                          static_cast<unsigned>(cases.size()));
  OpBuilder::InsertionGuard guard(b);
  b.createBlock(&tails.getDefaultRegion());
  scf::YieldOp::create(b);
  for (auto [count, region] : llvm::zip_equal(cases, tails.getCaseRegions())) {
    b.createBlock(&region);
    emitTile(b, operands, count, tailBegin);
    scf::YieldOp::create(b);
  }
}

void PanelKernel::emitTile(VectorBuilder &b, PanelOperands operands,
                           int64_t rows, Value firstRow) const {
  using Values = LoopBuilder::Values;
  Value zero = b.index(0), depth = b.dim(operands.lhs, 1);
  Values outRows, lhsRows;
  for (int64_t row : llvm::seq(rows)) {
    outRows.push_back(b.add(firstRow, b.index(row)));
    lhsRows.push_back(operands.tokens
                          ? b.toIndex(b.load(operands.tokens, outRows.back()))
                          : outRows.back());
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

  // Accumulators in the order [row][product][vector].
  SmallVector<Value, 2> panels = {operands.panel};
  if (operands.gatePanel)
    panels.push_back(operands.gatePanel);
  Values zeros(rows * tile.products * tile.vectors, b.splat(0.0));
  Values sums = b.loop(zero, depth, zeros, [&](Value k, ValueRange old) {
    Values columns, next;
    for (Value panel : panels)
      for (int64_t vector : llvm::seq(tile.vectors))
        columns.push_back(
            b.read(panel, {k, b.index(vector * tile.lanes)}, /*whole=*/true));
    for (int64_t row : llvm::seq(rows)) {
      Value scalar = b.splat(b.load(lhs, {lhsRows[row], k}));
      for (Value column : columns)
        next.push_back(b.fma(scalar, column, old[next.size()]));
    }
    return next;
  });

  for (int64_t vector : llvm::seq(tile.vectors)) {
    Value column = b.add(operands.column, b.index(vector * tile.lanes));
    Value bias, gateBias;
    if (operands.bias)
      bias = b.read(operands.bias, column, wholeColumns);
    if (operands.gateBias)
      gateBias = b.read(operands.gateBias, column, wholeColumns);
    auto biased = [&](Value sum, Value addend) {
      return addend ? b.add(sum, addend) : sum;
    };
    for (int64_t row : llvm::seq(rows)) {
      int64_t first = row * tile.products * tile.vectors + vector;
      Value result = biased(sums[first], bias);
      if (operands.gatePanel) {
        Value gate = biased(sums[first + tile.vectors], gateBias);
        result = b.mul(emitActivation(b, activation, gate), result);
      } else {
        result = emitActivation(b, activation, result);
      }
      b.write(result, operands.out, {outRows[row], column}, wholeColumns);
    }
  }
}
