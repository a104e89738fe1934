//===- AffineReach.h - How far an index gets --------------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_DIALECT_ET_TRANSFORMS_AFFINEREACH_H
#define ET_LIB_DIALECT_ET_TRANSFORMS_AFFINEREACH_H

#include "mlir/IR/AffineExpr.h"

namespace mlir::et {

/// A loop that an index depends on.
struct Counter {
  unsigned dim;
  /// Through how many of its first, or of its last, values the index goes to
  /// its least and greatest one.
  int64_t period;
  bool isFalling;
};

/// The loops that an index depends on. It grows, or falls, with each that it
/// names once, unless it takes a remainder.
SmallVector<Counter> getCounters(AffineExpr expr, size_t numLoops);

/// How far from zero an index and what it is computed from can be, if each loop
/// goes up to `most`; none if that wraps around.
std::optional<int64_t> getReach(AffineExpr expr, int64_t most);

} // namespace mlir::et

#endif // ET_LIB_DIALECT_ET_TRANSFORMS_AFFINEREACH_H
