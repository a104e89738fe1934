//===- LoadedLibrary.h - A library compiled before --------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_COMPILER_LOADEDLIBRARY_H
#define ET_COMPILER_LOADEDLIBRARY_H

#include "et/Runtime/et_runtime.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <vector>

namespace mlir::et {

/// A shared library of compiled code in this process, until it is destroyed.
class LoadedLibrary {
public:
  /// The error names the file, and whether it is of another version.
  static llvm::Expected<LoadedLibrary> open(llvm::StringRef path);

  /// Its functions, by name. They live as long as this object.
  const std::vector<const et_function *> &getFunctions() const {
    return functions;
  }

private:
  struct Close {
    void operator()(void *handle) const;
  };
  std::unique_ptr<void, Close> handle;
  std::vector<const et_function *> functions;
};

} // namespace mlir::et

#endif // ET_COMPILER_LOADEDLIBRARY_H
