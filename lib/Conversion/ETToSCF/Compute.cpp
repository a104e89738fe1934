//===- Compute.cpp - Grouped products as plain loops ----------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

using namespace mlir;
using namespace mlir::et;

/// lhs[row, :] rhs[expert, :, column] + bias[expert, column]
static Value emitDot(LoopBuilder &b, Value lhs, Value rhs, Value scales,
                     Value bias, Value row, Value expert, Value column) {
  Value block = b.index(kScaleBlock);
  auto load = [&](Value k) {
    Value weight = b.load(rhs, {expert, k, column});
    if (!scales)
      return weight;
    return b.mul(weight, b.load(scales, {expert, b.div(k, block),
                                         b.div(column, block)}));
  };
  Value sum = b.loop(b.index(0), b.dim(lhs, 1), b.f32(0.0),
                     [&](Value k, ValueRange acc) -> LoopBuilder::Values {
                       Value product = b.mul(b.load(lhs, {row, k}), load(k));
                       return {b.add(acc[0], product)};
                     })[0];
  return bias ? b.add(sum, b.load(bias, {expert, column})) : sum;
}

static void lowerGroupedMatmul(GroupedMatmulOp op, LoopBuilder &b) {
  Value out = op.getOut(), offsets = op.getOffsets();
  Value experts = b.dim(op.getRhs(), 0), columns = b.dim(out, 1);
  b.parallel({experts, columns}, [&](ValueRange iv) {
    Value expert = iv[0], column = iv[1];
    Value first = b.index(0), last = b.dim(out, 0);
    if (offsets) {
      first = b.toIndex(b.load(offsets, expert));
      last = b.toIndex(b.load(offsets, b.add(expert, b.index(1))));
    }
    b.loop(first, last, [&](Value row) {
      Value source = row;
      if (op.getTokens())
        source = b.toIndex(b.load(op.getTokens(), row));
      Value value = emitDot(b, op.getLhs(), op.getRhs(), op.getScales(),
                            op.getBias(), source, expert, column);
      if (op.getGate()) {
        Value gate = emitDot(b, op.getLhs(), op.getGate(), op.getGateScales(),
                             op.getGateBias(), source, expert, column);
        value = b.mul(emitActivation(b, op.getActivation(), gate), value);
      } else {
        value = emitActivation(b, op.getActivation(), value);
      }
      b.store(value, out, {row, column});
    });
  });
}

void et::populateComputePatterns(RewritePatternSet &patterns) {
  patterns.add<LoopPattern<GroupedMatmulOp>>(
      patterns.getContext(), lowerGroupedMatmul,
      [](GroupedMatmulOp op) { return !op.getMask(); });
}
