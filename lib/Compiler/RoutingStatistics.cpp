//===- RoutingStatistics.cpp - what a gate did ----------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Compiler/RoutingStatistics.h"

#include "llvm/ADT/STLExtras.h"

#include <numeric>

using namespace mlir::et;

/// Those of one call are of 32 bits, sums over several of 64.
static std::vector<int64_t> getCounts(const et_tensor &tensor) {
  auto count = size_t(et_tensor_elements(&tensor));
  if (tensor.dtype == ET_I32) {
    auto *first = static_cast<const int32_t *>(tensor.data);
    return {first, first + count};
  }
  auto *first = static_cast<const int64_t *>(tensor.data);
  return {first, first + count};
}

static double sum(const std::vector<int64_t> &counts) {
  return std::accumulate(counts.begin(), counts.end(), 0.0);
}

GateStatistics mlir::et::getGateStatistics(const et_tensor &loads,
                                           const et_tensor &fanOut) {
  GateStatistics result;
  result.loads = getCounts(loads);
  result.fanOut = getCounts(fanOut);
  result.pairs = sum(result.loads);
  result.tokens = sum(result.fanOut);
  auto experts = double(result.loads.size());
  result.meanLoad = result.pairs / experts;
  for (int64_t load : result.loads) {
    double difference = double(load) - result.meanLoad;
    result.loadVariance += difference * difference / experts;
  }
  if (result.tokens != 0.0)
    result.withoutExpert = double(result.fanOut.front()) / result.tokens;
  result.withoutToken = double(llvm::count(result.loads, 0)) / experts;
  return result;
}
