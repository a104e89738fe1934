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

/// The pass that must run before this et op can become loops, if any.
static StringRef getMissingPass(Operation *op) {
  if (isa<MoeOp>(op))
    return "et-decompose-moe";
  if (isa<ExpertFfnOp>(op))
    return "et-decompose-expert-ffn";
  // What ends an epilogue has no destination, and goes with its product.
  auto dps = dyn_cast<DestinationStyleOpInterface>(op);
  if (dps && !dps.hasPureBufferSemantics())
    return "one-shot-bufferize";
  return "";
}

/// Reports an attribute of another dialect that stands for a computation, if
/// the op has one that does not say how to do it.
static LogicalResult verifyAttributes(Operation *op) {
  auto refuse = [&](Attribute attribute, StringRef kind, StringRef why,
                    const std::string &known) {
    return op->emitOpError()
           << "has the " << kind << " " << attribute
           << ", for which there is no lowering" << why << "; use one of "
           << known << ", or replace the op by others before this pass";
  };
  for (NamedAttribute named : op->getAttrs()) {
    Attribute attribute = named.getValue();
    auto routing = dyn_cast<RoutingAttrInterface>(attribute);
    if (routing && !hasLoops(routing))
      return refuse(attribute, "routing",
                    ", since it implements none of PairRoutingAttrInterface, "
                    "TokenRoutingAttrInterface and ExpertRoutingAttrInterface",
                    listRoutings());
    auto statistic = dyn_cast<StatisticAttrInterface>(attribute);
    if (statistic && !hasLoops(statistic))
      return refuse(attribute, "statistic", "", listStatistics());
  }
  return success();
}

LogicalResult et::verifyLowerable(Operation *root,
                                  function_ref<bool(Operation *)> isAllowed) {
  WalkResult result = root->walk([&](Operation *op) {
    if (!isa_and_present<ETDialect>(op->getDialect()) || isAllowed(op))
      return WalkResult::advance();
    StringRef missing = getMissingPass(op);
    if (missing.empty())
      return WalkResult(verifyAttributes(op));
    op->emitOpError() << "cannot become loops yet: run --" << missing
                      << " first";
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

namespace {
struct ConvertETToSCF : et::impl::ConvertETToSCFBase<ConvertETToSCF> {
  void runOnOperation() override {
    if (failed(
            verifyLowerable(getOperation(), [](Operation *) { return false; })))
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
