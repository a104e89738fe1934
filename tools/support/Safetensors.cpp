//===- Safetensors.cpp - named tensors ------------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Eight bytes of length, a JSON object that gives each name a type, a shape and
// the range of its bytes, and then those bytes, without overlap or hole.
//
//===----------------------------------------------------------------------===//

#include "support/TensorFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Alignment.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/JSON.h"

using namespace mlir::et;
using namespace llvm;

static std::optional<et_dtype> getDtype(StringRef name) {
  return StringSwitch<std::optional<et_dtype>>(name)
      .Case("F32", ET_F32)
      .Case("F16", ET_F16)
      .Case("BF16", ET_BF16)
      .Case("F64", ET_F64)
      .Case("F8_E4M3", ET_F8E4M3FN)
      .Case("BOOL", ET_I1)
      .Cases({"I8", "U8"}, ET_I8)
      .Cases({"I16", "U16"}, ET_I16)
      .Cases({"I32", "U32"}, ET_I32)
      .Cases({"I64", "U64"}, ET_I64)
      .Default(std::nullopt);
}

Error SafetensorsFile::parseHeader() {
  MutableArrayRef<char> bytes = file.getBytes();
  if (bytes.size() < 8)
    return createStringError("is too short for a safetensors file");
  uint64_t length = support::endian::read64le(bytes.data());
  if (bytes.size() > 8 && bytes[8] != '{' && length > bytes.size() - 8)
    return createStringError("is not a safetensors file");
  if (length > bytes.size() - 8)
    return createStringError("is cut off: its header would take " +
                             Twine(length) + " bytes and " +
                             Twine(bytes.size() - 8) + " are there");
  dataStart = 8 + length;
  Expected<json::Value> header =
      json::parse(StringRef(bytes.data() + 8, length));
  if (!header)
    return createStringError("has a header that is not JSON: " +
                             toString(header.takeError()));
  const json::Object *object = header->getAsObject();
  if (!object)
    return createStringError("has a header that is not a JSON object");

  for (const auto &[key, value] : *object) {
    StringRef name = key;
    if (name == "__metadata__")
      continue;
    auto refuse = [&](const Twine &what) {
      return createStringError("tensor '" + name + "' " + what);
    };
    const json::Object *fields = value.getAsObject();
    const json::Array *shape = fields ? fields->getArray("shape") : nullptr;
    const json::Array *range =
        fields ? fields->getArray("data_offsets") : nullptr;
    std::optional<StringRef> dtype =
        fields ? fields->getString("dtype") : std::nullopt;
    if (!shape || !range || !dtype || range->size() != 2)
      return refuse("lacks a dtype, a shape or two data_offsets");
    Entry entry;
    entry.dtype = dtype->str();
    for (const json::Value &size : *shape) {
      std::optional<int64_t> number = size.getAsInteger();
      if (!number || *number < 0)
        return refuse("has a size that is not a whole number");
      entry.sizes.push_back(*number);
    }
    std::optional<int64_t> begin = (*range)[0].getAsInteger();
    std::optional<int64_t> end = (*range)[1].getAsInteger();
    if (!begin || !end || *begin < 0 || *end < *begin)
      return refuse("has data_offsets that are no range");
    entry.begin = uint64_t(*begin);
    entry.end = uint64_t(*end);
    entries[name] = std::move(entry);
  }
  return checkLayout(bytes.size() - dataStart);
}

Error SafetensorsFile::checkLayout(uint64_t dataSize) const {
  std::vector<const StringMapEntry<Entry> *> order;
  for (const auto &entry : entries)
    order.push_back(&entry);
  llvm::sort(order, [](const auto *a, const auto *b) {
    return std::make_tuple(a->second.begin, a->second.end, a->first()) <
           std::make_tuple(b->second.begin, b->second.end, b->first());
  });
  uint64_t position = 0;
  StringRef previous;
  for (const auto *entry : order) {
    auto refuse = [&](const Twine &what) {
      return createStringError("tensor '" + entry->first() + "' " + what);
    };
    const Entry &value = entry->second;
    if (value.end > dataSize)
      return refuse("ends at byte " + Twine(value.end) + " of the data and " +
                    Twine(dataSize) + " are there; the file is cut off");
    if (value.begin < position)
      return refuse("overlaps tensor '" + previous + "'");
    if (value.begin > position)
      return refuse("leaves a hole after byte " + Twine(position) +
                    " of the data");
    std::optional<et_dtype> dtype = getDtype(value.dtype);
    if (dtype && getByteCount(*dtype, value.sizes) != value.end - value.begin)
      return refuse("has a shape that doesn't fit its data_offsets");
    position = value.end;
    previous = entry->first();
  }
  if (position != dataSize)
    return createStringError("has " + Twine(dataSize - position) +
                             " bytes that belong to no tensor");
  return Error::success();
}

Expected<SafetensorsFile> SafetensorsFile::open(StringRef path) {
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  SafetensorsFile result;
  result.file = std::move(*file);
  if (Error error = result.parseHeader())
    return createFileError(path, std::move(error));
  return std::move(result);
}

Expected<et_tensor> SafetensorsFile::find(StringRef name) {
  auto refuse = [&](const Twine &what) {
    return createFileError(file.getPath(), createStringError(what));
  };
  auto entry = entries.find(name);
  if (entry == entries.end()) {
    SmallVector<StringRef> names(entries.keys());
    llvm::sort(names);
    std::string packed = (name + ".panels_").str();
    const auto *other = llvm::find_if(
        names, [&](StringRef entry) { return entry.starts_with(packed); });
    if (other != names.end())
      return refuse("has no tensor '" + name + "', but '" + *other +
                    "', packed: --pack-weights reads it, for a processor with "
                    "this layout");
    size_t shown = std::min<size_t>(names.size(), 8);
    return refuse(
        "has no tensor '" + name + "'; it has " +
        (names.empty() ? "none"
                       : join(ArrayRef(names).take_front(shown), ", ")) +
        (shown < names.size()
             ? ", and " + std::to_string(names.size() - shown) + " more"
             : ""));
  }
  const Entry &value = entry->second;
  std::optional<et_dtype> dtype = getDtype(value.dtype);
  if (!dtype)
    return refuse("tensor '" + name + "' has elements of type " + value.dtype +
                  ", which cannot be read");
  found.push_back(makeFileTensor(
      file.getBytes().slice(dataStart + value.begin, value.end - value.begin),
      *dtype, value.sizes));
  return found.back().tensor;
}

static StringRef getDtypeName(et_dtype dtype) {
  switch (dtype) {
  case ET_F32:
    return "F32";
  case ET_F16:
    return "F16";
  case ET_BF16:
    return "BF16";
  case ET_F64:
    return "F64";
  case ET_I1:
    return "BOOL";
  case ET_I8:
    return "I8";
  case ET_I16:
    return "I16";
  case ET_I32:
    return "I32";
  case ET_I64:
    return "I64";
  case ET_F8E4M3FN:
    return "F8_E4M3";
  }
  llvm_unreachable("a tensor that was read has a type");
}

void mlir::et::writeSafetensors(raw_ostream &out,
                                ArrayRef<NamedTensor> tensors) {
  constexpr size_t line = 64;
  auto bytesOf = [](const NamedTensor &named) {
    return et_tensor_elements(&named.tensor) *
           et_dtype_size(static_cast<et_dtype>(named.tensor.dtype));
  };
  std::vector<NamedTensor> order;
  for (bool isWhole : {true, false})
    llvm::copy_if(tensors, std::back_inserter(order),
                  [&](const NamedTensor &named) {
                    return (bytesOf(named) % line == 0) == isWhole;
                  });
  std::string header;
  raw_string_ostream text(header);
  json::OStream json(text);
  uint64_t position = 0;
  json.object([&] {
    for (const NamedTensor &named : order)
      json.attributeObject(named.name, [&] {
        const et_tensor &tensor = named.tensor;
        json.attribute("dtype",
                       getDtypeName(static_cast<et_dtype>(tensor.dtype)));
        json.attributeArray("shape", [&] {
          for (int64_t size : ArrayRef(tensor.sizes, tensor.rank))
            json.value(size);
        });
        json.attributeArray("data_offsets", [&] {
          json.value(position);
          json.value(position += bytesOf(named));
        });
      });
  });
  header.append(offsetToAlignment(8 + header.size(), Align(line)), ' ');
  char length[8];
  support::endian::write64le(length, header.size());
  out.write(length, sizeof(length));
  out << header;
  for (const NamedTensor &named : order)
    out.write(static_cast<const char *>(named.tensor.data), bytesOf(named));
}
