//===- WeightBlock.h - Weights that share a scale ---------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_IR_WEIGHTBLOCK_H
#define ET_DIALECT_ET_IR_WEIGHTBLOCK_H

#include <cstdint>
#include <string>

namespace mlir::et {

/// The elements of weights [E, K, N] that share a scale: `k` steps of K of `n`
/// columns, or all that there are.
struct WeightBlock {
  static constexpr int64_t kAll = 0;
  int64_t k, n;

  /// Whether columns [a, a + count) share their scales, for every multiple a of
  /// count.
  bool sharesColumns(int64_t count) const {
    return n == kAll || n % count == 0;
  }
  /// The names of the dimensions of the scales of weights "E K N", for the
  /// letters that K and N have.
  std::string getScaleDims(char letterK, char letterN) const {
    return "E " + getBlocks(letterK, k) + " " + getBlocks(letterN, n);
  }

private:
  static std::string getBlocks(char letter, int64_t size) {
    if (size == kAll)
      return "1";
    std::string name(1, letter);
    return size == 1 ? name : name + "/" + std::to_string(size);
  }
};

} // namespace mlir::et

#endif // ET_DIALECT_ET_IR_WEIGHTBLOCK_H
