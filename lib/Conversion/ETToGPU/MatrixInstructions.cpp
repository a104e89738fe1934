//===- MatrixInstructions.cpp - mma.sync and what feeds it ----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatrixInstructions.h"
#include "et/Dialect/ET/IR/Chips.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::et;

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

using MI = MatrixInstruction;

// Shapes, types and chips are those of the PTX ISA 9.0, "mma" and
// "wgmma.mma_async"; rates those of the chips' whitepapers.
static constexpr MatrixInstruction kInstructions[] = {
    // mma.sync
    {MI::F16, 16, 8, 16, MI::Registers, MI::Registers, false, "sm_80", 1},
    {MI::BF16, 16, 8, 16, MI::Registers, MI::Registers, false, "sm_80", 1},
    {MI::F16, 16, 8, 8, MI::Registers, MI::Registers, false, "sm_80", 1},
    {MI::BF16, 16, 8, 8, MI::Registers, MI::Registers, false, "sm_80", 1},
    {MI::TF32, 16, 8, 8, MI::Registers, MI::Registers, false, "sm_80", 0.5},
    // wgmma
    {MI::F16, 64, 8, 16, MI::Shared, MI::Shared, true, "sm_90a", 1},
    {MI::BF16, 64, 8, 16, MI::Shared, MI::Shared, true, "sm_90a", 1},
    {MI::F16, 64, 8, 16, MI::Registers, MI::Shared, true, "sm_90a", 1},
    {MI::BF16, 64, 8, 16, MI::Registers, MI::Shared, true, "sm_90a", 1},
};

bool MatrixInstruction::isOn(StringRef other) const {
  ChipName own = parseChip(chip), name = parseChip(other);
  return own.suffix ? chip == other : name.number >= own.number;
}

static std::optional<MI::Element> elementFor(Type type) {
  if (type.isF16())
    return MI::F16;
  if (type.isBF16())
    return MI::BF16;
  if (type.isF32())
    return MI::TF32;
  return std::nullopt;
}

const MatrixInstruction *et::findMatrixInstruction(MatrixInstructionQuery query,
                                                   StringRef chip) {
  std::optional<MI::Element> element = elementFor(query.element);
  const MatrixInstruction *best = nullptr;
  for (const MatrixInstruction &each : kInstructions)
    if (element == each.element &&
        each.isAsynchronous == query.isAsynchronous && each.lhs == query.lhs &&
        each.rhs == query.rhs && each.depth <= query.depth && each.isOn(chip) &&
        (!best || each.depth > best->depth))
      best = &each;
  return best;
}

//===----------------------------------------------------------------------===//
// Copies and products
//===----------------------------------------------------------------------===//

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
  // Lanes share an operand's elements evenly, in registers of 32 bits.
  int64_t bits = element.getIntOrFloatBitWidth();
  int64_t depth =
      static_cast<int64_t>(lhs.size()) * kWarpSize * 32 / (kSlice * bits);
  // Every chip that kernels are compiled for has those of registers.
  const MatrixInstruction *instruction = findMatrixInstruction(
      {element, /*isAsynchronous=*/false, depth}, kDefaultChip);
  assert(instruction && instruction->depth == depth && "has such operands");
  constexpr NVVM::MMATypes types[] = {NVVM::MMATypes::f16, NVVM::MMATypes::bf16,
                                      NVVM::MMATypes::tf32};
  NVVM::MMATypes operand = types[instruction->element];
  Value sums = NVVM::MmaOp::create(
      b, type, lhs, rhs, accumulators,
      {instruction->rows, instruction->columns, instruction->depth},
      std::nullopt, std::nullopt, std::array{operand, operand},
      std::array{NVVM::MMALayout::row, NVVM::MMALayout::col});
  SmallVector<Value> result;
  for (int64_t i = 0; i < kAccumulators; ++i)
    result.push_back(LLVM::ExtractValueOp::create(b, sums, i));
  return result;
}
