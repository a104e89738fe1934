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

static StringRef getRole(const et_value &value) {
  return value.role ? value.role : "";
}

bool mlir::et::isRoutingStatistic(const et_value &value) {
  return getRole(value).starts_with("routing.");
}

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

void mlir::et::printRoutingStatistics(const et_function &function,
                                      ArrayRef<et_tensor> results,
                                      raw_ostream &os) {
  unsigned gate = 0;
  for (auto [value, tensor] :
       zip(ArrayRef(function.results, function.num_results), results)) {
    StringRef role = getRole(value);
    if (role == "routing.loads") {
      os << "gate " << gate++ << '\n';
      printLoads(getElements<int32_t>(tensor), os);
    } else if (role == "routing.fan_out") {
      printFanOut(getElements<int32_t>(tensor), os);
    } else if (role == "routing.figures") {
      printFigures(getElements<float>(tensor), os);
    }
  }
}
