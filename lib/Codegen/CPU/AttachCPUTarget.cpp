//===- AttachCPUTarget.cpp - The processor as function attributes ---------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Codegen/CPU/Passes.h"
#include "et/Codegen/CPU/TargetModel.h"

namespace mlir::et {
#define GEN_PASS_DEF_ATTACHCPUTARGET
#include "et/Codegen/CPU/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
struct AttachCPUTarget : et::impl::AttachCPUTargetBase<AttachCPUTarget> {
  using AttachCPUTargetBase::AttachCPUTargetBase;

  void runOnOperation() override {
    std::optional<cpu::TargetModel> model = cpu::TargetModel::get(march);
    if (!model) {
      getOperation().emitError()
          << "unknown processor '" << march.getValue()
          << "'; march takes native or a processor as LLVM names it, such as "
             "x86-64-v3, x86-64-v4 or znver5";
      return signalPassFailure();
    }
    MLIRContext *context = &getContext();
    auto cpu = StringAttr::get(context, model->cpu);
    SmallVector<StringAttr> features;
    for (const std::string &feature : model->features)
      features.push_back(StringAttr::get(context, feature));
    auto featuresAttr = LLVM::TargetFeaturesAttr::get(context, features);
    getOperation().walk([&](LLVM::LLVMFuncOp function) {
      if (function.isExternal())
        return;
      function.setTargetCpuAttr(cpu);
      function.setTargetFeaturesAttr(featuresAttr);
    });
  }
};
} // namespace
