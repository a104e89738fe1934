//===- Gather.cpp - Copies of tokens' rows, a vector at a time ------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

using namespace mlir;
using namespace mlir::et;

static LogicalResult lowerGather(GatherOp op, VectorBuilder &b,
                                 CPUTargetAttr target) {
  Value x = op.getX(), out = op.getOut(), offsets = op.getOffsets();
  // Copied as they are: widening a NaN would change its bits.
  Type element = cast<MemRefType>(x.getType()).getElementType();
  int64_t lanes = target.getLanes() * 32 / element.getIntOrFloatBitWidth();
  auto type = VectorType::get(lanes, element);
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(element));
  Value pairs =
      b.toIndex(b.load(offsets, b.sub(b.dim(offsets, 0), b.index(1))));
  b.parallel(b.min(pairs, b.dim(out, 0)), [&](ValueRange pair) {
    Value token = b.toIndex(b.load(op.getTokens(), pair));
    auto copy = [&](Value column, bool whole) {
      Value part = vector::TransferReadOp::create(
          b, type, x, ValueRange{token, column}, zero, ArrayRef<bool>{whole});
      vector::TransferWriteOp::create(b, part, out, ValueRange{pair[0], column},
                                      ArrayRef<bool>{whole});
    };
    // Masks cost much where the processor has none, so only the end has one.
    Value width = b.dim(out, 1), step = b.index(lanes);
    Value whole = b.mul(b.div(width, step), step);
    b.stepLoop(b.index(0), whole, lanes,
               [&](Value column) { copy(column, /*whole=*/true); });
    b.when(b.cmp(arith::CmpIPredicate::ult, whole, width),
           [&] { copy(whole, /*whole=*/false); });
  });
  return success();
}

void et::populateGatherVectorPatterns(RewritePatternSet &patterns,
                                      CPUTargetAttr target) {
  patterns.add<VectorPattern<GatherOp>>(patterns.getContext(), target,
                                        lowerGather);
}
