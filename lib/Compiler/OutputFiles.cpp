//===- OutputFiles.cpp - files that appear together or not at all ---------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Compiler/OutputFiles.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Errc.h"
#include "llvm/Support/Path.h"

using namespace mlir::et;
using namespace llvm;
namespace fs = llvm::sys::fs;
using Writer = function_ref<Error(raw_ostream &)>;

/// Writes to an open stream. What could not be written is an error here; left
/// to the stream, it would end the process.
static Error writeTo(raw_fd_ostream &os, StringRef path, Writer writer) {
  Error error = writer(os);
  os.flush();
  std::error_code code = os.error();
  os.clear_error();
  if (error || !code)
    return error;
  return createFileError(path, code);
}

OutputFiles::~OutputFiles() {
  for (Pending &output : pending)
    consumeError(output.file.discard());
}

/// Whether something that is no regular file is called so, which takes what is
/// written at once: a file put in the place of a device would end the device.
static bool isStream(StringRef path) {
  fs::file_status status;
  return path == "-" ||
         (!fs::status(path, status) && !fs::is_regular_file(status) &&
          !fs::is_directory(status));
}

/// The file itself, not a link to it; and one file whatever it is called.
static SmallString<128> getRealPath(StringRef path) {
  SmallString<128> real(path), folder;
  if (!fs::real_path(path, real))
    return real;
  StringRef parent = sys::path::parent_path(path);
  if (fs::real_path(parent.empty() ? "." : parent, folder))
    return SmallString<128>(path);
  sys::path::append(folder, sys::path::filename(path));
  return folder;
}

/// A file beside `real` that can be renamed to it.
static Expected<fs::TempFile> createBeside(StringRef path, StringRef real) {
  if (fs::is_directory(real))
    return createFileError(path, make_error_code(errc::is_a_directory));
  Expected<fs::TempFile> file = fs::TempFile::create(real + ".%%%%%%");
  if (!file)
    return createFileError(path, file.takeError());
  return file;
}

static Error refuseSecond(StringRef path) {
  return createStringError("'" + path + "' would be written twice");
}

Error mlir::et::checkOutputs(ArrayRef<std::string> paths) {
  StringSet<> taken;
  for (StringRef path : paths) {
    if (path == "-")
      continue;
    if (isStream(path)) {
      // Opening would wait for who reads from a pipe.
      if (std::error_code code = fs::access(path, fs::AccessMode::Write))
        return createFileError(path, code);
      continue;
    }
    SmallString<128> real = getRealPath(path);
    if (!taken.insert(real).second)
      return refuseSecond(path);
    Expected<fs::TempFile> file = createBeside(path, real);
    if (!file)
      return file.takeError();
    if (Error error = file->discard())
      return createFileError(path, std::move(error));
  }
  return Error::success();
}

Error OutputFiles::write(StringRef path, Writer writer) {
  if (path == "-")
    return writeTo(outs(), "standard output", writer);
  if (isStream(path)) {
    std::error_code code;
    raw_fd_ostream os(path, code);
    return code ? createFileError(path, code) : writeTo(os, path, writer);
  }
  SmallString<128> real = getRealPath(path);
  if (any_of(pending, [&](const Pending &o) { return o.path == real; }))
    return refuseSecond(path);
  Expected<fs::TempFile> file = createBeside(path, real);
  if (!file)
    return file.takeError();
  pending.push_back({std::move(*file), real.str().str()});
  raw_fd_ostream os(pending.back().file.FD, /*shouldClose=*/false);
  return writeTo(os, path, writer);
}

Error OutputFiles::commit() {
  while (!pending.empty()) {
    Pending output = pending.pop_back_val();
    if (Error error = output.file.keep(output.path))
      return createFileError(output.path, std::move(error));
  }
  return Error::success();
}

Error mlir::et::writeOutput(StringRef path, Writer writer) {
  OutputFiles outputs;
  if (Error error = outputs.write(path, writer))
    return error;
  return outputs.commit();
}
