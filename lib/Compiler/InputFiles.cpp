//===- InputFiles.cpp - what the tools read -------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Compiler/InputFiles.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/Errno.h"

#include <fcntl.h>

using namespace llvm;
namespace fs = llvm::sys::fs;

Expected<fs::file_t> mlir::et::openRegularFile(StringRef path) {
  // Without waiting for who would write to a pipe.
  int file =
      sys::RetryAfterSignal(-1, ::open, path.str().c_str(),
                            O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (file == -1)
    return createFileError(path, errnoAsErrorCode());
  fs::file_status status;
  std::error_code code = fs::status(file, status);
  if (!code && status.type() == fs::file_type::regular_file)
    return file;
  fs::closeFile(file);
  if (code)
    return createFileError(path, code);
  return createFileError(path, createStringError("is not a regular file"));
}

Expected<std::unique_ptr<MemoryBuffer>> mlir::et::readText(StringRef path) {
  if (path == "-") {
    auto input = MemoryBuffer::getSTDIN();
    if (!input)
      return createFileError("standard input", input.getError());
    return std::move(*input);
  }
  Expected<fs::file_t> file = openRegularFile(path);
  if (!file)
    return file.takeError();
  scope_exit close([&] { fs::closeFile(*file); });
  auto text = MemoryBuffer::getOpenFile(*file, path, /*FileSize=*/-1);
  if (!text)
    return createFileError(path, text.getError());
  return std::move(*text);
}
