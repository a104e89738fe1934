//===- CheckLowered.cpp - Ops that nothing has lowered --------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Conversion/ToRuntime/Passes.h"
#include "et/Dialect/ET/IR/ETDialect.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"
#include "mlir/IR/BuiltinDialect.h"

namespace mlir::et {
#define GEN_PASS_DEF_CHECKLOWERED
#include "et/Conversion/ToRuntime/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
struct CheckLowered : et::impl::CheckLoweredBase<CheckLowered> {
  void runOnOperation() override {
    WalkResult result = getOperation()->walk([](Operation *op) {
      if (isa_and_present<BuiltinDialect, LLVM::LLVMDialect, NVVM::NVVMDialect,
                          gpu::GPUDialect, omp::OpenMPDialect>(
              op->getDialect()))
        return WalkResult::advance();
      op->emitOpError(
          "has no lowering to LLVM's dialect here; turn it into ops "
          "of arith, math, scf, memref or vector before");
      return WalkResult::interrupt();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    // What no pass of ours reads any more, and no other tool knows.
    getOperation()->removeDiscardableAttr(kTargetAttr);
  }
};
} // namespace
