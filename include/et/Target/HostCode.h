//===- HostCode.h - Machine code for a processor ----------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_TARGET_HOSTCODE_H
#define ET_TARGET_HOSTCODE_H

#include "et/Runtime/et_runtime.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Target/TargetMachine.h"

namespace llvm::orc {
class LLJIT;
} // namespace llvm::orc

namespace mlir::et {

/// What the translation of lowered modules to LLVM IR needs to know.
void registerHostTranslations(DialectRegistry &registry);

/// A module in the LLVM dialect as optimized LLVM IR for one processor of the
/// host's architecture. Only its et_function constants can be reached from
/// outside, so names of functions never clash with a caller's.
class HostCode {
public:
  /// `march` names a processor as clang's -march does; empty or "native" is
  /// the one that runs this.
  static llvm::Expected<HostCode> create(ModuleOp module,
                                         llvm::StringRef march = "");

  /// LLVM IR as text.
  void print(llvm::raw_ostream &os) const;
  /// A relocatable object.
  llvm::Error emitObject(llvm::raw_pwrite_stream &os) const;
  /// Whether threads come from OpenMP's library.
  bool usesOpenMP() const;

private:
  friend class CompiledModule;
  HostCode(llvm::orc::JITTargetMachineBuilder builder)
      : builder(std::move(builder)) {}

  llvm::orc::JITTargetMachineBuilder builder;
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::TargetMachine> machine;
  std::unique_ptr<llvm::Module> module;
};

/// Whether the threads of an object come from OpenMP's library.
llvm::Expected<bool> usesOpenMP(llvm::MemoryBufferRef object);

/// An error if linkLibrary will not write to `path`, whatever the object is.
llvm::Error checkLibrary(llvm::StringRef path);

/// Links an object, the runtime and what else it needs into the shared library
/// `path`, with the C compiler found on PATH.
llvm::Error linkLibrary(llvm::MemoryBufferRef object, llvm::StringRef path);

/// Compiled code in this process. The process must hold the shared runtime.
class CompiledModule {
public:
  static llvm::Expected<CompiledModule> create(HostCode code);
  /// An object without global constructors, which only code for GPUs has.
  static llvm::Expected<CompiledModule>
  create(std::unique_ptr<llvm::MemoryBuffer> object);
  CompiledModule(CompiledModule &&other);
  ~CompiledModule();

  /// The description that et_call takes, or an error if there is no such
  /// public function. Valid as long as this object.
  llvm::Expected<const et_function *> lookup(llvm::StringRef name) const;

private:
  CompiledModule(std::unique_ptr<llvm::orc::LLJIT> jit);

  std::unique_ptr<llvm::orc::LLJIT> jit;
};

} // namespace mlir::et

#endif // ET_TARGET_HOSTCODE_H
