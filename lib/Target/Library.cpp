//===- Library.cpp - shared libraries of compiled code --------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RunProgram.h"
#include "et/Target/HostCode.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
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

static llvm::Error writeObject(StringRef object, int descriptor) {
  llvm::raw_fd_ostream os(descriptor, /*shouldClose=*/true);
  os << object;
  os.flush();
  std::error_code error = os.error();
  os.clear_error();
  return llvm::errorCodeToError(error);
}

/// A library takes the place of the file, which would end a device; of a link,
/// that of what it points to.
static llvm::Expected<SmallString<128>> getTarget(StringRef file) {
  SmallString<128> target(file);
  fs::file_status status;
  if (fs::status(file, status))
    return target;
  if (!fs::is_regular_file(status))
    return llvm::createStringError("'" + file +
                                   "' is no regular file; name another file "
                                   "for the library");
  if (std::error_code error = fs::real_path(file, target))
    return llvm::createFileError(file, error);
  return target;
}

namespace {
/// What linking a library needs to know, found before the work and after it.
struct Linkage {
  SmallString<128> target;
  std::string compiler, runtime;

  static llvm::Expected<Linkage> find(StringRef file) {
    auto target = getTarget(file);
    if (!target)
      return target.takeError();
    auto compiler = findCompiler();
    if (!compiler)
      return compiler.takeError();
    auto runtime = findRuntimeArchive();
    if (!runtime)
      return runtime.takeError();
    return Linkage{*target, *compiler, *runtime};
  }
};
} // namespace

llvm::Error et::checkLibrary(StringRef file) {
  return Linkage::find(file).takeError();
}

llvm::Error et::linkLibrary(llvm::MemoryBufferRef code, StringRef file) {
  auto linkage = Linkage::find(file);
  if (!linkage)
    return linkage.takeError();

  SmallString<128> object;
  int descriptor;
  if (std::error_code error =
          fs::createTemporaryFile("et", "o", descriptor, object))
    return llvm::createStringError(error, "cannot make a temporary file");
  llvm::FileRemover removeObject(object);
  if (llvm::Error error = writeObject(code.getBuffer(), descriptor))
    return llvm::createFileError(object, std::move(error));

  // Linked under another name and then renamed, so that a failure leaves an
  // older library whole.
  SmallString<128> linked;
  if (std::error_code error =
          fs::createUniqueFile(linkage->target + ".%%%%%%", linked))
    return llvm::createFileError(file, error);
  llvm::FileRemover removeLinked(linked);
  SmallVector<StringRef> arguments = {linkage->compiler,
                                      "-shared",
                                      "-Wl,-Bsymbolic",
                                      "-o",
                                      linked,
                                      object,
                                      "-Wl,--whole-archive",
                                      linkage->runtime,
                                      "-Wl,--no-whole-archive",
                                      "-Wl,--no-undefined",
                                      "-lm",
                                      "-lpthread",
                                      "-ldl"};
  std::string rpath =
      ("-Wl,-rpath," + path::parent_path(ET_OPENMP_LIBRARY)).str();
  auto needsOpenMP = usesOpenMP(code);
  if (!needsOpenMP)
    return needsOpenMP.takeError();
  if (*needsOpenMP) {
    arguments.push_back(ET_OPENMP_LIBRARY);
    arguments.push_back(rpath);
  }
  auto log = runProgram(arguments, "link the library");
  if (!log)
    return log.takeError();
  if (std::error_code error = fs::rename(linked, linkage->target))
    return llvm::createFileError(file, error);
  removeLinked.releaseFile();
  return llvm::Error::success();
}
