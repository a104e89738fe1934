//===- SizeUtils.h - Bytes of buffers ---------------------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_UTILS_SIZEUTILS_H
#define ET_DIALECT_ET_UTILS_SIZEUTILS_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::et {

/// Bytes and addresses are counted in signed numbers of 64 bits.
constexpr int64_t kMostBytes = std::numeric_limits<int64_t>::max();

/// The bytes from one element to the next; 1 for a type without a layout.
inline int64_t getElementBytes(Type element, const DataLayout &layout) {
  if (!isa<IndexType, IntegerType, FloatType, ComplexType, VectorType,
           DataLayoutTypeInterface>(element))
    return 1;
  uint64_t bytes = layout.getTypeSize(element).getKnownMinValue();
  return int64_t(llvm::alignTo(bytes, layout.getTypeABIAlignment(element)));
}

/// The bytes of a tensor or memref whose dynamic sizes, and sizes of 0, are
/// taken as 1; nothing if these are more than kMostBytes already.
inline std::optional<int64_t> countStaticBytes(ShapedType type,
                                               const DataLayout &layout) {
  int64_t bytes = getElementBytes(type.getElementType(), layout);
  for (int64_t size : type.getShape())
    if (!ShapedType::isDynamic(size) && size != 0 &&
        llvm::MulOverflow(bytes, size, bytes))
      return std::nullopt;
  return bytes;
}

} // namespace mlir::et

#endif // ET_DIALECT_ET_UTILS_SIZEUTILS_H
