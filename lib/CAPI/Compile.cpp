//===- Compile.cpp - from models to code in C -----------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et-c/Compile.h"

#include "Support.h"
#include "et/Compiler/Compile.h"
#include "et/Compiler/LoadedLibrary.h"
#include "et/Compiler/PackedWeights.h"
#include "et/Compiler/RoutingStatistics.h"
#include "et/Target/Header.h"
#include "mlir/CAPI/IR.h"
#include "mlir/CAPI/Wrap.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"

using namespace mlir;
using namespace mlir::et;

namespace {
struct Options : CompileOptions {
  bool packWeights = false;
};

/// Whichever of the two holds the code.
struct Code {
  std::optional<CompiledModule> module;
  std::optional<LoadedLibrary> library;
  std::vector<const et_function *> functions;
};
} // namespace

DEFINE_C_API_PTR_METHODS(EtCompileOptions, Options)
DEFINE_C_API_PTR_METHODS(EtCode, Code)

//===----------------------------------------------------------------------===//
// What code is made for
//===----------------------------------------------------------------------===//

EtCompileOptions etCompileOptionsCreate(MlirStringRef target,
                                        const EtCallbacks *callbacks) {
  auto options = parseTarget(unwrap(target));
  if (options)
    return wrap(new Options{std::move(*options)});
  Caller(callbacks).report(options.takeError());
  return {nullptr};
}

void etCompileOptionsDestroy(EtCompileOptions options) {
  delete unwrap(options);
}

void etCompileOptionsSetCache(EtCompileOptions options, MlirStringRef folder) {
  unwrap(options)->cache = CodeCache(unwrap(folder).str());
}

MlirLogicalResult etCompileOptionsSetPackWeights(EtCompileOptions options,
                                                 bool packWeights,
                                                 const EtCallbacks *callbacks) {
  if (packWeights && unwrap(options)->target != TargetKind::CPU)
    return Caller(callbacks).report(
        llvm::createStringError("weights are packed for the target cpu alone"));
  unwrap(options)->packWeights = packWeights;
  return mlirLogicalResultSuccess();
}

MlirLogicalResult etCompileOptionsSetF32Products(EtCompileOptions options,
                                                 MlirStringRef f32Products,
                                                 const EtCallbacks *callbacks) {
  StringRef value = unwrap(f32Products);
  if (unwrap(options)->target != TargetKind::CUDA)
    return Caller(callbacks).report(llvm::createStringError(
        "how f32 is multiplied is chosen for the target cuda alone"));
  if (value != "fma" && value != "3xtf32")
    return Caller(callbacks).report(llvm::createStringError(
        "products of f32 are fma or 3xtf32, not '" + value + "'"));
  unwrap(options)->f32Products = value.str();
  return mlirLogicalResultSuccess();
}

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//

/// What is compiled: the caller's model stays as it is.
static llvm::Expected<OwningOpRef<ModuleOp>>
prepare(ModuleOp module, const Options &options, Interrupt *interrupt) {
  OwningOpRef<ModuleOp> copy = module.clone();
  if (options.packWeights)
    if (llvm::Error error = takePackedWeights(*copy, options.march, interrupt))
      return std::move(error);
  return std::move(copy);
}

namespace {
/// One piece of work, with what all steps of it need.
class Compilation {
public:
  Compilation(ModuleOp module, const Options &options, Interrupt *interrupt,
              MlirStringCallback onBytes, void *userData)
      : module(module), options(options), interrupt(interrupt),
        onBytes(onBytes), userData(userData) {}

  llvm::Error emit(EtOutput output) {
    switch (output) {
    case EtOutputLLVM:
      return emitLLVM();
    case EtOutputObject:
    case EtOutputLibrary:
      return emitHostCode(output == EtOutputLibrary);
    case EtOutputPTX:
      return emitDeviceCode(DeviceFormat::Ptx);
    case EtOutputCubin:
      return emitDeviceCode(DeviceFormat::Cubin);
    case EtOutputFatbin:
      return emitDeviceCode(DeviceFormat::Fatbin);
    case EtOutputHeader:
      return emitHeader();
    }
    return llvm::createStringError("there is no such output: " +
                                   Twine(int(output)));
  }

private:
  void give(StringRef bytes) { onBytes(wrap(bytes), userData); }

  llvm::Error emitLLVM() {
    if (llvm::Error error =
            runPipeline(module, getPipeline(options), interrupt))
      return error;
    auto code = HostCode::create(module, options.march);
    if (!code)
      return code.takeError();
    std::string text;
    llvm::raw_string_ostream os(text);
    code->print(os);
    give(text);
    return llvm::Error::success();
  }

  llvm::Error emitHostCode(bool isLibrary) {
    auto signatures = getSignatures(module);
    if (!signatures)
      return signatures.takeError();
    auto object = compileObject(module, options, interrupt);
    if (!object)
      return object.takeError();
    if (isLibrary)
      return emitLibrary(**object);
    give((*object)->getBuffer());
    return llvm::Error::success();
  }

  llvm::Error emitLibrary(llvm::MemoryBufferRef object) {
    SmallString<128> path;
    if (std::error_code error =
            llvm::sys::fs::createTemporaryFile("et", "so", path))
      return llvm::createStringError(error, "cannot make a temporary file");
    llvm::FileRemover remove(path);
    if (llvm::Error error = linkLibrary(object, path))
      return error;
    auto library = llvm::MemoryBuffer::getFile(path);
    if (!library)
      return llvm::createFileError(path, library.getError());
    give((*library)->getBuffer());
    return llvm::Error::success();
  }

  llvm::Error emitDeviceCode(DeviceFormat format) {
    if (options.target != TargetKind::CUDA)
      return llvm::createStringError(
          "ptx, cubin and fatbin are for the target cuda");
    if (format != DeviceFormat::Fatbin && StringRef(options.chip).contains(','))
      return llvm::createStringError("code for several chips is a fatbin");
    auto bytes = compileDeviceCode(module, options, format, interrupt);
    if (!bytes)
      return bytes.takeError();
    give(*bytes);
    return llvm::Error::success();
  }

  llvm::Error emitHeader() {
    auto signatures = getSignatures(module);
    if (!signatures)
      return signatures.takeError();
    std::string text;
    llvm::raw_string_ostream os(text);
    writeHeader(*signatures, module.getName().value_or("model"), os);
    give(text);
    return llvm::Error::success();
  }

  ModuleOp module;
  const Options &options;
  Interrupt *interrupt;
  MlirStringCallback onBytes;
  void *userData;
};
} // namespace

MlirLogicalResult etCompile(MlirModule module, EtCompileOptions options,
                            EtOutput output, MlirStringCallback onBytes,
                            void *userData, const EtCallbacks *callbacks) {
  Caller caller(callbacks);
  auto copy = prepare(unwrap(module), *unwrap(options), caller.getInterrupt());
  if (!copy)
    return caller.report(copy.takeError());
  Compilation compilation(**copy, *unwrap(options), caller.getInterrupt(),
                          onBytes, userData);
  return caller.report(compilation.emit(output));
}

//===----------------------------------------------------------------------===//
// Code in this process
//===----------------------------------------------------------------------===//

static llvm::Expected<std::unique_ptr<Code>>
compileCode(ModuleOp module, const Options &options, Interrupt *interrupt) {
  auto copy = prepare(module, options, interrupt);
  if (!copy)
    return copy.takeError();
  auto signatures = getSignatures(**copy);
  if (!signatures)
    return signatures.takeError();
  auto compiled = compileInMemory(**copy, options, interrupt);
  if (!compiled)
    return compiled.takeError();
  auto code = std::make_unique<Code>();
  for (const EntrySignature &signature : *signatures) {
    auto function = compiled->lookup(signature.name);
    if (!function)
      return function.takeError();
    code->functions.push_back(*function);
  }
  code->module.emplace(std::move(*compiled));
  return std::move(code);
}

EtCode etCodeCompile(MlirModule module, EtCompileOptions options,
                     const EtCallbacks *callbacks) {
  Caller caller(callbacks);
  auto code =
      compileCode(unwrap(module), *unwrap(options), caller.getInterrupt());
  if (code)
    return wrap(code->release());
  caller.report(code.takeError());
  return {nullptr};
}

EtCode etCodeLoad(MlirStringRef path, const EtCallbacks *callbacks) {
  auto library = LoadedLibrary::open(unwrap(path));
  if (!library) {
    Caller(callbacks).report(library.takeError());
    return {nullptr};
  }
  auto code = std::make_unique<Code>();
  code->functions = library->getFunctions();
  code->library.emplace(std::move(*library));
  return wrap(code.release());
}

void etCodeDestroy(EtCode code) { delete unwrap(code); }

intptr_t etCodeGetNumFunctions(EtCode code) {
  return static_cast<intptr_t>(unwrap(code)->functions.size());
}

const et_function *etCodeGetFunction(EtCode code, intptr_t position) {
  return unwrap(code)->functions[position];
}

const et_function *etCodeLookup(EtCode code, MlirStringRef name) {
  for (const et_function *function : unwrap(code)->functions)
    if (function->name == unwrap(name))
      return function;
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Routing statistics
//===----------------------------------------------------------------------===//

MlirLogicalResult etModelAppendStatistics(MlirModule module,
                                          MlirStringRef entry,
                                          EtCompileOptions options,
                                          const EtCallbacks *callbacks) {
  Caller caller(callbacks);
  return caller.report(appendRoutingStatistics(unwrap(module), unwrap(entry),
                                               unwrap(options)->target,
                                               caller.getInterrupt()));
}

EtGateStatistics etGateStatisticsGet(const et_tensor *loads,
                                     const et_tensor *fanOut) {
  GateStatistics gate = getGateStatistics(*loads, *fanOut);
  return {gate.pairs,        gate.tokens,        gate.meanLoad,
          gate.loadVariance, gate.withoutExpert, gate.withoutToken};
}
