//===- CodeCache.cpp - compiled code, kept in a folder --------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A file holds an object, and behind it the object's digest: a file that was
// cut or changed is none.
//
//===----------------------------------------------------------------------===//

#include "et/Compiler/CodeCache.h"

#include "et/Codegen/CPU/TargetModel.h"
#include "et/Compiler/CacheFolder.h"
#include "et/Target/HostCode.h"
#include "mlir/IR/Remarks.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/TargetParser/Host.h"

#include <dlfcn.h>

using namespace mlir;
using namespace mlir::et;
namespace fs = llvm::sys::fs;

namespace {
/// A digest of texts, no two lists of which are the same bytes.
class Digest {
public:
  void add(StringRef text) {
    sha.update(std::to_string(text.size()) + ":");
    sha.update(text);
  }
  std::string get() { return llvm::toHex(sha.final(), /*LowerCase=*/true); }

private:
  llvm::SHA256 sha;
};
} // namespace

/// What the names of files in the folder begin with.
static constexpr llvm::StringLiteral kPrefix = "llvmcache-";

static std::array<uint8_t, 32> digestOf(StringRef bytes) {
  return llvm::SHA256::hash(llvm::arrayRefFromStringRef(bytes));
}

/// The file that the code at `address` was loaded from, by size and time: a
/// compiler that was built anew makes other code.
static void addCompiler(Digest &digest, const void *address) {
  Dl_info info;
  fs::file_status status;
  if (!dladdr(address, &info) || fs::status(info.dli_fname, status))
    return digest.add("unknown");
  auto time = status.getLastModificationTime().time_since_epoch().count();
  digest.add(std::to_string(status.getSize()));
  digest.add(std::to_string(time));
}

/// A model as text, and of the places of its ops what messages in the code
/// have: the file's name without its folder, line and column.
static void addModule(Digest &digest, ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os);
  module.walk([&](Operation *op) {
    os << '\n';
    if (auto place = op->getLoc()->findInstanceOf<FileLineColLoc>())
      os << llvm::sys::path::filename(place.getFilename()) << ':'
         << place.getLine() << ':' << place.getColumn();
  });
  digest.add(text);
}

static std::string makeKey(ModuleOp module, StringRef pipeline,
                           StringRef march) {
  Digest digest;
  digest.add(ET_VERSION " " LLVM_VERSION_STRING);
  // This code, and the libraries of LLVM and MLIR.
  addCompiler(digest, reinterpret_cast<const void *>(&makeKey));
  addCompiler(digest,
              reinterpret_cast<const void *>(&llvm::sys::getProcessTriple));
  addCompiler(digest, TypeID::get<ModuleOp>().getAsOpaquePointer());
  // Dialects of others: what a virtual table is in is where their code is.
  for (Dialect *dialect : module.getContext()->getLoadedDialects())
    addCompiler(digest, *reinterpret_cast<const void *const *>(dialect));
  digest.add(llvm::sys::getProcessTriple());
  if (auto model = cpu::TargetModel::get(march.empty() ? "native" : march)) {
    digest.add(model->cpu);
    digest.add(llvm::join(model->features, ","));
  }
  digest.add(march);
  digest.add(pipeline);
  addModule(digest, module);
  return digest.get();
}

CodeCache CodeCache::getDefault() {
  return CodeCache(llvm::sys::Process::GetEnv("ET_CACHE_DIR").value_or(""));
}

/// The object in a file; null for a file that was cut or changed.
static std::unique_ptr<llvm::MemoryBuffer>
getObject(std::unique_ptr<llvm::MemoryBuffer> file) {
  StringRef bytes = file->getBuffer();
  constexpr size_t kDigestBytes = 32;
  if (bytes.size() < kDigestBytes)
    return nullptr;
  StringRef object = bytes.drop_back(kDigestBytes);
  if (llvm::ArrayRef(digestOf(object)) !=
      llvm::arrayRefFromStringRef(bytes.take_back(kDigestBytes)))
    return nullptr;
  return llvm::MemoryBuffer::getMemBufferCopy(object,
                                              file->getBufferIdentifier());
}

static llvm::Error insert(const CacheFolder &folder, const std::string &name,
                          StringRef object) {
  std::array<uint8_t, 32> digest = digestOf(object);
  if (llvm::Error error = folder.write(
          name, (object + llvm::toStringRef(llvm::ArrayRef(digest))).str()))
    return error;
  folder.prune(kPrefix);
  return llvm::Error::success();
}

static llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
compileObject(ModuleOp module, StringRef pipeline, StringRef march,
              Interrupt *interrupt) {
  if (llvm::Error error = runPipeline(module, pipeline, interrupt))
    return std::move(error);
  auto code = HostCode::create(module, march);
  if (!code)
    return code.takeError();
  SmallString<0> bytes;
  llvm::raw_svector_ostream os(bytes);
  if (llvm::Error error = code->emitObject(os))
    return std::move(error);
  return std::make_unique<llvm::SmallVectorMemoryBuffer>(
      std::move(bytes), /*RequiresNullTerminator=*/false);
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
CodeCache::compile(ModuleOp module, StringRef pipeline, StringRef march,
                   Interrupt *interrupt) const {
  if (folder.empty())
    return compileObject(module, pipeline, march, interrupt);
  Location loc = module.getLoc();
  auto open = CacheFolder::open(folder);
  if (!open) {
    emitWarning(loc) << "compiled code is not kept: "
                     << llvm::toString(open.takeError());
    return compileObject(module, pipeline, march, interrupt);
  }
  std::string name = kPrefix.str() + makeKey(module, pipeline, march);
  auto options = remark::RemarkOpts::name("object").category("cache");
  auto file = open->read(name);
  if (!file)
    emitWarning(loc) << "kept code is not used: "
                     << llvm::toString(file.takeError());
  else if (*file)
    if (auto object = getObject(std::move(*file))) {
      remark::passed(loc, options) << "compiled code is taken from the cache";
      return std::move(object);
    }
  remark::missed(loc, options) << "the model is compiled";
  auto object = compileObject(module, pipeline, march, interrupt);
  if (!object)
    return object.takeError();
  if (llvm::Error error = insert(*open, name, (*object)->getBuffer()))
    emitWarning(loc) << "compiled code is not kept: "
                     << llvm::toString(std::move(error));
  return object;
}
