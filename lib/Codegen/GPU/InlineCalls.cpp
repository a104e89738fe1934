//===- InlineCalls.cpp - One chain of launches for callees ----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Codegen/GPU/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

namespace mlir::et {
#define GEN_PASS_DEF_INLINECALLS
#include "et/Codegen/GPU/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

/// Moves room on the stack whose size is a constant to the function's entry.
static void hoistAllocas(func::FuncOp function) {
  if (function.isExternal())
    return;
  Block &entry = function.front();
  SmallVector<LLVM::AllocaOp> allocas;
  function.walk([&](LLVM::AllocaOp op) { allocas.push_back(op); });
  for (LLVM::AllocaOp op : llvm::reverse(allocas)) {
    APInt size;
    if (!matchPattern(op.getArraySize(), m_ConstantInt(&size)))
      continue;
    op->moveBefore(&entry, entry.begin());
    op.getArraySize().getDefiningOp()->moveBefore(op);
  }
}

namespace {
struct InlineCalls : et::impl::InlineCallsBase<InlineCalls> {
  void runOnOperation() override {
    OpPassManager inlining(ModuleOp::getOperationName());
    inlining.addPass(createInlinerPass({}, [](OpPassManager &) {}));
    if (failed(runPipeline(inlining, getOperation())))
      return signalPassFailure();
    for (auto function : getOperation().getOps<func::FuncOp>())
      hoistAllocas(function);
  }
};
} // namespace
