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
#include "llvm/ADT/StringRef.h"

namespace mlir::et {

/// An operand and the names of its dimensions, separated by blanks. A name is a
/// letter that stands for one size throughout the op, or a size derived from a
/// letter: "E+1", "T/32" (rounded up; any divisor), or the constant "4".
struct NamedShape {
  StringRef operand;
  Value value;
  StringRef dims;
};

using NamedSizes = llvm::SmallDenseMap<char, int64_t>;

/// What a derived size divides its letter by, rounding up; 0 if it does not.
int64_t getDivisor(StringRef name);

/// The static size that a name stands for, or dynamic if `letters` lacks it.
int64_t getStaticSize(StringRef name, const NamedSizes &letters);

/// Whether a dimension name is not a plain letter.
inline bool isDerivedSize(StringRef name) {
  return name.size() > 1 || name == "4";
}

} // namespace mlir::et

#endif // ET_DIALECT_ET_IR_NAMEDSHAPE_H
