//===- Passes.h - Transformations within the et dialect ---------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_TRANSFORMS_PASSES_H
#define ET_DIALECT_ET_TRANSFORMS_PASSES_H

#include "et/Dialect/ET/Transforms/Transforms.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::et {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "et/Dialect/ET/Transforms/Passes.h.inc"

} // namespace mlir::et

#endif // ET_DIALECT_ET_TRANSFORMS_PASSES_H
