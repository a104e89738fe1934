//===- SplitF32.h - f32 products by tf32 matrix instructions ----*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_ETTOGPU_SPLITF32_H
#define ET_LIB_CONVERSION_ETTOGPU_SPLITF32_H

#include "MatrixInstructions.h"

namespace mlir::et {

/// Products of f32 as three of tf32 (3xTF32). With x = big + small + rest, big
/// being x rounded to the 11 bits of tf32 and small what is left cut to them,
/// x y is big big + big small + small big up to 2^-21 |x y|: small is at most
/// 2^-11 |x|, the rest the last bit of x, 2^-23 |x|, and small small is left
/// out.
class SplitF32 {
public:
  SplitF32(KernelBuilder &b, MatrixInstructions &units) : b(b), units(units) {}

  /// A lane's elements of an operand. `finite` is `big`, or 0 for what is not
  /// split: infinities, NaNs and what is so large that rounding makes infinity.
  struct Operand {
    SmallVector<Value> big, small, finite;
  };
  Operand split(ValueRange elements);

  /// accumulators + lhs * rhs.
  SmallVector<Value> addProduct(const Operand &lhs, const Operand &rhs,
                                ValueRange accumulators);

private:
  KernelBuilder &b;
  MatrixInstructions &units;
};

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_ETTOGPU_SPLITF32_H
