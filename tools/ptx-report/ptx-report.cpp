//===- ptx-report.cpp - what the assembler makes of any compiler's PTX ----===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Compiler/InputFiles.h"
#include "et/Dialect/ET/IR/Chips.h"
#include "et/Target/KernelReport.h"
#include "support/ToolOptions.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/raw_ostream.h"

#include "support/OptionTable.inc"

using namespace mlir::et;
using namespace llvm;

static Error runTool(const CommandLine &line) {
  Expected<std::string> input = line.getInput();
  if (!input)
    return input.takeError();
  auto buffer = readText(*input);
  if (!buffer)
    return buffer.takeError();
  StringRef ptx = (*buffer)->getBuffer();
  SmallVector<StringRef> match;
  if (!Regex("^\\.target (sm_[0-9]+[a-z]?)", Regex::Newline).match(ptx, &match))
    return createStringError("'" + *input + "' is no PTX: it has no .target");
  std::string chip = line.get(OPT_chip, match[1]);
  if (Error error = checkChip(chip))
    return error;
  Expected<unsigned> kind = line.getChoice(OPT_report, {"table", "json"}, 0);
  if (!kind)
    return kind.takeError();
  auto kernels = getKernelFacts(ptx, chip);
  if (!kernels)
    return kernels.takeError();
  if (kernels->empty())
    return createStringError("'" + *input + "' has no kernel");
  std::vector<KernelReport> reports =
      makeReports(chip, *kernels, /*launches=*/{});
  auto print = *kind == 1 ? printJSON : printTable;
  print(reports, /*size=*/std::nullopt, outs());
  return Error::success();
}

int main(int argc, char **argv) {
  ToolDescription tool = {"ptx-report", "KERNELS.ptx [options]",
                          "Prints what ptxas and nvdisasm say of kernels"};
  return runMain(tool, optionTable, argc, argv, runTool);
}
