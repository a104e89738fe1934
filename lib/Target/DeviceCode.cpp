//===- DeviceCode.cpp - PTX, cubin and fatbin -----------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Target/DeviceCode.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"

using namespace mlir;
using namespace mlir::et;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

static gpu::CompilationTarget getTarget(DeviceFormat format) {
  switch (format) {
  case DeviceFormat::Ptx:
    return gpu::CompilationTarget::Assembly;
  case DeviceFormat::Cubin:
    return gpu::CompilationTarget::Binary;
  case DeviceFormat::Fatbin:
    return gpu::CompilationTarget::Fatbin;
  }
  llvm_unreachable("unknown device format");
}

llvm::Expected<StringRef> et::getDeviceObject(ModuleOp module,
                                              DeviceFormat format) {
  SmallVector<gpu::ObjectAttr> objects;
  module.walk([&](gpu::BinaryOp binary) {
    llvm::append_range(objects,
                       binary.getObjects().getAsRange<gpu::ObjectAttr>());
  });
  if (objects.empty())
    return llvm::createStringError("the module has no GPU kernel");
  if (objects.size() > 1)
    return llvm::createStringError(
        "the module has " + Twine(objects.size()) +
        " kernel objects, and a file holds only one");
  if (objects.front().getFormat() != getTarget(format))
    return llvm::createStringError(
        "the kernels were lowered to another format");
  StringRef bytes = objects.front().getObject().getValue();
  // Assembly is embedded as a C string.
  return format == DeviceFormat::Ptx ? bytes.split('\0').first : bytes;
}

llvm::Expected<std::string> et::findCudaToolkit() {
  auto hasPtxas = [](StringRef root) {
    SmallString<128> ptxas(root);
    path::append(ptxas, "bin", "ptxas");
    return fs::can_execute(ptxas);
  };
  for (StringRef variable : {"CUDA_ROOT", "CUDA_HOME", "CUDA_PATH"}) {
    auto root = llvm::sys::Process::GetEnv(variable);
    if (!root || root->empty())
      continue;
    if (hasPtxas(*root))
      return *root;
    return llvm::createStringError(
        variable + " is '" + *root +
        "', where there is no bin/ptxas; set it to the root of a CUDA toolkit, "
        "or unset it to use the one that the build found");
  }
  // What the build found; a machine may have lost it since.
  if (hasPtxas(ET_CUDA_TOOLKIT))
    return std::string(ET_CUDA_TOOLKIT);
  if (auto ptxas = llvm::sys::findProgramByName("ptxas"))
    return path::parent_path(path::parent_path(*ptxas)).str();
  return llvm::createStringError(
      "cubin and fatbin need ptxas, and there is none on PATH; install a CUDA "
      "toolkit (the PyPI package nvidia-cuda-nvcc has one) and set CUDA_ROOT, "
      "or use --emit=ptx");
}
