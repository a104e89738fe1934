//===- DefineDivision.cpp - Divisions without a quotient ------------------===//
//-----------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Num.h"
#include "et/Conversion/Passes.h"
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

/// Whether there is a result whatever the dividend is.
static bool isDefined(Operation *op) {
  APInt divisor;
  return matchPattern(op->getOperand(1), m_ConstantInt(&divisor)) &&
         !divisor.isZero() && !(isSigned(op) && divisor.isAllOnes());
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
  Num isZero = divisor == 0, isUndefined = isZero;
  if (isSigned(op)) {
    double least = leastSigned(getElementTypeOrSelf(op->getOperand(0)));
    isUndefined = isZero | ((divisor == -1) & (dividend == least));
  }
  op->setOperand(1, select(isUndefined, 1, divisor));
  b.setInsertionPointAfter(op);
  Num result(b, op->getResult(0));
  Num byZero = isRemainder(op) ? dividend : dividend.like(-1);
  Value defined = select(isZero, byZero, result);
  op->getResult(0).replaceAllUsesExcept(defined, defined.getDefiningOp());
}

namespace {
struct DefineDivision : et::impl::DefineDivisionBase<DefineDivision> {
  void runOnOperation() override {
    getOperation()->walk([](Operation *op) {
      if (isa<arith::DivSIOp, arith::DivUIOp, arith::CeilDivSIOp,
              arith::CeilDivUIOp, arith::FloorDivSIOp, arith::RemSIOp,
              arith::RemUIOp>(op) &&
          !isa<TensorType>(op->getOperand(0).getType()) && !isDefined(op))
        define(op);
    });
  }
};
} // namespace
