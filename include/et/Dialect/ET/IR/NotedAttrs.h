//===- NotedAttrs.h - What passes note of other ops -------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_IR_NOTEDATTRS_H
#define ET_DIALECT_ET_IR_NOTEDATTRS_H

#include "llvm/ADT/StringRef.h"

namespace mlir::et {

/// The name by which callers outside find a function whose symbol is another.
inline constexpr llvm::StringLiteral kEntryNameAttr = "et.entry_name";
/// On a cf.assert behind which no op relies on its condition: where other
/// threads are at work, these run on, and the call fails at its end.
inline constexpr llvm::StringLiteral kRunsOnAttr = "et.runs_on";
/// In the metadata of locations, where others have keys of their own: the name
/// of the op that an op came from.
inline constexpr llvm::StringLiteral kOriginAttr = "et.origin";

} // namespace mlir::et

#endif // ET_DIALECT_ET_IR_NOTEDATTRS_H
