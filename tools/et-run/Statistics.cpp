//===- Statistics.cpp - routing statistics of a run -----------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Statistics.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Format.h"

using namespace mlir::et;
using namespace llvm;

template <typename T>
static ArrayRef<T> getElements(const et_tensor &tensor) {
  return {static_cast<const T *>(tensor.data),
          size_t(et_tensor_elements(&tensor))};
}

static void printLoads(ArrayRef<int32_t> loads, raw_ostream &os) {
  int64_t pairs = 0;
  for (int32_t load : loads)
    pairs += load;
  os << "  selected pairs             " << pairs << '\n';
  os << "  loads                      ";
  interleave(loads, os, " ");
  os << '\n';
}

static void printFanOut(ArrayRef<int32_t> fanOut, raw_ostream &os) {
  int64_t tokens = 0;
  for (int32_t count : fanOut)
    tokens += count;
  os << "  tokens                     " << tokens << '\n';
  os << "  tokens by number of experts";
  for (auto [experts, count] : enumerate(fanOut))
    if (count)
      os << ' ' << experts << ':' << count;
  os << '\n';
}

static void printFigures(ArrayRef<float> figures, raw_ostream &os) {
  static constexpr StringLiteral names[] = {
      "  mean load                  ", "  load variance              ",
      "  tokens without an expert   ", "  experts without a token    "};
  for (auto [name, figure] : zip(names, figures))
    os << name << format("%g", figure) << '\n';
}

void mlir::et::printRoutingStatistics(ArrayRef<et_tensor> statistics,
                                      raw_ostream &os) {
  for (unsigned gate = 0; !statistics.empty(); ++gate) {
    os << "gate " << gate << '\n';
    printLoads(getElements<int32_t>(statistics[0]), os);
    printFanOut(getElements<int32_t>(statistics[1]), os);
    printFigures(getElements<float>(statistics[2]), os);
    statistics = statistics.drop_front(3);
  }
}
