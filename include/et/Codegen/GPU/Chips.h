//===- Chips.h - The GPUs that kernels can be compiled for ------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_CODEGEN_GPU_CHIPS_H
#define ET_CODEGEN_GPU_CHIPS_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace mlir::et {

/// What kernels are compiled for where nothing else is said: the least chip
/// that has the instructions we count on, whose PTX runs on every later one.
constexpr llvm::StringLiteral kDefaultChip = "sm_80";

/// The chips that this LLVM knows and that CUDA still compiles for, oldest
/// first.
llvm::SmallVector<llvm::StringRef> getKnownChips();

/// An error that lists the known ones, unless `chip` is one.
llvm::Error checkChip(llvm::StringRef chip);

} // namespace mlir::et

#endif // ET_CODEGEN_GPU_CHIPS_H
