//===- Products.cpp - Kernels for grouped products ------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "ProductLowering.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mlir::et;

/// Columns that are copied together from weights in rows for matrix registers:
/// long pieces of a row.
static constexpr int64_t kCopiedColumns = 128;

/// An expert's rows up to which packed weights are not worth matrix registers.
static constexpr int64_t kFewPackedRows = 2;

/// Says why matrix registers, which the target has, do not multiply.
static void remarkNoMatrices(GroupedMatmulOp op) {
  std::string reason = "its weights are packed for other instructions";
  if (!getElementTypeOrSelf(op.getLhs().getType()).isBF16())
    reason = "they multiply rows of bf16 alone";
  else if (WeightFormatAttrInterface format = op.getWeightFormat())
    reason = llvm::formatv("its weights are {0}", format.getStored());
  auto function = op->getParentOfType<func::FuncOp>();
  remark::missed(op.getLoc(),
                 remark::RemarkOpts::name("matrix-registers")
                     .category("convert-et-to-vector")
                     .function(function ? function.getSymName() : StringRef()))
      << remark::add("a product without matrix registers")
      << remark::reason("{0}", reason);
}

static LogicalResult lowerGroupedMatmul(GroupedMatmulOp op, VectorBuilder &b,
                                        CPUTargetAttr target) {
  // Views of nothing have no valid offset.
  Value viewed[] = {op.getRhs(), op.getGate(), op.getScales(),
                    op.getGateScales()};
  auto isNothing = [](Value view) {
    return view &&
           llvm::is_contained(cast<MemRefType>(view.getType()).getShape(), 0);
  };
  if (op.getMask() || llvm::any_of(viewed, isNothing))
    return failure();
  WeightFormatAttrInterface format = op.getWeightFormat();
  if (format && !hasScaledTiles(format, target.getLanes()))
    return failure();
  int64_t columns = cast<MemRefType>(op.getOut().getType()).getShape()[1];
  int64_t products = op.getGate() ? 2 : 1;
  bool isBF16 = getElementTypeOrSelf(op.getLhs().getType()).isBF16();
  TileShape tile = TileShape::choose(
      target.getLanes(), target.getVectorRegisters(), columns, products);
  TileShape matrixTile = TileShape::chooseMatrix(columns, products);
  bool usesMatrices = target.has(CPUInstructions::AMXBF16) && isBF16 && !format;
  if (format)
    tile = tile.withScales(format.getBlock(), /*panelColumns=*/0);
  int64_t panelColumns = tile.columns(), interleave = 1;
  if (std::optional<PanelsAttr> panels = op.getPanels()) {
    panelColumns = panels->getColumns();
    interleave = panels->getInterleave();
    if (panelColumns % target.getLanes() || interleave > 2 ||
        (interleave == 2 && !isBF16))
      return failure();
    tile = format ? tile.withScales(format.getBlock(), panelColumns)
                  : tile.within(panelColumns);
    if (format && interleave == 2 &&
        !(format.hasByteTables() && target.hasBytePairs(tile.columns())))
      return failure();
    // The packed weights of few rows are multiplied as pairs then.
    usesMatrices &= target.has(CPUInstructions::AVX512BF16) &&
                    interleave == 2 && panelColumns % matrixTile.lanes == 0 &&
                    panels->getStep() % kMatrixDepth == 0;
    if (usesMatrices) {
      matrixTile = matrixTile.within(panelColumns);
      tile.rows = std::min(tile.rows, kFewPackedRows);
    }
  } else if (usesMatrices) {
    panelColumns = std::max(kCopiedColumns / products, tile.columns());
    if (!ShapedType::isDynamic(columns))
      panelColumns = std::min<int64_t>(panelColumns,
                                       llvm::alignTo(columns, tile.columns()));
  }

  if (target.has(CPUInstructions::AMXBF16) && !usesMatrices)
    remarkNoMatrices(op);

  std::optional<ScaledWeights> scaled;
  if (format)
    scaled = {format, format.hasByteTables() &&
                          target.has(CPUInstructions::AVX512VBMI)};
  auto kernelOf = [&](const TileShape &shape, Multiply way,
                      int64_t interleave) -> PanelKernel {
    return {shape,
            Epilogue(op),
            b.isWhole(op.getOut(), shape.columns()),
            way,
            interleave,
            b.isWhole(op.getLhs(), kMatrixDepth),
            target.getFirstLevelCache(),
            target.getReadsAhead() && op.getPanels() &&
                shape.columns() == panelColumns,
            /*copiedFrom=*/0,
            scaled};
  };
  bool usesPairs = interleave == 2 && target.has(CPUInstructions::AVX512BF16);
  PanelKernel vectors = kernelOf(
      tile, usesPairs ? Multiply::Pairs : Multiply::Widened, interleave);
  PanelKernel most = vectors;
  if (usesMatrices) {
    most = kernelOf(matrixTile, Multiply::Matrices, 2);
    most.copiedFrom = op.getPanels() ? 0 : 1;
  }
  ProductLowering(op, b, most, vectors, panelColumns,
                  target.getSecondLevelCache())
      .lower();
  return success();
}

void et::populateProductPatterns(RewritePatternSet &patterns,
                                 CPUTargetAttr target) {
  patterns.add<VectorPattern<GroupedMatmulOp>>(patterns.getContext(), target,
                                               lowerGroupedMatmul);
}
