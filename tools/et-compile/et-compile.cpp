//===- et-compile.cpp - compile a model to a file -------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compiler.h"
#include "et/Codegen/CPU/TargetModel.h"
#include "et/Compiler/TensorFile.h"
#include "et/Dialect/ET/IR/Chips.h"
#include "support/ToolOptions.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include "support/OptionTable.inc"

using namespace mlir::et;
using namespace llvm;

static Error checkChips(StringRef list, bool maySeveral) {
  SmallVector<StringRef> chips;
  list.split(chips, ',');
  for (StringRef chip : chips)
    if (Error error = checkChip(chip))
      return error;
  if (chips.size() > 1 && !maySeveral)
    return createStringError("code for several chips needs --emit=fatbin");
  return Error::success();
}

static Error readReport(const CommandLine &line, CompileRequest &request) {
  Expected<unsigned> kind = line.getChoice(OPT_report_eq, {"table", "json"}, 0);
  if (!kind)
    return kind.takeError();
  if (line.has(OPT_report) || line.has(OPT_report_eq))
    request.report = *kind == 1 ? ReportKind::Json : ReportKind::Table;
  Expected<unsigned> tokens = line.getCount(OPT_report_tokens, 2048);
  if (!tokens)
    return tokens.takeError();
  Expected<unsigned> pairs = line.getCount(OPT_report_pairs, *tokens);
  if (!pairs)
    return pairs.takeError();
  request.reportSize = {double(*tokens), double(*pairs)};
  if (request.report == ReportKind::None) {
    if (line.has(OPT_report_tokens) || line.has(OPT_report_pairs))
      return createStringError(
          "--report-tokens and --report-pairs go with --report");
    return Error::success();
  }
  if (line.get(OPT_target) != "cuda")
    return createStringError("--report is of GPU kernels; add --target=cuda");
  if (line.has(OPT_emit))
    return createStringError("--report and --emit exclude each other: --output "
                             "takes the report or the code; run et-compile "
                             "once for each");
  return Error::success();
}

/// Whether two paths name one file, which need not be there.
static bool isSamePath(StringRef one, StringRef other) {
  auto whole = [](StringRef name) {
    SmallString<128> path(name);
    sys::fs::make_absolute(path);
    sys::path::remove_dots(path, /*remove_dot_dot=*/true);
    return path;
  };
  return whole(one) == whole(other);
}

static Error readPacking(const CommandLine &line, CompileRequest &request) {
  request.packWeights = line.has(OPT_pack_weights);
  Expected<std::string> weights =
      line.getSingle(OPT_weights, kSeveralFilesRemedy);
  if (!weights)
    return weights.takeError();
  request.weights = *weights;
  request.packedWeights = line.get(OPT_packed_weights);
  if (request.packWeights && request.options.target == TargetKind::CUDA)
    return createStringError("--pack-weights goes with --target=cpu");
  if (request.weights.empty() != request.packedWeights.empty())
    return createStringError("--weights and --packed-weights go together");
  if (!request.weights.empty() && !request.packWeights)
    return createStringError("--packed-weights goes with --pack-weights");
  if (!request.weights.empty() && request.emit != EmitKind::Library &&
      request.emit != EmitKind::Object)
    return createStringError("--packed-weights goes with --emit=so or obj");
  for (StringRef input : {request.weights, request.model})
    if (!request.packedWeights.empty() &&
        sys::fs::equivalent(input, request.packedWeights))
      return createStringError("'" + request.packedWeights +
                               "' is an input; name another file for "
                               "--packed-weights");
  if (!request.weights.empty() &&
      sys::fs::equivalent(request.weights, request.output))
    return createStringError("'" + request.output +
                             "' is an input; name another file for --output");
  if (!request.packedWeights.empty() &&
      isSamePath(request.packedWeights, request.output))
    return createStringError("--output and --packed-weights are one file");
  if (request.packWeights &&
      llvm::is_contained({"input", "decompose"}, request.compileTo))
    return createStringError("--pack-weights needs --compile-to=fuse or later");
  return Error::success();
}

static Error makeRequest(const CommandLine &line, CompileRequest &request) {
  Expected<std::string> model = line.getInput();
  if (!model)
    return model.takeError();
  if (Error error = readReport(line, request))
    return error;
  bool isReport = request.report != ReportKind::None;
  Expected<std::string> output =
      isReport ? line.get(OPT_output, "-") : line.getRequired(OPT_output);
  if (!output)
    return output.takeError();
  Expected<unsigned> target = line.getChoice(OPT_target, {"cpu", "cuda"}, 0);
  if (!target)
    return target.takeError();
  Expected<unsigned> emit = line.getChoice(
      OPT_emit, {"mlir", "llvm", "obj", "so", "ptx", "cubin", "fatbin"},
      unsigned(EmitKind::Library));
  if (!emit)
    return emit.takeError();
  static constexpr StringLiteral phases[] = {"input",     "decompose", "fuse",
                                             "bufferize", "loops",     "llvm"};
  SmallVector<StringRef> choices(std::begin(phases), std::end(phases));
  Expected<unsigned> phase =
      line.getChoice(OPT_compile_to, choices, choices.size() - 1);
  if (!phase)
    return phase.takeError();
  request.model = *model;
  request.output = *output;
  request.options.target = *target == 1 ? TargetKind::CUDA : TargetKind::CPU;
  request.emit = static_cast<EmitKind>(*emit);
  request.compileTo = phases[*phase].str();
  request.remarks = line.get(OPT_remarks_filter);
  request.plugins = line.getAll(OPT_load_dialect_plugin);
  request.options.march = line.get(OPT_march, "native");
  request.options.cache = getCache(line, OPT_cache);
  request.options.chip = line.get(OPT_chip, kDefaultChip);
  if (Error error = readPacking(line, request))
    return error;
  if (line.has(OPT_chip) && request.options.target != TargetKind::CUDA)
    return createStringError("--chip goes with --target=cuda");
  if (Error error = checkChips(request.options.chip,
                               isReport || request.emit == EmitKind::Fatbin ||
                                   request.emit == EmitKind::Mlir))
    return error;
  if (line.has(OPT_f32_products) && request.options.target != TargetKind::CUDA)
    return createStringError("--f32-products goes with --target=cuda");
  Expected<unsigned> f32Products =
      line.getChoice(OPT_f32_products, {"fma", "3xtf32"}, 0);
  if (!f32Products)
    return f32Products.takeError();
  request.options.f32Products = *f32Products ? "3xtf32" : "fma";
  if (!cpu::TargetModel::get(request.options.march))
    return createStringError("unknown processor '" + request.options.march +
                             "'; --march takes native or a processor as LLVM "
                             "names it, such as x86-64-v3 or znver5");
  if (line.has(OPT_cache) && request.emit != EmitKind::Library &&
      request.emit != EmitKind::Object)
    return createStringError("--cache goes with --emit=so or obj");
  if (line.has(OPT_compile_to) && request.emit != EmitKind::Mlir)
    return createStringError("--compile-to goes with --emit=mlir");
  return Error::success();
}

static Error runTool(const CommandLine &line) {
  CompileRequest request;
  if (Error error = makeRequest(line, request))
    return error;
  return compileModel(request);
}

int main(int argc, char **argv) {
  ToolDescription tool = {
      "et-compile", "MODEL.mlir -o FILE [options]",
      "Compiles a model to a library, an object, GPU code or "
      "intermediate code"};
  return runMain(tool, optionTable, argc, argv, runTool);
}
