//===- ExpandF8.cpp - f8E4M3FN by its bits --------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Conversion/Passes.h"
#include "et/Conversion/ScalarMath.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::et {
#define GEN_PASS_DEF_EXPANDF8
#include "et/Conversion/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

static void expand(arith::ExtFOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value value = emitE4M3ToF32(b, op.getIn());
  Type element = getElementTypeOrSelf(op.getType());
  if (element.isF64())
    value = arith::ExtFOp::create(b, op.getType(), value);
  else if (!element.isF32())
    value = arith::TruncFOp::create(b, op.getType(), value);
  op.replaceAllUsesWith(value);
  op.erase();
}

namespace {
struct ExpandF8 : et::impl::ExpandF8Base<ExpandF8> {
  void runOnOperation() override {
    getOperation()->walk([](arith::ExtFOp op) {
      if (isa<Float8E4M3FNType>(op.getIn().getType()))
        expand(op);
    });
  }
};
} // namespace
