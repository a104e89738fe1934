//===- Library.cpp - shared libraries of compiled code --------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Target/HostCode.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

#include <dlfcn.h>

using namespace mlir;
using namespace mlir::et;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

/// The archive lies beside the shared runtime that this process uses.
static llvm::Expected<std::string> findRuntimeArchive() {
  Dl_info info;
  SmallString<128> archive;
  if (dladdr(reinterpret_cast<void *>(&et_call), &info) && info.dli_fname)
    archive = path::parent_path(info.dli_fname);
  path::append(archive, "libet_runtime.a");
  if (fs::exists(archive))
    return std::string(archive);
  return llvm::createStringError("the runtime's archive '" + archive +
                                 "' is missing; build the target "
                                 "et_runtime_static or install it again");
}

static llvm::Expected<std::string> findCompiler() {
  for (StringRef name : {"cc", "clang-22", "clang", "gcc"})
    if (auto found = llvm::sys::findProgramByName(name))
      return *found;
  return llvm::createStringError(
      "a shared library needs a C compiler to link it, and neither cc, clang "
      "nor gcc is on PATH; install clang-22 or gcc, or use --emit=obj");
}

/// Runs `arguments`; the error holds what it wrote.
static llvm::Error runLinker(ArrayRef<StringRef> arguments) {
  SmallString<128> log;
  if (std::error_code code = fs::createTemporaryFile("et-link", "log", log))
    return llvm::createStringError(code, "cannot make a temporary file");
  llvm::FileRemover removeLog(log);
  std::string message;
  std::optional<StringRef> redirects[] = {StringRef(""), log.str(), log.str()};
  int code = llvm::sys::ExecuteAndWait(arguments.front(), arguments,
                                       /*Env=*/std::nullopt, redirects,
                                       /*SecondsToWait=*/0, /*MemoryLimit=*/0,
                                       &message);
  if (code == 0)
    return llvm::Error::success();
  if (auto buffer = llvm::MemoryBuffer::getFile(log))
    message += (*buffer)->getBuffer();
  return llvm::createStringError("'" + arguments.front() +
                                 "' failed to link the library: " + message);
}

static llvm::Error writeObject(const HostCode &code, int descriptor) {
  llvm::raw_fd_ostream os(descriptor, /*shouldClose=*/true);
  if (llvm::Error error = code.emitObject(os))
    return error;
  os.flush();
  std::error_code error = os.error();
  os.clear_error();
  return llvm::errorCodeToError(error);
}

llvm::Error et::linkLibrary(const HostCode &code, StringRef file) {
  auto compiler = findCompiler();
  if (!compiler)
    return compiler.takeError();
  auto runtime = findRuntimeArchive();
  if (!runtime)
    return runtime.takeError();

  SmallString<128> object;
  int descriptor;
  if (std::error_code error =
          fs::createTemporaryFile("et", "o", descriptor, object))
    return llvm::createStringError(error, "cannot make a temporary file");
  llvm::FileRemover removeObject(object);
  if (llvm::Error error = writeObject(code, descriptor))
    return llvm::createFileError(object, std::move(error));

  // Linked under another name and then renamed, so that a failure leaves an
  // older library whole.
  SmallString<128> linked;
  if (std::error_code error = fs::createUniqueFile(file + ".%%%%%%", linked))
    return llvm::createFileError(file, error);
  llvm::FileRemover removeLinked(linked);
  SmallVector<StringRef> arguments = {*compiler,
                                      "-shared",
                                      "-o",
                                      linked,
                                      object,
                                      "-Wl,--whole-archive",
                                      *runtime,
                                      "-Wl,--no-whole-archive",
                                      "-Wl,--no-undefined",
                                      "-lm",
                                      "-lpthread",
                                      "-ldl"};
  std::string rpath =
      ("-Wl,-rpath," + path::parent_path(ET_OPENMP_LIBRARY)).str();
  if (code.usesOpenMP()) {
    arguments.push_back(ET_OPENMP_LIBRARY);
    arguments.push_back(rpath);
  }
  if (llvm::Error error = runLinker(arguments))
    return error;
  if (std::error_code error = fs::rename(linked, file))
    return llvm::createFileError(file, error);
  removeLinked.releaseFile();
  return llvm::Error::success();
}
