//===- OutputFiles.h - Files that appear together or not at all -*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_COMPILER_OUTPUTFILES_H
#define ET_COMPILER_OUTPUTFILES_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <string>

namespace mlir::et {

/// The files that one run of a tool writes. Each is written whole beside its
/// destination; commit() moves all to their names. Without it, nothing changed.
class OutputFiles {
public:
  OutputFiles() = default;
  ~OutputFiles();
  OutputFiles(const OutputFiles &) = delete;
  OutputFiles &operator=(const OutputFiles &) = delete;

  /// Calls `writer` for the file `path`. "-" (the standard output), devices and
  /// pipes take what is written at once.
  llvm::Error
  write(llvm::StringRef path,
        llvm::function_ref<llvm::Error(llvm::raw_ostream &)> writer);

  llvm::Error commit();

private:
  struct Pending {
    llvm::sys::fs::TempFile file;
    std::string path;
  };
  llvm::SmallVector<Pending> pending;
};

/// Writes one file, whole or not at all.
llvm::Error
writeOutput(llvm::StringRef path,
            llvm::function_ref<llvm::Error(llvm::raw_ostream &)> writer);

/// An error if one of the files cannot be written, or two are one: for before
/// the work whose outcome they are to take. Leaves what is there as it is.
llvm::Error checkOutputs(llvm::ArrayRef<std::string> paths);

} // namespace mlir::et

#endif // ET_COMPILER_OUTPUTFILES_H
