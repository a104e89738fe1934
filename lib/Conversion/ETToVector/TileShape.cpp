//===- TileShape.cpp - Tiles of registers, and panels for them ------------===//
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
  // Four sums: their columns stay in the first-level cache, so that only rows
  // come from the second. Two by two would read as many rows again.
  int64_t vectors = 4 / products;
  if (!ShapedType::isDynamic(columns))
    vectors = std::min<int64_t>(vectors, llvm::divideCeil(columns, 16));
  return {/*rows=*/16, vectors, products, /*lanes=*/16};
}

TileShape TileShape::within(int64_t panelColumns) const {
  TileShape shape = *this;
  while (panelColumns % shape.columns())
    --shape.vectors;
  return shape;
}

TileShape TileShape::withScales(WeightBlock block, int64_t panelColumns) const {
  TileShape shape = *this;
  auto fits = [&] {
    return (block.n == 1 || block.sharesColumns(shape.columns())) &&
           panelColumns % shape.columns() == 0;
  };
  while (shape.vectors > 1 && !fits())
    --shape.vectors;
  return shape;
}

bool et::hasScaledTiles(WeightFormatAttrInterface format, int64_t lanes) {
  WeightBlock block = format.getBlock();
  // Whole steps, of pairs too.
  constexpr int64_t depth = 16;
  return format.getCount() == 1 &&
         (block.k == WeightBlock::kAll || block.k % depth == 0) &&
         (block.n == 1 || block.sharesColumns(lanes));
}

PanelsAttr et::choosePanels(GroupedMatmulOp op, CPUTargetAttr target) {
  int64_t columns = cast<ShapedType>(op.getOut().getType()).getDimSize(1);
  int64_t products = op.getGate() ? 2 : 1, interleave = 1, step = 1;
  TileShape tile = TileShape::choose(
      target.getLanes(), target.getVectorRegisters(), columns, products);
  bool isBF16 = getElementTypeOrSelf(op.getLhs().getType()).isBF16();
  if (WeightFormatAttrInterface format = op.getWeightFormat()) {
    tile = tile.withScales(format.getBlock(), /*panelColumns=*/0);
    if (isBF16 && format.hasByteTables() && target.hasBytePairs(tile.columns()))
      interleave = step = 2;
  } else if (isBF16) {
    // Whether pairs are multiplied or widened: that takes two instructions a
    // pair of vectors, and of bf16 in order four.
    interleave = step = 2;
    // Few rows of packed weights are multiplied as pairs.
    if (target.has(CPUInstructions::AMXBF16 | CPUInstructions::AVX512BF16)) {
      tile = TileShape::chooseMatrix(columns, products);
      step = kMatrixDepth;
    }
  }
  return PanelsAttr::get(op.getContext(), tile.columns(), interleave, step);
}
