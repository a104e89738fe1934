//===- Frontend.cpp - what et-run and et-compile share --------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Frontend.h"

#include "et/Compiler/InputFiles.h"
#include "et/Compiler/Model.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

using namespace mlir;
using namespace mlir::et;

Frontend::Frontend()
    : context(createContext()),
      handler(std::make_unique<SourceMgrDiagnosticHandler>(sources,
                                                           context.get())) {}

Frontend::~Frontend() = default;

llvm::Error Frontend::printRemarks(StringRef categories) {
  if (categories.empty())
    return llvm::Error::success();
  if (llvm::Error error = enableRemarks(*context, categories))
    return llvm::createStringError("--remarks-filter " +
                                   llvm::toString(std::move(error)));
  return llvm::Error::success();
}

llvm::Error Frontend::loadDialects(llvm::ArrayRef<std::string> plugins) {
  return et::loadDialects(*context, plugins);
}

llvm::Expected<OwningOpRef<ModuleOp>> Frontend::read(StringRef file) {
  auto buffer = readText(file);
  if (!buffer)
    return buffer.takeError();
  sources.AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  return parseModel(*context, sources, file);
}
