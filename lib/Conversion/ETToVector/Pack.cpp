//===- Pack.cpp - Packing weights, a vector at a time ---------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

using namespace mlir;
using namespace mlir::et;
using arith::CmpIPredicate;

/// Packed rows that a task fills in one panel before it goes to the next one:
/// few enough for a stream of reads each, enough to write a page in a row.
static constexpr int64_t kRowsOfTask = 16;

namespace {
class PackLowering {
public:
  PackLowering(PackOp op, VectorBuilder &b)
      : b(b), weights(op.getW()), out(op.getOut()), panels(op.getPanels()),
        bits(b.getIntegerType(elementBits(op))),
        length(registerLength(op, b.lanes)), depth(b.dim(weights, 1)),
        width(b.dim(weights, 2)) {}

  /// Rows of one step of K, or of two that fill a register together.
  static bool applies(PackOp op, int64_t lanes) {
    PanelsAttr panels = op.getPanels();
    int64_t interleave = panels.getInterleave();
    return (interleave == 1 || (interleave == 2 && elementBits(op) <= 16)) &&
           panels.getColumns() % lanes == 0 &&
           panels.getColumns() % registerLength(op, lanes) == 0;
  }

  void lower() {
    Value rows = b.dim(out, 2), perTask = b.index(kRowsOfTask);
    b.parallel({b.dim(out, 0), b.ceilDiv(rows, perTask)}, [&](ValueRange iv) {
      Value first = b.mul(iv[1], perTask);
      Value last = b.min(b.add(first, perTask), rows);
      Value wholePanels = b.div(width, b.index(panels.getColumns()));
      b.loop(b.index(0), wholePanels, [&](Value panel) {
        fillRows(iv[0], panel, first, last, /*isWhole=*/true);
      });
      b.loop(wholePanels, b.dim(out, 1), [&](Value panel) {
        fillRows(iv[0], panel, first, last, /*isWhole=*/false);
      });
    });
  }

private:
  static unsigned elementBits(PackOp op) {
    return cast<MemRefType>(op.getW().getType()).getElementTypeBitWidth();
  }
  /// Elements of one step of K that a register of `lanes` f32 holds, or as many
  /// as a panel has.
  static int64_t registerLength(PackOp op, int64_t lanes) {
    PanelsAttr panels = op.getPanels();
    return std::min<int64_t>(lanes * 32 / elementBits(op) /
                                 panels.getInterleave(),
                             panels.getColumns());
  }

  /// Packed rows [first, last) of a panel, which is `isWhole` if it has all its
  /// columns.
  void fillRows(Value expert, Value panel, Value first, Value last,
                bool isWhole) {
    Value wholeRows = b.div(depth, b.index(panels.getInterleave()));
    Value split = b.max(b.min(last, wholeRows), first);
    auto fill = [&](Value row, bool isWholeRow) {
      for (int64_t column = 0; column < panels.getColumns(); column += length)
        fillVector(expert, panel, row, column, isWhole, isWholeRow);
    };
    b.loop(first, split, [&](Value row) { fill(row, /*isWholeRow=*/true); });
    b.loop(split, last, [&](Value row) { fill(row, /*isWholeRow=*/false); });
  }

  void fillVector(Value expert, Value panel, Value row, int64_t column,
                  bool isWhole, bool isWholeRow) {
    int64_t interleave = panels.getInterleave();
    Value from =
        b.add(b.mul(panel, b.index(panels.getColumns())), b.index(column));
    LoopBuilder::Values steps;
    for (int64_t step : llvm::seq(interleave)) {
      Value k = b.add(b.mul(row, b.index(interleave)), b.index(step));
      steps.push_back(read(expert, k, from, isWhole, isWholeRow));
    }
    Value packed = steps.front();
    if (interleave == 2)
      packed = vector::InterleaveOp::create(b, steps[0], steps[1]);
    Type element = cast<MemRefType>(out.getType()).getElementType();
    packed = vector::BitCastOp::create(
        b, VectorType::get(length * interleave, element), packed);
    vector::TransferWriteOp::create(
        b, packed, out,
        ValueRange{expert, panel, row, b.index(column * interleave)},
        ArrayRef<bool>{true});
  }

  /// As integers, in which no shuffle or choice changes a NaN; 0 beyond the
  /// weights.
  Value read(Value expert, Value k, Value column, bool isWhole,
             bool isWholeRow) {
    Type element = cast<MemRefType>(weights.getType()).getElementType();
    Value row = k, exists;
    if (!isWholeRow) {
      exists = b.cmp(CmpIPredicate::ult, k, depth);
      row = b.select(exists, k, b.index(0));
    }
    Value padding =
        arith::ConstantOp::create(b, b.getZeroAttr(element)).getResult();
    Value vector = vector::TransferReadOp::create(
        b, VectorType::get(length, element), weights,
        ValueRange{expert, row, column}, padding, ArrayRef<bool>{isWhole});
    auto type = VectorType::get(length, bits);
    vector = vector::BitCastOp::create(b, type, vector);
    if (isWholeRow)
      return vector;
    Value zeros = arith::ConstantOp::create(b, b.getZeroAttr(type));
    return arith::SelectOp::create(b, exists, vector, zeros);
  }

  VectorBuilder &b;
  Value weights, out;
  PanelsAttr panels;
  Type bits;
  int64_t length;
  Value depth, width;
};
} // namespace

static LogicalResult lowerPack(PackOp op, VectorBuilder &b, CPUTargetAttr) {
  if (!PackLowering::applies(op, b.lanes))
    return failure();
  PackLowering(op, b).lower();
  return success();
}

void et::populatePackPatterns(RewritePatternSet &patterns,
                              CPUTargetAttr target) {
  patterns.add<VectorPattern<PackOp>>(patterns.getContext(), target, lowerPack);
}
