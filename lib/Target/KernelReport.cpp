//===- KernelReport.cpp - A line a kernel ---------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Target/KernelReport.h"

#include "et/Dialect/ET/IR/Chips.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::et;

static void predict(KernelReport &report, const ChipFigures &chip) {
  if (!report.launch.work || report.facts.isEmpty)
    return;
  bool isMatrix = !report.facts.matrixInstructions.empty();
  // tf32 runs at half the rate of f16 on all of these, and f32 takes three.
  bool isSplit =
      llvm::any_of(report.facts.matrixInstructions, [](const auto &entry) {
        return StringRef(entry.first).contains("TF32");
      });
  double matrixFlops = chip.matrixFlops / (isSplit ? 6 : 1);
  std::pair<double, const char *> bounds[] = {
      {report.launch.work->bytes / chip.bandwidth, "memory"},
      {report.launch.work->flops / (isMatrix ? matrixFlops : chip.vectorFlops),
       isMatrix ? "matrix" : "vector"},
      {kLaunchSeconds, "latency"}};
  std::tie(report.seconds, report.bound) = *llvm::max_element(bounds);
}

static KernelReport makeReport(StringRef chip, const KernelFacts &facts,
                               const KernelLaunch &launch) {
  const ChipFigures &figures = getChipFigures(chip);
  KernelReport report;
  report.chip = chip.str();
  report.facts = facts;
  report.launch = launch;
  if (int64_t threads = launch.threads ? launch.threads : facts.threads)
    report.blocks =
        countBlocks(figures, facts.sharedBytes + launch.dynamicSharedBytes,
                    threads, std::max<int64_t>(facts.registers, 1));
  predict(report, figures);
  return report;
}

std::vector<KernelReport> et::makeReports(StringRef chip,
                                          ArrayRef<KernelFacts> kernels,
                                          ArrayRef<KernelLaunch> launches) {
  std::vector<KernelReport> reports;
  for (const KernelLaunch &launch : launches) {
    if (llvm::any_of(reports, [&](const KernelReport &report) {
          return report.launch == launch;
        }))
      continue;
    const auto *facts = llvm::find_if(kernels, [&](const KernelFacts &facts) {
      return facts.name == launch.kernel;
    });
    if (facts != kernels.end())
      reports.push_back(makeReport(chip, *facts, launch));
  }
  for (const KernelFacts &facts : kernels)
    if (llvm::none_of(launches, [&](const KernelLaunch &launch) {
          return launch.kernel == facts.name;
        }))
      reports.push_back(makeReport(chip, facts, {}));
  return reports;
}

/// The products and figures that predictions stand on.
static std::string describeChip(StringRef chip) {
  const ChipFigures &figures = getChipFigures(chip);
  return llvm::formatv("{0} as {1}: {2:f0} GB/s, {3:f0} TFLOP/s by the matrix "
                       "units",
                       chip, figures.product, figures.bandwidth / 1e9,
                       figures.matrixFlops / 1e12);
}

/// The instruction of a kernel's main loop, or what there is in its place.
static std::string describeLoop(const KernelFacts &facts) {
  if (facts.isEmpty)
    return "empty on this chip";
  if (!facts.loops.empty())
    return facts.loops.front().instruction;
  if (!facts.matrixInstructions.empty())
    return facts.matrixInstructions.back().first + ", unrolled";
  return "-";
}

static std::string describeStages(ArrayRef<int64_t> stages) {
  if (stages.empty())
    return "-";
  if (stages.size() == 1)
    return std::to_string(stages.front());
  return std::to_string(stages.front()) + "-" + std::to_string(stages.back());
}

void et::printTable(ArrayRef<KernelReport> reports,
                    std::optional<LayerSize> size, llvm::raw_ostream &os) {
  size_t width = StringRef("kernel").size();
  for (const KernelReport &report : reports)
    width = std::max(width, report.facts.name.size());
  auto printRow = [&](StringRef name, auto... cells) {
    os << llvm::left_justify(name, width)
       << llvm::formatv(" {0,-7} {1,4} {2,5} {3,7} {4,6} {5,6} {6,6} "
                        "{7,-29} {8,6} {9,6} {10,-7} {11,9}\n",
                        cells...);
  };
  printRow("kernel", "chip", "regs", "spill", "shared", "stages", "blocks",
           "thrds", "main loop", "matrix", "other", "bound", "least us");
  auto orDash = [](bool isKnown, std::string text) {
    return isKnown ? text : "-";
  };
  for (const KernelReport &report : reports) {
    const KernelFacts &facts = report.facts;
    unsigned matrix = 0;
    for (const auto &[name, count] : facts.matrixInstructions)
      matrix += count;
    bool hasLoop = !facts.loops.empty();
    MatrixLoop loop = hasLoop ? facts.loops.front() : MatrixLoop();
    int64_t threads =
        report.launch.threads ? report.launch.threads : facts.threads;
    printRow(facts.name, report.chip, facts.registers, facts.spillBytes,
             facts.sharedBytes + report.launch.dynamicSharedBytes,
             describeStages(report.launch.stages),
             orDash(report.blocks, std::to_string(report.blocks)),
             orDash(threads, std::to_string(threads)), describeLoop(facts),
             orDash(matrix, std::to_string(hasLoop ? loop.matrix : matrix)),
             orDash(hasLoop, std::to_string(loop.others)),
             orDash(!report.bound.empty(), report.bound),
             orDash(!report.bound.empty(),
                    llvm::formatv("{0:f2}", report.seconds * 1e6)));
    for (const std::string &note : facts.notes)
      os << "  " << note << '\n';
  }
  if (size)
    os << llvm::formatv(
        "least us: a lower bound for {0:f0} tokens and {1:f0} pairs, at 100 % "
        "of the published figures; -: not known, or not run for so many\n",
        size->tokens, size->pairs);
  os << "stages: of shared memory; main loop: "
        "the instruction that multiplies in the innermost loop, and how many "
        "of them (matrix) and of others it has\n";
  StringRef last;
  for (const KernelReport &report : reports)
    if (std::exchange(last, report.chip) != report.chip)
      os << "  " << describeChip(report.chip) << '\n';
}

void et::printJSON(ArrayRef<KernelReport> reports,
                   std::optional<LayerSize> size, llvm::raw_ostream &os) {
  llvm::json::Array kernels;
  for (const KernelReport &report : reports) {
    llvm::json::Object object = toJSON(report.facts);
    object["chip"] = report.chip;
    object["threads"] =
        report.launch.threads ? report.launch.threads : report.facts.threads;
    object["dynamic_shared_bytes"] = report.launch.dynamicSharedBytes;
    object["stages"] = llvm::json::Array(report.launch.stages);
    object["blocks_a_multiprocessor"] = report.blocks;
    for (StringRef key : {"least_bytes", "useful_flops", "bound", "least_us"})
      object[key] = nullptr;
    if (!report.bound.empty()) {
      object["least_bytes"] = report.launch.work->bytes;
      object["useful_flops"] = report.launch.work->flops;
      object["bound"] = report.bound;
      object["least_us"] = report.seconds * 1e6;
    }
    kernels.push_back(std::move(object));
  }
  llvm::json::Object chips;
  for (const KernelReport &report : reports)
    chips[report.chip] = describeChip(report.chip);
  llvm::json::Object all{{"chips", std::move(chips)},
                         {"kernels", std::move(kernels)}};
  if (size) {
    all["tokens"] = size->tokens;
    all["pairs"] = size->pairs;
    // Of the published figures, which no kernel reaches.
    all["efficiency"] = 1;
  }
  os << llvm::formatv("{0:2}\n", llvm::json::Value(std::move(all)));
}
