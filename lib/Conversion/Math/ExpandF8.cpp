//===- ExpandF8.cpp - f8E4M3FN by its bits --------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Num.h"
#include "et/Conversion/Passes.h"

namespace mlir::et {
#define GEN_PASS_DEF_EXPANDF8
#include "et/Conversion/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

static void expand(arith::ExtFOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Num x(b, op.getIn());
  Num byte = x.bits();
  Num bits = byte.make<arith::ExtUIOp>(byte.typeOf(b.getI32Type()), byte);
  Num magnitude = bits & 0x7f;
  // Exponent and fraction where f32 has them; what is left is the difference of
  // the biases, 127 - 7. Subnormal numbers become subnormal ones, which the
  // product turns into normal ones.
  Num value = magnitude.shl(20).fromBits() * 0x1p120;
  value = select(magnitude == 0x7f, std::numeric_limits<double>::quiet_NaN(),
                 value);
  value = select(magnitude != bits, -value, value);

  Type element = getElementTypeOrSelf(op.getType());
  if (element.isF64())
    value = value.toF64();
  else if (!element.isF32())
    value = value.make<arith::TruncFOp>(op.getType(), value);
  op.replaceAllUsesWith(value);
  op.erase();
}

namespace {
struct ExpandF8 : et::impl::ExpandF8Base<ExpandF8> {
  void runOnOperation() override {
    getOperation()->walk([](arith::ExtFOp op) {
      if (isa<Float8E4M3FNType>(getElementTypeOrSelf(op.getIn())))
        expand(op);
    });
  }
};
} // namespace
