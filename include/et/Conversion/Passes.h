//===- Passes.h - Conversions from the et dialect ---------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_CONVERSION_PASSES_H
#define ET_CONVERSION_PASSES_H

#include "et/Dialect/ET/IR/ETDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/Pass.h"

namespace mlir::et {

/// How GPU kernels multiply matrices of f32.
enum class F32Products {
  /// By multiply-adds of f32.
  FMA,
  /// By the matrix units, as three products of tf32.
  ThreeTF32
};

/// The attribute, for LLVM, of functions that convert-et-to-vector makes: most
/// of the code is theirs, in vectors and unrolled where it pays.
constexpr llvm::StringLiteral kKernelAttribute = "et-kernel";

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "et/Conversion/Passes.h.inc"

/// Every et op on memrefs -> plain loops.
void populateETToSCFPatterns(RewritePatternSet &patterns);

/// Reports the first et op below `root` that these patterns do not take, and
/// what to do about it, but for those that `isAllowed` says others take.
LogicalResult verifyLowerable(Operation *root,
                              function_ref<bool(Operation *)> isAllowed);

/// Ops that do the work of several, for targets that gain nothing by them.
void populateExpandFusedOpsPatterns(RewritePatternSet &patterns);

/// The et ops that have a GPU kernel -> gpu.launch, with the options of
/// convert-et-to-gpu.
void populateETToGPUPatterns(RewritePatternSet &patterns, GPUTargetAttr target,
                             F32Products f32Products);

/// The layout in which the kernel of a product reads its weights best.
PanelsAttr choosePanels(GroupedMatmulOp op, CPUTargetAttr target);

/// Products, scores, threshold gates and combine on memrefs -> vector code.
void populateETToVectorPatterns(RewritePatternSet &patterns,
                                CPUTargetAttr target);

} // namespace mlir::et

#endif // ET_CONVERSION_PASSES_H
