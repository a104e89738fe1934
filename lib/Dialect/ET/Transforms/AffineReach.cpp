//===- AffineReach.cpp - How far an index gets ----------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AffineReach.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/CheckedArithmetic.h"

#include <numeric>

using namespace mlir;
using namespace mlir::et;

/// By how much an index grows with a loop, on the average.
static double getSlope(AffineExpr expr, unsigned dim) {
  if (auto loop = dyn_cast<AffineDimExpr>(expr))
    return loop.getPosition() == dim ? 1 : 0;
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary || expr.getKind() == AffineExprKind::Mod)
    return 0;
  double left = getSlope(binary.getLHS(), dim);
  if (expr.getKind() == AffineExprKind::Add)
    return left + getSlope(binary.getRHS(), dim);
  auto number = cast<AffineConstantExpr>(binary.getRHS());
  auto factor = double(number.getValue());
  return expr.getKind() == AffineExprKind::Mul ? left * factor : left / factor;
}

/// So many steps of a loop make an index grow by one number wherever they
/// begin. Without an end where that does not fit.
static int64_t getPeriod(AffineExpr expr, unsigned dim) {
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary || !expr.isFunctionOfDim(dim))
    return 1;
  int64_t left = getPeriod(binary.getLHS(), dim), right = 1;
  if (expr.getKind() == AffineExprKind::Add) {
    // The least common multiple of both.
    right = getPeriod(binary.getRHS(), dim);
    right /= std::gcd(left, right);
  } else if (expr.getKind() != AffineExprKind::Mul) {
    right = cast<AffineConstantExpr>(binary.getRHS()).getValue();
  }
  return llvm::checkedMul(left, right)
      .value_or(std::numeric_limits<int64_t>::max());
}

SmallVector<Counter> et::getCounters(AffineExpr expr, size_t numLoops) {
  SmallVector<unsigned> uses(numLoops, 0);
  bool isMonotone = true;
  expr.walk([&](AffineExpr part) {
    if (auto loop = dyn_cast<AffineDimExpr>(part))
      isMonotone &= ++uses[loop.getPosition()] == 1;
    isMonotone &= part.getKind() != AffineExprKind::Mod;
  });
  SmallVector<Counter> counters;
  for (auto [index, count] : llvm::enumerate(uses)) {
    auto dim = unsigned(index);
    if (count)
      counters.push_back({dim, isMonotone ? 1 : getPeriod(expr, dim),
                          getSlope(expr, dim) < 0});
  }
  return counters;
}

std::optional<int64_t> et::getReach(AffineExpr expr, int64_t most) {
  if (auto number = dyn_cast<AffineConstantExpr>(expr))
    return llvm::checkedMul<int64_t>(number.getValue() < 0 ? -1 : 1,
                                     number.getValue());
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return most;
  std::optional<int64_t> left = getReach(binary.getLHS(), most);
  std::optional<int64_t> right = getReach(binary.getRHS(), most);
  if (!left || !right)
    return std::nullopt;
  if (expr.getKind() == AffineExprKind::Add)
    return llvm::checkedAdd(*left, *right);
  if (expr.getKind() == AffineExprKind::Mul)
    return llvm::checkedMul(*left, *right);
  return std::max(*left, *right);
}
