//===- OneLaunch.h - A whole layer in one kernel ----------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_CONVERSION_ETTOGPU_ONELAUNCH_H
#define ET_CONVERSION_ETTOGPU_ONELAUNCH_H

#include "et/Dialect/ET/IR/ETDialect.h"

namespace mlir::et {

/// The most tokens of a layer that runs in one launch: an expert's tokens are
/// one word of the mask.
inline constexpr int64_t kOneLaunchTokens = kTokensPerWord;

/// What the names of such kernels begin with. Their registers must let as many
/// blocks share a multiprocessor: left alone, ptxas aims at more and spills.
inline constexpr StringLiteral kOneLaunchKernel = "et_moe";
inline constexpr int64_t kOneLaunchBlocks = 4;
/// The same for kernels that combine in waves, by their threads: registers for
/// waves, which few calls need, must leave a call without them as many.
inline constexpr StringLiteral kCombineWavesKernel = "et_combine_waves";
inline constexpr int64_t kCombineWavesThreads = 512;

/// Why the layer cannot run in one launch, for however few tokens; empty if it
/// can.
std::string whyNotOneLaunch(MoeOp op);

/// The N of the branch for T <= N that --et-select-schedule puts a layer of few
/// tokens in; nothing if the op is elsewhere.
std::optional<int64_t> limitOfBranch(MoeOp op);

/// The shared memory of a block of that launch.
int64_t oneLaunchSharedBytes(MoeOp op);

} // namespace mlir::et

#endif // ET_CONVERSION_ETTOGPU_ONELAUNCH_H
