//===- NpyFormat.cpp - NumPy's array files --------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A header is a Python literal: a dictionary of `descr`, `fortran_order` and
// `shape`. It is read by a parser for just that grammar.
//
//===----------------------------------------------------------------------===//

#include "et/Compiler/NpyFormat.h"

#include <algorithm>
#include <charconv>
#include <limits>

using namespace npy;

static constexpr std::string_view kMagic = "\x93NUMPY";

namespace {
struct Header {
  std::optional<std::string> descr;
  std::optional<bool> fortranOrder;
  std::optional<std::vector<int64_t>> shape;
};

/// Reads the dictionary. Every step returns false where the text is not what
/// NumPy writes.
class HeaderParser {
public:
  explicit HeaderParser(std::string_view text) : rest(text) {}

  bool parse(Header &header) {
    if (!consume("{"))
      return false;
    while (!consume("}")) {
      std::string key;
      if (!parseString(key) || !consume(":") || !parseValue(key, header))
        return false;
      if (consume(","))
        continue;
      if (!consume("}"))
        return false;
      break;
    }
    skipSpace();
    return rest.empty();
  }

private:
  void skipSpace() {
    rest.remove_prefix(
        std::min(rest.find_first_not_of(" \t\n\v\f\r"), rest.size()));
  }

  bool consume(std::string_view word) {
    skipSpace();
    if (rest.substr(0, word.size()) != word)
      return false;
    rest.remove_prefix(word.size());
    return true;
  }

  bool parseString(std::string &text) {
    skipSpace();
    if (rest.empty() || (rest.front() != '\'' && rest.front() != '"'))
      return false;
    size_t end = rest.find(rest.front(), 1);
    if (end == std::string_view::npos)
      return false;
    text = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    return true;
  }

  bool parseShape(std::vector<int64_t> &shape) {
    if (!consume("("))
      return false;
    while (!consume(")")) {
      skipSpace();
      int64_t size = 0;
      const char *end = rest.data() + rest.size();
      auto [next, code] = std::from_chars(rest.data(), end, size);
      if (code != std::errc() || size < 0)
        return false;
      rest.remove_prefix(next - rest.data());
      // Python 2 wrote sizes as long integers.
      if (!rest.empty() && rest.front() == 'L')
        rest.remove_prefix(1);
      shape.push_back(size);
      if (consume(","))
        continue;
      if (!consume(")"))
        return false;
      break;
    }
    return true;
  }

  bool parseValue(const std::string &key, Header &header) {
    if (key == "descr" && !header.descr)
      return parseString(header.descr.emplace());
    if (key == "shape" && !header.shape)
      return parseShape(header.shape.emplace());
    if (key != "fortran_order" || header.fortranOrder)
      return false;
    if (consume("True"))
      header.fortranOrder = true;
    else if (consume("False"))
      header.fortranOrder = false;
    return header.fortranOrder.has_value();
  }

  std::string_view rest;
};
} // namespace

static bool fail(std::string &error, std::string what) {
  error = std::move(what);
  return false;
}

static uint64_t readLittleEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i > 0; --i)
    value = value << 8 | static_cast<unsigned char>(bytes[i - 1]);
  return value;
}

/// Finds the header's text in the file, and where the data begins.
static bool splitFile(std::string_view file, std::string_view &text,
                      uint64_t &dataStart, std::string &error) {
  if (file.substr(0, kMagic.size()) != kMagic)
    return fail(error, "is not a .npy file (its first bytes are not NumPy's)");
  const char *cut = "is cut off inside its header";
  if (file.size() < 10)
    return fail(error, cut);
  unsigned major = static_cast<unsigned char>(file[6]);
  unsigned minor = static_cast<unsigned char>(file[7]);
  if (major < 1 || major > 3 || minor != 0)
    return fail(error, ".npy format version " + std::to_string(major) + "." +
                           std::to_string(minor) +
                           " is unknown; 1.0 to 3.0 are read");
  size_t start = major == 1 ? 10 : 12;
  if (file.size() < start)
    return fail(error, cut);
  uint64_t length = readLittleEndian(file.substr(8, start - 8));
  if (length > file.size() - start)
    return fail(error, cut);
  text = file.substr(start, length);
  dataStart = start + length;
  return true;
}

/// Text of a file as an error can show it.
static std::string inOneLine(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

/// Takes a description such as "<f4" apart. The ml_dtypes package writes types
/// of its own as opaque bytes, bfloat16 also by its name.
static bool parseType(Array &array, std::string &error) {
  std::string_view descr = array.descr;
  if (descr == "bfloat16")
    descr = "<V2";
  char order = '<';
  if (!descr.empty() &&
      std::string_view("<>|=").find(descr.front()) != std::string_view::npos) {
    order = descr.front();
    descr.remove_prefix(1);
  }
  uint64_t bytes = 0;
  bool isNumber = false;
  if (descr.size() > 1) {
    const char *end = descr.data() + descr.size();
    auto [next, code] = std::from_chars(descr.data() + 1, end, bytes);
    isNumber = code == std::errc() && next == end && bytes > 0 &&
               std::string_view("biufcV").find(descr.front()) !=
                   std::string_view::npos;
  }
  if (!isNumber)
    return fail(error, "holds elements of type '" + inOneLine(array.descr) +
                           "', which are no plain numbers");
  // Opaque bytes have no order.
  if (order == '>' && bytes > 1 && descr.front() != 'V')
    return fail(error, "is big-endian ('" + array.descr +
                           "'); write it with .astype('<" + std::string(descr) +
                           "')");
  array.kind = descr.front();
  array.elementBytes = bytes;
  return true;
}

std::optional<uint64_t> npy::countBytes(uint64_t elementBytes,
                                        const int64_t *sizes, size_t rank) {
  const int64_t *end = sizes + rank;
  if (std::any_of(sizes, end, [](int64_t size) { return size < 0; }))
    return std::nullopt;
  if (std::find(sizes, end, 0) != end)
    return 0;
  // What the sizes and strides of a tensor can count.
  if (elementBytes > std::numeric_limits<int64_t>::max())
    return std::nullopt;
  int64_t bytes = elementBytes;
  for (; sizes != end; ++sizes)
    if (__builtin_mul_overflow(bytes, *sizes, &bytes))
      return std::nullopt;
  return bytes;
}

bool npy::parse(std::string_view file, Array &array, std::string &error) {
  std::string_view text;
  if (!splitFile(file, text, array.dataStart, error))
    return false;
  Header header;
  if (!HeaderParser(text).parse(header) || !header.descr ||
      !header.fortranOrder || !header.shape)
    return fail(error, "has a header that is not NumPy's description of one "
                       "plain array");
  array.descr = *header.descr;
  array.shape = *header.shape;
  if (!parseType(array, error))
    return false;
  if (*header.fortranOrder)
    return fail(error, "is in Fortran order; write it with "
                       "numpy.ascontiguousarray");
  std::optional<uint64_t> bytes =
      countBytes(array.elementBytes, array.shape.data(), array.shape.size());
  if (!bytes)
    return fail(error, "has more elements than can be handled");
  array.dataBytes = *bytes;
  uint64_t present = file.size() - array.dataStart;
  if (present < *bytes)
    return fail(error, "is cut off: its header promises " +
                           std::to_string(*bytes) + " bytes of data and " +
                           std::to_string(present) + " are there");
  return true;
}

std::string npy::makeHeader(std::string_view descr,
                            const std::vector<int64_t> &shape) {
  std::string text = "{'descr': '";
  text.append(descr);
  text += "', 'fortran_order': False, 'shape': (";
  for (size_t i = 0; i < shape.size(); ++i) {
    text += (i ? ", " : "") + std::to_string(shape[i]);
    if (shape.size() == 1)
      text += ',';
  }
  text += "), }";
  // Data starts at a multiple of 64 bytes, the header ends in a newline.
  constexpr size_t start = 10;
  text.append(63 - (start + text.size()) % 64, ' ');
  text += '\n';
  std::string header(kMagic);
  header += '\x01';
  header += '\0';
  header += static_cast<char>(text.size() & 0xff);
  header += static_cast<char>(text.size() >> 8);
  return header + text;
}
