//===- Compile.cpp - from a model to code ---------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Compiler/Compile.h"

#include "et/Codegen/CPU/TargetModel.h"

#include <cstdlib>

using namespace mlir;
using namespace mlir::et;

static llvm::Error checkChips(StringRef list) {
  SmallVector<StringRef> chips;
  list.split(chips, ',');
  for (StringRef chip : chips)
    if (llvm::Error error = checkChip(chip))
      return error;
  return llvm::Error::success();
}

llvm::Expected<CompileOptions> et::parseTarget(StringRef text) {
  auto [kind, name] = text.split(':');
  // A colon has a name behind it.
  bool hasName = kind.size() != text.size();
  CompileOptions options;
  options.cache = CodeCache::getDefault();
  if (text == "reference") {
    options.target = TargetKind::Reference;
    return options;
  }
  if (kind == "cpu") {
    options.target = TargetKind::CPU;
    if (hasName)
      options.march = name.str();
    if (cpu::TargetModel::get(options.march))
      return options;
    return llvm::createStringError(
        "unknown processor '" + name +
        "'; behind 'cpu:' stands native or a processor as LLVM names it, such "
        "as x86-64-v3 or znver5");
  }
  if (kind == "cuda") {
    options.target = TargetKind::CUDA;
    if (hasName)
      options.chip = name.str();
    if (llvm::Error error = checkChips(options.chip))
      return std::move(error);
    return options;
  }
  return llvm::createStringError(
      "unknown target '" + text +
      "'; there is reference, cpu, cpu:PROCESSOR, cuda and cuda:CHIP, such as "
      "cuda:sm_90a");
}

static StringRef getName(DeviceFormat format) {
  switch (format) {
  case DeviceFormat::Ptx:
    return "isa";
  case DeviceFormat::Cubin:
    return "bin";
  case DeviceFormat::Fatbin:
    return "fatbin";
  }
  llvm_unreachable("unknown device format");
}

std::string et::getPipeline(const CompileOptions &options, DeviceFormat format,
                            StringRef compileTo) {
  std::string phase = "{compile-to=" + compileTo.str();
  switch (options.target) {
  case TargetKind::Reference:
    return "et-reference-pipeline" + phase + "}";
  case TargetKind::CPU:
    return "et-lower-to-cpu-pipeline" + phase + " march=" + options.march + "}";
  case TargetKind::CUDA:
    return "et-lower-to-nvvm-pipeline" + phase + " chip=" + options.chip +
           " format=" + getName(format).str() +
           " f32-products=" + options.f32Products + "}";
  }
  llvm_unreachable("unknown target");
}

llvm::Error et::appendRoutingStatistics(ModuleOp module, StringRef entry,
                                        TargetKind target,
                                        Interrupt *interrupt) {
  StringRef pairBuffers = target == TargetKind::CUDA ? "bound" : "exact";
  return runPipeline(
      module,
      "inline{default-pipeline=}, et-decompose-moe{pair-buffers=" +
          pairBuffers + "}, et-append-routing-stats{entry=" + entry + "}",
      interrupt);
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
et::compileObject(ModuleOp module, const CompileOptions &options,
                  Interrupt *interrupt) {
  return options.cache.compile(module, getPipeline(options), options.march,
                               interrupt);
}

llvm::Expected<CompiledModule>
et::compileInMemory(ModuleOp module, const CompileOptions &options,
                    Interrupt *interrupt) {
  if (options.target != TargetKind::CUDA) {
    auto object = compileObject(module, options, interrupt);
    if (!object)
      return object.takeError();
    return CompiledModule::create(std::move(*object));
  }
  // Such code has constructors, which register its kernels.
  if (llvm::Error error = runPipeline(module, getPipeline(options), interrupt))
    return std::move(error);
  auto code = HostCode::create(module);
  if (!code)
    return code.takeError();
  return CompiledModule::create(std::move(*code));
}

llvm::Expected<StringRef> et::compileDeviceCode(ModuleOp module,
                                                const CompileOptions &options,
                                                DeviceFormat format,
                                                Interrupt *interrupt) {
  if (format != DeviceFormat::Ptx)
    if (llvm::Error error = provideToolkit())
      return std::move(error);
  if (llvm::Error error =
          runPipeline(module, getPipeline(options, format), interrupt))
    return std::move(error);
  return getDeviceObject(module, format);
}

llvm::Error et::provideToolkit() {
  auto toolkit = findCudaToolkit();
  if (!toolkit)
    return toolkit.takeError();
  setenv("CUDA_ROOT", toolkit->c_str(), /*overwrite=*/1);
  return llvm::Error::success();
}
