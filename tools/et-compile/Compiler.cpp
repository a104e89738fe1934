//===- Compiler.cpp - from a model to a file ------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compiler.h"

#include "et/Compiler/OutputFiles.h"
#include "et/Compiler/PackedWeights.h"
#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Target/Header.h"
#include "et/Target/KernelReport.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "support/Frontend.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::et;

static bool isDeviceCode(EmitKind emit) {
  return emit == EmitKind::Ptx || emit == EmitKind::Cubin ||
         emit == EmitKind::Fatbin;
}

static DeviceFormat getKernelFormat(EmitKind emit) {
  if (emit == EmitKind::Cubin)
    return DeviceFormat::Cubin;
  return emit == EmitKind::Fatbin ? DeviceFormat::Fatbin : DeviceFormat::Ptx;
}

static std::string pipelineOf(const CompileRequest &request) {
  return getPipeline(request.options, getKernelFormat(request.emit),
                     request.compileTo);
}

/// The C header beside a library or object.
static SmallString<128> headerOf(StringRef output) {
  SmallString<128> header(output);
  llvm::sys::path::replace_extension(header, "h");
  return header;
}

static llvm::Error checkRequest(const CompileRequest &request) {
  if (isDeviceCode(request.emit) && request.options.target != TargetKind::CUDA)
    return llvm::createStringError(
        "ptx, cubin and fatbin are for a GPU; add --target=cuda");
  bool isReport = request.report != ReportKind::None;
  if (request.output == "-" && request.emit == EmitKind::Library && !isReport)
    return llvm::createStringError(
        "a shared library cannot go to the standard output; name a file");
  if (llvm::sys::fs::equivalent(request.model, request.output))
    return llvm::createStringError("'" + request.output +
                                   "' is the model itself; name another file");
  if (!isReport &&
      (request.emit == EmitKind::Library || request.emit == EmitKind::Object))
    for (StringRef taken : {request.output, request.model})
      if (taken == headerOf(request.output))
        return llvm::createStringError("the C header would replace '" + taken +
                                       "'; name another file");
  return llvm::Error::success();
}

/// Whether all that is to be written can be, before the work.
static llvm::Error checkDestinations(const CompileRequest &request) {
  bool isReport = request.report != ReportKind::None;
  if (!isReport && request.emit == EmitKind::Library)
    if (llvm::Error error = checkLibrary(request.output))
      return error;
  std::vector<std::string> paths = {request.output};
  if (!isReport && request.output != "-" &&
      (request.emit == EmitKind::Library || request.emit == EmitKind::Object))
    paths.push_back(headerOf(request.output).str().str());
  if (!request.packedWeights.empty())
    paths.push_back(request.packedWeights);
  return checkOutputs(paths);
}

static llvm::Error writeDeviceCode(ModuleOp module,
                                   const CompileRequest &request) {
  auto object =
      compileDeviceCode(module, request.options, getKernelFormat(request.emit));
  if (!object)
    return object.takeError();
  return writeOutput(request.output, [&](llvm::raw_ostream &os) {
    os << *object;
    return llvm::Error::success();
  });
}

/// No layer of the model has more pairs than its tokens have experts.
static llvm::Error checkReportSize(ModuleOp module, LayerSize size) {
  int64_t most = 0;
  bool isKnown = true;
  module.walk([&](Operation *op) {
    Value router;
    if (auto layer = dyn_cast<MoeOp>(op))
      router = layer.getRouter();
    else if (auto scores = dyn_cast<ScoresOp>(op))
      router = scores.getRouter();
    else
      return;
    int64_t experts = cast<ShapedType>(router.getType()).getDimSize(1);
    isKnown &= !ShapedType::isDynamic(experts);
    most = std::max(most, experts);
  });
  if (!isKnown || most == 0 ||
      size.pairs <= size.tokens * static_cast<double>(most))
    return llvm::Error::success();
  return llvm::createStringError(llvm::formatv(
      "--report-pairs={0:f0} is more than {1:f0} tokens can make "
      "with {2} experts; the most is {3:f0}",
      size.pairs, size.tokens, most, size.tokens * static_cast<double>(most)));
}

/// Lowers the model to PTX, and writes what the kernels of each chip are like.
static llvm::Error writeReport(ModuleOp module, const CompileRequest &request) {
  if (llvm::Error error = checkReportSize(module, request.reportSize))
    return error;
  std::vector<KernelLaunch> launches;
  if (llvm::Error error = runPipeline(
          module, pipelineOf(request), /*interrupt=*/nullptr,
          std::make_unique<LaunchRecorder>(request.reportSize, launches)))
    return error;
  std::vector<KernelReport> reports;
  for (auto binary : module.getOps<gpu::BinaryOp>())
    for (auto object : binary.getObjects().getAsRange<gpu::ObjectAttr>()) {
      StringRef chip = cast<NVVM::NVVMTargetAttr>(object.getTarget()).getChip();
      // Assembly is embedded as a C string.
      StringRef ptx = object.getObject().getValue().split('\0').first;
      auto kernels = getKernelFacts(ptx, chip);
      if (!kernels)
        return kernels.takeError();
      llvm::append_range(reports, makeReports(chip, *kernels, launches));
    }
  if (reports.empty())
    return llvm::createStringError("the model has no kernel to report on");
  return writeOutput(request.output, [&](llvm::raw_ostream &os) {
    if (request.report == ReportKind::Json)
      printJSON(reports, request.reportSize, os);
    else
      printTable(reports, request.reportSize, os);
    return llvm::Error::success();
  });
}

static llvm::Error writeLLVM(ModuleOp module, const CompileRequest &request) {
  auto code = HostCode::create(module, request.options.march);
  if (!code)
    return code.takeError();
  return writeOutput(request.output, [&](llvm::raw_ostream &os) {
    code->print(os);
    return llvm::Error::success();
  });
}

static llvm::Error writeHostCode(llvm::MemoryBufferRef object,
                                 ArrayRef<EntrySignature> signatures,
                                 const PackedWeights *weights,
                                 const CompileRequest &request) {
  OutputFiles outputs;
  if (weights) {
    auto printWeights = [&](llvm::raw_ostream &os) {
      weights->write(os);
      return llvm::Error::success();
    };
    if (llvm::Error error = outputs.write(request.packedWeights, printWeights))
      return error;
  }
  auto printTheHeader = [&](llvm::raw_ostream &os) {
    writeHeader(signatures, request.output, os);
    return llvm::Error::success();
  };
  if (request.output != "-")
    if (llvm::Error error =
            outputs.write(headerOf(request.output), printTheHeader))
      return error;
  auto printTheObject = [&](llvm::raw_ostream &os) {
    os << object.getBuffer();
    return llvm::Error::success();
  };
  if (llvm::Error error = request.emit == EmitKind::Object
                              ? outputs.write(request.output, printTheObject)
                              : linkLibrary(object, request.output))
    return error;
  return outputs.commit();
}

llvm::Error et::compileModel(const CompileRequest &request) {
  if (llvm::Error error = checkRequest(request))
    return error;
  if (llvm::Error error = checkDestinations(request))
    return error;
  if (request.emit == EmitKind::Cubin || request.emit == EmitKind::Fatbin ||
      request.report != ReportKind::None)
    if (llvm::Error error = provideToolkit())
      return error;
  Frontend frontend;
  if (llvm::Error error = frontend.printRemarks(request.remarks))
    return error;
  if (llvm::Error error = frontend.loadDialects(request.plugins))
    return error;
  auto module = frontend.read(request.model);
  if (!module)
    return module.takeError();
  std::optional<PackedWeights> weights;
  if (request.packWeights) {
    if (llvm::Error error = takePackedWeights(**module, request.options.march))
      return error;
    if (!request.weights.empty()) {
      auto packed = PackedWeights::create(**module, request.weights,
                                          request.options.cache);
      if (!packed)
        return packed.takeError();
      for (StringRef path : {request.output, request.packedWeights})
        if (packed->isRead(path))
          return llvm::createStringError("'" + path +
                                         "' is an input; name another file");
      weights.emplace(std::move(*packed));
    }
  }
  auto signatures = getSignatures(**module);
  if (!signatures)
    return signatures.takeError();
  if (request.report != ReportKind::None)
    return writeReport(**module, request);
  if (request.emit == EmitKind::Object || request.emit == EmitKind::Library) {
    auto object = compileObject(**module, request.options);
    if (!object)
      return object.takeError();
    return writeHostCode(**object, *signatures, weights ? &*weights : nullptr,
                         request);
  }
  if (isDeviceCode(request.emit))
    return writeDeviceCode(**module, request);
  if (llvm::Error error = runPipeline(**module, pipelineOf(request)))
    return error;
  if (request.emit == EmitKind::Mlir)
    return writeOutput(request.output, [&](llvm::raw_ostream &os) {
      (*module)->print(os);
      return llvm::Error::success();
    });
  return writeLLVM(**module, request);
}
