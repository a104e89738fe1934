//===- CheckUtils.h - Checks that code makes of itself ----------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_UTILS_CHECKUTILS_H
#define ET_DIALECT_ET_UTILS_CHECKUTILS_H

#include "llvm/ADT/StringRef.h"

namespace mlir::et {

/// On a cf.assert behind which no op relies on its condition: where other
/// threads are at work, these run on, and the call fails at its end.
inline constexpr llvm::StringLiteral kRunsOnAttr = "et.runs_on";

} // namespace mlir::et

#endif // ET_DIALECT_ET_UTILS_CHECKUTILS_H
