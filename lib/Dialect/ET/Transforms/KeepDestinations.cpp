//===- KeepDestinations.cpp - Elements that nothing writes ----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::et {
#define GEN_PASS_DEF_KEEPDESTINATIONS
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

/// Whether elements of a destination may be neither read nor written.
static bool mayLeaveElements(linalg::LinalgOp op, OpOperand &destination) {
  return !op.payloadUsesValueFromOperand(&destination) &&
         // Else there is one iteration for each element.
         !op.getMatchingIndexingMap(&destination).isPermutation() &&
         !destination.get().getDefiningOp<tensor::EmptyOp>();
}

namespace {
struct KeepDestinations : et::impl::KeepDestinationsBase<KeepDestinations> {
  void runOnOperation() override {
    getOperation().walk([](linalg::LinalgOp op) {
      if (!op.hasPureTensorSemantics())
        return;
      OpBuilder builder(op);
      for (OpOperand &destination : op.getDpsInitsMutable()) {
        if (!mayLeaveElements(op, destination))
          continue;
        Value tensor = destination.get();
        destination.set(bufferization::AllocTensorOp::create(
            builder, op.getLoc(), cast<RankedTensorType>(tensor.getType()),
            /*dynamicSizes=*/ValueRange(), /*copy=*/tensor));
      }
    });
  }
};
} // namespace
