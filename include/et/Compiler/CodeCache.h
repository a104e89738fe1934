//===- CodeCache.h - Compiled code, kept in a folder ------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_COMPILER_CODECACHE_H
#define ET_COMPILER_CODECACHE_H

#include "et/Compiler/Model.h"
#include "llvm/Support/MemoryBuffer.h"

namespace mlir::et {

/// Objects for the host, kept in a folder under a digest of all they are made
/// of. Any number of processes may use one folder. What is not to be read there
/// is compiled again, with a warning that says why; so is what cannot be
/// written there.
class CodeCache {
public:
  /// Without a folder, nothing is kept.
  explicit CodeCache(std::string folder = "") : folder(std::move(folder)) {}

  /// The cache in the folder that ET_CACHE_DIR names, if it names one.
  static CodeCache getDefault();

  /// The object of a model that `pipeline` lowers, for the processor `march`. A
  /// remark of the category `cache` says whether it was there. The module is
  /// lowered where it was not.
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
  compile(ModuleOp module, StringRef pipeline, StringRef march,
          Interrupt *interrupt = nullptr) const;

private:
  std::string folder;
};

} // namespace mlir::et

#endif // ET_COMPILER_CODECACHE_H
