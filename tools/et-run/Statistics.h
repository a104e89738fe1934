//===- Statistics.h - Routing statistics of a run ---------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_TOOLS_ET_RUN_STATISTICS_H
#define ET_TOOLS_ET_RUN_STATISTICS_H

#include "et/Runtime/et_runtime.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::et {

/// Prints the results that et-append-routing-stats added, for each gate its
/// loads and its fan-out, and the figures that follow from them.
void printRoutingStatistics(llvm::ArrayRef<et_tensor> statistics,
                            llvm::raw_ostream &os);

} // namespace mlir::et

#endif // ET_TOOLS_ET_RUN_STATISTICS_H
