//===- MatrixInstructions.cpp - mma.sync and what feeds it ----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatrixInstructions.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::et;

Value MatrixInstructions::pointerTo(Place place) {
  // In two steps, so that the constant becomes part of the instruction.
  auto moved = [&](Value pointer, LLVM::GEPArg offset) -> Value {
    return LLVM::GEPOp::create(b, start.getType(), b.getI8Type(), pointer,
                               offset);
  };
  return moved(moved(start, place.offset),
               static_cast<int32_t>(place.constant));
}

void MatrixInstructions::copy(Value source, Place target, Value isThere) {
  Value size;
  if (isThere)
    size = b.select(isThere, b.i32(kChunkBytes), b.i32(0));
  NVVM::CpAsyncOp::create(b, pointerTo(target),
                          b.pointerTo(source, NVVM::NVVMMemorySpace::Global),
                          kChunkBytes, NVVM::LoadCacheModifierKind::CG, size);
}

SmallVector<Value> MatrixInstructions::load(Place place,
                                            NVVM::MMALayout layout) {
  constexpr int64_t count = 4;
  MLIRContext *context = b.getContext();
  auto type = LLVM::LLVMStructType::getLiteral(
      context, SmallVector<Type>(count, b.getI32Type()));
  Value matrices = NVVM::LdMatrixOp::create(
      b, type, pointerTo(place), static_cast<uint32_t>(count), layout,
      NVVM::LdStMatrixShapeAttr::get(context, 8, 8),
      NVVM::LdStMatrixEltType::B16);
  SmallVector<Value> result;
  for (int64_t i = 0; i < count; ++i) {
    result.push_back(LLVM::ExtractValueOp::create(b, matrices, i));
    // f16 operands are pairs of f16, bf16 ones are registers.
    if (element.isF16())
      result.back() = LLVM::BitcastOp::create(b, VectorType::get(2, element),
                                              result.back());
    if (element.isF32())
      result.back() = LLVM::BitcastOp::create(b, element, result.back());
  }
  return result;
}

Value MatrixInstructions::loadElement(Place place) {
  return LLVM::LoadOp::create(b, element, pointerTo(place));
}

SmallVector<Value> MatrixInstructions::multiply(ArrayRef<Value> lhs,
                                                ArrayRef<Value> rhs,
                                                ValueRange accumulators) {
  auto type = LLVM::LLVMStructType::getLiteral(
      b.getContext(), SmallVector<Type>(kAccumulators, b.getF32Type()));
  auto operand = element.isF16()    ? NVVM::MMATypes::f16
                 : element.isBF16() ? NVVM::MMATypes::bf16
                                    : NVVM::MMATypes::tf32;
  int64_t step = element.isF32() ? kStep / 2 : kStep;
  Value sums = NVVM::MmaOp::create(
      b, type, lhs, rhs, accumulators, {kSlice, kNarrow, step}, std::nullopt,
      std::nullopt, std::array{operand, operand},
      std::array{NVVM::MMALayout::row, NVVM::MMALayout::col});
  SmallVector<Value> result;
  for (int64_t i = 0; i < kAccumulators; ++i)
    result.push_back(LLVM::ExtractValueOp::create(b, sums, i));
  return result;
}
