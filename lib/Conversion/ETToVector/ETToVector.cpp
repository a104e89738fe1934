//===- ETToVector.cpp - The et ops as vector code for a CPU ---------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::et {
#define GEN_PASS_DEF_CONVERTETTOVECTOR
#include "et/Conversion/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
struct ConvertETToVector : et::impl::ConvertETToVectorBase<ConvertETToVector> {
  using ConvertETToVectorBase::ConvertETToVectorBase;

  void runOnOperation() override {
    FailureOr<CPUTargetAttr> target =
        getCPUTarget(getOperation(), getArgument());
    if (failed(target))
      return signalPassFailure();
    RewritePatternSet patterns(&getContext());
    populateETToVectorPatterns(patterns, *target);
    // There is one block in each region, with nothing to simplify.
    GreedyRewriteConfig config;
    config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
    if (failed(
            applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      signalPassFailure();
  }
};
} // namespace

void et::populateETToVectorPatterns(RewritePatternSet &patterns,
                                    CPUTargetAttr target) {
  populateExpandFusedOpsPatterns(patterns);
  populateGatherVectorPatterns(patterns, target);
  populatePackPatterns(patterns, target);
  populateProductPatterns(patterns, target);
  populateRoutingVectorPatterns(patterns, target);
  populateCombineVectorPatterns(patterns, target);
}
