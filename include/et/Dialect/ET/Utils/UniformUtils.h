//===- UniformUtils.h - Tensors of one known value --------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_UTILS_UNIFORMUTILS_H
#define ET_DIALECT_ET_UTILS_UNIFORMUTILS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

namespace mlir::et {

/// The value that all elements of a tensor have, or that a scalar has, if it is
/// known.
inline TypedAttr getUniformValue(Value value) {
  while (auto cast = value.getDefiningOp<tensor::CastOp>())
    value = cast.getSource();
  Attribute attr;
  SplatElementsAttr splat;
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    matchPattern(fill.getInputs()[0], m_Constant(&attr));
  else if (auto scalar = value.getDefiningOp<tensor::SplatOp>())
    matchPattern(scalar.getInput(), m_Constant(&attr));
  else if (matchPattern(value, m_Constant(&splat)))
    attr = splat.getSplatValue<Attribute>();
  else if (!isa<ShapedType>(value.getType()))
    matchPattern(value, m_Constant(&attr));
  return dyn_cast_or_null<TypedAttr>(attr);
}

} // namespace mlir::et

#endif // ET_DIALECT_ET_UTILS_UNIFORMUTILS_H
