//===- CheckConstants.cpp - Constants that no library holds ---------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Conversion/ToRuntime/Passes.h"
#include "et/Dialect/ET/Utils/SizeUtils.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace mlir::et {
#define GEN_PASS_DEF_CHECKCONSTANTS
#include "et/Conversion/ToRuntime/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

/// Code reaches its constants by signed numbers of 32 bits.
static constexpr int64_t kMostConstantBytes =
    std::numeric_limits<int32_t>::max();

namespace {
struct CheckConstants : et::impl::CheckConstantsBase<CheckConstants> {
  void runOnOperation() override {
    DataLayout layout = DataLayout::closest(getOperation());
    WalkResult result = getOperation().walk([&](memref::GetGlobalOp op) {
      std::optional<int64_t> bytes = countStaticBytes(op.getType(), layout);
      if (bytes && *bytes <= kMostConstantBytes)
        return WalkResult::advance();
      op.emitError("a constant of type ")
          << op.getType()
          << " has more than 2^31 - 1 bytes, which no library holds; make it "
             "an argument";
      return WalkResult::interrupt();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
