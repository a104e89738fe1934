//===- Header.h - C header of a compiled library ----------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_TARGET_HEADER_H
#define ET_TARGET_HEADER_H

#include "et/Conversion/ToRuntime/Signature.h"

namespace mlir::et {

/// Writes declarations and a checked inline function for each signature, valid
/// in C99 and in C++. `library` is the file's name, for the guard.
void writeHeader(ArrayRef<EntrySignature> signatures, StringRef library,
                 llvm::raw_ostream &os);

} // namespace mlir::et

#endif // ET_TARGET_HEADER_H
