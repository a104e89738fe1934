//===- ToolOptions.h - Command lines of the tools ---------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// llvm::cl would offer every option of LLVM's libraries, and theirs take names
// that these tools need, so options are tables of llvm::opt.
//
//===----------------------------------------------------------------------===//

#ifndef ET_TOOLS_SUPPORT_TOOLOPTIONS_H
#define ET_TOOLS_SUPPORT_TOOLOPTIONS_H

#include "et/Compiler/CodeCache.h"
#include "llvm/Option/ArgList.h"
#include "llvm/Option/OptTable.h"
#include "llvm/Option/Option.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/StringSaver.h"

#include <limits>

namespace mlir::et {

/// A tool's options; support/OptionTable.inc makes it of the tool's Options.td.
class ToolOptionTable : public llvm::opt::GenericOptTable {
public:
  ToolOptionTable(const llvm::StringTable &strings,
                  llvm::ArrayRef<llvm::StringTable::Offset> prefixes,
                  llvm::ArrayRef<Info> options, unsigned helpId,
                  unsigned versionId)
      : GenericOptTable(strings, prefixes, options), helpId(helpId),
        versionId(versionId) {}

  const unsigned helpId, versionId;
};

/// A parsed command line. The last of several values of an option counts.
class CommandLine {
public:
  /// The error names what is unknown or lacks its value.
  static llvm::Expected<CommandLine> parse(const ToolOptionTable &table,
                                           int argc, char **argv);

  bool has(unsigned option) const { return arguments->hasArg(option); }
  std::string get(unsigned option, llvm::StringRef otherwise = "") const {
    return arguments->getLastArgValue(option, otherwise).str();
  }
  std::vector<std::string> getAll(unsigned option) const {
    return arguments->getAllArgValues(option);
  }

  /// The value, or none; an error, with a remedy, if there are several.
  llvm::Expected<std::string> getSingle(unsigned option,
                                        const llvm::Twine &remedy) const;
  /// The one value that is not an option.
  llvm::Expected<std::string> getInput() const;
  /// The value of an option that cannot be left out.
  llvm::Expected<std::string> getRequired(unsigned option) const;
  /// A number from 1 to `most`, or `otherwise`.
  llvm::Expected<unsigned>
  getCount(unsigned option, unsigned otherwise,
           unsigned most = std::numeric_limits<int>::max()) const;
  /// The position in `choices` of the option's value.
  llvm::Expected<unsigned> getChoice(unsigned option,
                                     llvm::ArrayRef<llvm::StringRef> choices,
                                     unsigned otherwise) const;

private:
  llvm::Error refuse(unsigned option, const llvm::Twine &what) const;

  const ToolOptionTable *table;
  std::unique_ptr<llvm::BumpPtrAllocator> allocator;
  std::unique_ptr<llvm::StringSaver> saver;
  std::unique_ptr<llvm::opt::InputArgList> arguments;
};

/// The cache in the folder that an option or else ET_CACHE_DIR names.
CodeCache getCache(const CommandLine &line, unsigned option);

/// What --help says above the options.
struct ToolDescription {
  const char *name;
  const char *arguments;
  const char *purpose;
};

/// The main function of a tool: prints the help or the version, or calls `run`
/// and prints its errors as "TOOL: error: ...". Returns the exit status.
int runMain(const ToolDescription &tool, const ToolOptionTable &table, int argc,
            char **argv,
            llvm::function_ref<llvm::Error(const CommandLine &)> run);

} // namespace mlir::et

#endif // ET_TOOLS_SUPPORT_TOOLOPTIONS_H
