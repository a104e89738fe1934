//===- CacheFolder.h - Files that nobody else put there ---------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_COMPILER_CACHEFOLDER_H
#define ET_COMPILER_CACHEFOLDER_H

#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <string>

namespace mlir::et {

/// A folder of files that are run later, and so must be the user's own: nobody
/// else may write to it, and neither the folder nor a file in it is reached
/// through a link. LLVM's cache follows links, and waits for pipes.
class CacheFolder {
public:
  /// Makes the folder if it is not there. The error says why it is not used.
  static llvm::Expected<CacheFolder> open(llvm::StringRef path);

  CacheFolder(CacheFolder &&other);
  ~CacheFolder();

  /// The file `name`, null if there is none; an error if it is not to be used.
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
  read(const std::string &name) const;

  /// Puts `bytes` in the place of whatever is called `name`, whole or not at
  /// all.
  llvm::Error write(const std::string &name, llvm::StringRef bytes) const;

  /// Removes the files whose names begin with `prefix` that nobody read for a
  /// week, and the oldest ones while all of them together take more than three
  /// quarters of the space that they could have.
  void prune(llvm::StringRef prefix) const;

private:
  CacheFolder(std::string path, int folder)
      : path(std::move(path)), folder(folder) {}

  std::string path;
  int folder;
};

} // namespace mlir::et

#endif // ET_COMPILER_CACHEFOLDER_H
