//===- HostCode.cpp - from the LLVM dialect to machine code ---------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Target/HostCode.h"

#include "et/Conversion/Passes.h"
#include "et/Target/Header.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Transforms/IPO/Internalize.h"

using namespace mlir;
using namespace mlir::et;

void et::registerHostTranslations(DialectRegistry &registry) {
  registerAllToLLVMIRTranslations(registry);
}

static llvm::Expected<llvm::orc::JITTargetMachineBuilder>
getMachineBuilder(StringRef march) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  auto builder = llvm::orc::JITTargetMachineBuilder::detectHost();
  if (!builder)
    return builder.takeError();
  builder->setRelocationModel(llvm::Reloc::PIC_);
  builder->setCodeGenOptLevel(llvm::CodeGenOptLevel::Aggressive);
  if (!march.empty() && march != "native") {
    // Asked before there is a machine: that of an unknown processor would be
    // made all the same, with a complaint on the standard error stream.
    std::string error;
    const llvm::Triple &triple = builder->getTargetTriple();
    const auto *target = llvm::TargetRegistry::lookupTarget(triple, error);
    std::unique_ptr<llvm::MCSubtargetInfo> info(
        target ? target->createMCSubtargetInfo(triple, /*CPU=*/"",
                                               /*Features=*/"")
               : nullptr);
    if (info && !info->isCPUStringValid(march))
      return llvm::createStringError("unknown processor '" + march +
                                     "'; `llc-22 -mcpu=help` lists the known");
    builder->setCPU(march.str());
    builder->setFeatures("");
  }
  return builder;
}

/// Descriptions whose names C cannot write get another, which the C header
/// has: assemblers take "a-b" for a difference.
static void addIdentifiers(llvm::Module &module) {
  SmallVector<llvm::GlobalVariable *> descriptions;
  SmallVector<StringRef> names;
  for (llvm::GlobalVariable &global : module.globals()) {
    StringRef name = global.getName();
    if (!name.consume_front(kDescriptionPrefix) || global.hasLocalLinkage())
      continue;
    descriptions.push_back(&global);
    names.push_back(name);
  }
  llvm::StringMap<std::string> identifiers = getIdentifiers(names);
  for (auto [description, name] : llvm::zip_equal(descriptions, names))
    if (StringRef identifier = identifiers.at(name); identifier != name)
      llvm::GlobalAlias::create(llvm::GlobalValue::ExternalLinkage,
                                kDescriptionPrefix + identifier, description);
}

/// Whether a name that the code does not define is the runtime's.
static bool isOfRuntime(StringRef name) {
  return name.starts_with("et_") || name.starts_with("mgpu") ||
         name.starts_with("_mlir_memref_to_llvm_");
}

/// Everything but the descriptions becomes internal: nothing else is called
/// from outside, and a function named like one of libc's must not replace it.
/// Calls of the runtime bind to the one that the code is linked with, and to no
/// other in the process: some of its names are upstream's.
static void hideInternals(llvm::Module &module) {
  llvm::internalizeModule(module, [](const llvm::GlobalValue &value) {
    return value.getName().starts_with(kDescriptionPrefix);
  });
  for (llvm::GlobalObject &object : module.global_objects())
    if (object.isDeclaration() && isOfRuntime(object.getName()))
      object.setVisibility(llvm::GlobalValue::HiddenVisibility);
}

static bool isKernel(const llvm::Function &function) {
  return function.hasFnAttribute(kKernelAttribute);
}

/// Little is left to do in kernels. As in LLVM's own pipelines, instcombine
/// does not run once more to see whether anything is left, and end the process
/// if so.
static constexpr llvm::StringLiteral kKernelPasses =
    "function(sroa,instcombine<no-verify-fixpoint>,simplifycfg,"
    "loop-mssa(loop-rotate,licm),loop(indvars),early-cse<memssa>,"
    "instcombine<no-verify-fixpoint>,simplifycfg)";

/// The function that a pass is about to work on or in; null for others.
static const llvm::Function *getFunction(const llvm::Any &unit) {
  if (const auto *function = llvm::any_cast<const llvm::Function *>(&unit))
    return *function;
  if (const auto *loop = llvm::any_cast<const llvm::Loop *>(&unit))
    return (*loop)->getHeader()->getParent();
  return nullptr;
}

static llvm::Error optimize(llvm::Module &module,
                            llvm::TargetMachine &machine) {
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = true;
  // Kernels are unrolled where it pays. More is code to compile, and copies of
  // matrix registers through memory where unrolled loops meet.
  tuning.LoopUnrolling = false;
  bool inKernels = false;
  llvm::PassInstrumentationCallbacks callbacks;
  callbacks.registerShouldRunOptionalPassCallback(
      [&](StringRef, const llvm::Any &unit) {
        const llvm::Function *function = getFunction(unit);
        return !function || isKernel(*function) == inKernels;
      });
  llvm::PassBuilder builder(&machine, tuning, /*PGOOpt=*/std::nullopt,
                            &callbacks);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  llvm::ModulePassManager kernels;
  if (llvm::Error error = builder.parsePassPipeline(kernels, kKernelPasses))
    return error;
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3)
      .run(module, modules);
  inKernels = true;
  kernels.run(module, modules);
  return llvm::Error::success();
}

llvm::Expected<HostCode> HostCode::create(ModuleOp module, StringRef march) {
  auto builder = getMachineBuilder(march);
  if (!builder)
    return builder.takeError();
  HostCode code(std::move(*builder));
  auto machine = code.builder.createTargetMachine();
  if (!machine)
    return machine.takeError();
  code.machine = std::move(*machine);

  code.context = std::make_unique<llvm::LLVMContext>();
  code.module = translateModuleToLLVMIR(module, *code.context);
  if (!code.module)
    return llvm::createStringError(
        "the module could not be translated to LLVM IR");
  code.module->setTargetTriple(code.machine->getTargetTriple());
  code.module->setDataLayout(code.machine->createDataLayout());
  // Passes outside the code generator look for the processor here.
  for (llvm::Function &function : *code.module) {
    if (function.isDeclaration() || function.hasFnAttribute("target-cpu"))
      continue;
    function.addFnAttr("target-cpu", code.machine->getTargetCPU());
    function.addFnAttr("target-features",
                       code.machine->getTargetFeatureString());
  }
  addIdentifiers(*code.module);
  hideInternals(*code.module);
  if (llvm::Error error = optimize(*code.module, *code.machine))
    return std::move(error);
  return std::move(code);
}

void HostCode::print(llvm::raw_ostream &os) const {
  module->print(os, /*AAW=*/nullptr);
}

llvm::Error HostCode::emitObject(llvm::raw_pwrite_stream &os) const {
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, os, /*DwoOut=*/nullptr,
                                   llvm::CodeGenFileType::ObjectFile))
    return llvm::createStringError("the target cannot emit object files");
  passes.run(*module);
  return llvm::Error::success();
}

static bool isOpenMP(StringRef function) {
  return function.starts_with("__kmpc_") || function.starts_with("omp_");
}

bool HostCode::usesOpenMP() const {
  return llvm::any_of(*module, [](const llvm::Function &function) {
    return function.isDeclaration() && isOpenMP(function.getName());
  });
}

llvm::Expected<bool> et::usesOpenMP(llvm::MemoryBufferRef object) {
  auto file = llvm::object::ObjectFile::createObjectFile(object);
  if (!file)
    return file.takeError();
  for (const llvm::object::SymbolRef &symbol : (*file)->symbols()) {
    auto flags = symbol.getFlags();
    if (!flags)
      return flags.takeError();
    auto name = symbol.getName();
    if (!name)
      return name.takeError();
    if ((*flags & llvm::object::SymbolRef::SF_Undefined) && isOpenMP(*name))
      return true;
  }
  return false;
}
