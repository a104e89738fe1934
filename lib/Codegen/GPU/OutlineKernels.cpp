//===- OutlineKernels.cpp - From launches to kernel functions -------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Codegen/GPU/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/DLTI/DLTI.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"

namespace mlir::et {
#define GEN_PASS_DEF_OUTLINEKERNELS
#include "et/Codegen/GPU/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
struct OutlineKernels : et::impl::OutlineKernelsBase<OutlineKernels> {
  void runOnOperation() override {
    // A call of a kernel function takes the place of each launch.
    SmallVector<DictionaryAttr> attributes;
    for (auto function : getOperation().getOps<func::FuncOp>())
      function.walk([&](Operation *op) {
        if (isa<gpu::LaunchOp>(op))
          attributes.push_back(op->getDiscardableAttrDictionary());
        else if (isa<gpu::LaunchFuncOp>(op))
          attributes.push_back({});
      });
    OpPassManager outlining(ModuleOp::getOperationName());
    outlining.addPass(createGpuKernelOutliningPass());
    if (failed(runPipeline(outlining, getOperation())))
      return signalPassFailure();
    const auto *next = attributes.begin();
    SymbolTableCollection symbols;
    for (auto function : getOperation().getOps<func::FuncOp>())
      function.walk([&](gpu::LaunchFuncOp launch) {
        DictionaryAttr ofLaunch = *next++;
        if (!ofLaunch)
          return;
        auto *kernel =
            symbols.lookupNearestSymbolFrom(launch, launch.getKernelAttr());
        for (NamedAttribute attribute : ofLaunch)
          kernel->setAttr(attribute.getName(), attribute.getValue());
      });
  }
};
} // namespace
