//===- NpyFormat.h - NumPy's array files ------------------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// No header of LLVM's: ptx-emu can be built without it.
//
//===----------------------------------------------------------------------===//

#ifndef ET_COMPILER_NPYFORMAT_H
#define ET_COMPILER_NPYFORMAT_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace npy {

/// One plain array: little-endian numbers in C order.
struct Array {
  std::string descr;         ///< The element type, such as "<f4".
  char kind = 0;             ///< Of it: one of "biufcV".
  uint64_t elementBytes = 0; ///< Of it, at least 1.
  std::vector<int64_t> shape;
  uint64_t dataStart = 0, dataBytes = 0; ///< Within the file.
};

/// Describes the array in a file of format 1 to 3; false, with what is wrong in
/// `error`. Bytes behind the data are left alone, as NumPy does.
bool parse(std::string_view file, Array &array, std::string &error);

/// What stands before the data of such an array.
std::string makeHeader(std::string_view descr,
                       const std::vector<int64_t> &shape);

/// Bytes of so many elements, if the machine can count them and no size is
/// negative. An empty array has none, whatever its other sizes are.
std::optional<uint64_t> countBytes(uint64_t elementBytes, const int64_t *sizes,
                                   size_t rank);

} // namespace npy

#endif // ET_COMPILER_NPYFORMAT_H
