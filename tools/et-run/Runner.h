//===- Runner.h - Compile, bind, call, report -------------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_TOOLS_ET_RUN_RUNNER_H
#define ET_TOOLS_ET_RUN_RUNNER_H

#include "et/Compiler/Compile.h"

#include "llvm/Support/Error.h"

#include <optional>
#include <string>
#include <vector>

namespace mlir::et {

/// What the command line asked for.
struct RunRequest {
  std::string model;
  std::string entry;
  CompileOptions options;
  std::vector<std::string> args;
  std::vector<std::string> outs;
  std::string remarks; ///< A regular expression of passes, or empty.
  std::vector<std::string> plugins; ///< Libraries with dialects.
  std::string weights;              ///< Empty without --weights.
  bool packWeights = false;
  bool printStatistics = false;
  std::optional<unsigned> timedRuns;
};

/// Compiles the model, calls its entry and writes the results.
llvm::Error runModel(const RunRequest &request);

} // namespace mlir::et

#endif // ET_TOOLS_ET_RUN_RUNNER_H
