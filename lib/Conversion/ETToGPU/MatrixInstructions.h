//===- MatrixInstructions.h - mma.sync and what feeds it --------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_ETTOGPU_MATRIXINSTRUCTIONS_H
#define ET_LIB_CONVERSION_ETTOGPU_MATRIXINSTRUCTIONS_H

#include "et/Conversion/ETToGPU/KernelBuilder.h"

namespace mlir::et {

/// A matrix instruction: a row of the table in MatrixInstructions.cpp. Sums are
/// f32, in registers.
struct MatrixInstruction {
  /// Of both operands. Those of tf32 are made of f32.
  enum Element : uint8_t { F16, BF16, TF32 } element;
  /// Of the sums, and the operands' common width. Asynchronous ones take any
  /// multiple of the columns.
  int64_t rows, columns, depth;
  enum Place : uint8_t { Registers, Shared } lhs, rhs;
  /// Whether it runs beside what follows, until it is waited for.
  bool isAsynchronous;
  /// The first chip that has it; with a suffix, the only one.
  StringLiteral chip;
  /// As a share of a chip's rate for f16.
  double rate;

  bool isOn(StringRef chip) const;
};

/// What a kernel asks of the table.
struct MatrixInstructionQuery {
  /// f16, bf16, or f32 for tf32.
  Type element;
  bool isAsynchronous = false;
  /// The widest that is no deeper.
  int64_t depth = std::numeric_limits<int64_t>::max();
  MatrixInstruction::Place lhs =
      isAsynchronous ? MatrixInstruction::Shared : MatrixInstruction::Registers;
  MatrixInstruction::Place rhs = lhs;
};
/// The deepest instruction that the chip has; null if there is none.
const MatrixInstruction *findMatrixInstruction(MatrixInstructionQuery query,
                                               StringRef chip);

/// Copies and matrix instructions on shared memory that starts at one address.
/// Everything moves in chunks of 16 bytes, eight elements of f16 or bf16 or
/// four of f32.
class MatrixInstructions {
public:
  static constexpr int64_t kChunkBytes = 16, kChunk = 8;
  /// A matrix instruction multiplies 16 x 16 by 16 x 8; of f32, 16 x 8 by 8
  /// x 8.
  static constexpr int64_t kSlice = 16, kStep = 16, kNarrow = 8;
  static constexpr int64_t kAccumulators = 4;

  /// `memory` is shared memory.
  MatrixInstructions(KernelBuilder &b, Type element, Value memory)
      : b(b), element(element),
        start(b.pointerTo(b.addressOf(memory), NVVM::NVVMMemorySpace::Shared)) {
  }

  /// Bytes behind the start: an i32, and a constant.
  struct Place {
    Value offset;
    int64_t constant;
  };

  /// Copies a chunk from a global address; what is not there becomes zero, and
  /// is not read.
  void copy(Value source, Place target, Value isThere);
  /// The four 8 x 8 matrices (of f32 8 x 4) whose rows the lanes name, eight
  /// lanes each.
  SmallVector<Value> load(Place place, NVVM::MMALayout layout);
  /// An element of f32.
  Value loadElement(Place place);
  /// accumulators + lhs * rhs, of f32 what tf32 has of the operands, which are
  /// i32. By how many registers the operands have, it is a whole step or less.
  SmallVector<Value> multiply(ArrayRef<Value> lhs, ArrayRef<Value> rhs,
                              ValueRange accumulators);

private:
  Value pointerTo(Place place);

  KernelBuilder &b;
  Type element;
  Value start;
};

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_ETTOGPU_MATRIXINSTRUCTIONS_H
