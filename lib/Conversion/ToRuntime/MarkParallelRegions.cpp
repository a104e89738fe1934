//===- MarkParallelRegions.cpp - Where a call cannot be ended -------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Conversion/ToRuntime/Passes.h"

#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"

namespace mlir::et {
#define GEN_PASS_DEF_MARKPARALLELREGIONS
#include "et/Conversion/ToRuntime/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
struct MarkParallelRegions
    : et::impl::MarkParallelRegionsBase<MarkParallelRegions> {
  void runOnOperation() override {
    // Regions within others change nothing.
    SmallVector<omp::ParallelOp> regions;
    getOperation().walk<WalkOrder::PreOrder>([&](omp::ParallelOp op) {
      regions.push_back(op);
      return WalkResult::skip();
    });
    if (regions.empty())
      return;
    FailureOr<LLVM::LLVMFuncOp> enter = declare("et_enter_parallel");
    FailureOr<LLVM::LLVMFuncOp> leave = declare("et_leave_parallel");
    if (failed(enter) || failed(leave))
      return signalPassFailure();
    for (omp::ParallelOp op : regions) {
      OpBuilder builder(op);
      LLVM::CallOp::create(builder, op.getLoc(), *enter, ValueRange());
      builder.setInsertionPointAfter(op);
      LLVM::CallOp::create(builder, op.getLoc(), *leave, ValueRange());
    }
  }

private:
  FailureOr<LLVM::LLVMFuncOp> declare(StringRef name) {
    OpBuilder builder(getOperation().getBodyRegion());
    return LLVM::lookupOrCreateFn(builder, getOperation(), name, {},
                                  LLVM::LLVMVoidType::get(&getContext()));
  }
};
} // namespace
