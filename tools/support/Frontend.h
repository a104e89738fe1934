//===- Frontend.h - What et-run and et-compile share ------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_TOOLS_SUPPORT_FRONTEND_H
#define ET_TOOLS_SUPPORT_FRONTEND_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/SourceMgr.h"

namespace mlir::et {

/// A context with everything registered, whose diagnostics show the source.
class Frontend {
public:
  Frontend();
  ~Frontend();

  /// Prints the remarks of passes whose category the regular expression matches
  /// as a whole; none of them, if it is empty.
  llvm::Error printRemarks(StringRef categories);

  /// Loads libraries with dialects of others, whose attributes implement our
  /// interfaces.
  llvm::Error loadDialects(llvm::ArrayRef<std::string> plugins);

  /// Reads a model and checks that it can be compiled; "-" is the standard
  /// input. The functions of nested modules come to the outermost one.
  llvm::Expected<OwningOpRef<ModuleOp>> read(StringRef file);

private:
  std::unique_ptr<MLIRContext> context;
  llvm::SourceMgr sources;
  std::unique_ptr<class SourceMgrDiagnosticHandler> handler;
};

} // namespace mlir::et

#endif // ET_TOOLS_SUPPORT_FRONTEND_H
