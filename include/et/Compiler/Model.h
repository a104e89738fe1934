//===- Model.h - Reading a model, and running passes on it ------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_COMPILER_MODEL_H
#define ET_COMPILER_MODEL_H

#include "et/Conversion/ToRuntime/Signature.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/SourceMgr.h"

#include <atomic>
#include <functional>

namespace mlir::et {

/// A context with everything registered. Several threads may make theirs.
std::unique_ptr<MLIRContext> createContext();

/// Makes diagnostics of the remarks of passes whose category the regular
/// expression matches as a whole. The error says what is wrong with it, as the
/// end of a sentence that names it.
llvm::Error enableRemarks(MLIRContext &context, StringRef categories);

/// Loads libraries with dialects of others, whose attributes implement our
/// interfaces.
llvm::Error loadDialects(MLIRContext &context,
                         llvm::ArrayRef<std::string> plugins);

/// Parses the main buffer of `sources`, text or bytecode, and checks that it
/// can be compiled. The functions of nested modules come to the outermost one.
/// Errors call it `name`.
llvm::Expected<OwningOpRef<ModuleOp>> parseModel(MLIRContext &context,
                                                 const llvm::SourceMgr &sources,
                                                 StringRef name);

/// Asks between passes whether to stop.
class Interrupt {
public:
  /// `shouldStop` is called on the thread that makes this, and there alone.
  explicit Interrupt(std::function<bool()> shouldStop);

  /// Whether to stop. Once it is so, it stays so.
  bool ask();

private:
  std::function<bool()> shouldStop;
  uint64_t thread;
  std::atomic<bool> isStopped = false;
};

/// Runs a pipeline given as text, such as
/// `et-lower-to-cpu-pipeline{compile-to=loops}`, with somebody watching it if
/// there is one. Diagnostics have been emitted where it fails. Where it is
/// interrupted, it ends with an error, and the module is a valid one at some
/// step in between; the context runs nothing else meanwhile.
llvm::Error runPipeline(ModuleOp module, const Twine &pipeline,
                        Interrupt *interrupt = nullptr,
                        std::unique_ptr<PassInstrumentation> watcher = nullptr);

/// The signatures of the functions that callers of the model can reach; an
/// error if there is none, or one that cannot be called.
llvm::Expected<std::vector<EntrySignature>> getSignatures(ModuleOp module);

} // namespace mlir::et

#endif // ET_COMPILER_MODEL_H
