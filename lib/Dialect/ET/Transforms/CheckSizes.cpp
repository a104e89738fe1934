//===- CheckSizes.cpp - Static sizes that no memory has -------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/Transforms/Passes.h"
#include "et/Dialect/ET/Utils/SizeUtils.h"

namespace mlir::et {
#define GEN_PASS_DEF_CHECKSIZES
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
struct CheckSizes : et::impl::CheckSizesBase<CheckSizes> {
  void runOnOperation() override {
    DataLayout layout = DataLayout::closest(getOperation());
    DenseSet<Type> seen;
    auto check = [&](Value value) {
      auto type = dyn_cast<ShapedType>(value.getType());
      if (!isa_and_nonnull<TensorType, BaseMemRefType>(type) ||
          !type.hasRank() || !seen.insert(type).second ||
          countStaticBytes(type, layout))
        return;
      emitError(value.getLoc())
          << "a buffer of type " << type
          << " would have more than 2^63 - 1 bytes; use smaller sizes";
      signalPassFailure();
    };
    getOperation()->walk<WalkOrder::PreOrder>([&](Operation *op) {
      llvm::for_each(op->getResults(), check);
      for (Region &region : op->getRegions())
        for (Block &block : region)
          llvm::for_each(block.getArguments(), check);
    });
  }
};
} // namespace
