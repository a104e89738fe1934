//===- Model.cpp - contexts, models and passes in C -----------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et-c/Model.h"

#include "Support.h"
#include "et/Compiler/InputFiles.h"
#include "mlir/CAPI/IR.h"

using namespace mlir;
using namespace mlir::et;

MlirContext etContextCreate(void) { return wrap(createContext().release()); }

MlirLogicalResult etContextEnableRemarks(MlirContext context,
                                         MlirStringRef categories,
                                         const EtCallbacks *callbacks) {
  StringRef text = unwrap(categories);
  Caller caller(callbacks);
  if (llvm::Error error = enableRemarks(*unwrap(context), text))
    return caller.report(llvm::createStringError(
        "'" + text + "' " + llvm::toString(std::move(error))));
  return mlirLogicalResultSuccess();
}

MlirLogicalResult etContextLoadDialect(MlirContext context,
                                       MlirStringRef library,
                                       const EtCallbacks *callbacks) {
  return Caller(callbacks).report(
      loadDialects(*unwrap(context), {unwrap(library).str()}));
}

static MlirModule parse(MlirContext context,
                        std::unique_ptr<llvm::MemoryBuffer> buffer,
                        const Caller &caller) {
  llvm::SourceMgr sources;
  std::string name = buffer->getBufferIdentifier().str();
  sources.AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  auto module = parseModel(*unwrap(context), sources, name);
  if (module)
    return wrap(module->release());
  caller.report(module.takeError());
  return {nullptr};
}

MlirModule etModelParse(MlirContext context, MlirStringRef source,
                        MlirStringRef name, const EtCallbacks *callbacks) {
  // The parser wants a null behind the text.
  return parse(
      context,
      llvm::MemoryBuffer::getMemBufferCopy(unwrap(source), unwrap(name)),
      Caller(callbacks));
}

MlirModule etModelRead(MlirContext context, MlirStringRef path,
                       const EtCallbacks *callbacks) {
  Caller caller(callbacks);
  auto buffer = readText(unwrap(path));
  if (buffer)
    return parse(context, std::move(*buffer), caller);
  caller.report(buffer.takeError());
  return {nullptr};
}

MlirLogicalResult etModelRunPipeline(MlirModule module, MlirStringRef pipeline,
                                     const EtCallbacks *callbacks) {
  Caller caller(callbacks);
  return caller.report(
      runPipeline(unwrap(module), unwrap(pipeline), caller.getInterrupt()));
}
