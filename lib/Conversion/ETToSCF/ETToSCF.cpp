//===- ETToSCF.cpp - The et ops as plain loops ----------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "et/Conversion/Passes.h"
#include "mlir/Transforms/DialectConversion.h"

namespace mlir::et {
#define GEN_PASS_DEF_CONVERTETTOSCF
#include "et/Conversion/Passes.h.inc"
} // namespace mlir::et

using namespace mlir;
using namespace mlir::et;

namespace {
struct ConvertETToSCF : et::impl::ConvertETToSCFBase<ConvertETToSCF> {
  void runOnOperation() override {
    ConversionTarget target(getContext());
    target.addIllegalDialect<ETDialect>();
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    RewritePatternSet patterns(&getContext());
    populateETToSCFPatterns(patterns);
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

void et::populateETToSCFPatterns(RewritePatternSet &patterns) {
  populateRoutingPatterns(patterns);
  populateStatePatterns(patterns);
  populateDispatchPatterns(patterns);
  populateComputePatterns(patterns);
}
