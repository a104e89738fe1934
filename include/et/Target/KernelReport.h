//===- KernelReport.h - A line a kernel -------------------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_TARGET_KERNELREPORT_H
#define ET_TARGET_KERNELREPORT_H

#include "et/Target/KernelFacts.h"
#include "et/Target/KernelLaunches.h"

namespace mlir::et {

/// What is known of a kernel, and what its chip's published figures make of it.
struct KernelReport {
  std::string chip;
  KernelFacts facts;
  KernelLaunch launch;
  /// Blocks that a multiprocessor holds at a time.
  int64_t blocks = 0;
  /// What limits the kernel: memory, matrix (for kernels with matrix
  /// instructions), vector (for others) or latency; empty where the launch has
  /// no work.
  std::string bound;
  /// What the work takes at 100 % of the published figures: at least so long.
  double seconds = 0;
};

/// Joins the kernels of a chip with their launches, in the order of these,
/// those that are alike once; behind them come kernels that nothing launches.
std::vector<KernelReport> makeReports(StringRef chip,
                                      ArrayRef<KernelFacts> kernels,
                                      ArrayRef<KernelLaunch> launches);

/// `size` is what times are predicted for; nothing where there is no program.
void printTable(ArrayRef<KernelReport> reports, std::optional<LayerSize> size,
                llvm::raw_ostream &os);
void printJSON(ArrayRef<KernelReport> reports, std::optional<LayerSize> size,
               llvm::raw_ostream &os);

} // namespace mlir::et

#endif // ET_TARGET_KERNELREPORT_H
