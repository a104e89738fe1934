//===- RoutingUtils.h - What follows from a routing rule --------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_UTILS_ROUTINGUTILS_H
#define ET_DIALECT_ET_UTILS_ROUTINGUTILS_H

#include "et/Dialect/ET/IR/ETDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

namespace mlir::et {

/// The most experts that a token can have, out of `experts`: all, or as many as
/// the rule says.
inline OpFoldResult boundExpertsPerToken(OpBuilder &builder, Location loc,
                                         RoutingAttrInterface routing,
                                         OpFoldResult experts) {
  int64_t most = routing.getMaxExpertsPerToken(ShapedType::kDynamic);
  if (ShapedType::isDynamic(most))
    return experts;
  if (std::optional<int64_t> count = getConstantIntValue(experts))
    return builder.getIndexAttr(std::min(most, *count));
  Value limit = arith::ConstantIndexOp::create(builder, loc, most);
  return arith::MinSIOp::create(builder, loc, limit, cast<Value>(experts))
      .getResult();
}

/// Whether floor(tokens * rate) is 0, computed in f64 as the rules do, for any
/// number of tokens if that is dynamic.
inline bool takesNoToken(const APFloat &rate, int64_t tokens) {
  double share = rate.convertToDouble();
  return share == 0.0 || (!ShapedType::isDynamic(tokens) &&
                          static_cast<double>(tokens) * share < 1.0);
}

} // namespace mlir::et

#endif // ET_DIALECT_ET_UTILS_ROUTINGUTILS_H
