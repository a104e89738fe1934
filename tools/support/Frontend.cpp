//===- Frontend.cpp - what et-run and et-compile share --------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Frontend.h"

#include "et/InitAll.h"
#include "et/Target/HostCode.h"
#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "support/InputFiles.h"
#include "llvm/BinaryFormat/Magic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Regex.h"

using namespace mlir;
using namespace mlir::et;

Frontend::Frontend() {
  DialectRegistry registry;
  registerAll(registry);
  registerHostTranslations(registry);
  context = std::make_unique<MLIRContext>(registry);
  // An error names the line; the op as the compiler sees it would bury that.
  context->printOpOnDiagnostic(false);
  handler =
      std::make_unique<SourceMgrDiagnosticHandler>(sources, context.get());
}

Frontend::~Frontend() = default;

llvm::Error Frontend::printRemarks(StringRef categories) {
  if (categories.empty())
    return llvm::Error::success();
  std::string message;
  if (!llvm::Regex(categories).isValid(message))
    return llvm::createStringError(
        "--remarks-filter is no regular expression: " + message);
  remark::RemarkCategories filters;
  // A kind of remarks without a filter of its own is off.
  for (std::optional<std::string> *filter :
       {&filters.passed, &filters.missed, &filters.analysis, &filters.failed})
    *filter = categories.str();
  if (failed(remark::enableOptimizationRemarks(
          *context, /*streamer=*/nullptr,
          std::make_unique<remark::RemarkEmittingPolicyAll>(), filters,
          /*printAsEmitRemarks=*/true)))
    return llvm::createStringError("remarks cannot be printed");
  return llvm::Error::success();
}

llvm::Error Frontend::loadDialects(llvm::ArrayRef<std::string> plugins) {
  DialectRegistry registry;
  for (const std::string &file : plugins) {
    auto plugin = DialectPlugin::load(file);
    if (!plugin)
      return plugin.takeError();
    plugin->registerDialectRegistryCallbacks(registry);
  }
  context->appendDialectRegistry(registry);
  return llvm::Error::success();
}

/// What is no text must not be shown as a line with an error in it.
static llvm::Error checkText(StringRef file, const llvm::MemoryBuffer &buffer) {
  StringRef text = buffer.getBuffer();
  llvm::file_magic kind = llvm::identify_magic(text);
  if (kind.is_object())
    return llvm::createStringError(
        "'" + file +
        "' is compiled code, not a model in MLIR; docs/Runtime.md says how a "
        "program calls a library");
  if (!isBytecode(buffer) && text.contains('\0'))
    return llvm::createStringError("'" + file +
                                   "' is neither MLIR's text nor its bytecode");
  return llvm::Error::success();
}

llvm::Expected<OwningOpRef<ModuleOp>> Frontend::read(StringRef file) {
  auto buffer = readText(file);
  if (!buffer)
    return buffer.takeError();
  if (llvm::Error error = checkText(file, **buffer))
    return std::move(error);
  sources.AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  auto module = parseSourceFile<ModuleOp>(sources, context.get());
  if (!module)
    return llvm::createStringError("'" + file + "' is not a valid model");
  if (llvm::Error error = lower(*module, "et-flatten-modules, et-check-model"))
    return std::move(error);
  return std::move(module);
}

llvm::Error Frontend::lower(ModuleOp module, const Twine &pipeline,
                            std::unique_ptr<PassInstrumentation> watcher) {
  PassManager manager(context.get(), ModuleOp::getOperationName(),
                      PassManager::Nesting::Implicit);
  std::string message;
  llvm::raw_string_ostream os(message);
  std::string text = pipeline.str();
  if (failed(parsePassPipeline(text, manager, os)))
    return llvm::createStringError("cannot set up '" + text + "': " + message);
  // Once at the end; et-opt looks after each pass.
  manager.enableVerifier(false);
  if (watcher)
    manager.addInstrumentation(std::move(watcher));
  if (failed(manager.run(module)) || failed(verify(module)))
    return llvm::createStringError("the model could not be lowered");
  return llvm::Error::success();
}

llvm::Expected<std::vector<EntrySignature>> et::getSignatures(ModuleOp module) {
  std::vector<EntrySignature> signatures;
  for (func::FuncOp function : getEntryFunctions(module)) {
    FailureOr<EntrySignature> signature = getEntrySignature(function);
    if (failed(signature))
      return llvm::createStringError("the model has a function that cannot be "
                                     "called");
    signatures.push_back(std::move(*signature));
  }
  if (signatures.empty())
    return llvm::createStringError("the model has no public function");
  return signatures;
}
