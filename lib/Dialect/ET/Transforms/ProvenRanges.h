//===- ProvenRanges.h - Places that need no check ---------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_DIALECT_ET_TRANSFORMS_PROVENRANGES_H
#define ET_LIB_DIALECT_ET_TRANSFORMS_PROVENRANGES_H

#include "SizeFacts.h"

namespace mlir::et {

/// Whether `size` places from `offset` on lie within `whole` whenever `op`
/// runs, as the bounds of loops and where the sizes come from show. It holds
/// for numbers of 64 bits: nothing that these are computed from can wrap
/// around.
bool isProvenRange(Operation *op, Size whole, Size offset, Size size);

} // namespace mlir::et

#endif // ET_LIB_DIALECT_ET_TRANSFORMS_PROVENRANGES_H
