//===- SplitF32.cpp - f32 products by tf32 matrix instructions ------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SplitF32.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::et;
using Values = LoopBuilder::Values;
using Units = MatrixInstructions;

// cvt.rna.tf32 is four instructions, for it takes care of NaNs; the sum of
// integers below is two, and no NaN comes there.
SplitF32::Operand SplitF32::split(ValueRange elements) {
  constexpr int32_t half = 1 << 12, kept = ~((1 << 13) - 1);
  auto bitsOf = [&](Value value) -> Value {
    return arith::BitcastOp::create(b, b.getI32Type(), value);
  };
  auto cut = [&](Value bits) -> Value {
    return arith::AndIOp::create(b, bits, b.i32(kept));
  };
  Operand operand;
  // From here on, rounding gives infinity.
  Value most = b.f32(0x1.ffep127);
  for (Value x : elements) {
    Value isSplit =
        b.cmp(arith::CmpFPredicate::OLT, math::AbsFOp::create(b, x), most);
    Value number = b.select(isSplit, x, b.f32(0.0));
    Value rounded = b.add(bitsOf(number), half), big = cut(rounded);
    Value left =
        b.sub(number, arith::BitcastOp::create(b, b.getF32Type(), big));
    // What is not split has no part but the big one: another would make a NaN
    // of an infinity on the other side, as one there would of this.
    operand.big.push_back(cut(b.select(isSplit, rounded, bitsOf(x))));
    operand.small.push_back(cut(bitsOf(left)));
    operand.finite.push_back(big);
  }
  return operand;
}

SmallVector<Value> SplitF32::addProduct(const Operand &lhs, const Operand &rhs,
                                        ValueRange accumulators) {
  // Instructions cut sums off instead of rounding them. So they sum up their
  // own depth alone, the small products first, and accumulators are added to in
  // f32.
  Values sums(Units::kAccumulators, b.f32(0.0));
  sums = units.multiply(lhs.small, rhs.finite, sums);
  sums = units.multiply(lhs.finite, rhs.small, sums);
  sums = units.multiply(lhs.big, rhs.big, sums);
  for (auto [sum, accumulator] : llvm::zip_equal(sums, accumulators))
    sum = b.add(accumulator, sum);
  return sums;
}
