//===- Npy.cpp - NumPy's arrays as tensors --------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Compiler/NpyFormat.h"
#include "et/Compiler/TensorFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir::et;
using namespace llvm;

/// ml_dtypes registers bfloat16 and float8_e4m3fn with NumPy, which writes them
/// as two opaque bytes and as one.
static std::optional<et_dtype> getDtype(const npy::Array &array) {
  std::string type = array.kind + std::to_string(array.elementBytes);
  return StringSwitch<std::optional<et_dtype>>(type)
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

static Expected<FileTensor> parseNpy(MutableArrayRef<char> bytes) {
  npy::Array array;
  std::string message;
  if (!npy::parse({bytes.data(), bytes.size()}, array, message))
    return createStringError(message);
  std::optional<et_dtype> dtype = getDtype(array);
  if (!dtype)
    return createStringError("holds elements of type '" + array.descr +
                             "'; f16, bf16, f32, f64, f8E4M3FN, bool and "
                             "integers of 8 to 64 bits can be read");
  if (array.shape.size() > ET_MAX_RANK)
    return createStringError("has " + Twine(array.shape.size()) +
                             " dimensions; a tensor has " + Twine(ET_MAX_RANK) +
                             " at most");
  return makeFileTensor(bytes.slice(array.dataStart, array.dataBytes), *dtype,
                        array.shape);
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
  out << npy::makeHeader(getDescr(dtype),
                         {tensor.sizes, tensor.sizes + tensor.rank});
  out.write(static_cast<const char *>(tensor.data),
            et_tensor_elements(&tensor) * et_dtype_size(dtype));
}
