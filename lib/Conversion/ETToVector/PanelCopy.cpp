//===- PanelCopy.cpp - Weights as the products want them ------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PanelKernel.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::et;

/// panel[k, n] = weights[k, n].
static void emitRows(VectorBuilder &b, int64_t width, bool wholeColumns,
                     Value weights, Value panel) {
  b.loop(b.index(0), b.dim(panel, 0), [&](Value k) {
    for (int64_t within = 0; within < width; within += b.lanes) {
      Value n = b.index(within);
      b.write(b.read(weights, {k, n}, wholeColumns), panel, {k, n},
              /*whole=*/true);
    }
  });
}

/// panel[k, 2n + i] = weights[2k + i, n].
static void emitPairs(VectorBuilder &b, int64_t width, bool wholeColumns,
                      Value weights, Value panel) {
  int64_t length = width % (2 * b.lanes) ? b.lanes : 2 * b.lanes;
  auto type = VectorType::get(length, b.getBF16Type());
  Value none = arith::ConstantOp::create(b, b.getZeroAttr(type));
  Value element =
      arith::ConstantOp::create(b, b.getZeroAttr(type.getElementType()));
  auto rowPair = [&](Value pair, bool first, bool second) {
    for (int64_t within = 0; within < width; within += length) {
      auto read = [&](bool exists, int64_t odd) -> Value {
        if (!exists)
          return none;
        Value row = b.add(b.mul(pair, b.index(2)), b.index(odd));
        return vector::TransferReadOp::create(
            b, type, weights, ValueRange{row, b.index(within)}, element,
            ArrayRef<bool>{wholeColumns});
      };
      Value both =
          vector::InterleaveOp::create(b, read(first, 0), read(second, 1));
      vector::TransferWriteOp::create(b, both, panel,
                                      ValueRange{pair, b.index(2 * within)},
                                      ArrayRef<bool>{true});
    }
  };
  Value depth = b.dim(weights, 0), two = b.index(2);
  Value pairs = b.div(depth, two), some = b.ceilDiv(depth, two);
  b.loop(b.index(0), pairs, [&](Value pair) { rowPair(pair, true, true); });
  b.loop(pairs, some, [&](Value pair) { rowPair(pair, true, false); });
  b.loop(some, b.dim(panel, 0),
         [&](Value pair) { rowPair(pair, false, false); });
}

/// panel[2k + i, n] = weights[k, 2n + i].
static void emitFromPairs(VectorBuilder &b, int64_t width,
                          bool /*wholeColumns*/, Value weights, Value panel) {
  b.loop(b.index(0), b.div(b.dim(panel, 0), b.index(2)), [&](Value pair) {
    for (int64_t within = 0; within < width; within += b.lanes) {
      Value both = vector::LoadOp::create(
          b, VectorType::get(2 * b.lanes, b.getBF16Type()), weights,
          ValueRange{pair, b.index(2 * within)});
      for (int64_t odd : {0, 1}) {
        Value row = b.add(b.mul(pair, b.index(2)), b.index(odd));
        b.write(b.widenOfPairs(both, odd), panel, {row, b.index(within)},
                /*whole=*/true);
      }
    }
  });
}

void et::emitPanelCopy(VectorBuilder &b, ModuleOp module, Value weights,
                       Value panel, bool wholeColumns, PanelCopy kind) {
  int64_t width = cast<MemRefType>(panel.getType()).getShape()[1];
  if (kind == PanelCopy::ToPairs)
    width /= 2;
  std::string name;
  llvm::raw_string_ostream os(name);
  os << "et_copy_" << width << "_" << getElementTypeOrSelf(weights.getType())
     << "_" << getElementTypeOrSelf(panel.getType())
     << (kind == PanelCopy::ToPairs     ? "_pairs"
         : kind == PanelCopy::FromPairs ? "_from_pairs"
                                        : "")
     << (wholeColumns ? "_whole" : "");
  weights = b.generalize(weights);
  auto *emit = kind == PanelCopy::ToPairs     ? emitPairs
               : kind == PanelCopy::FromPairs ? emitFromPairs
                                              : emitRows;
  b.callShared(module, name, {&weights, &panel},
               [&] { emit(b, width, wholeColumns, weights, panel); });
}

void PanelKernel::copyBlock(VectorBuilder &b, ModuleOp module,
                            const PanelOperands &operands,
                            const Block &block) const {
  Value rows = b.sub(block.last, block.first), unit = b.index(copiedFrom);
  Value some = b.ceilDiv(rows, unit);
  auto copy = [&](Value weights, Value scales, Value panel) {
    Value from =
        viewRows(b, weights, b.div(block.first, unit), some, b.dim(weights, 1));
    Value to = viewRows(b, panel, b.index(0), b.mul(some, unit),
                        b.getIndexAttr(tile.columns()));
    if (!scaled)
      return emitPanelCopy(b, module, from, to, wholeWeights,
                           copiedFrom == 2 ? PanelCopy::FromPairs
                                           : PanelCopy::Rows);
    Value firstScale = scaled->scaleRow(b, block.first);
    Value scaleRows = b.index(1);
    if (hasBlocksOfScales())
      scaleRows = b.ceilDiv(rows, b.index(scaled->format.getBlock().k));
    scales = viewRows(b, scales, firstScale, scaleRows, b.dim(scales, 1));
    scaled->emitCopy(b, module, from, scales, operands.column, to,
                     wholeWeights);
  };
  copy(operands.weights, operands.scales, operands.panel);
  if (operands.gateWeights)
    copy(operands.gateWeights, operands.gateScales, operands.gatePanel);
}
