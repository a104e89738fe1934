//===- Frontend.h - What et-run and et-compile share ------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_TOOLS_SUPPORT_FRONTEND_H
#define ET_TOOLS_SUPPORT_FRONTEND_H

#include "et/Conversion/ToRuntime/Signature.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/SourceMgr.h"

namespace mlir::et {

/// A context with everything registered, whose diagnostics show the source.
class Frontend {
public:
  Frontend();
  ~Frontend();

  MLIRContext *getContext() { return context.get(); }

  /// Prints the remarks of passes whose category the regular expression matches
  /// as a whole; none of them, if it is empty.
  llvm::Error printRemarks(StringRef categories);

  /// Loads libraries with dialects of others, whose attributes implement our
  /// interfaces.
  llvm::Error loadDialects(llvm::ArrayRef<std::string> plugins);

  /// Reads a model and checks that it can be compiled; "-" is the standard
  /// input. The functions of nested modules come to the outermost one.
  llvm::Expected<OwningOpRef<ModuleOp>> read(StringRef file);

  /// Runs a pipeline given as text, such as
  /// `et-lower-to-cpu-pipeline{compile-to=loops}`, with somebody watching it if
  /// there is one. Diagnostics have been printed where it fails.
  llvm::Error lower(ModuleOp module, const Twine &pipeline,
                    std::unique_ptr<PassInstrumentation> watcher = nullptr);

private:
  std::unique_ptr<MLIRContext> context;
  llvm::SourceMgr sources;
  std::unique_ptr<class SourceMgrDiagnosticHandler> handler;
};

/// The signatures of the functions that callers of the model can reach; an
/// error if there is none, or one that cannot be called.
llvm::Expected<std::vector<EntrySignature>> getSignatures(ModuleOp module);

} // namespace mlir::et

#endif // ET_TOOLS_SUPPORT_FRONTEND_H
