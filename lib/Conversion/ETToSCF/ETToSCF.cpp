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

/// The pass that must run before this op can become loops, if any.
static StringRef getMissingPass(Operation *op) {
  if (isa<MoeOp>(op))
    return "et-decompose-moe";
  if (isa<ExpertFfnOp>(op))
    return "et-decompose-expert-ffn";
  auto dps = dyn_cast<DestinationStyleOpInterface>(op);
  if (isa_and_present<ETDialect>(op->getDialect()) &&
      !dps.hasPureBufferSemantics())
    return "one-shot-bufferize";
  return "";
}

static LogicalResult verifyInput(Operation *root) {
  WalkResult result = root->walk([](Operation *op) {
    StringRef missing = getMissingPass(op);
    if (missing.empty())
      return WalkResult::advance();
    op->emitOpError() << "cannot become loops yet: run --" << missing
                      << " first";
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

namespace {
struct ConvertETToSCF : et::impl::ConvertETToSCFBase<ConvertETToSCF> {
  void runOnOperation() override {
    if (failed(verifyInput(getOperation())))
      return signalPassFailure();
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
  populateExpandFusedOpsPatterns(patterns);
  populateRoutingPatterns(patterns);
  populateStatePatterns(patterns);
  populateDispatchPatterns(patterns);
  populateComputePatterns(patterns);
}
