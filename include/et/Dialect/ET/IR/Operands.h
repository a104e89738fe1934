//===- Operands.h - Operands by name, for builders --------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the builders of ops with many inputs take, all but the destinations. The
// first ones are always there; the others are absent unless they are set.
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_IR_OPERANDS_H
#define ET_DIALECT_ET_IR_OPERANDS_H

#include "mlir/IR/Value.h"

namespace mlir::et {

struct GroupedMatmulOperands {
  Value lhs, rhs;
  Value offsets = {}, tokens = {}, mask = {};
  Value bias = {}, gate = {}, gateBias = {};
  Value scales = {}, gateScales = {};
};

struct ExpertFfnOperands {
  Value x, w1, w2;
  Value offsets = {}, tokens = {};
  Value b1 = {}, b2 = {}, gate = {}, gateBias = {};
  Value w1Scales = {}, w2Scales = {}, gateScales = {};
};

struct CombineWavesOperands {
  Value gates, mask, offsets, x, w1, w2;
  Value b1 = {}, b2 = {}, gate = {}, gateBias = {};
  Value shared = {};
};

struct MoeOperands {
  Value x, router, w1, w2;
  Value theta = {}, bias = {};
  Value b1 = {}, b2 = {}, gate = {}, gateBias = {};
  Value w1Scales = {}, w2Scales = {}, gateScales = {};
  Value sharedW1 = {}, sharedW2 = {}, sharedGate = {};
};

} // namespace mlir::et

#endif // ET_DIALECT_ET_IR_OPERANDS_H
