//===- LayerWork.h - What the ops of a layer cannot do without --*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_CODEGEN_GPU_LAYERWORK_H
#define ET_CODEGEN_GPU_LAYERWORK_H

#include "mlir/IR/Operation.h"

#include <optional>

namespace mlir::et {

/// How much there is to do: tokens, and pairs of a token and an expert.
struct LayerSize {
  double tokens, pairs;
};

/// What an op cannot do without: multiply-adds, each as two operations, and
/// bytes of global memory, each read or written once.
struct KernelWork {
  double flops = 0, bytes = 0;

  bool operator==(const KernelWork &other) const {
    return flops == other.flops && bytes == other.bytes;
  }
};

/// The work of an op of the dialect, with the number of experts that pairs
/// reach as expected where they choose at random. Nothing where a size is not
/// known. `rowsOfUnit`: of a whole layer, the rows that an expert's matrix
/// instructions take are multiples of as many.
std::optional<KernelWork> estimateWork(Operation *op, LayerSize size,
                                       int64_t rowsOfUnit = 1);

} // namespace mlir::et

#endif // ET_CODEGEN_GPU_LAYERWORK_H
