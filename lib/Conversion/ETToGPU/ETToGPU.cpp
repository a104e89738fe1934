//===- ETToGPU.cpp - The et ops as GPU kernels ----------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "et/Conversion/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/DialectConversion.h"

namespace mlir::et {
#define GEN_PASS_DEF_CONVERTETTOGPU
#include "et/Conversion/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
struct ConvertETToGPU : et::impl::ConvertETToGPUBase<ConvertETToGPU> {
  using ConvertETToGPUBase::ConvertETToGPUBase;

  void runOnOperation() override {
    if (failed(verifyLowerable(getOperation(), [](Operation *op) {
          auto layer = dyn_cast<MoeOp>(op);
          return layer && layer.hasPureBufferSemantics() &&
                 runsInOneLaunch(layer);
        })))
      return signalPassFailure();
    FailureOr<GPUTargetAttr> chips =
        getGPUTarget(getOperation(), getArgument());
    if (failed(chips))
      return signalPassFailure();
    remarkProducts(getOperation(), *chips, f32Products);
    ConversionTarget target(getContext());
    target.addIllegalDialect<ETDialect>();
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    RewritePatternSet patterns(&getContext());
    populateETToGPUPatterns(patterns, *chips, f32Products);
    // Ops without a kernel of their own run as plain parallel loops.
    populateETToSCFPatterns(patterns);
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

void et::populateETToGPUPatterns(RewritePatternSet &patterns,
                                 GPUTargetAttr target,
                                 F32Products f32Products) {
  populateRouteKernels(patterns);
  populateRoutingKernels(patterns);
  populateStateKernels(patterns);
  populatePlanKernels(patterns);
  populateProductKernels(patterns, target, f32Products);
  populateCombineKernels(patterns);
  populateCombineWavesKernels(patterns, f32Products);
  populateMoeKernels(patterns);
}
