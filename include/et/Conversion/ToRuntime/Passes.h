//===- Passes.h - From functions to the runtime's interface -----*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_CONVERSION_TORUNTIME_PASSES_H
#define ET_CONVERSION_TORUNTIME_PASSES_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::et {

/// Where the tensors of a compiled function lie.
enum class EntryMemory { Host, Cuda };

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "et/Conversion/ToRuntime/Passes.h.inc"

} // namespace mlir::et

#endif // ET_CONVERSION_TORUNTIME_PASSES_H
