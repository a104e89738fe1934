//===- Statistics.cpp - routing statistics of a run -----------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Statistics.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"

#include <numeric>
#include <vector>

using namespace mlir::et;
using namespace llvm;

using Counts = std::vector<int64_t>;

/// Those of one call are of 32 bits, sums over several of 64.
static Counts getCounts(const et_tensor &tensor) {
  auto count = size_t(et_tensor_elements(&tensor));
  if (tensor.dtype == ET_I32) {
    auto *first = static_cast<const int32_t *>(tensor.data);
    return Counts(first, first + count);
  }
  auto *first = static_cast<const int64_t *>(tensor.data);
  return Counts(first, first + count);
}

static double sum(const Counts &counts) {
  return std::accumulate(counts.begin(), counts.end(), 0.0);
}

static void printLoads(const Counts &loads, raw_ostream &os) {
  os << "  selected pairs             " << format("%.0f", sum(loads)) << '\n';
  os << "  loads                      ";
  interleave(loads, os, " ");
  os << '\n';
}

static void printFanOut(const Counts &fanOut, raw_ostream &os) {
  os << "  tokens                     " << format("%.0f", sum(fanOut)) << '\n';
  os << "  tokens by number of experts";
  for (auto [experts, count] : enumerate(fanOut))
    if (count)
      os << ' ' << experts << ':' << count;
  os << '\n';
}

/// What Spec.md has the figures of et.routing_stats be, of sums too.
static void printFigures(const Counts &loads, const Counts &fanOut,
                         raw_ostream &os) {
  auto experts = double(loads.size()), tokens = sum(fanOut);
  double mean = sum(loads) / experts, variance = 0.0;
  for (int64_t load : loads)
    variance += (double(load) - mean) * (double(load) - mean) / experts;
  double without = tokens == 0.0 ? 0.0 : double(fanOut.front()) / tokens;
  double idle = double(count(loads, 0)) / experts;
  os << "  mean load                  " << format("%g", mean) << '\n'
     << "  load variance              " << format("%g", variance) << '\n'
     << "  tokens without an expert   " << format("%g", without) << '\n'
     << "  experts without a token    " << format("%g", idle) << '\n';
}

void mlir::et::printRoutingStatistics(ArrayRef<et_tensor> statistics,
                                      raw_ostream &os) {
  for (unsigned gate = 0; !statistics.empty(); ++gate) {
    Counts loads = getCounts(statistics[0]), fanOut = getCounts(statistics[1]);
    os << "gate " << gate << '\n';
    printLoads(loads, os);
    printFanOut(fanOut, os);
    printFigures(loads, fanOut, os);
    statistics = statistics.drop_front(2);
  }
}
