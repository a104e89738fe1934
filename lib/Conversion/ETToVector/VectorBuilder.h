//===- VectorBuilder.h - Building vector code over memrefs ------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_ETTOVECTOR_VECTORBUILDER_H
#define ET_LIB_CONVERSION_ETTOVECTOR_VECTORBUILDER_H

#include "et/Conversion/LoopBuilder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace mlir::et {

inline constexpr int64_t kCacheLine = 64;

/// An address, and the bytes between the rows of what lies there.
struct Place {
  Value address, rowBytes;

  Place at(LoopBuilder &b, Value bytes) const {
    return {b.add(address, bytes), rowBytes};
  }
};

/// A LoopBuilder that also computes on vectors of `lanes` f32 values.
class VectorBuilder : public LoopBuilder {
public:
  VectorBuilder(Location loc, OpBuilder &builder, int64_t lanes)
      : LoopBuilder(loc, builder), lanes(lanes) {}

  const int64_t lanes;

  VectorType vectorOf(Type element) { return VectorType::get(lanes, element); }
  Value splat(Value scalar);
  Value splat(double value) { return splat(f32(value)); }

  //===--- Memory ---------------------------------------------------------===//
  /// `lanes` elements along the last dimension, 16-bit floats widened to f32.
  /// Elements past the end of the dimension are 0 unless `whole` promises that
  /// there are none.
  Value read(Value memref, ValueRange indices, bool whole = false);
  /// Whether the last dimension is known to be a multiple of `elements`, so
  /// that steps of so many read and write no element past its end.
  static bool isWhole(Value memref, int64_t elements);
  /// Rounds to the memref's element type once; leaves memory past the end of
  /// the dimension alone.
  void write(Value vector, Value memref, ValueRange indices,
             bool whole = false);

  /// Where a matrix begins.
  Place placeOf(Value matrix);
  /// An address as a pointer of LLVM.
  Value toPointer(Value address);

  //===--- Loops ----------------------------------------------------------===//
  void stepLoop(Value lower, Value upper, int64_t step,
                function_ref<void(Value)> body);

  //===--- Functions ------------------------------------------------------===//
  /// A view of the same memory whose type knows of its sizes and strides only
  /// that elements of the last dimension lie beside each other, and for a
  /// matrix, if they are given, its `width` and how far rows lie apart.
  Value generalize(Value memref, int64_t width = ShapedType::kDynamic,
                   int64_t rowStride = ShapedType::kDynamic);
  /// Elements between the rows of a matrix, or dynamic.
  static int64_t rowStrideOf(Value matrix);
  /// Calls the module's own function `name` with what `operands` point to. If
  /// there is none, `emit` builds it, with its arguments where they point.
  /// Functions of one name that differ have different keys, and are numbered.
  void callShared(ModuleOp module, StringRef name, ArrayRef<Value *> operands,
                  function_ref<void()> emit, StringAttr key = {});

  //===--- Arithmetic -----------------------------------------------------===//
  /// The first elements of `lanes` pairs of bf16, or the second, as f32.
  Value widenOfPairs(Value pairs, bool second);
  Value fma(Value a, Value b, Value c);
  Value ceilDiv(Value a, Value b);
  Value min(Value a, Value b);
  Value max(Value a, Value b);
};

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_ETTOVECTOR_VECTORBUILDER_H
