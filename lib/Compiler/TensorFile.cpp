//===- TensorFile.cpp - files of tensors ----------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Compiler/TensorFile.h"

#include "et/Compiler/InputFiles.h"

#include "llvm/ADT/ScopeExit.h"

using namespace mlir::et;
using namespace llvm;

Expected<MappedFile> MappedFile::open(StringRef path) {
  MappedFile file;
  file.path = path.str();
  Expected<sys::fs::file_t> handle = openRegularFile(path);
  if (!handle)
    return handle.takeError();
  scope_exit close([&] { sys::fs::closeFile(*handle); });
  sys::fs::file_status status;
  if (std::error_code code = sys::fs::status(*handle, status))
    return createFileError(path, code);
  // Nothing can be mapped of an empty file.
  if (status.getSize() == 0)
    return std::move(file);
  std::error_code code;
  file.region = std::make_unique<sys::fs::mapped_file_region>(
      *handle, sys::fs::mapped_file_region::priv, status.getSize(),
      /*offset=*/0, code);
  if (code)
    return createFileError(path, code);
  file.bytes = {file.region->data(), file.region->size()};
  return std::move(file);
}

FileTensor mlir::et::makeFileTensor(MutableArrayRef<char> bytes, et_dtype dtype,
                                    ArrayRef<int64_t> sizes) {
  FileTensor result;
  char *data = bytes.data();
  if (reinterpret_cast<uintptr_t>(data) % et_dtype_size(dtype) != 0) {
    result.copy = std::make_unique<char[]>(bytes.size());
    llvm::copy(bytes, result.copy.get());
    data = result.copy.get();
  }
  // Any byte but 0 is true, as for NumPy; compiled code knows 0 and 1.
  if (dtype == ET_I1)
    for (char &byte : MutableArrayRef(data, bytes.size()))
      if (byte & ~1)
        byte = 1;
  result.tensor =
      et_tensor_borrow(data, dtype, int32_t(sizes.size()), sizes.data());
  return result;
}
