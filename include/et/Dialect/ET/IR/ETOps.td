//===- ETOps.td - Umbrella of the ops -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_IR_ETOPS
#define ET_DIALECT_ET_IR_ETOPS

include "et/Dialect/ET/IR/ETRoutingOps.td"
include "et/Dialect/ET/IR/ETStateOps.td"
include "et/Dialect/ET/IR/ETDispatchOps.td"
include "et/Dialect/ET/IR/ETComputeOps.td"
include "et/Dialect/ET/IR/ETTargets.td"

#endif // ET_DIALECT_ET_IR_ETOPS
