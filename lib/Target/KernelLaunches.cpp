//===- KernelLaunches.cpp - What a module's launches run ------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Target/KernelLaunches.h"

#include "et/Conversion/ETToGPU/KernelBuilder.h"
#include "et/Conversion/ETToGPU/OneLaunch.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;
using namespace mlir::et;

/// The numbers that locations of ops carry, of all that `location` is made of.
static void collectNumbers(Location location, SmallVectorImpl<int64_t> &all) {
  location->walk([&](Location part) {
    if (auto fused = dyn_cast<FusedLocWith<IntegerAttr>>(part))
      if (!llvm::is_contained(all, fused.getMetadata().getInt()))
        all.push_back(fused.getMetadata().getInt());
    return WalkResult::advance();
  });
}

/// Whether the op runs for so many tokens: a layer's branch for few tokens may
/// decide on that.
static bool runsFor(Operation *op, double tokens) {
  for (auto branch = op->getParentOfType<scf::IfOp>(); branch;
       branch = branch->getParentOfType<scf::IfOp>()) {
    bool isInThen = branch.getThenRegion().isAncestor(op->getParentRegion());
    for (MoeOp layer : branch.thenBlock()->getOps<MoeOp>())
      if (std::optional<int64_t> limit = limitOfBranch(layer))
        if (isInThen != (tokens <= static_cast<double>(*limit)))
          return false;
  }
  return true;
}

void LaunchRecorder::runBeforePass(Pass *pass, Operation *op) {
  if (pass->getArgument() != "convert-et-to-gpu")
    return;
  std::lock_guard<std::mutex> lock(mutex);
  op->walk([&](Operation *inner) {
    if (!isa_and_present<ETDialect>(inner->getDialect()))
      return;
    Builder b(inner->getContext());
    inner->setLoc(
        b.getFusedLoc(inner->getLoc(),
                      b.getI64IntegerAttr(static_cast<int64_t>(works.size()))));
    works.push_back(runsFor(inner, size.tokens) ? estimateWork(inner, size)
                                                : std::nullopt);
  });
}

void LaunchRecorder::runAfterPass(Pass *pass, Operation *op) {
  if (pass->getArgument() != "et-outline-kernels")
    return;
  std::lock_guard<std::mutex> lock(mutex);
  SymbolTableCollection symbols;
  op->walk([&](gpu::LaunchFuncOp launch) {
    KernelLaunch facts;
    facts.kernel = launch.getKernelName().str();
    facts.threads = 1;
    for (Value size : {launch.getBlockSizeX(), launch.getBlockSizeY(),
                       launch.getBlockSizeZ()}) {
      APInt threads;
      facts.threads *= matchPattern(size, m_ConstantInt(&threads))
                           ? threads.getSExtValue()
                           : 0;
    }
    APInt bytes;
    if (Value shared = launch.getDynamicSharedMemorySize())
      if (matchPattern(shared, m_ConstantInt(&bytes)))
        facts.dynamicSharedBytes = bytes.getSExtValue();
    SmallVector<int64_t> numbers;
    if (auto *kernel =
            symbols.lookupNearestSymbolFrom(op, launch.getKernelAttr())) {
      collectNumbers(kernel->getLoc(), numbers);
      if (auto stages = kernel->getAttrOfType<DenseI64ArrayAttr>(kStagesAttr))
        llvm::append_range(facts.stages, stages.asArrayRef());
    }
    for (int64_t number : numbers) {
      const std::optional<KernelWork> &work = works[number];
      if (!work) {
        facts.work = std::nullopt;
        break;
      }
      if (!facts.work)
        facts.work = KernelWork();
      facts.work->flops += work->flops;
      facts.work->bytes += work->bytes;
    }
    launches.push_back(std::move(facts));
  });
}
