//===- Npy.cpp - NumPy's array files --------------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Npy.h"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

/// Element size times the product of the shape, from a header such as
/// {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }.
static bool payloadBytes(const std::string &header, uint64_t &bytes,
                         std::string &error) {
  size_t descr = header.find("'descr'"), shape = header.find("'shape'");
  size_t quote = header.find('\'', descr + 7);
  if (descr == std::string::npos || shape == std::string::npos ||
      quote == std::string::npos) {
    error = "no header that NumPy writes";
    return false;
  }
  if (header.find("'fortran_order': True") != std::string::npos) {
    error = "the array is in Fortran order; save it with "
            "numpy.ascontiguousarray";
    return false;
  }
  char order = header[quote + 1];
  if (order == '>' || order == '[' || header[quote + 2] == 'O') {
    error = "only little-endian numbers are supported";
    return false;
  }
  bytes = std::strtoull(header.c_str() + quote + 3, nullptr, 10);
  const char *at = std::strchr(header.c_str() + shape, '(');
  while (at && *at != ')') {
    ++at;
    char *end = nullptr;
    unsigned long long extent = std::strtoull(at, &end, 10);
    if (end != at)
      bytes *= extent;
    at = std::strpbrk(end, ",)");
  }
  return true;
}

bool readNpy(const std::string &path, NpyArray &array, std::string &error) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    error = "cannot open '" + path + "'";
    return false;
  }
  std::string all((std::istreambuf_iterator<char>(in)),
                  std::istreambuf_iterator<char>());
  if (all.size() < 12 || std::memcmp(all.data(), "\x93NUMPY", 6) != 0) {
    error = "'" + path + "' is no .npy file";
    return false;
  }
  bool wide = all[6] > 1;
  size_t first = wide ? 12 : 10;
  uint32_t length = 0;
  std::memcpy(&length, all.data() + 8, wide ? 4 : 2);
  uint64_t bytes = 0;
  if (first + length > all.size()) {
    error = "'" + path + "' ends within its header";
    return false;
  }
  array.header = all.substr(first, length);
  if (!payloadBytes(array.header, bytes, error)) {
    error = "'" + path + "': " + error;
    return false;
  }
  if (all.size() - first - length != bytes) {
    error = "'" + path + "' holds " +
            std::to_string(all.size() - first - length) + " bytes of data, " +
            std::to_string(bytes) + " are announced";
    return false;
  }
  array.data.assign(all.begin() + static_cast<long>(first + length), all.end());
  return true;
}

bool writeNpy(const std::string &path, const NpyArray &array,
              std::string &error) {
  std::ofstream out(path, std::ios::binary);
  uint16_t length = static_cast<uint16_t>(array.header.size());
  out.write("\x93NUMPY\x01\x00", 8);
  out.write(reinterpret_cast<const char *>(&length), 2);
  out << array.header;
  out.write(reinterpret_cast<const char *>(array.data.data()),
            static_cast<long>(array.data.size()));
  if (out.flush())
    return true;
  error = "cannot write '" + path + "'";
  return false;
}
