//===- Combine.h - What kernels that combine share --------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_LIB_CONVERSION_ETTOGPU_COMBINE_H
#define ET_LIB_CONVERSION_ETTOGPU_COMBINE_H

#include "et/Conversion/ETToGPU/KernelBuilder.h"

namespace mlir::et {

/// A block's sum of one token's pairs over some columns.
class TokenSum {
public:
  struct Operands {
    Value pairs, gates, mask, offsets, shared, out;
  };
  /// For blocks of at least `leastThreads` threads.
  TokenSum(KernelBuilder &b, const Operands &operands,
           int64_t leastThreads = kWarpSize);

  int64_t threads() const { return numThreads; }
  /// The blocks that a token takes.
  Value blocksOfToken();
  /// The shared memory that `emit` needs.
  MemRefType rowsType() { return b.sharedType({kWarpSize}, b.getI32Type()); }

  /// The pairs that the buffer holds are those from `firstPair` on, and it has
  /// a row for each of them, unless they are of a later wave. `sums` are f32,
  /// what the waves before this one came to and where this one leaves it.
  struct Wave {
    Value firstPair, sums, isFirst, isLast;
  };
  /// For columns [number * ofBlock, ..). Without a wave, the buffer holds all.
  void emit(Value thread, Value rows, Value token, Value number,
            const Wave *wave = nullptr);

private:
  struct Token;
  using Values = LoopBuilder::Values;

  int64_t ofBlock() const { return numThreads * width * steps; }
  Token findToken(Value number);
  Values forEachBit(Value set, ValueRange inits,
                    function_ref<Values(Value, ValueRange)> body);
  void findRows(Value thread, Value rows, const Token &token, Value first,
                Value chosen, const Wave *wave);
  Value isOfWave(Value expert, const Wave &wave);

  KernelBuilder &b;
  Operands op;
  /// A thread has neighbors, as many as one access of 16 bytes takes; where
  /// rows are not made of those, it has columns that lie a block apart, so that
  /// a warp's accesses are whole.
  int64_t numThreads, width, steps;
};

} // namespace mlir::et

#endif // ET_LIB_CONVERSION_ETTOGPU_COMBINE_H
