//===- RunProgram.cpp - Other programs, and what they print ---------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RunProgram.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"

using namespace mlir;

llvm::Expected<std::string> et::runProgram(ArrayRef<StringRef> arguments,
                                           const Twine &purpose) {
  SmallString<128> log;
  if (std::error_code code =
          llvm::sys::fs::createTemporaryFile("et-run", "log", log))
    return llvm::createStringError(code, "cannot make a temporary file");
  llvm::FileRemover removeLog(log);
  std::string message;
  std::optional<StringRef> redirects[] = {StringRef(""), log.str(), log.str()};
  int code = llvm::sys::ExecuteAndWait(arguments.front(), arguments,
                                       /*Env=*/std::nullopt, redirects,
                                       /*SecondsToWait=*/0, /*MemoryLimit=*/0,
                                       &message);
  std::string output;
  if (auto buffer = llvm::MemoryBuffer::getFile(log))
    output = (*buffer)->getBuffer().str();
  if (code == 0)
    return output;
  return llvm::createStringError("'" + arguments.front() + "' failed to " +
                                 purpose + ": " + message + output);
}
