//===- ToolOptions.cpp - command lines of the tools -----------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ToolOptions.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir::et;
using namespace llvm;

// The first two of every table.
static constexpr unsigned inputId = 1, unknownId = 2;

Expected<CommandLine> CommandLine::parse(const ToolOptionTable &table, int argc,
                                         char **argv) {
  CommandLine line;
  line.table = &table;
  line.allocator = std::make_unique<BumpPtrAllocator>();
  line.saver = std::make_unique<StringSaver>(*line.allocator);
  std::string message;
  line.arguments = std::make_unique<opt::InputArgList>(
      table.parseArgs(argc, argv, unknownId, *line.saver, [&](StringRef text) {
        if (message.empty())
          message = text.str();
      }));
  if (!message.empty())
    return createStringError(message + "; --help lists the options");
  return std::move(line);
}

Error CommandLine::refuse(unsigned option, const Twine &what) const {
  return createStringError(table->getOption(option).getPrefixedName() + " " +
                           what);
}

Expected<std::string> CommandLine::getSingle(unsigned option,
                                             const Twine &remedy) const {
  if (getAll(option).size() > 1)
    return refuse(option, "is given more than once; " + remedy);
  return get(option);
}

Expected<std::string> CommandLine::getInput() const {
  std::vector<std::string> inputs = getAll(inputId);
  if (inputs.size() == 1)
    return inputs.front();
  return createStringError("needs one input file and got " +
                           (inputs.empty() ? "none" : join(inputs, ", ")) +
                           "; --help lists the options");
}

Expected<std::string> CommandLine::getRequired(unsigned option) const {
  std::string value = get(option);
  if (value.empty())
    return refuse(option, "is needed; --help lists the options");
  return value;
}

Expected<unsigned> CommandLine::getCount(unsigned option, unsigned otherwise,
                                         unsigned most) const {
  if (!has(option))
    return otherwise;
  unsigned value;
  if (StringRef(get(option)).getAsInteger(10, value) || value == 0 ||
      value > most)
    return refuse(option, "needs a number from 1 to " + Twine(most) +
                              ", not '" + get(option) + "'");
  return value;
}

Expected<unsigned> CommandLine::getChoice(unsigned option,
                                          ArrayRef<StringRef> choices,
                                          unsigned otherwise) const {
  if (!has(option))
    return otherwise;
  std::string value = get(option);
  const auto *found = llvm::find(choices, value);
  if (found == choices.end())
    return refuse(option,
                  "is one of " + join(choices, ", ") + ", not '" + value + "'");
  return unsigned(found - choices.begin());
}

CodeCache mlir::et::getCache(const CommandLine &line, unsigned option) {
  return line.has(option) ? CodeCache(line.get(option))
                          : CodeCache::getDefault();
}

int mlir::et::runMain(const ToolDescription &tool, const ToolOptionTable &table,
                      int argc, char **argv,
                      function_ref<Error(const CommandLine &)> run) {
  InitLLVM init(argc, argv);
  int status = 0;
  auto report = [&](const ErrorInfoBase &info) {
    WithColor::error(errs(), tool.name) << info.message() << '\n';
    status = 1;
  };
  Expected<CommandLine> line = CommandLine::parse(table, argc, argv);
  if (!line) {
    handleAllErrors(line.takeError(), report);
  } else if (line->has(table.helpId)) {
    std::string usage = (Twine(tool.name) + " " + tool.arguments).str();
    table.printHelp(outs(), usage.c_str(), tool.purpose);
  } else if (line->has(table.versionId)) {
    outs() << tool.name << " " ET_VERSION " (LLVM " LLVM_VERSION_STRING ")\n";
  } else {
    handleAllErrors(run(*line), report);
  }
  return status;
}
