//===- RoutingStatistics.h - What a gate did --------------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_COMPILER_ROUTINGSTATISTICS_H
#define ET_COMPILER_ROUTINGSTATISTICS_H

#include "et/Runtime/et_runtime.h"

#include <vector>

namespace mlir::et {

/// What Spec.md has the figures of et.routing_stats be, of sums over several
/// calls too.
struct GateStatistics {
  std::vector<int64_t> loads;  ///< Tokens of each expert.
  std::vector<int64_t> fanOut; ///< Tokens by their number of experts.
  double pairs = 0, tokens = 0;
  double meanLoad = 0, loadVariance = 0;
  /// Of all tokens, and of all experts.
  double withoutExpert = 0, withoutToken = 0;
};

/// Of two results that et-append-routing-stats added, in host memory.
GateStatistics getGateStatistics(const et_tensor &loads,
                                 const et_tensor &fanOut);

} // namespace mlir::et

#endif // ET_COMPILER_ROUTINGSTATISTICS_H
