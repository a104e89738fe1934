//===- Chips.h - The GPUs that kernels can be compiled for ------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_IR_CHIPS_H
#define ET_DIALECT_ET_IR_CHIPS_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace mlir::et {

/// What kernels are compiled for where nothing else is said: the least chip
/// that has the instructions we count on, whose PTX runs on every later one.
constexpr llvm::StringLiteral kDefaultChip = "sm_80";

/// What a chip's name says.
struct ChipName {
  /// 90 of sm_90a: what a device says of itself.
  unsigned number;
  /// 'a' of sm_90a, whose code runs on this number alone, or 'f' of sm_100f,
  /// whose code runs on a family; 0 if code runs on all later ones.
  char suffix;
};
ChipName parseChip(llvm::StringRef chip);

/// The chips that this LLVM knows and that CUDA still compiles for, oldest
/// first.
llvm::SmallVector<llvm::StringRef> getKnownChips();

/// What a vendor publishes of the largest product with a chip. Rates are those
/// at the published clock, without sparsity.
struct ChipFigures {
  llvm::StringRef chip, product;
  /// Of global memory, in bytes a second.
  double bandwidth;
  /// Multiply-adds count as two: f16 by the matrix units, sums in f32.
  double matrixFlops;
  /// By the other units, in f32.
  double vectorFlops;
  int64_t multiprocessors;
  /// Of a multiprocessor; and the most that one block may have.
  int64_t sharedBytes, blockSharedBytes;
  /// 32-bit registers of a multiprocessor.
  int64_t registers;
  /// Threads and blocks that a multiprocessor holds at a time.
  int64_t threads, blocks;
};

/// From the end of a kernel of a CUDA graph to the start of the next: NVIDIA's
/// "Getting Started with CUDA Graphs" has 3.4 us a kernel where a kernel takes
/// 2.9 us.
inline constexpr double kLaunchSeconds = 0.5e-6;

/// How many blocks of a kernel a multiprocessor holds at a time, by what is
/// known of them: bytes of shared memory, threads, registers of a thread. 0 if
/// a block has more than the chip allows.
int64_t countBlocks(const ChipFigures &chip, int64_t sharedBytes,
                    int64_t threads = 1, int64_t registers = 1);

/// The figures of a known chip, or of the latest one before it that has any.
const ChipFigures &getChipFigures(llvm::StringRef chip);

/// An error that lists the known ones, unless `chip` is one.
llvm::Error checkChip(llvm::StringRef chip);

} // namespace mlir::et

#endif // ET_DIALECT_ET_IR_CHIPS_H
