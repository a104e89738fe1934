//===- Model.cpp - reading a model, and running passes on it --------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Compiler/Model.h"

#include "et/InitAll.h"
#include "et/Target/HostCode.h"
#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "llvm/BinaryFormat/Magic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/Threading.h"

using namespace mlir;
using namespace mlir::et;

/// Made once: passes and targets have registries of the whole process, which
/// several threads must not fill at once.
static const DialectRegistry &getRegistry() {
  static const DialectRegistry registry = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    DialectRegistry registry;
    registerAll(registry);
    registerHostTranslations(registry);
    return registry;
  }();
  return registry;
}

std::unique_ptr<MLIRContext> et::createContext() {
  auto context = std::make_unique<MLIRContext>(getRegistry());
  // An error names the line; the op as the compiler sees it would bury that.
  context->printOpOnDiagnostic(false);
  return context;
}

llvm::Error et::enableRemarks(MLIRContext &context, StringRef categories) {
  std::string message;
  if (!llvm::Regex(categories).isValid(message))
    return llvm::createStringError("is no regular expression: " + message);
  remark::RemarkCategories filters;
  // A kind of remarks without a filter of its own is off.
  for (std::optional<std::string> *filter :
       {&filters.passed, &filters.missed, &filters.analysis, &filters.failed})
    *filter = categories.str();
  if (failed(remark::enableOptimizationRemarks(
          context, /*streamer=*/nullptr,
          std::make_unique<remark::RemarkEmittingPolicyAll>(), filters,
          /*printAsEmitRemarks=*/true)))
    return llvm::createStringError("is no filter of remarks");
  return llvm::Error::success();
}

llvm::Error et::loadDialects(MLIRContext &context,
                             llvm::ArrayRef<std::string> plugins) {
  DialectRegistry registry;
  for (const std::string &file : plugins) {
    auto plugin = DialectPlugin::load(file);
    if (!plugin)
      return plugin.takeError();
    plugin->registerDialectRegistryCallbacks(registry);
  }
  context.appendDialectRegistry(registry);
  return llvm::Error::success();
}

/// What is no text must not be shown as a line with an error in it.
static llvm::Error checkText(StringRef name, const llvm::MemoryBuffer &buffer) {
  StringRef text = buffer.getBuffer();
  llvm::file_magic kind = llvm::identify_magic(text);
  if (kind.is_object())
    return llvm::createStringError(
        "'" + name +
        "' is compiled code, not a model in MLIR; docs/Runtime.md says how a "
        "program calls a library");
  if (!isBytecode(buffer) && text.contains('\0'))
    return llvm::createStringError("'" + name +
                                   "' is neither MLIR's text nor its bytecode");
  return llvm::Error::success();
}

llvm::Expected<OwningOpRef<ModuleOp>>
et::parseModel(MLIRContext &context, const llvm::SourceMgr &sources,
               StringRef name) {
  if (llvm::Error error =
          checkText(name, *sources.getMemoryBuffer(sources.getMainFileID())))
    return std::move(error);
  auto module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module)
    return llvm::createStringError("'" + name + "' is not a valid model");
  if (llvm::Error error =
          runPipeline(*module, "et-flatten-modules, et-check-model"))
    return std::move(error);
  return std::move(module);
}

Interrupt::Interrupt(std::function<bool()> shouldStop)
    : shouldStop(std::move(shouldStop)), thread(llvm::get_threadid()) {}

bool Interrupt::ask() {
  if (!isStopped && llvm::get_threadid() == thread && shouldStop())
    isStopped = true;
  return isStopped;
}

llvm::Error et::runPipeline(ModuleOp module, const Twine &pipeline,
                            Interrupt *interrupt,
                            std::unique_ptr<PassInstrumentation> watcher) {
  MLIRContext *context = module.getContext();
  PassManager manager(context, ModuleOp::getOperationName(),
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
  // No pass can be told to fail from outside, but those that are left can be
  // passed over.
  if (interrupt)
    context->registerActionHandler(
        [&](function_ref<void()> act, const tracing::Action &action) {
          if (!isa<PassExecutionAction>(action) || !interrupt->ask())
            act();
        });
  LogicalResult result = manager.run(module);
  if (interrupt) {
    context->registerActionHandler(nullptr);
    if (interrupt->ask())
      return llvm::createStringError("the work was interrupted");
  }
  if (failed(result) || failed(verify(module)))
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
