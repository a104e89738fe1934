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
                                 const VectorTarget &target) {
  Value x = op.getX(), out = op.getOut(), offsets = op.getOffsets();
  // Copied as they are: widening a NaN would change its bits.
  Type element = cast<MemRefType>(x.getType()).getElementType();
  int64_t lanes = target.lanes * 32 / element.getIntOrFloatBitWidth();
  auto type = VectorType::get(lanes, element);
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(element));
  Value pairs =
      b.toIndex(b.load(offsets, b.sub(b.dim(offsets, 0), b.index(1))));
  b.parallel(b.min(pairs, b.dim(out, 0)), [&](ValueRange pair) {
    Value token = b.toIndex(b.load(op.getTokens(), pair));
    b.stepLoop(b.index(0), b.dim(out, 1), lanes, [&](Value column) {
      Value part = vector::TransferReadOp::create(
          b, type, x, ValueRange{token, column}, zero, ArrayRef<bool>{false});
      vector::TransferWriteOp::create(b, part, out, ValueRange{pair[0], column},
                                      ArrayRef<bool>{false});
    });
  });
  return success();
}

void et::populateGatherVectorPatterns(RewritePatternSet &patterns,
                                      const VectorTarget &target) {
  patterns.add<VectorPattern<GatherOp>>(patterns.getContext(), target,
                                        lowerGather);
}
