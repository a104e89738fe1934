//===- LoopSequentialOps.cpp - Ops without a parallel loop on the GPU -----===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Codegen/GPU/Passes.h"
#include "et/Conversion/LoopBuilder.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::et {
#define GEN_PASS_DEF_LOOPSEQUENTIALOPS
#include "et/Codegen/GPU/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
struct LoopSequentialOps : et::impl::LoopSequentialOpsBase<LoopSequentialOps> {
  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> ops;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (op.hasPureBufferSemantics() && op.getNumParallelLoops() == 0 &&
          !op->getParentOfType<scf::ParallelOp>() &&
          !op->getParentOfType<gpu::LaunchOp>())
        ops.push_back(op);
    });
    for (linalg::LinalgOp op : ops) {
      LoopBuilder b(op.getLoc(), op);
      b.once([&] {
        op->moveBefore(b.getInsertionBlock(), b.getInsertionPoint());
      });
    }
  }
};
} // namespace
