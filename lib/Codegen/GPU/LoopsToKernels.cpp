//===- LoopsToKernels.cpp - Parallel loops as GPU kernels -----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Codegen/GPU/Passes.h"
#include "et/Conversion/ETToGPU/KernelBuilder.h"

namespace mlir::et {
#define GEN_PASS_DEF_LOOPSTOKERNELS
#include "et/Codegen/GPU/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

static constexpr int64_t kThreads = 128;

/// One thread an iteration.
static void launchIterations(scf::ParallelOp loop) {
  KernelBuilder b(loop.getLoc(), loop);
  SmallVector<Value> counts;
  Value total = b.index(1);
  for (auto [lower, upper, step] : llvm::zip_equal(
           loop.getLowerBound(), loop.getUpperBound(), loop.getStep())) {
    Value span = b.createOrFold<arith::SubIOp>(upper, lower);
    counts.push_back(b.createOrFold<arith::CeilDivSIOp>(span, step));
    // A loop that runs backwards has no iterations.
    counts.back() = b.createOrFold<arith::MaxSIOp>(counts.back(), b.index(0));
    total = b.createOrFold<arith::MulIOp>(total, counts.back());
  }
  Value blocks = b.createOrFold<arith::CeilDivSIOp>(total, b.index(kThreads));
  b.launch(/*step=*/"", blocks, kThreads, {}, [&](const BlockInfo &block) {
    Value iteration = b.add(b.mul(block.x, kThreads), block.thread);
    b.when(b.less(iteration, total), [&] {
      SmallVector<Value> indices(counts.size());
      for (size_t i = counts.size(); i-- > 0;) {
        Value position = iteration;
        if (i > 0) {
          position = arith::RemUIOp::create(b, iteration, counts[i]);
          iteration = b.div(iteration, counts[i]);
        }
        indices[i] =
            b.add(loop.getLowerBound()[i], b.mul(position, loop.getStep()[i]));
      }
      IRMapping mapping;
      mapping.map(loop.getInductionVars(), indices);
      for (Operation &op : loop.getBody()->without_terminator())
        b.clone(op, mapping);
    });
  });
}

/// A copy that is not of consecutive elements.
static void copyByLoop(memref::CopyOp copy) {
  KernelBuilder b(copy.getLoc(), copy);
  Value source = copy.getSource(), target = copy.getTarget();
  auto moveElement = [&](ValueRange indices) {
    Value element = memref::LoadOp::create(b, source, indices);
    memref::StoreOp::create(b, element, target, indices);
  };
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < cast<MemRefType>(source.getType()).getRank(); ++i)
    sizes.push_back(b.dim(source, i));
  if (sizes.empty())
    b.once([&] { moveElement({}); });
  else
    b.parallel(sizes, moveElement);
}

static bool isInKernel(Operation *op) {
  return op->getParentOfType<gpu::LaunchOp>() != nullptr;
}

static bool isContiguous(Value memref) {
  return cast<MemRefType>(memref.getType()).getLayout().isIdentity();
}

namespace {
struct LoopsToKernels : et::impl::LoopsToKernelsBase<LoopsToKernels> {
  void runOnOperation() override {
    SmallVector<memref::CopyOp> copies;
    getOperation().walk([&](memref::CopyOp copy) {
      if (!isInKernel(copy) && !copy->getParentOfType<scf::ParallelOp>() &&
          !(isContiguous(copy.getSource()) && isContiguous(copy.getTarget())))
        copies.push_back(copy);
    });
    for (memref::CopyOp copy : copies) {
      copyByLoop(copy);
      copy.erase();
    }

    SmallVector<scf::ParallelOp> loops;
    WalkResult result = getOperation().walk<WalkOrder::PreOrder>(
        [&](Operation *op) -> WalkResult {
          if (isa<gpu::LaunchOp>(op))
            return WalkResult::skip();
          auto loop = dyn_cast<scf::ParallelOp>(op);
          if (!loop)
            return WalkResult::advance();
          if (loop.getNumReductions()) {
            loop.emitError("cannot run a parallel loop with a reduction on the "
                           "GPU; write the reduction as a sequential loop");
            return WalkResult::interrupt();
          }
          loops.push_back(loop);
          return WalkResult::skip();
        });
    if (result.wasInterrupted())
      return signalPassFailure();
    for (scf::ParallelOp loop : loops) {
      launchIterations(loop);
      loop.erase();
    }
  }
};
} // namespace
