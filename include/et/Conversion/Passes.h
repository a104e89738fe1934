//===- Passes.h - Conversions from the et dialect ---------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_CONVERSION_PASSES_H
#define ET_CONVERSION_PASSES_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/Pass.h"

namespace mlir::et {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "et/Conversion/Passes.h.inc"

/// Every et op on memrefs -> plain loops.
void populateETToSCFPatterns(RewritePatternSet &patterns);

} // namespace mlir::et

#endif // ET_CONVERSION_PASSES_H
