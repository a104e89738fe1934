//===- ScalarMath.h - Formulas on f32 values --------------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_CONVERSION_SCALARMATH_H
#define ET_CONVERSION_SCALARMATH_H

#include "et/Dialect/ET/IR/ETDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::et {

/// The activation of an f32 scalar or vector, by the formulas of
/// et.grouped_matmul. NaN stays NaN.
Value emitActivation(ImplicitLocOpBuilder &builder, Activation activation,
                     Value x);

/// 1 / (1 + exp(-x)) of an f32 scalar or vector.
Value emitSigmoid(ImplicitLocOpBuilder &builder, Value x);

/// The gate of a selected pair with score r, an f32 scalar or vector.
Value emitGate(ImplicitLocOpBuilder &builder, GateKind kind, Value r);

} // namespace mlir::et

#endif // ET_CONVERSION_SCALARMATH_H
