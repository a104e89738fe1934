//===- TensorFile.h - Tensors in .npy and .safetensors files ----*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_COMPILER_TENSORFILE_H
#define ET_COMPILER_TENSORFILE_H

#include "et/Runtime/et_runtime.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <string>

namespace mlir::et {

/// A file mapped copy-on-write: a function that writes to an argument changes
/// neither the file nor another run.
class MappedFile {
public:
  static llvm::Expected<MappedFile> open(llvm::StringRef path);

  llvm::StringRef getPath() const { return path; }
  llvm::MutableArrayRef<char> getBytes() { return bytes; }

private:
  std::string path;
  std::unique_ptr<llvm::sys::fs::mapped_file_region> region;
  llvm::MutableArrayRef<char> bytes;
};

/// A tensor over a part of a file, or over a copy where that part isn't
/// aligned to the element.
struct FileTensor {
  et_tensor tensor;
  std::unique_ptr<char[]> copy;
};

/// Describes `bytes` as a tensor. The caller has checked their number.
FileTensor makeFileTensor(llvm::MutableArrayRef<char> bytes, et_dtype dtype,
                          llvm::ArrayRef<int64_t> sizes);

/// One array in NumPy's format, versions 1 to 3.
class NpyFile {
public:
  static llvm::Expected<NpyFile> open(llvm::StringRef path);

  const et_tensor &getTensor() const { return array.tensor; }

private:
  MappedFile file;
  FileTensor array;
};

/// Writes a host tensor. bfloat16 is written as the ml_dtypes package does.
void writeNpy(llvm::raw_ostream &out, const et_tensor &tensor);

/// What to do where one file is not enough.
constexpr llvm::StringLiteral kSeveralFilesRemedy =
    "of a checkpoint in several files, name the index.json or the folder";

/// Named tensors in the safetensors format: of one file, of the files that an
/// index (NAME.json) names, or of a folder with either.
class SafetensorsFile {
public:
  static llvm::Expected<SafetensorsFile> open(llvm::StringRef path);

  llvm::StringRef getPath() const { return path; }
  bool has(llvm::StringRef name) const { return entries.contains(name); }

  /// The file that has the tensor `name`, for messages.
  std::string getSource(llvm::StringRef name) const;

  /// The tensor called `name`, or an error that names the file.
  llvm::Expected<et_tensor> find(llvm::StringRef name);

  /// Whether `path` is one of the files that were read.
  bool isRead(llvm::StringRef path) const;

private:
  struct Entry {
    std::string dtype;
    llvm::SmallVector<int64_t> sizes;
    uint64_t begin = 0, end = 0; ///< In the bytes of the file.
    size_t file = 0;
  };
  using Entries = llvm::StringMap<Entry>;

  static llvm::Expected<Entries> parseFile(llvm::ArrayRef<char> bytes);
  llvm::Error openShards();

  std::string path;
  std::vector<MappedFile> files;
  Entries entries;
  std::vector<FileTensor> found;
};

struct NamedTensor {
  std::string name;
  et_tensor tensor;
};

/// Writes host tensors in the safetensors format. Those whose size is a
/// multiple of a cache line come first, so that each begins at one.
void writeSafetensors(llvm::raw_ostream &out,
                      llvm::ArrayRef<NamedTensor> tensors);

} // namespace mlir::et

#endif // ET_COMPILER_TENSORFILE_H
