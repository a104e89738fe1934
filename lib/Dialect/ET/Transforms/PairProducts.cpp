//===- PairProducts.cpp - Independent products side by side ---------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/Transforms/Passes.h"
#include "mlir/Transforms/RegionUtils.h"

namespace mlir::et {
#define GEN_PASS_DEF_PAIRPRODUCTS
#include "et/Dialect/ET/Transforms/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

/// Moves `op` behind `earlier`, with what it is computed from, unless `earlier`
/// is part of that.
static LogicalResult moveBehind(RewriterBase &rewriter, GroupedMatmulOp op,
                                GroupedMatmulOp earlier) {
  if (failed(moveOperationDependencies(rewriter, op, earlier)))
    return failure();
  rewriter.moveOpAfter(op, earlier);
  return success();
}

static void pairProducts(RewriterBase &rewriter, Block &block) {
  SmallVector<GroupedMatmulOp> waiting;
  for (auto op : llvm::to_vector(block.getOps<GroupedMatmulOp>())) {
    if (!op.hasPureTensorSemantics())
      continue;
    auto *partner = llvm::find_if(waiting, [&](GroupedMatmulOp earlier) {
      return succeeded(moveBehind(rewriter, op, earlier));
    });
    if (partner == waiting.end())
      waiting.push_back(op);
    else
      waiting.erase(partner);
  }
}

namespace {
struct PairProducts : et::impl::PairProductsBase<PairProducts> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation()->walk([&](Block *block) { pairProducts(rewriter, *block); });
  }
};
} // namespace
