//===- Compile.h - From a model to code -------------------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_COMPILER_COMPILE_H
#define ET_COMPILER_COMPILE_H

#include "et/Compiler/CodeCache.h"
#include "et/Dialect/ET/IR/Chips.h"
#include "et/Target/DeviceCode.h"
#include "et/Target/HostCode.h"

namespace mlir::et {

enum class TargetKind { Reference, CPU, CUDA };

/// What code is made for, and how.
struct CompileOptions {
  TargetKind target = TargetKind::CPU;
  std::string march = "native"; ///< Of a CPU: LLVM's name, or native.
  std::string chip =
      kDefaultChip.str(); ///< Of CUDA: one, or several for a fatbin.
  std::string f32Products =
      "fma";       ///< How a GPU multiplies f32: an option's value.
  CodeCache cache; ///< For host code that launches no kernel.
};

/// Options for a target given as text: `reference`, `cpu`, `cpu:PROCESSOR`,
/// `cuda`, `cuda:CHIP` or `cuda:CHIP,CHIP`, with the environment's cache.
llvm::Expected<CompileOptions> parseTarget(StringRef text);

/// The pipeline that lowers a model up to the end of the phase `compileTo`.
/// `format` is that of the kernels: host code carries PTX, which needs no ptxas
/// here and runs on later chips (that of a chip with an 'a' on its own family
/// alone); the driver compiles it once and keeps it.
std::string getPipeline(const CompileOptions &options,
                        DeviceFormat format = DeviceFormat::Ptx,
                        StringRef compileTo = "llvm");

/// Makes the function `entry` return, behind its own results, what each gate
/// did: its loads and its fan-out (RoutingStatistics.h).
llvm::Error appendRoutingStatistics(ModuleOp module, StringRef entry,
                                    TargetKind target,
                                    Interrupt *interrupt = nullptr);

/// An object for the host. The module is lowered, unless the cache has it.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
compileObject(ModuleOp module, const CompileOptions &options,
              Interrupt *interrupt = nullptr);

/// Code in this process. The module is lowered, unless the cache has it.
llvm::Expected<CompiledModule> compileInMemory(ModuleOp module,
                                               const CompileOptions &options,
                                               Interrupt *interrupt = nullptr);

/// Lowers the module to kernels in the given format. The bytes are the
/// module's.
llvm::Expected<StringRef> compileDeviceCode(ModuleOp module,
                                            const CompileOptions &options,
                                            DeviceFormat format,
                                            Interrupt *interrupt = nullptr);

/// Lets MLIR's kernel compiler find the toolkit that was found here.
llvm::Error provideToolkit();

} // namespace mlir::et

#endif // ET_COMPILER_COMPILE_H
