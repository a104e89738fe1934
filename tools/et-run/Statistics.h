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

/// Prints the results whose role says that et-append-routing-stats made them:
/// three for each gate.
void printRoutingStatistics(const et_function &function,
                            llvm::ArrayRef<et_tensor> results,
                            llvm::raw_ostream &os);

/// Whether a result was added for printRoutingStatistics.
bool isRoutingStatistic(const et_value &value);

} // namespace mlir::et

#endif // ET_TOOLS_ET_RUN_STATISTICS_H
