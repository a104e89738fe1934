//===- Npy.cpp - NumPy's array files --------------------------------------===//
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

#include "support/TensorFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir::et;
using namespace llvm;

static constexpr StringLiteral magic = "\x93NUMPY";

namespace {
struct Header {
  std::optional<std::string> descr;
  std::optional<bool> fortranOrder;
  std::optional<SmallVector<int64_t>> shape;
};

/// Reads the dictionary. Every step returns false where the text is not what
/// NumPy writes.
class HeaderParser {
public:
  explicit HeaderParser(StringRef text) : rest(text) {}

  bool parse(Header &header) {
    if (!consume('{'))
      return false;
    while (!consume('}')) {
      std::string key;
      if (!parseString(key) || !consume(':') || !parseValue(key, header))
        return false;
      if (consume(','))
        continue;
      if (!consume('}'))
        return false;
      break;
    }
    return rest.trim().empty();
  }

private:
  bool consume(char c) {
    rest = rest.ltrim();
    return rest.consume_front(StringRef(&c, 1));
  }

  bool parseString(std::string &text) {
    rest = rest.ltrim();
    if (rest.empty() || (rest.front() != '\'' && rest.front() != '"'))
      return false;
    size_t end = rest.find(rest.front(), 1);
    if (end == StringRef::npos)
      return false;
    text = rest.slice(1, end).str();
    rest = rest.drop_front(end + 1);
    return true;
  }

  bool parseShape(SmallVector<int64_t> &shape) {
    if (!consume('('))
      return false;
    while (!consume(')')) {
      int64_t size;
      rest = rest.ltrim();
      if (rest.consumeInteger(10, size) || size < 0)
        return false;
      shape.push_back(size);
      if (consume(','))
        continue;
      if (!consume(')'))
        return false;
      break;
    }
    return true;
  }

  bool parseValue(StringRef key, Header &header) {
    if (key == "descr" && !header.descr)
      return parseString(header.descr.emplace());
    if (key == "shape" && !header.shape)
      return parseShape(header.shape.emplace());
    if (key != "fortran_order" || header.fortranOrder)
      return false;
    rest = rest.ltrim();
    if (rest.consume_front("True"))
      header.fortranOrder = true;
    else if (rest.consume_front("False"))
      header.fortranOrder = false;
    return header.fortranOrder.has_value();
  }

  StringRef rest;
};
} // namespace

/// ml_dtypes registers bfloat16 and float8_e4m3fn with NumPy, which writes them
/// as two opaque bytes and as one.
static std::optional<et_dtype> getDtype(StringRef descr) {
  if (descr == "bfloat16")
    return ET_BF16;
  if (descr.empty() || !StringRef("<|=").contains(descr.front()))
    return std::nullopt;
  return StringSwitch<std::optional<et_dtype>>(descr.drop_front())
      .Case("f4", ET_F32)
      .Case("f2", ET_F16)
      .Case("V2", ET_BF16)
      .Case("V1", ET_F8E4M3FN)
      .Case("f8", ET_F64)
      .Case("b1", ET_I1)
      .Cases({"i1", "u1"}, ET_I8)
      .Cases({"i2", "u2"}, ET_I16)
      .Cases({"i4", "u4"}, ET_I32)
      .Cases({"i8", "u8"}, ET_I64)
      .Default(std::nullopt);
}

static StringRef getDescr(et_dtype dtype) {
  switch (dtype) {
  case ET_F32:
    return "<f4";
  case ET_F16:
    return "<f2";
  case ET_BF16:
    return "<V2";
  case ET_F64:
    return "<f8";
  case ET_F8E4M3FN:
    return "<V1";
  case ET_I1:
    return "|b1";
  case ET_I8:
    return "|i1";
  case ET_I16:
    return "<i2";
  case ET_I32:
    return "<i4";
  case ET_I64:
    return "<i8";
  }
  llvm_unreachable("unknown dtype");
}

/// Splits the file into the header's text and the data.
static Error splitFile(MutableArrayRef<char> bytes, StringRef &text,
                       MutableArrayRef<char> &data) {
  StringRef start(bytes.data(), bytes.size());
  if (!start.starts_with(magic))
    return createStringError("is not a .npy file (its first bytes are not "
                             "NumPy's)");
  if (bytes.size() < 10)
    return createStringError("is cut off inside its header");
  unsigned major = static_cast<unsigned char>(bytes[6]);
  unsigned minor = static_cast<unsigned char>(bytes[7]);
  if (major < 1 || major > 3 || minor != 0)
    return createStringError(".npy format version " + Twine(major) + "." +
                             Twine(minor) + " is unknown; 1.0 to 3.0 are read");
  size_t lengthSize = major == 1 ? 2 : 4;
  if (bytes.size() < 8 + lengthSize)
    return createStringError("is cut off inside its header");
  uint64_t length = major == 1 ? support::endian::read16le(&bytes[8])
                               : support::endian::read32le(&bytes[8]);
  if (length > bytes.size() - 8 - lengthSize)
    return createStringError("is cut off inside its header");
  text = start.substr(8 + lengthSize, length);
  data = bytes.drop_front(8 + lengthSize + length);
  return Error::success();
}

static Expected<FileTensor> parseNpy(MutableArrayRef<char> bytes) {
  StringRef text;
  MutableArrayRef<char> data;
  if (Error error = splitFile(bytes, text, data))
    return std::move(error);
  Header header;
  if (!HeaderParser(text).parse(header) || !header.descr ||
      !header.fortranOrder || !header.shape)
    return createStringError("has a header that is not NumPy's description of "
                             "one plain array");
  StringRef descr = *header.descr;
  if (descr.starts_with(">") && descr != ">V2")
    return createStringError("is big-endian ('" + descr +
                             "'); write it with .astype('<" +
                             descr.drop_front() + "')");
  std::optional<et_dtype> dtype = getDtype(descr);
  if (!dtype)
    return createStringError("holds elements of type '" + descr +
                             "'; f16, bf16, f32, f64, f8E4M3FN, bool and "
                             "integers of 8 to 64 bits can be read");
  if (*header.fortranOrder && header.shape->size() > 1)
    return createStringError("is in Fortran order; write it with "
                             "numpy.ascontiguousarray");
  std::optional<uint64_t> size = getByteCount(*dtype, *header.shape);
  if (!size)
    return createStringError("has more dimensions or elements than can be "
                             "handled");
  if (data.size() < *size)
    return createStringError("is cut off: its header promises " + Twine(*size) +
                             " bytes of data and " + Twine(data.size()) +
                             " are there");
  return makeFileTensor(data.take_front(*size), *dtype, *header.shape);
}

Expected<NpyFile> NpyFile::open(StringRef path) {
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  Expected<FileTensor> array = parseNpy(file->getBytes());
  if (!array)
    return createFileError(path, array.takeError());
  NpyFile result;
  result.file = std::move(*file);
  result.array = std::move(*array);
  return std::move(result);
}

void mlir::et::writeNpy(raw_ostream &out, const et_tensor &tensor) {
  auto dtype = static_cast<et_dtype>(tensor.dtype);
  std::string header;
  raw_string_ostream os(header);
  os << "{'descr': '" << getDescr(dtype)
     << "', 'fortran_order': False, 'shape': (";
  for (int64_t size : ArrayRef(tensor.sizes, tensor.rank))
    os << size << (tensor.rank == 1 ? "," : ", ");
  // NumPy leaves no comma after the last of several.
  if (tensor.rank > 1)
    header.resize(header.size() - 2);
  header += "), }";
  // Data starts at a multiple of 64 bytes, the header ends in a newline.
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  char length[2];
  support::endian::write16le(length, uint16_t(header.size()));
  out << magic << '\x01' << '\0';
  out.write(length, sizeof(length));
  out << header;
  out.write(static_cast<const char *>(tensor.data),
            et_tensor_elements(&tensor) * et_dtype_size(dtype));
}
