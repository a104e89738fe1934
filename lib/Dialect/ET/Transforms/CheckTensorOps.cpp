//===- CheckTensorOps.cpp - Ops on tensors that stay some -----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"

namespace mlir::et {
#define GEN_PASS_DEF_CHECKTENSOROPS
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
struct CheckTensorOps : et::impl::CheckTensorOpsBase<CheckTensorOps> {
  void runOnOperation() override {
    WalkResult result = getOperation()->walk([](Operation *op) {
      bool hasTensor =
          llvm::any_of(op->getOperandTypes(), llvm::IsaPred<TensorType>) ||
          llvm::any_of(op->getResultTypes(), llvm::IsaPred<TensorType>);
      if (!hasTensor || isa<bufferization::BufferizableOpInterface>(op))
        return WalkResult::advance();
      op->emitOpError("works on tensors and has no lowering here; turn it into "
                      "ops of linalg, tensor and arith before");
      return WalkResult::interrupt();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
