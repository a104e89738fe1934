//===- Compute.cpp - Grouped products as plain loops ----------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "et/Conversion/Epilogue.h"

using namespace mlir;
using namespace mlir::et;

static Value emitRem(LoopBuilder &b, Value a, int64_t divisor) {
  return arith::RemUIOp::create(b, a, b.index(divisor));
}

/// Where element [expert, k, column] of weights lies in the given layout, if
/// any.
static LoopBuilder::Values placeOf(LoopBuilder &b, PanelsAttr panels,
                                   Value expert, Value k, Value column) {
  if (!panels)
    return {expert, k, column};
  int64_t interleave = panels.getInterleave(), columns = panels.getColumns();
  Value within = b.add(b.mul(emitRem(b, column, columns), b.index(interleave)),
                       emitRem(b, k, interleave));
  return {expert, b.div(column, b.index(columns)),
          b.div(k, b.index(interleave)), within};
}

namespace {
/// A right-hand side of a product.
struct Weights {
  Value elements, scales, bias;
};
} // namespace

/// lhs[row, :] weights[expert, :, column], and bias[expert, column]
static Epilogue::Term emitDot(LoopBuilder &b, GroupedMatmulOp op,
                              const Weights &weights, Value row, Value expert,
                              Value column) {
  WeightFormatAttrInterface format = op.getWeightFormat();
  Value lhs = op.getLhs();
  auto load = [&](Value k) {
    auto place = placeOf(b, op.getPanelsAttr(), expert, k, column);
    if (!format)
      return b.load(weights.elements, place);
    Value value = b.loadStored(format, weights.elements, place);
    return b.mul(value, b.loadScale(format, weights.scales, expert, k, column));
  };
  Value sum = b.loop(b.index(0), b.dim(lhs, 1), b.f32(0.0),
                     [&](Value k, ValueRange acc) -> LoopBuilder::Values {
                       Value left = b.load(lhs, {row, k}), right = load(k);
                       return {b.add(acc[0], b.mul(left, right))};
                     })[0];
  return {sum, weights.bias ? b.load(weights.bias, {expert, column}) : Value()};
}

static void lowerGroupedMatmul(GroupedMatmulOp op, LoopBuilder &b) {
  Value out = op.getOut(), offsets = op.getOffsets();
  Value experts = b.dim(op.getRhs(), 0), columns = b.dim(out, 1);
  b.parallel({experts, columns}, [&](ValueRange iv) {
    Value expert = iv[0], column = iv[1];
    Value first = b.index(0), last = b.dim(out, 0);
    if (offsets) {
      first = b.toIndex(b.load(offsets, expert));
      Value next = b.toIndex(b.load(offsets, b.add(expert, b.index(1))));
      last = arith::MinUIOp::create(b, next, last);
    }
    b.loop(first, last, [&](Value row) {
      Value source = row;
      if (op.getTokens())
        source = b.toIndex(b.load(op.getTokens(), row));
      Epilogue::Term product =
          emitDot(b, op, {op.getRhs(), op.getScales(), op.getBias()}, source,
                  expert, column);
      Epilogue::Term gate;
      if (op.getGate())
        gate =
            emitDot(b, op, {op.getGate(), op.getGateScales(), op.getGateBias()},
                    source, expert, column);
      b.store(Epilogue(op).emit(b, product, gate), out, {row, column});
    });
  });
}

static void lowerDequantize(DequantizeOp op, LoopBuilder &b) {
  Value out = op.getOut();
  WeightFormatAttrInterface format = op.getFormat();
  b.parallel({b.dim(out, 0), b.dim(out, 1), b.dim(out, 2)}, [&](ValueRange iv) {
    auto load = [&](Value ofBlocks) {
      return b.loadScale(format, ofBlocks, iv[0], iv[1], iv[2]);
    };
    Value value = b.loadStored(format, op.getW(), iv);
    if (op.getZeroPoints())
      value = b.sub(value, load(op.getZeroPoints()));
    b.store(b.mul(value, load(op.getScales())), out, iv);
  });
}

/// The inverse of what placeOf finds, with 0 for what is beyond the weights.
static void lowerPack(PackOp op, LoopBuilder &b) {
  Value weights = op.getW(), out = op.getOut();
  PanelsAttr panels = op.getPanels();
  Value depth = b.dim(weights, 1), width = b.dim(weights, 2);
  Value interleave = b.index(panels.getInterleave());
  Value columns = b.index(panels.getColumns());
  b.parallel({b.dim(out, 0), b.dim(out, 1), b.dim(out, 2)}, [&](ValueRange iv) {
    Value firstColumn = b.mul(iv[1], columns);
    Value firstK = b.mul(iv[2], interleave);
    b.loop(b.index(0), b.dim(out, 3), [&](Value within) {
      Value column = b.add(firstColumn, b.div(within, interleave));
      Value k = b.add(firstK, emitRem(b, within, panels.getInterleave()));
      Value exists = b.both(b.cmp(arith::CmpIPredicate::ult, k, depth),
                            b.cmp(arith::CmpIPredicate::ult, column, width));
      // In its own type: to widen a NaN may change it.
      Type element = cast<MemRefType>(weights.getType()).getElementType();
      auto value = scf::IfOp::create(b, element, exists,
                                     /*withElseRegion=*/true);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToEnd(value.thenBlock());
      Value found =
          memref::LoadOp::create(b, weights, ValueRange{iv[0], k, column});
      scf::YieldOp::create(b, found);
      b.setInsertionPointToEnd(value.elseBlock());
      Value zero = arith::ConstantOp::create(b, b.getZeroAttr(element));
      scf::YieldOp::create(b, zero);
      b.setInsertionPointAfter(value);
      memref::StoreOp::create(b, value.getResult(0), out,
                              ValueRange{iv[0], iv[1], iv[2], within});
    });
  });
}

void et::populateComputePatterns(RewritePatternSet &patterns) {
  patterns.add<LoopPattern<PackOp>>(patterns.getContext(), lowerPack);
  patterns.add<LoopPattern<DequantizeOp>>(patterns.getContext(),
                                          lowerDequantize);
  patterns.add<LoopPattern<GroupedMatmulOp>>(
      patterns.getContext(), lowerGroupedMatmul,
      [](GroupedMatmulOp op) { return !op.getMask(); });
}
