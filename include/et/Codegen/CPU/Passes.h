//===- Passes.h - Code generation for CPUs ----------------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_CODEGEN_CPU_PASSES_H
#define ET_CODEGEN_CPU_PASSES_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Pass/Pass.h"

namespace mlir::et {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "et/Codegen/CPU/Passes.h.inc"

} // namespace mlir::et

#endif // ET_CODEGEN_CPU_PASSES_H
