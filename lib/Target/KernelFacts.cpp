//===- KernelFacts.cpp - What assembler and disassembly say ---------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Target/KernelFacts.h"

#include "RunProgram.h"
#include "et/Target/DeviceCode.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::et;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

llvm::json::Object et::toJSON(const KernelFacts &facts) {
  llvm::json::Array loops, notes;
  for (const MatrixLoop &loop : facts.loops)
    loops.push_back(llvm::json::Object{{"instruction", loop.instruction},
                                       {"matrix", loop.matrix},
                                       {"others", loop.others},
                                       {"macs", loop.macs}});
  for (const std::string &note : facts.notes)
    notes.push_back(note);
  llvm::json::Object instructions;
  for (const auto &[name, count] : facts.matrixInstructions)
    instructions[name] = count;
  return llvm::json::Object({{"kernel", facts.name},
                             {"is_empty", facts.isEmpty},
                             {"threads", facts.threads},
                             {"registers", facts.registers},
                             {"stack_bytes", facts.stackBytes},
                             {"spill_bytes", facts.spillBytes},
                             {"static_shared_bytes", facts.sharedBytes},
                             {"notes", std::move(notes)},
                             {"matrix_instructions", std::move(instructions)},
                             {"loops", std::move(loops)}});
}

llvm::Expected<std::string> et::findDisassembler() {
  if (auto toolkit = findCudaToolkit()) {
    SmallString<128> program(*toolkit);
    path::append(program, "bin", "nvdisasm");
    if (fs::can_execute(program))
      return std::string(program);
  } else {
    llvm::consumeError(toolkit.takeError());
  }
  if (fs::can_execute(ET_NVDISASM))
    return std::string(ET_NVDISASM);
  if (auto program = llvm::sys::findProgramByName("nvdisasm"))
    return *program;
  return llvm::createStringError(
      "the report reads kernels with nvdisasm, and there is none in the CUDA "
      "toolkit or on PATH; the PyPI package nvidia-cuda-nvdisasm has one");
}

/// Threads of a block by kernel, where .reqntid or .maxntid says so.
static unsigned findThreads(StringRef ptx, StringRef kernel) {
  size_t entry = ptx.find(".entry " + kernel.str() + "(");
  if (entry == StringRef::npos)
    return 0;
  StringRef head = ptx.substr(entry).split('{').first;
  llvm::Regex directive("\\.(reqntid|maxntid) ([0-9, ]+)");
  SmallVector<StringRef> match, sizes;
  if (!directive.match(head, &match))
    return 0;
  match[2].split(sizes, ',');
  unsigned threads = 1, size;
  for (StringRef text : sizes)
    if (!text.trim().getAsInteger(10, size))
      threads *= size;
  return threads;
}

static unsigned readNumber(StringRef text, const char *pattern) {
  SmallVector<StringRef> match;
  unsigned number = 0;
  if (llvm::Regex(pattern).match(text, &match))
    (void)match[1].getAsInteger(10, number);
  return number;
}

/// Adds what ptxas -v said of a kernel:
///
///   ptxas info    : Compiling entry function 'f' for 'sm_90a'
///   ptxas info    : Function properties for f
///       0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
///   ptxas info    : Used 128 registers, used 1 barriers, 1024 bytes smem
///
/// Warnings, and advice with a number, name their kernel between quotes.
static llvm::Error readLog(StringRef log, KernelFacts &facts) {
  std::string begin = "entry function '" + facts.name + "'";
  size_t at = log.find("Compiling " + begin);
  if (at == StringRef::npos)
    return llvm::createStringError("ptxas -v says nothing of the kernel '" +
                                   facts.name + "'");
  StringRef rest = log.substr(at + 1);
  StringRef own = rest.substr(0, rest.find("Compiling entry function"));
  facts.registers = readNumber(own, "Used ([0-9]+) registers");
  facts.stackBytes = readNumber(own, "([0-9]+) bytes stack frame");
  facts.spillBytes = readNumber(own, "([0-9]+) bytes spill stores") +
                     readNumber(own, "([0-9]+) bytes spill loads");
  facts.sharedBytes = readNumber(own, "([0-9]+) bytes smem");
  SmallVector<StringRef> lines;
  log.split(lines, '\n');
  llvm::Regex isAdvice("warning|\\(C[0-9]+\\)");
  std::string quoted = "'" + facts.name + "'";
  for (StringRef line : lines)
    if (isAdvice.match(line) && (line.contains(quoted) || !line.contains('\'')))
      facts.notes.push_back(line.trim().str());
  return llvm::Error::success();
}

llvm::Expected<std::vector<KernelFacts>> et::getKernelFacts(StringRef ptx,
                                                            StringRef chip) {
  auto toolkit = findCudaToolkit();
  if (!toolkit)
    return toolkit.takeError();
  auto disassembler = findDisassembler();
  if (!disassembler)
    return disassembler.takeError();
  SmallString<128> ptxas(*toolkit), source, cubin;
  path::append(ptxas, "bin", "ptxas");
  int descriptor;
  if (std::error_code code =
          fs::createTemporaryFile("et", "ptx", descriptor, source))
    return llvm::createStringError(code, "cannot make a temporary file");
  llvm::FileRemover removeSource(source);
  llvm::raw_fd_ostream os(descriptor, /*shouldClose=*/true);
  os << ptx;
  os.close();
  if (std::error_code code = os.error()) {
    os.clear_error();
    return llvm::createFileError(source, code);
  }
  if (std::error_code code = fs::createTemporaryFile("et", "cubin", cubin))
    return llvm::createStringError(code, "cannot make a temporary file");
  llvm::FileRemover removeCubin(cubin);
  auto log = runProgram({ptxas, "-arch", chip, "-v", "--warn-on-spills",
                         "--warn-on-local-memory-usage", source, "-o", cubin},
                        "assemble the kernels for " + chip);
  if (!log)
    return log.takeError();
  auto text = runProgram({*disassembler, "-json", cubin},
                         "disassemble the kernels for " + chip);
  if (!text)
    return text.takeError();
  auto kernels = readDisassembly(*text);
  if (!kernels)
    return kernels.takeError();
  // Functions that kernels call have no entry; nvdisasm has its own order.
  auto entryOf = [&](const KernelFacts &facts) {
    return ptx.find(".entry " + facts.name + "(");
  };
  llvm::erase_if(*kernels, [&](const KernelFacts &facts) {
    return entryOf(facts) == StringRef::npos;
  });
  llvm::sort(*kernels, [&](const KernelFacts &a, const KernelFacts &b) {
    return entryOf(a) < entryOf(b);
  });
  for (KernelFacts &facts : *kernels) {
    facts.threads = findThreads(ptx, facts.name);
    if (llvm::Error error = readLog(*log, facts))
      return std::move(error);
  }
  return std::move(*kernels);
}
