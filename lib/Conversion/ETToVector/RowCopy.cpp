//===- RowCopy.cpp - Rows of tokens, one after the other ------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PanelKernel.h"

using namespace mlir;
using namespace mlir::et;

void et::emitRowCopy(VectorBuilder &b, Value lhs, Value from, Value first,
                     Value copy, Value to) {
  auto type = VectorType::get(kMatrixDepth, b.getBF16Type());
  Value zero =
      arith::ConstantOp::create(b, b.getZeroAttr(type.getElementType()));
  b.stepLoop(b.index(0), b.dim(copy, 1), kMatrixDepth, [&](Value k) {
    Value part = vector::TransferReadOp::create(
        b, type, lhs, ValueRange{from, b.add(first, k)}, zero,
        ArrayRef<bool>{false});
    vector::TransferWriteOp::create(b, part, copy, ValueRange{to, k},
                                    ArrayRef<bool>{true});
  });
}

static Value allocateRows(VectorBuilder &b, Value rows, Value width,
                          Type element) {
  auto type =
      MemRefType::get({ShapedType::kDynamic, ShapedType::kDynamic}, element);
  return memref::AllocOp::create(b, type, ValueRange{rows, width},
                                 b.getI64IntegerAttr(kCacheLine));
}

Value et::emitPaddedRows(VectorBuilder &b, Value lhs, Value tokens, Value rows,
                         Value width) {
  Value copy = allocateRows(b, rows, width, b.getBF16Type());
  b.parallel(rows, [&](ValueRange row) {
    Value from = tokens ? b.toIndex(b.load(tokens, row)) : row[0];
    emitRowCopy(b, lhs, from, b.index(0), copy, row[0]);
  });
  return copy;
}

bool et::rowsCollide(MemRefType matrix) {
  int64_t stride = matrix.getStridesAndOffset().first[0];
  int64_t bytes = matrix.getElementTypeBitWidth() / 8;
  return !ShapedType::isDynamic(stride) && stride > 0 &&
         stride * bytes % kWayBytes == 0;
}

Value et::allocateF32Rows(VectorBuilder &b, Value rows, Value width) {
  int64_t line = kCacheLine * 8 / b.getF32Type().getWidth();
  // Whole vectors are written.
  int64_t unit = std::max(line, b.lanes);
  Value stride = b.mul(b.ceilDiv(width, b.index(unit)), b.index(unit));
  stride = arith::OrIOp::create(b, stride, b.index(line));
  // A view of a matrix without rows would have no valid offset.
  return allocateRows(b, b.max(rows, b.index(1)), stride, b.getF32Type());
}

void et::emitF32Rows(VectorBuilder &b, Value lhs, Value rows, Value width,
                     bool whole, Value copy) {
  b.parallel(rows, [&](ValueRange row) {
    b.stepLoop(b.index(0), width, b.lanes, [&](Value k) {
      b.write(b.read(lhs, {row[0], k}, whole), copy, {row[0], k},
              /*whole=*/true);
    });
  });
}
