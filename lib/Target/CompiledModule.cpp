//===- CompiledModule.cpp - compiled code in this process -----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Target/HostCode.h"

#include "et/Conversion/ToRuntime/Signature.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/DynamicLibrary.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/TargetSelect.h"

#include <dlfcn.h>

using namespace mlir;
using namespace mlir::et;

/// The library that the runtime is in.
static llvm::Expected<const char *> findRuntime() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void *>(&et_call), &info))
    return info.dli_fname;
  return llvm::createStringError("the runtime is not a shared library of "
                                 "this process; link libet_runtime.so");
}

static llvm::Error loadOpenMP() {
  auto runtime = findRuntime();
  if (!runtime)
    return runtime.takeError();
  // Beside the runtime, if they came together; where the build found it.
  SmallString<128> beside(llvm::sys::path::parent_path(*runtime));
  llvm::sys::path::append(beside, "libomp.so.5");
  std::string reason;
  for (const char *library : {beside.c_str(), ET_OPENMP_LIBRARY, "libomp.so.5"})
    if (!llvm::sys::DynamicLibrary::LoadLibraryPermanently(library, &reason))
      return llvm::Error::success();
  return llvm::createStringError("the compiled code runs its threads through "
                                 "OpenMP's library, which cannot be loaded (" +
                                 reason + "); install libomp-22-dev");
}

CompiledModule::CompiledModule(std::unique_ptr<llvm::orc::LLJIT> jit)
    : jit(std::move(jit)) {}
CompiledModule::CompiledModule(CompiledModule &&other) = default;

CompiledModule::~CompiledModule() {
  if (jit)
    llvm::consumeError(jit->deinitialize(jit->getMainJITDylib()));
}

/// The runtime's functions are looked up in the runtime of this process: what
/// else is in it may have some of the same names.
static llvm::Error findRuntimeFirst(llvm::orc::LLJIT &jit) {
  auto path = findRuntime();
  if (!path)
    return path.takeError();
  auto runtime = llvm::orc::DynamicLibrarySearchGenerator::Load(
      *path, jit.getDataLayout().getGlobalPrefix());
  if (!runtime)
    return runtime.takeError();
  jit.getMainJITDylib().addGenerator(std::move(*runtime));
  return llvm::Error::success();
}

/// Code that asks for OpenMP's library finds it in the process.
static llvm::Expected<std::unique_ptr<llvm::orc::LLJIT>>
makeJIT(llvm::orc::LLJITBuilder builder, bool needsOpenMP) {
  if (needsOpenMP)
    if (llvm::Error error = loadOpenMP())
      return std::move(error);
  auto jit = builder.create();
  // What goes wrong is returned by the lookup that needed it.
  if (!jit)
    return jit;
  (*jit)->getExecutionSession().setErrorReporter(llvm::consumeError);
  if (llvm::Error error = findRuntimeFirst(**jit))
    return std::move(error);
  return jit;
}

llvm::Expected<CompiledModule> CompiledModule::create(HostCode code) {
  llvm::orc::LLJITBuilder builder;
  builder.setJITTargetMachineBuilder(code.builder);
  auto jit = makeJIT(std::move(builder), code.usesOpenMP());
  if (!jit)
    return jit.takeError();
  llvm::orc::ThreadSafeModule module(std::move(code.module),
                                     std::move(code.context));
  if (llvm::Error error = (*jit)->addIRModule(std::move(module)))
    return std::move(error);
  // Runs global constructors, which register the kernels.
  if (llvm::Error error = (*jit)->initialize((*jit)->getMainJITDylib()))
    return std::move(error);
  return CompiledModule(std::move(*jit));
}

llvm::Expected<CompiledModule>
CompiledModule::create(std::unique_ptr<llvm::MemoryBuffer> object) {
  auto needsOpenMP = usesOpenMP(*object);
  if (!needsOpenMP)
    return needsOpenMP.takeError();
  // The builder asks the host's target for its data layout.
  llvm::InitializeNativeTarget();
  auto jit = makeJIT(llvm::orc::LLJITBuilder(), *needsOpenMP);
  if (!jit)
    return jit.takeError();
  if (llvm::Error error = (*jit)->addObjectFile(std::move(object)))
    return std::move(error);
  return CompiledModule(std::move(*jit));
}

llvm::Expected<const et_function *>
CompiledModule::lookup(StringRef name) const {
  auto address = jit->lookup((kDescriptionPrefix + name).str());
  if (!address)
    return address.takeError();
  return address->toPtr<const et_function *>();
}
