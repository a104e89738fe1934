//===- KernelReport.cpp - A line a kernel ---------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Target/KernelReport.h"

#include "et/Codegen/GPU/Chips.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::et;

static void predict(KernelReport &report, const ChipFigures &chip) {
  if (!report.launch.work)
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

std::vector<KernelReport> et::makeReports(StringRef chip,
                                          ArrayRef<KernelFacts> kernels,
                                          ArrayRef<KernelLaunch> launches) {
  const ChipFigures &figures = getChipFigures(chip);
  std::vector<KernelReport> reports;
  for (const KernelLaunch &launch : launches) {
    const auto *facts = llvm::find_if(kernels, [&](const KernelFacts &facts) {
      return facts.name == launch.kernel;
    });
    // What is launched on other chips only is empty.
    if (facts == kernels.end() || facts->isEmpty)
      continue;
    KernelReport report;
    report.chip = chip.str();
    report.facts = *facts;
    report.launch = launch;
    if (int64_t threads = launch.threads ? launch.threads : facts->threads)
      report.blocks =
          countBlocks(figures, facts->sharedBytes + launch.dynamicSharedBytes,
                      threads, std::max<int64_t>(facts->registers, 1));
    predict(report, figures);
    reports.push_back(std::move(report));
  }
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

void et::printTable(ArrayRef<KernelReport> reports, LayerSize size,
                    llvm::raw_ostream &os) {
  constexpr const char *row = "{0,-28} {1,-7} {2,4} {3,5} {4,7} {5,6} {6,6} "
                              "{7,6} {8,-29} {9,6} {10,6} {11,-7} {12,9}\n";
  os << llvm::formatv(row, "kernel", "chip", "regs", "spill", "shared",
                      "stages", "blocks", "thrds", "main loop", "matrix",
                      "other", "bound", "us");
  for (const KernelReport &report : reports) {
    const KernelFacts &facts = report.facts;
    MatrixLoop loop;
    bool hasLoop = !facts.loops.empty(), hasMatrix = hasLoop;
    if (hasLoop)
      loop = facts.loops.front();
    for (const auto &[name, count] : facts.matrixInstructions)
      if (!hasLoop) {
        loop.instruction = name + ", unrolled";
        loop.matrix += count;
        hasMatrix = true;
      }
    auto orDash = [](bool isKnown, std::string text) {
      return isKnown ? text : "-";
    };
    std::string stages = "-";
    if (!report.launch.stages.empty()) {
      auto [least, most] =
          std::pair(report.launch.stages.front(), report.launch.stages.back());
      stages = std::to_string(least);
      if (least != most)
        stages += "-" + std::to_string(most);
    }
    os << llvm::formatv(
        row, facts.name, report.chip, facts.registers, facts.spillBytes,
        facts.sharedBytes + report.launch.dynamicSharedBytes, stages,
        orDash(report.blocks, std::to_string(report.blocks)),
        orDash(report.launch.threads, std::to_string(report.launch.threads)),
        orDash(hasMatrix, loop.instruction),
        orDash(hasMatrix, std::to_string(loop.matrix)),
        orDash(hasLoop, std::to_string(loop.others)),
        orDash(!report.bound.empty(), report.bound),
        orDash(!report.bound.empty(),
               llvm::formatv("{0:f2}", report.seconds * 1e6)));
    for (const std::string &note : facts.notes)
      os << "  " << note << '\n';
  }
  os << llvm::formatv("predicted for {0:f0} tokens and {1:f0} pairs, from "
                      "published figures; -: not known, none, or not run for "
                      "so many tokens\n"
                      "stages: of shared memory; main loop: the instruction "
                      "that multiplies in the innermost loop, and how many of "
                      "them (matrix) and of others it has\n",
                      size.tokens, size.pairs);
  StringRef last;
  for (const KernelReport &report : reports)
    if (std::exchange(last, report.chip) != report.chip)
      os << "  " << describeChip(report.chip) << '\n';
}

void et::printJSON(ArrayRef<KernelReport> reports, LayerSize size,
                   llvm::raw_ostream &os) {
  llvm::json::Array kernels;
  for (const KernelReport &report : reports) {
    llvm::json::Object object = toJSON(report.facts);
    object["chip"] = report.chip;
    object["threads"] =
        report.launch.threads ? report.launch.threads : report.facts.threads;
    object["dynamic_shared_bytes"] = report.launch.dynamicSharedBytes;
    object["stages"] = llvm::json::Array(report.launch.stages);
    object["blocks_a_multiprocessor"] = report.blocks;
    for (StringRef key :
         {"least_bytes", "useful_flops", "bound", "predicted_us"})
      object[key] = nullptr;
    if (const std::optional<KernelWork> &work = report.launch.work) {
      object["least_bytes"] = work->bytes;
      object["useful_flops"] = work->flops;
      object["bound"] = report.bound;
      object["predicted_us"] = report.seconds * 1e6;
    }
    kernels.push_back(std::move(object));
  }
  llvm::json::Object chips;
  for (const KernelReport &report : reports)
    chips[report.chip] = describeChip(report.chip);
  os << llvm::formatv("{0:2}\n", llvm::json::Value(llvm::json::Object{
                                     {"tokens", size.tokens},
                                     {"pairs", size.pairs},
                                     {"chips", std::move(chips)},
                                     {"kernels", std::move(kernels)}}));
}
