//===- OutputFiles.cpp - files that appear together or not at all ---------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OutputFiles.h"

#include "llvm/ADT/STLExtras.h"
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

Error OutputFiles::write(StringRef path, Writer writer) {
  if (path == "-")
    return writeTo(outs(), "standard output", writer);
  fs::file_status status;
  bool exists = !fs::status(path, status);
  if (exists && fs::is_directory(status))
    return createFileError(path, make_error_code(errc::is_a_directory));
  // A file put in the place of a device would end the device.
  if (exists && !fs::is_regular_file(status)) {
    std::error_code code;
    raw_fd_ostream os(path, code);
    return code ? createFileError(path, code) : writeTo(os, path, writer);
  }
  // The file itself, not a link to it; and one file whatever it is called.
  SmallString<128> real(path);
  if (!exists || fs::real_path(path, real)) {
    SmallString<128> folder;
    StringRef parent = sys::path::parent_path(path);
    if (!fs::real_path(parent.empty() ? "." : parent, folder)) {
      sys::path::append(folder, sys::path::filename(path));
      real = folder;
    }
  }
  if (any_of(pending, [&](const Pending &o) { return o.path == real; }))
    return createStringError("'" + path + "' would be written twice");
  Expected<fs::TempFile> file = fs::TempFile::create(real + ".%%%%%%");
  if (!file)
    return createFileError(path, file.takeError());
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
