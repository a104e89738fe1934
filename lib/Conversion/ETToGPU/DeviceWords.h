//===- DeviceWords.h - Where blocks meet ------------------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_ETTOGPU_DEVICEWORDS_H
#define ET_LIB_CONVERSION_ETTOGPU_DEVICEWORDS_H

#include "et/Conversion/ETToGPU/KernelBuilder.h"

namespace mlir::et {

/// Counters in global memory, zero at first, by which blocks take tickets and
/// wait for each other. A ticket may wait only for what lower tickets do:
/// whoever holds those is at work, so nothing depends on which blocks run at a
/// time.
struct DeviceWords {
  KernelBuilder &b;
  Value memory;
  /// i32 or i64.
  IntegerType type;

  /// Counts a word up; returns what it was.
  Value increment(Value word) const;
  /// What the thread did before, and saw done, comes before what it does after.
  void fence() const;
  /// By one thread, until the word has reached the target.
  void await(Value word, Value target) const;

private:
  Value addressOf(Value word) const;
};

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_ETTOGPU_DEVICEWORDS_H
