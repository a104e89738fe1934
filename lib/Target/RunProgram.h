//===- RunProgram.h - Other programs, and what they print -------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_TARGET_RUNPROGRAM_H
#define ET_LIB_TARGET_RUNPROGRAM_H

#include "mlir/Support/LLVM.h"
#include "llvm/Support/Error.h"

#include <string>

namespace mlir::et {

/// Runs `arguments` and returns what was written to standard output and error;
/// the error, `'PROGRAM' failed to PURPOSE: ...`, holds it too.
llvm::Expected<std::string> runProgram(ArrayRef<StringRef> arguments,
                                       const Twine &purpose);

} // namespace mlir::et

#endif // ET_LIB_TARGET_RUNPROGRAM_H
