//===- Compiler.h - From a model to a file ----------------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_TOOLS_ET_COMPILE_COMPILER_H
#define ET_TOOLS_ET_COMPILE_COMPILER_H

#include "et/Compiler/Compile.h"
#include "et/Target/KernelLaunches.h"
#include "llvm/Support/Error.h"

#include <string>

namespace mlir::et {

enum class EmitKind { Mlir, Llvm, Object, Library, Ptx, Cubin, Fatbin };

enum class ReportKind { None, Table, Json };

/// What the command line asked for.
struct CompileRequest {
  std::string model;
  std::string output;
  CompileOptions options;
  bool packWeights = false;
  std::string weights, packedWeights; ///< Empty without --packed-weights.
  std::string remarks; ///< A regular expression of passes, or empty.
  std::vector<std::string> plugins; ///< Libraries with dialects.
  std::string compileTo;            ///< A phase of the pipeline.
  EmitKind emit;
  ReportKind report = ReportKind::None; ///< In place of what `emit` says.
  LayerSize reportSize = {};
};

/// Compiles the model and writes the output or the report, whole or not at all.
llvm::Error compileModel(const CompileRequest &request);

} // namespace mlir::et

#endif // ET_TOOLS_ET_COMPILE_COMPILER_H
