//===- DestinationUtils.h - Building ops in destination style ---*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_UTILS_DESTINATIONUTILS_H
#define ET_DIALECT_ET_UTILS_DESTINATIONUTILS_H

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

namespace mlir::et {

/// The size of one dimension of a tensor or memref; an attribute if static.
inline OpFoldResult getMixedSize(OpBuilder &builder, Location loc, Value shaped,
                                 int64_t dim) {
  if (isa<TensorType>(shaped.getType()))
    return tensor::getMixedSize(builder, loc, shaped, dim);
  return memref::getMixedSize(builder, loc, shaped, dim);
}

/// A new destination on the side (tensors or memrefs) of `like`. A memref is
/// allocated; buffer deallocation frees it.
inline Value createDestination(OpBuilder &builder, Location loc, Value like,
                               ArrayRef<OpFoldResult> sizes, Type element) {
  if (isa<TensorType>(like.getType()))
    return tensor::EmptyOp::create(builder, loc, sizes, element);
  auto [staticSizes, dynamicSizes] =
      decomposeMixedValues(SmallVector<OpFoldResult>(sizes));
  return memref::AllocOp::create(
      builder, loc, MemRefType::get(staticSizes, element), dynamicSizes);
}

/// Creates an op with the given destinations as its last operands and returns
/// what holds the outcome: its results, or the destinations if they are
/// memrefs.
template <typename OpTy, typename... Args>
SmallVector<Value> createInto(OpBuilder &builder, Location loc, ValueRange outs,
                              Args &&...args) {
  SmallVector<Type> results;
  for (Type type : outs.getTypes())
    if (isa<RankedTensorType>(type))
      results.push_back(type);
  // Builders take each destination as an argument of its own.
  Operation *op = [&]() -> Operation * {
    if constexpr (OpTy::kNumDestinations == 1)
      return OpTy::create(builder, loc, results, args..., outs[0]);
    else if constexpr (OpTy::kNumDestinations == 2)
      return OpTy::create(builder, loc, results, args..., outs[0], outs[1]);
    else
      return OpTy::create(builder, loc, results, args..., outs[0], outs[1],
                          outs[2]);
  }();
  if (results.empty())
    return SmallVector<Value>(outs);
  return SmallVector<Value>(op->getResults());
}

} // namespace mlir::et

#endif // ET_DIALECT_ET_UTILS_DESTINATIONUTILS_H
