//===- KernelBuilder.h - Building GPU kernels -------------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_CONVERSION_ETTOGPU_KERNELBUILDER_H
#define ET_CONVERSION_ETTOGPU_KERNELBUILDER_H

#include "et/Conversion/LoopBuilder.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

#include <set>

namespace mlir::et {

inline constexpr int64_t kWarpSize = 32;
/// A tensor map is an array of as many i64.
inline constexpr int64_t kTensorMapWords = 16;
/// An attribute of kernels: for each of their pipelines, the stages of shared
/// memory that it goes through, an array of i64 in ascending order.
inline constexpr StringLiteral kStagesAttr = "et.stages";

/// A name for a kernel that does `step` of what the op at `location` came from:
/// et_moe_scores, linalg_softmax_exp. Without a step, the op that the origin
/// has become is one. Letters, digits and underscores only.
std::string getKernelName(Location location, StringRef step = "");

/// What a kernel's body knows of where it runs. Threads of a block are counted
/// in one dimension.
struct BlockInfo {
  Value x, y, thread;
  SmallVector<Value> shared;
  /// Bytes of shared memory, if the launch asked for any by size.
  Value dynamicShared;
};

/// Numbers of chips: from the first of each pair to before the second.
using ChipNumbers = SmallVector<std::pair<unsigned, unsigned>, 2>;

/// A LoopBuilder that also launches kernels, and whose bodies may use the
/// threads of a warp and of a block together. What is called for all threads
/// of a warp or block must be reached by all of them.
class KernelBuilder : public LoopBuilder {
public:
  using LoopBuilder::LoopBuilder;

  //===--- Launching ------------------------------------------------------===//
  /// Runs `body` in blocks[0] x blocks[1] (or x 1) blocks, in a kernel called
  /// after the builder's location and `step`. At least one block
  /// runs whatever the counts are, so a body checks its bounds. With
  /// `dynamicSharedBytes`, the body also has that much shared memory without a
  /// type, at an address that is a multiple of 1024. Where `condition` is given
  /// and does not hold, no block runs. Attributes of the launch become those of
  /// the kernel.
  gpu::LaunchOp launch(StringRef step, ValueRange blocks, int64_t threads,
                       ArrayRef<MemRefType> shared,
                       function_ref<void(const BlockInfo &)> body,
                       int64_t dynamicSharedBytes = 0,
                       Value condition = Value());
  /// Notes that the kernel being built has a pipeline of so many stages.
  void notePipeline(int64_t stages) { pipelines.insert(stages); }
  MemRefType sharedType(ArrayRef<int64_t> shape, Type element);

  //===--- On the host ----------------------------------------------------===//
  /// The multiprocessors of the device if its number, 90 of sm_90a, is one of
  /// these, else 0.
  Value processorsOf(const ChipNumbers &numbers);
  /// A tensor map of a stack of matrices [.., K, N] of elements of 16 or 8
  /// bits, which copies boxes of 64 columns (see et_cuda_tensor_map). A kernel
  /// takes it by value; `tensorMapPointer` is what it copies by.
  Value tensorMap(Value memref);
  Value tensorMapPointer(Value map);

  //===--- Control flow ---------------------------------------------------===//
  /// A loop by steps that carries values.
  Values loopBy(int64_t step, Value lower, Value upper, ValueRange inits,
                function_ref<Values(Value, ValueRange)> body);
  /// The steps of a pipeline, one by one, which carry values: a loop that ptxas
  /// leaves as it is. Each step meets a barrier, so steps side by side would
  /// gain nothing, and all of them would be much code.
  Values pipelineLoop(Value steps, ValueRange inits,
                      function_ref<Values(Value, ValueRange)> body);
  /// While `condition` holds of the carried values, replaces them by `body`'s.
  Values loopWhile(ValueRange inits, function_ref<Value(ValueRange)> condition,
                   function_ref<Values(ValueRange)> body);
  /// The value of `ifTrue`, computed only where the condition holds.
  Value whenElse(Value condition, function_ref<Value()> ifTrue, Value ifFalse);
  Values whenElse(Value condition, function_ref<Values()> ifTrue,
                  ValueRange ifFalse);

  //===--- Unsigned arithmetic, on index or i32 ---------------------------===//
  Value constantLike(Value value, int64_t constant);
  Value add(Value a, int64_t b) {
    return LoopBuilder::add(a, constantLike(a, b));
  }
  Value mul(Value a, int64_t b) {
    return LoopBuilder::mul(a, constantLike(a, b));
  }
  Value div(Value a, int64_t b) {
    return LoopBuilder::div(a, constantLike(a, b));
  }
  Value rem(Value a, int64_t b);
  Value ceilDiv(Value a, int64_t b) { return div(add(a, b - 1), b); }
  Value min(Value a, Value b);
  Value less(Value a, Value b);
  Value bitXor(Value a, Value b);
  using LoopBuilder::add;
  using LoopBuilder::div;
  using LoopBuilder::mul;

  //===--- Bits and vectors -----------------------------------------------===//
  Value popcount(Value bits);
  Value fma(Value a, Value b, Value c);
  /// `width` elements, aligned to their size together, or to 16 bytes.
  Value loadVector(Value memref, ValueRange indices, int64_t width);
  /// The same as f32 scalars.
  Values loadElements(Value memref, ValueRange indices, int64_t width);
  /// Rounds f32 scalars to the element type; they are aligned as for loads.
  void storeElements(ValueRange values, Value memref, ValueRange indices);
  Value element(Value vector, int64_t position);
  Value broadcast(Value scalar, int64_t width);

  //===--- Addresses ------------------------------------------------------===//
  /// Of the first element, an i64.
  Value addressOf(Value memref);
  Value pointerTo(Value address, NVVM::NVVMMemorySpace space);

  /// Whether the kernel is compiled for a chip of one of these numbers: a
  /// constant to the back end, so that code for one GPU leaves no trace in
  /// another's.
  Value isCompiledFor(ArrayRef<unsigned> numbers);

  //===--- Warps and blocks -----------------------------------------------===//
  void barrier();
  /// What `body` emits is for so many threads of the block, which alone meet
  /// its barriers; `number`, an i32 from 1 to 15, tells groups apart.
  void forGroup(Value number, int64_t threads, function_ref<void()> body);
  /// Bit i is lane i's condition.
  Value ballot(Value condition);
  Value fromLane(Value value, Value lane);
  /// From the lane whose number differs in this power of two.
  Value fromNeighbor(Value value, int64_t distance);
  /// The sum over the warp of an i32, in every lane.
  Value warpSum(Value value);
  /// The sum over this and lower lanes of an i32.
  Value warpScan(Value value, Value lane);
  /// Sums over the warps before this one, and over all.
  struct WarpSums {
    Value before, all;
  };
  /// Sums up an i32 that each warp of the block has one of. `perWarp` is shared
  /// memory with an i32 a warp; afterwards it may be written again only past a
  /// barrier.
  WarpSums scanWarps(Value ofWarp, Value thread, int64_t warps, Value perWarp);

private:
  /// The group whose code is being emitted, and its threads; all, if null.
  Value group;
  int64_t groupThreads = 0;
  /// Of the kernel being built.
  std::set<int64_t> pipelines;
};

/// Elements of a row that a thread may access at a time in all of the memrefs:
/// 16 bytes of the narrowest, if all rows are made of that, else 1.
int64_t accessWidth(ValueRange memrefs);

} // namespace mlir::et

#endif // ET_CONVERSION_ETTOGPU_KERNELBUILDER_H
