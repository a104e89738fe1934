//===- Header.h - C header of a compiled library ----------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_TARGET_HEADER_H
#define ET_TARGET_HEADER_H

#include "et/Conversion/ToRuntime/Signature.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::et {

/// What C calls each function NAME of a model: et_NAME, and its description
/// et_function_NAME, where those are names of C, and no other function's or the
/// runtime's; else a name like it. Does not depend on the functions' order.
llvm::StringMap<std::string> getIdentifiers(ArrayRef<StringRef> functions);

/// Writes declarations and a checked inline function for each signature, valid
/// in C99 and in C++. `library` is the file's name, for the guard.
void writeHeader(ArrayRef<EntrySignature> signatures, StringRef library,
                 llvm::raw_ostream &os);

} // namespace mlir::et

#endif // ET_TARGET_HEADER_H
