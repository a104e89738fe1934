//===- ScaledWeights.h - Weights of few bits, widened -----------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_ETTOVECTOR_SCALEDWEIGHTS_H
#define ET_LIB_CONVERSION_ETTOVECTOR_SCALEDWEIGHTS_H

#include "VectorBuilder.h"
#include "et/Dialect/ET/IR/ETDialect.h"

namespace mlir::et {

/// How weights in a format become f32 or bf16, exactly; NaN stays NaN.
struct ScaledWeights {
  WeightFormatAttrInterface format;
  /// Bytes are looked up in tables of 128 (AVX-512-VBMI), 64 at a time; else
  /// every processor's arithmetic does.
  bool byteTables;

  /// `vectors` vectors of f32 of each of `weights`, memrefs of two dimensions,
  /// from row `row` and column `column` on: those of the first one first.
  /// Elements past the end of a row are 0 unless `whole` promises that there
  /// are none.
  SmallVector<Value> read(VectorBuilder &b, ArrayRef<Value> weights, Value row,
                          Value column, int64_t vectors, bool whole) const;

  /// Row `row` of each of `panels`, in which pairs lie beside each other, as
  /// vectors of pairs of bf16, for a width that is a multiple of 64 bytes. With
  /// `byteTables` alone.
  SmallVector<Value> readPairs(VectorBuilder &b, ArrayRef<Value> panels,
                               Value row) const;

  /// The scales of row `row` and the vector at column `column` of an expert's
  /// weights; columns past the last one have any.
  Value readScales(VectorBuilder &b, Value scales, Value row,
                   Value column) const;

  /// panel[k, n] = weights[k, n] scale(k, column + n), as f32, for the rows of
  /// `panel`; 0 past the last column of `weights`. Weights and scales begin
  /// with the same block of rows.
  void emitCopy(VectorBuilder &b, ModuleOp module, Value weights, Value scales,
                Value column, Value panel, bool whole) const;

  /// The row of `scales` that has those of row `row` of the weights.
  Value scaleRow(VectorBuilder &b, Value row) const {
    return b.blockOf(row, format.getBlock().k);
  }
  /// What tells functions apart whose weights have the same type; null for the
  /// default format.
  StringAttr getKey() const;
};

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_ETTOVECTOR_SCALEDWEIGHTS_H
