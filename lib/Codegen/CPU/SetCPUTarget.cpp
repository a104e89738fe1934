//===- SetCPUTarget.cpp - The processor as the module's target ------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Codegen/CPU/Passes.h"
#include "et/Codegen/CPU/TargetModel.h"
#include "et/Dialect/ET/IR/ETDialect.h"
#include "mlir/AsmParser/AsmParser.h"

namespace mlir::et {
#define GEN_PASS_DEF_SETCPUTARGET
#include "et/Codegen/CPU/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
struct SetCPUTarget : et::impl::SetCPUTargetBase<SetCPUTarget> {
  using SetCPUTargetBase::SetCPUTargetBase;

  void runOnOperation() override {
    if (!target.empty()) {
      // The parser says what is wrong.
      Attribute parsed = parseAttribute(target, &getContext());
      if (parsed && !isa<CPUTargetAttr>(parsed))
        getOperation().emitError(
            "et-set-cpu-target needs a #et.cpu_target as its target, got ")
            << parsed;
      if (!isa_and_present<CPUTargetAttr>(parsed))
        return signalPassFailure();
      getOperation()->setAttr(kTargetAttr, parsed);
      return;
    }
    FailureOr<cpu::TargetModel> model =
        cpu::TargetModel::get(march, getOperation());
    if (failed(model))
      return signalPassFailure();
    getOperation()->setAttr(kTargetAttr, model->getTarget(&getContext()));
  }
};
} // namespace
