//===- ETDialect.cpp - Registration of the et dialect ---------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::et;

#include "et/Dialect/ET/IR/ETDialect.cpp.inc"

void ETDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "et/Dialect/ET/IR/ETOps.cpp.inc"
      >();
}
