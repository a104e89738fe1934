//===- FusionRemarks.h - What was fused, and why not ------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Remarks are off unless a filter names the pass. Misses are said after a pass
// has done what it can, since a pattern may be tried on an op many times.
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_DIALECT_ET_TRANSFORMS_FUSIONREMARKS_H
#define ET_LIB_DIALECT_ET_TRANSFORMS_FUSIONREMARKS_H

#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

namespace mlir::et {

inline remark::RemarkOpts fusionRemark(Operation *op, StringRef pass,
                                       StringRef name = "fusion") {
  auto function = op->getParentOfType<FunctionOpInterface>();
  return remark::RemarkOpts::name(name).category(pass).function(
      function ? function.getName() : "");
}

} // namespace mlir::et

#endif // ET_LIB_DIALECT_ET_TRANSFORMS_FUSIONREMARKS_H
