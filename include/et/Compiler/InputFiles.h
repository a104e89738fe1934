//===- InputFiles.h - What the tools read -----------------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_COMPILER_INPUTFILES_H
#define ET_COMPILER_INPUTFILES_H

#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

namespace mlir::et {

/// Opens a regular file. Pipes and devices are refused: they may have no end,
/// or nobody at the other one.
llvm::Expected<llvm::sys::fs::file_t> openRegularFile(llvm::StringRef path);

/// A text as a whole; "-" is the standard input.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
readText(llvm::StringRef path);

} // namespace mlir::et

#endif // ET_COMPILER_INPUTFILES_H
