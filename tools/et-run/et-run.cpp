//===- et-run.cpp - run a model on files ----------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runner.h"
#include "et/Compiler/TensorFile.h"
#include "et/Dialect/ET/IR/Chips.h"
#include "support/ToolOptions.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Threading.h"

#include <cstdlib>

#include "support/OptionTable.inc"

using namespace mlir::et;
using namespace llvm;

/// OpenMP's library ends the process when the system refuses it a thread. More
/// than a few for each processor help nobody.
static unsigned mostThreads() {
  return std::max(64U, 8 * hardware_concurrency().compute_thread_count());
}

static Error makeRequest(const CommandLine &line, RunRequest &request) {
  Expected<std::string> model = line.getInput();
  if (!model)
    return model.takeError();
  Expected<std::string> entry = line.getRequired(OPT_entry);
  if (!entry)
    return entry.takeError();
  Expected<unsigned> target =
      line.getChoice(OPT_target, {"reference", "cpu", "cuda"}, 1);
  if (!target)
    return target.takeError();
  if (line.has(OPT_chip) && *target != 2)
    return createStringError("--chip goes with --target=cuda");
  request.model = *model;
  request.entry = *entry;
  std::string chip = line.get(OPT_chip, kDefaultChip);
  if (*target == 2)
    if (Error error = checkChip(chip))
      return error;
  if (line.has(OPT_f32_products) && *target != 2)
    return createStringError("--f32-products goes with --target=cuda");
  Expected<unsigned> f32Products =
      line.getChoice(OPT_f32_products, {"fma", "3xtf32"}, 0);
  if (!f32Products)
    return f32Products.takeError();
  constexpr TargetKind targets[] = {TargetKind::Reference, TargetKind::CPU,
                                    TargetKind::CUDA};
  request.options.target = targets[*target];
  // The driver compiles the PTX for the device that is there, if that is the
  // chip or a later one.
  request.options.chip = chip;
  request.options.f32Products = *f32Products ? "3xtf32" : "fma";
  request.remarks = line.get(OPT_remarks_filter);
  request.plugins = line.getAll(OPT_load_dialect_plugin);
  if (line.has(OPT_cache) && *target == 2)
    return createStringError("--cache goes with --target=cpu or reference");
  request.options.cache = getCache(line, OPT_cache);
  request.args = line.getAll(OPT_arg);
  request.outs = line.getAll(OPT_out);
  Expected<std::string> weights =
      line.getSingle(OPT_weights, kSeveralFilesRemedy);
  if (!weights)
    return weights.takeError();
  request.weights = *weights;
  request.packWeights = line.has(OPT_pack_weights);
  if (request.packWeights && request.weights.empty())
    return createStringError("--pack-weights needs --weights=FILE.safetensors");
  if (request.packWeights && *target != 1)
    return createStringError("--pack-weights goes with --target=cpu");
  for (StringRef out : request.outs)
    if (out != "-" && sys::fs::equivalent(out, request.model))
      return createStringError("'" + out +
                               "' is an input; name another file for --out");
  request.printStatistics = line.has(OPT_stats);
  if (line.has(OPT_time) || line.has(OPT_time_eq)) {
    Expected<unsigned> runs = line.getCount(OPT_time_eq, 10);
    if (!runs)
      return runs.takeError();
    request.timedRuns = *runs;
  }
  Expected<unsigned> threads = line.getCount(OPT_threads, 0, mostThreads());
  if (!threads)
    return threads.takeError();
  // OpenMP's library reads this when the compiled code loads it.
  if (*threads)
    setenv("OMP_NUM_THREADS", std::to_string(*threads).c_str(),
           /*overwrite=*/1);
  return Error::success();
}

static Error runTool(const CommandLine &line) {
  RunRequest request;
  if (Error error = makeRequest(line, request))
    return error;
  return runModel(request);
}

int main(int argc, char **argv) {
  ToolDescription tool = {"et-run", "MODEL.mlir --entry=NAME [options]",
                          "Compiles a model in memory and calls one of its "
                          "functions on files"};
  return runMain(tool, optionTable, argc, argv, runTool);
}
