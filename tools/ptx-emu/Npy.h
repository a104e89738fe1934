//===- Npy.h - NumPy's array files ----------------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_TOOLS_PTXEMU_NPY_H
#define ET_TOOLS_PTXEMU_NPY_H

#include <cstdint>
#include <string>
#include <vector>

struct NpyArray {
  /// The header's text, kept so that an output has its input's type and shape.
  std::string header;
  std::vector<uint8_t> data;
};

/// False with a message when the file is not a C-ordered .npy array.
bool readNpy(const std::string &path, NpyArray &array, std::string &error);
bool writeNpy(const std::string &path, const NpyArray &array,
              std::string &error);

#endif // ET_TOOLS_PTXEMU_NPY_H
