//===- LoopBuilder.h - Building loops over memrefs --------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_CONVERSION_LOOPBUILDER_H
#define ET_CONVERSION_LOOPBUILDER_H

#include "et/Dialect/ET/IR/ETDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::et {

/// An ImplicitLocOpBuilder with short names for the loops, accesses and scalar
/// arithmetic that lowerings are written in. Storage types exist in memory
/// only: loads widen to f32 and stores round to nearest even.
class LoopBuilder : public ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;
  using Values = SmallVector<Value>;

  //===--- Constants and sizes --------------------------------------------===//
  Value index(int64_t value);
  Value boolean(bool value);
  Value i32(int32_t value);
  Value i64(int64_t value);
  Value f32(double value);
  Value f64(double value);
  Value dim(Value memref, int64_t dimension);

  //===--- Memory ---------------------------------------------------------===//
  Value load(Value memref, ValueRange indices);
  void store(Value value, Value memref, ValueRange indices);
  /// The value of a weight in `format`, without its scale, given the indices
  /// that it would have if elements had one weight each.
  Value loadStored(WeightFormatAttrInterface format, Value weights,
                   ValueRange indices);
  /// The scale, or the zero point, of weight [expert, k, column].
  Value loadScale(WeightFormatAttrInterface format, Value scales, Value expert,
                  Value k, Value column);

  //===--- Loops ----------------------------------------------------------===//
  /// Independent iterations over [0, upper) in every dimension.
  void parallel(ValueRange upper, function_ref<void(ValueRange)> body);
  /// A piece of work with no parallelism, on the device that runs `parallel`.
  void once(function_ref<void()> body);
  void loop(Value lower, Value upper, function_ref<void(Value)> body);
  /// A loop that carries values; returns the last ones.
  Values loop(Value lower, Value upper, ValueRange inits,
              function_ref<Values(Value, ValueRange)> body);
  void when(Value condition, function_ref<void()> body);
  Value select(Value condition, Value ifTrue, Value ifFalse);

  //===--- Arithmetic, by the type of the first operand
  //--------------------===//
  Value add(Value a, Value b);
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  Value div(Value a, Value b);
  Value cmp(arith::CmpFPredicate predicate, Value a, Value b);
  Value cmp(arith::CmpIPredicate predicate, Value a, Value b);
  /// The number of the block of `size` that `position` lies in; of weights, so
  /// that `size` may be WeightBlock::kAll.
  Value blockOf(Value position, int64_t size);
  Value both(Value a, Value b);
  Value either(Value a, Value b);
  /// index <-> i32 and i32 / index -> f32 / f64.
  Value toIndex(Value value);
  Value toI32(Value value);
  Value toF64(Value value);
  Value toF32(Value value);
};

} // namespace mlir::et

#endif // ET_CONVERSION_LOOPBUILDER_H
