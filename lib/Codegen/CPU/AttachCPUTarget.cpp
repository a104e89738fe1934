//===- AttachCPUTarget.cpp - The processor as function attributes ---------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Codegen/CPU/Passes.h"
#include "et/Codegen/CPU/TargetModel.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

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
    FailureOr<cpu::TargetModel> model =
        cpu::TargetModel::get(march, getOperation());
    if (failed(model))
      return signalPassFailure();
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
    checkInEntries(model->features);
  }

private:
  /// Entries ask the runtime first whether the features are there.
  void checkInEntries(ArrayRef<std::string> features) {
    SmallVector<LLVM::LLVMFuncOp> entries;
    for (auto function : getOperation().getOps<LLVM::LLVMFuncOp>())
      if (function.getName().starts_with("et_entry_"))
        entries.push_back(function);
    if (entries.empty())
      return;
    std::string text;
    for (StringRef feature : features)
      if (feature.consume_front("+"))
        text += (text.empty() ? "" : ",") + feature.str();
    text.push_back('\0');
    MLIRContext *context = &getContext();
    ImplicitLocOpBuilder b(getOperation().getLoc(),
                           getOperation().getBodyRegion());
    auto type = LLVM::LLVMArrayType::get(b.getI8Type(), unsigned(text.size()));
    auto list = LLVM::GlobalOp::create(
        b, type, /*isConstant=*/true, LLVM::Linkage::Internal,
        "et_processor_features", b.getStringAttr(text));
    auto pointer = LLVM::LLVMPointerType::get(context);
    auto check = LLVM::LLVMFuncOp::create(
        b, "et_check_processor",
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), pointer));
    for (LLVM::LLVMFuncOp entry : entries) {
      b.setInsertionPointToStart(&entry.getBody().front());
      Value address = LLVM::AddressOfOp::create(b, list);
      LLVM::CallOp::create(b, check, address);
    }
  }
};
} // namespace
