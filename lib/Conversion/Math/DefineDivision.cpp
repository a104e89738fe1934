//===- DefineDivision.cpp - Divisions without a quotient ------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Num.h"
#include "et/Conversion/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/IR/Matchers.h"

namespace mlir::et {
#define GEN_PASS_DEF_DEFINEDIVISION
#include "et/Conversion/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

static bool isSigned(Operation *op) {
  return isa<arith::DivSIOp, arith::CeilDivSIOp, arith::FloorDivSIOp,
             arith::RemSIOp>(op);
}
static bool isRemainder(Operation *op) {
  return isa<arith::RemSIOp, arith::RemUIOp>(op);
}

/// Whether it is a division that has no result for some dividend.
static bool isUndefined(Operation *op) {
  if (!isa<arith::DivSIOp, arith::DivUIOp, arith::CeilDivSIOp,
           arith::CeilDivUIOp, arith::FloorDivSIOp, arith::RemSIOp,
           arith::RemUIOp>(op) ||
      isa<TensorType>(op->getOperand(0).getType()))
    return false;
  APInt divisor;
  return !matchPattern(op->getOperand(1), m_ConstantInt(&divisor)) ||
         divisor.isZero() || (isSigned(op) && divisor.isAllOnes());
}

/// The name of an op such as `linalg.div` stands for its body, which could not
/// differ from it.
static void generalize(linalg::LinalgOp op) {
  bool isWhole = llvm::none_of(op.getBlock()->without_terminator(),
                               [](Operation &op) { return isUndefined(&op); });
  if (isWhole || isa<linalg::GenericOp>(op))
    return;
  IRRewriter rewriter(op);
  // What has no general form shows its body.
  (void)linalg::generalizeNamedOp(rewriter, op);
}

static double leastSigned(Type type) {
  if (type.isIndex())
    return -0x1p63;
  return APInt::getSignedMinValue(type.getIntOrFloatBitWidth())
      .signedRoundToDouble();
}

/// Divides by one instead, which is what the least number by -1 is said to be.
static void define(Operation *op) {
  ImplicitLocOpBuilder b(op->getLoc(), op);
  Num dividend(b, op->getOperand(0)), divisor(b, op->getOperand(1));
  Num isZero = divisor == 0, hasNone = isZero;
  if (isSigned(op)) {
    double least = leastSigned(getElementTypeOrSelf(op->getOperand(0)));
    hasNone = isZero | ((divisor == -1) & (dividend == least));
  }
  op->setOperand(1, select(hasNone, 1, divisor));
  b.setInsertionPointAfter(op);
  Num result(b, op->getResult(0));
  Num byZero = isRemainder(op) ? dividend : dividend.like(-1);
  Value defined = select(isZero, byZero, result);
  op->getResult(0).replaceAllUsesExcept(defined, defined.getDefiningOp());
}

namespace {
struct DefineDivision : et::impl::DefineDivisionBase<DefineDivision> {
  void runOnOperation() override {
    getOperation()->walk(generalize);
    getOperation()->walk([](Operation *op) {
      if (isUndefined(op))
        define(op);
    });
  }
};
} // namespace
