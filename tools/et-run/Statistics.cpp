//===- Statistics.cpp - routing statistics of a run -----------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Statistics.h"

#include "et/Compiler/RoutingStatistics.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"

using namespace mlir::et;
using namespace llvm;

static void print(const GateStatistics &gate, raw_ostream &os) {
  os << "  selected pairs             " << format("%.0f", gate.pairs) << '\n';
  os << "  loads                      ";
  interleave(gate.loads, os, " ");
  os << '\n';
  os << "  tokens                     " << format("%.0f", gate.tokens) << '\n';
  os << "  tokens by number of experts";
  for (auto [experts, count] : enumerate(gate.fanOut))
    if (count)
      os << ' ' << experts << ':' << count;
  os << '\n';
  os << "  mean load                  " << format("%g", gate.meanLoad) << '\n'
     << "  load variance              " << format("%g", gate.loadVariance)
     << '\n'
     << "  tokens without an expert   " << format("%g", gate.withoutExpert)
     << '\n'
     << "  experts without a token    " << format("%g", gate.withoutToken)
     << '\n';
}

void mlir::et::printRoutingStatistics(ArrayRef<et_tensor> statistics,
                                      raw_ostream &os) {
  for (unsigned gate = 0; !statistics.empty(); ++gate) {
    os << "gate " << gate << '\n';
    print(getGateStatistics(statistics[0], statistics[1]), os);
    statistics = statistics.drop_front(2);
  }
}
