//===- SetGPUTarget.cpp - The GPUs as the module's target -----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Codegen/GPU/Passes.h"
#include "et/Dialect/ET/IR/ETDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::et {
#define GEN_PASS_DEF_SETGPUTARGET
#include "et/Codegen/GPU/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
struct SetGPUTarget : et::impl::SetGPUTargetBase<SetGPUTarget> {
  using SetGPUTargetBase::SetGPUTargetBase;

  void runOnOperation() override {
    // A chip that a command line names twice is one.
    llvm::SmallSetVector<StringAttr, 4> names;
    for (const std::string &chip : chips)
      names.insert(StringAttr::get(&getContext(), chip));
    auto target =
        GPUTargetAttr::getChecked([&] { return getOperation().emitError(); },
                                  &getContext(), names.getArrayRef());
    if (!target)
      return signalPassFailure();
    getOperation()->setAttr(kTargetAttr, target);
  }
};
} // namespace
