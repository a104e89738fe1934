//===- NamedShape.h - Operand shapes by dimension names ---------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_IR_NAMEDSHAPE_H
#define ET_DIALECT_ET_IR_NAMEDSHAPE_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringExtras.h"
#include <string>

namespace mlir::et {

/// An operand and the names of its dimensions, separated by blanks. A name is a
/// letter that stands for one size throughout the op, or a derived size.
struct NamedShape {
  StringRef operand;
  Value value;
  std::string dims;
};

/// A size derived from a letter, ceil(letter / divisor) * factor + addend:
/// "E+1", "T/32", "K/32*16". Without a letter a constant: "4".
struct DerivedSize {
  char letter = 0;
  int64_t divisor = 1, factor = 1, addend = 0;

  static DerivedSize parse(StringRef name);
};

using NamedSizes = llvm::SmallDenseMap<char, int64_t>;

/// The static size that a name stands for, or dynamic if `letters` lacks it.
int64_t getStaticSize(StringRef name, const NamedSizes &letters);

/// Whether a dimension name is not a plain letter.
inline bool isDerivedSize(StringRef name) {
  return name.size() > 1 || llvm::isDigit(name.front());
}

} // namespace mlir::et

#endif // ET_DIALECT_ET_IR_NAMEDSHAPE_H
