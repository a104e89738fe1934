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

/// So many blocks of such a kernel share a multiprocessor.
inline constexpr int64_t kOneLaunchBlocks = 4;

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
