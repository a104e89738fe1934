//===- Safetensors.cpp - named tensors ------------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Eight bytes of length, a JSON object that gives each name a type, a shape and
// the range of its bytes, and then those bytes, without overlap or hole. Where
// the format's text leaves something open, the official reader decides: fields
// that stand twice, sizes with a fraction and metadata that is no text are
// refused, fields that nobody knows are not.
//
//===----------------------------------------------------------------------===//

#include "et/Compiler/NpyFormat.h"
#include "et/Compiler/TensorFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Alignment.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Regex.h"

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

/// Text of a file as a message of one line can show it.
static std::string inOneLine(StringRef text) {
  std::string shown = text.str();
  for (char &c : shown)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f')
      c = '?';
  return shown;
}

static Error refuseTensor(StringRef name, const Twine &what) {
  return createStringError("tensor '" + inOneLine(name) + "' " + what);
}

/// Parses JSON whose objects name each member once, and which is not nested
/// deeper than the readers of others go: llvm::json keeps the last of several
/// members, and calls itself once a level.
static Expected<json::Value> parseJSON(StringRef text) {
  constexpr size_t mostLevels = 128;
  // The names in each object that is open here; none in an array.
  std::vector<StringSet<>> open;
  StringRef word;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '"') {
      size_t start = i++;
      while (i < text.size() && text[i] != '"')
        i += text[i] == '\\' ? 2 : 1;
      word = text.slice(start, i + 1);
    } else if (c == '{' || c == '[') {
      if (open.size() == mostLevels)
        return createStringError("is nested more than " + Twine(mostLevels) +
                                 " levels deep");
      open.emplace_back();
    } else if ((c == '}' || c == ']') && !open.empty()) {
      open.pop_back();
    } else if (c == ':' && !open.empty()) {
      // What is no string is an error of the parser proper.
      Expected<json::Value> name = json::parse(word);
      if (!name) {
        consumeError(name.takeError());
        continue;
      }
      if (std::optional<StringRef> key = name->getAsString();
          key && !open.back().insert(*key).second)
        return createStringError("names '" + inOneLine(*key) + "' twice");
    }
  }
  Expected<json::Value> value = json::parse(text);
  if (!value)
    return createStringError("is not JSON: " + toString(value.takeError()));
  return value;
}

/// A size or an offset, which is written without a fraction.
static std::optional<int64_t> getSize(const json::Value &value) {
  std::optional<uint64_t> number = value.getAsUINT64();
  if (!number || *number > uint64_t(std::numeric_limits<int64_t>::max()))
    return std::nullopt;
  return int64_t(*number);
}

/// Where the data begins, and the header's text.
static Expected<std::pair<uint64_t, StringRef>>
splitFile(ArrayRef<char> bytes) {
  if (bytes.size() < 8)
    return createStringError("is too short for a safetensors file");
  uint64_t length = support::endian::read64le(bytes.data());
  if (bytes.size() > 8 && bytes[8] != '{' && length > bytes.size() - 8)
    return createStringError("is not a safetensors file");
  if (length > bytes.size() - 8)
    return createStringError("is cut off: its header would take " +
                             Twine(length) + " bytes and " +
                             Twine(bytes.size() - 8) + " are there");
  // The format's own limit.
  constexpr uint64_t mostBytes = 100'000'000;
  if (length > mostBytes)
    return createStringError("has a header of " + Twine(length) +
                             " bytes; the format allows " + Twine(mostBytes));
  StringRef text(bytes.data() + 8, length);
  if (!text.starts_with("{"))
    return createStringError("has a header that is not a JSON object");
  return std::pair(8 + length, text);
}

static Error checkMetadata(const json::Value &metadata) {
  const json::Object *texts = metadata.getAsObject();
  bool isGood = texts ? llvm::all_of(*texts,
                                     [](const auto &entry) {
                                       return entry.second.getAsString();
                                     })
                      : metadata.getAsNull().has_value();
  if (isGood)
    return Error::success();
  return createStringError("has __metadata__ that is not of strings alone");
}

/// Checks that tensors follow each other from `start` to `end`. Such a file has
/// no bytes that nobody reads, nor any that two tensors have.
template <typename Entry>
static Error checkLayout(const StringMap<Entry> &entries, uint64_t start,
                         uint64_t end) {
  std::vector<const StringMapEntry<Entry> *> order;
  for (const auto &entry : entries)
    order.push_back(&entry);
  llvm::sort(order, [](const auto *a, const auto *b) {
    return std::make_tuple(a->second.begin, a->second.end, a->first()) <
           std::make_tuple(b->second.begin, b->second.end, b->first());
  });
  uint64_t position = start;
  StringRef previous;
  for (const auto *entry : order) {
    StringRef name = entry->first();
    const Entry &value = entry->second;
    if (value.end > end)
      return refuseTensor(name, "ends at byte " + Twine(value.end - start) +
                                    " of the data and " + Twine(end - start) +
                                    " are there; the file is cut off");
    if (value.begin < position)
      return refuseTensor(name,
                          "overlaps tensor '" + inOneLine(previous) + "'");
    if (value.begin > position)
      return refuseTensor(name, "leaves a hole after byte " +
                                    Twine(position - start) + " of the data");
    std::optional<et_dtype> dtype = getDtype(value.dtype);
    if (dtype && npy::countBytes(et_dtype_size(*dtype), value.sizes.data(),
                                 value.sizes.size()) != value.end - value.begin)
      return refuseTensor(name,
                          "has a shape that doesn't fit its data_offsets");
    position = value.end;
    previous = name;
  }
  if (position != end)
    return createStringError("has " + Twine(end - position) +
                             " bytes that belong to no tensor");
  return Error::success();
}

Expected<SafetensorsFile::Entries>
SafetensorsFile::parseFile(ArrayRef<char> bytes) {
  auto parts = splitFile(bytes);
  if (!parts)
    return parts.takeError();
  auto [start, text] = *parts;
  Expected<json::Value> header = parseJSON(text);
  if (!header)
    return createStringError("has a header that " +
                             toString(header.takeError()));

  Entries entries;
  for (const auto &[key, value] : *header->getAsObject()) {
    StringRef name = key;
    if (name == "__metadata__") {
      if (Error error = checkMetadata(value))
        return std::move(error);
      continue;
    }
    const json::Object *fields = value.getAsObject();
    const json::Array *shape = fields ? fields->getArray("shape") : nullptr;
    const json::Array *range =
        fields ? fields->getArray("data_offsets") : nullptr;
    std::optional<StringRef> dtype =
        fields ? fields->getString("dtype") : std::nullopt;
    if (!shape || !range || !dtype || range->size() != 2)
      return refuseTensor(name, "lacks a dtype, a shape or two data_offsets");
    Entry entry;
    entry.dtype = inOneLine(*dtype);
    for (const json::Value &size : *shape) {
      std::optional<int64_t> number = getSize(size);
      if (!number)
        return refuseTensor(name, "has a size that is not a whole number");
      entry.sizes.push_back(*number);
    }
    // Two numbers of four bits are a byte, as in formats of weights. Rows of an
    // odd number are refused where the tensor is asked for.
    if (entry.dtype == "F4" && !entry.sizes.empty() &&
        entry.sizes.back() % 2 == 0) {
      entry.sizes.back() /= 2;
      entry.dtype = "U8";
    }
    std::optional<int64_t> begin = getSize((*range)[0]);
    std::optional<int64_t> end = getSize((*range)[1]);
    if (!begin || !end || *end < *begin)
      return refuseTensor(name, "has data_offsets that are no range");
    // Each fits 63 bits, and the header far less than one more.
    entry.begin = start + uint64_t(*begin);
    entry.end = start + uint64_t(*end);
    entries[name] = std::move(entry);
  }
  if (Error error = checkLayout(entries, start, bytes.size()))
    return std::move(error);
  return std::move(entries);
}

/// Which file of a checkpoint has each tensor, from the text of its index.
static Expected<StringMap<std::string>> parseIndex(StringRef text) {
  Expected<json::Value> index = parseJSON(text);
  if (!index)
    return index.takeError();
  const json::Object *object = index->getAsObject();
  const json::Object *map = object ? object->getObject("weight_map") : nullptr;
  if (!map)
    return createStringError("is no index of a checkpoint: it has no "
                             "weight_map");
  StringMap<std::string> shards;
  for (const auto &[key, value] : *map) {
    std::optional<StringRef> shard = value.getAsString();
    if (!shard)
      return refuseTensor(key, "has a shard that is no name of a file");
    // An index that came from elsewhere names no file of another folder.
    if (shard->empty() || *shard == "." || *shard == ".." ||
        shard->contains('/') || shard->contains('\0'))
      return refuseTensor(key, "has the shard '" + inOneLine(*shard) +
                                   "', which is no file beside the index");
    shards[key] = shard->str();
  }
  return std::move(shards);
}

/// Opens the files that an index names, which lie beside it. Those may be links
/// as the index itself may, for downloads are kept so.
Error SafetensorsFile::openShards() {
  ArrayRef<char> index = files.front().getBytes();
  auto shards = parseIndex({index.data(), index.size()});
  if (!shards)
    return shards.takeError();
  StringMap<std::pair<size_t, Entries>> opened;
  for (const auto &shard : *shards) {
    StringRef name = shard.second;
    auto [place, isNew] = opened.try_emplace(name);
    if (isNew) {
      SmallString<128> beside(sys::path::parent_path(path));
      sys::path::append(beside, name);
      auto file = MappedFile::open(beside);
      if (!file)
        return file.takeError();
      auto tensors = parseFile(file->getBytes());
      if (!tensors)
        return createFileError(beside, tensors.takeError());
      place->second = {files.size(), std::move(*tensors)};
      files.push_back(std::move(*file));
    }
    auto &[number, tensors] = place->second;
    auto entry = tensors.find(shard.first());
    if (entry == tensors.end())
      return refuseTensor(shard.first(), "is not in '" + inOneLine(name) +
                                             "', where it should be");
    entry->second.file = number;
    entries[shard.first()] = entry->second;
  }
  return Error::success();
}

/// In a folder, the file whose name says that it has a model's tensors.
static Expected<std::string> findInFolder(StringRef folder) {
  for (StringRef name : {"model.safetensors.index.json", "model.safetensors"}) {
    SmallString<128> file(folder);
    sys::path::append(file, name);
    if (sys::fs::exists(file))
      return std::string(file);
  }
  return createFileError(
      folder, createStringError("is a folder with neither model.safetensors "
                                "nor model.safetensors.index.json; name a "
                                "file"));
}

/// Whether the name is that of one of several files: model-00001-of-00002.
static bool isNamedAsPart(StringRef path) {
  static const Regex part("-[0-9]+-of-[0-9]+\\.safetensors$");
  return part.match(path);
}

Expected<SafetensorsFile> SafetensorsFile::open(StringRef path) {
  if (sys::fs::is_directory(path)) {
    Expected<std::string> inside = findInFolder(path);
    return inside ? open(*inside) : inside.takeError();
  }
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  SafetensorsFile result;
  result.path = path.str();
  result.files.push_back(std::move(*file));
  if (path.ends_with(".json")) {
    if (Error error = result.openShards())
      return createFileError(path, std::move(error));
    return std::move(result);
  }
  auto entries = parseFile(result.files.front().getBytes());
  if (!entries)
    return createFileError(path, entries.takeError());
  result.entries = std::move(*entries);
  return std::move(result);
}

bool SafetensorsFile::isRead(StringRef other) const {
  return llvm::any_of(files, [&](const MappedFile &file) {
    return sys::fs::equivalent(file.getPath(), other);
  });
}

std::string SafetensorsFile::getSource(StringRef name) const {
  auto entry = entries.find(name);
  if (entry == entries.end() || entry->second.file == 0)
    return path;
  return path + ": " + files[entry->second.file].getPath().str();
}

Expected<et_tensor> SafetensorsFile::find(StringRef name) {
  auto refuse = [&](const Twine &what) {
    return createFileError(path, createStringError(what));
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
                    "', packed: --pack-weights reads it for a processor with "
                    "this layout; for others, name the weights in rows");
    size_t shown = std::min<size_t>(names.size(), 8);
    return refuse(
        "has no tensor '" + name + "'; it has " +
        (names.empty()
             ? "none"
             : inOneLine(join(ArrayRef(names).take_front(shown), ", "))) +
        (shown < names.size()
             ? ", and " + std::to_string(names.size() - shown) + " more"
             : "") +
        (isNamedAsPart(path) ? "; " + kSeveralFilesRemedy : Twine()));
  }
  const Entry &value = entry->second;
  MappedFile &file = files[value.file];
  auto refuseEntry = [&](const Twine &what) {
    Error error = refuseTensor(name, what);
    if (value.file != 0)
      error = createFileError(file.getPath(), std::move(error));
    return createFileError(path, std::move(error));
  };
  std::optional<et_dtype> dtype = getDtype(value.dtype);
  if (value.dtype == "F4")
    return refuseEntry("has rows of an odd number of elements of type F4, and "
                       "two are a byte");
  if (!dtype)
    return refuseEntry("has elements of type " + value.dtype +
                       ", which cannot be read");
  if (value.sizes.size() > ET_MAX_RANK)
    return refuseEntry("has " + Twine(value.sizes.size()) +
                       " dimensions, and " + Twine(ET_MAX_RANK) +
                       " is the most");
  found.push_back(makeFileTensor(
      file.getBytes().slice(value.begin, value.end - value.begin), *dtype,
      value.sizes));
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
