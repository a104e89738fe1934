//===- KernelLaunches.h - What a module's launches run ----------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_TARGET_KERNELLAUNCHES_H
#define ET_TARGET_KERNELLAUNCHES_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/Pass/PassInstrumentation.h"

#include <mutex>
#include <string>
#include <vector>

namespace mlir::et {

/// How much there is to do: tokens, and pairs of a token and an expert.
struct LayerSize {
  double tokens, pairs;
};

/// What an op cannot do without: multiply-adds, each as two operations, and
/// bytes of global memory, each read or written once.
struct KernelWork {
  double flops = 0, bytes = 0;
};

/// The work of a bufferized op of the dialect, with the number of experts that
/// pairs reach as expected where they choose at random. Nothing where a size is
/// not known.
std::optional<KernelWork> estimateWork(Operation *op, LayerSize size);

struct KernelLaunch {
  std::string kernel;
  int64_t threads = 0, dynamicSharedBytes = 0;
  /// Of the ops that the kernel was made of; nothing if it is not known, or if
  /// the kernel does not run for so many tokens.
  std::optional<KernelWork> work;
};

/// Watches a pipeline make kernels of ops. Ops get locations that say which
/// they are before they become kernels; launches are read once kernels are
/// functions, whose locations are those of their ops.
class LaunchRecorder : public PassInstrumentation {
public:
  LaunchRecorder(LayerSize size, std::vector<KernelLaunch> &launches)
      : size(size), launches(launches) {}

  void runBeforePass(Pass *pass, Operation *op) override;
  void runAfterPass(Pass *pass, Operation *op) override;

private:
  LayerSize size;
  std::vector<KernelLaunch> &launches;
  std::mutex mutex; ///< Passes may run on several functions at a time.
  std::vector<std::optional<KernelWork>> works;
};

} // namespace mlir::et

#endif // ET_TARGET_KERNELLAUNCHES_H
