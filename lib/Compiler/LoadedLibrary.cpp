//===- LoadedLibrary.cpp - a library compiled before ----------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Compiler/LoadedLibrary.h"

#include "et/Conversion/ToRuntime/Signature.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/FileSystem.h"

#include <dlfcn.h>

using namespace mlir::et;
using namespace llvm;

void LoadedLibrary::Close::operator()(void *handle) const { dlclose(handle); }

/// The symbols of functions' descriptions. A function may have two.
static Expected<std::vector<std::string>> findDescriptions(StringRef path) {
  auto file = object::ObjectFile::createObjectFile(path);
  if (!file)
    return createFileError(path, file.takeError());
  const auto *elf = dyn_cast<object::ELFObjectFileBase>(file->getBinary());
  if (!elf)
    return createFileError(path, createStringError("is no shared library"));
  std::vector<std::string> symbols;
  for (const object::ELFSymbolRef &symbol : elf->getDynamicSymbolIterators()) {
    auto name = symbol.getName();
    if (!name)
      return createFileError(path, name.takeError());
    if (name->starts_with(kDescriptionPrefix))
      symbols.push_back(name->str());
  }
  if (symbols.empty())
    return createFileError(
        path, createStringError("has no function of a compiled model"));
  return std::move(symbols);
}

Expected<LoadedLibrary> LoadedLibrary::open(StringRef path) {
  // By name alone, the loader would look elsewhere.
  SmallString<128> whole(path);
  if (std::error_code error = sys::fs::make_absolute(whole))
    return createFileError(path, error);
  auto symbols = findDescriptions(whole);
  if (!symbols)
    return symbols.takeError();
  LoadedLibrary library;
  library.handle.reset(dlopen(whole.c_str(), RTLD_NOW | RTLD_LOCAL));
  if (!library.handle)
    return createStringError(dlerror());
  for (const std::string &symbol : *symbols) {
    auto *function = static_cast<const et_function *>(
        dlsym(library.handle.get(), symbol.c_str()));
    if (!function)
      return createStringError(dlerror());
    if (function->abi_version != ET_ABI_VERSION)
      return createFileError(
          path, createStringError(
                    "was compiled for version " + Twine(function->abi_version) +
                    " of the runtime interface and this is version " +
                    Twine(ET_ABI_VERSION) + "; compile it again"));
    if (!is_contained(library.functions, function))
      library.functions.push_back(function);
  }
  sort(library.functions, [](const et_function *one, const et_function *other) {
    return StringRef(one->name) < StringRef(other->name);
  });
  return std::move(library);
}
