//===- KernelLaunches.h - What a module's launches run ----------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_TARGET_KERNELLAUNCHES_H
#define ET_TARGET_KERNELLAUNCHES_H

#include "et/Codegen/GPU/LayerWork.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/Pass/PassInstrumentation.h"

#include <mutex>
#include <string>
#include <tuple>
#include <vector>

namespace mlir::et {

struct KernelLaunch {
  std::string kernel;
  int64_t threads = 0, dynamicSharedBytes = 0;
  /// Of shared memory, for each pipeline of the kernel that has another number
  /// of them, as code generation notes; empty if there is no pipeline.
  std::vector<int64_t> stages;
  /// Of the ops that the kernel was made of; nothing if it is not known, or if
  /// the kernel does not run for so many tokens.
  std::optional<KernelWork> work;

  bool operator==(const KernelLaunch &other) const {
    return std::tie(kernel, threads, dynamicSharedBytes, stages, work) ==
           std::tie(other.kernel, other.threads, other.dynamicSharedBytes,
                    other.stages, other.work);
  }
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
