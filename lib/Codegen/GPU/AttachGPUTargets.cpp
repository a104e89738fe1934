//===- AttachGPUTargets.cpp - The GPUs that kernels are compiled for ------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Codegen/GPU/Passes.h"
#include "et/Dialect/ET/IR/ETDialect.h"

namespace mlir::et {
#define GEN_PASS_DEF_ATTACHGPUTARGETS
#include "et/Codegen/GPU/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

static constexpr StringLiteral kTriple = "nvptx64-nvidia-cuda";
/// The widest vector access.
static constexpr int64_t kSharedAlignment = 16;
static constexpr int kOptimizationLevel = 3;

namespace {
struct AttachGPUTargets : et::impl::AttachGPUTargetsBase<AttachGPUTargets> {
  using AttachGPUTargetsBase::AttachGPUTargetsBase;

  void runOnOperation() override {
    SmallVector<Attribute> targets;
    FailureOr<GPUTargetAttr> target =
        getGPUTarget(getOperation(), getArgument());
    if (failed(target))
      return signalPassFailure();
    for (StringAttr chip : target->getChips()) {
      // Without features, the least PTX version that knows the chip is taken.
      // Ops for one chip may lie behind a test that the back end decides, so
      // whether each chip has every op is not for MLIR to verify.
      targets.push_back(NVVM::NVVMTargetAttr::get(
          &getContext(), kOptimizationLevel, kTriple, chip.getValue(),
          /*features=*/"",
          /*targetFlags=*/nullptr, /*linkFiles=*/nullptr,
          /*verifyTarget=*/false));
    }
    gpu::GPUModuleOp kernels = getOperation();
    Builder builder(&getContext());
    kernels.setTargetsAttr(builder.getArrayAttr(targets));
    for (auto kernel : kernels.getOps<gpu::GPUFuncOp>())
      for (unsigned i = 0; i < kernel.getNumWorkgroupAttributions(); ++i)
        kernel.setWorkgroupAttributionAttr(
            i, LLVM::LLVMDialect::getAlignAttrName(),
            builder.getI64IntegerAttr(kSharedAlignment));
  }
};
} // namespace
