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
    if (failed(verifyOptions()))
      return signalPassFailure();
    RewritePatternSet patterns(&getContext());
    populateETToVectorPatterns(
        patterns,
        {static_cast<int64_t>(vectorBits) / 32,
         static_cast<int64_t>(vectorRegisters), matrixRegisters, pairProducts,
         byteTables, static_cast<int64_t>(firstLevelCache),
         static_cast<int64_t>(secondLevelCache), readsAhead});
    // There is one block in each region, with nothing to simplify.
    GreedyRewriteConfig config;
    config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
    if (failed(
            applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      signalPassFailure();
  }

private:
  LogicalResult verifyOptions() {
    auto refuse = [&](const Twine &need) {
      return getOperation().emitError("convert-et-to-vector needs ") << need;
    };
    // No processor has longer or more of them.
    if (vectorBits < 64 || vectorBits > 16384 ||
        !llvm::isPowerOf2_64(vectorBits))
      return refuse("a power of two from 64 to 16384 as vector-bits, got " +
                    Twine(vectorBits.getValue()));
    if (vectorRegisters < 8 || vectorRegisters > 64)
      return refuse("vector-registers from 8 to 64, got " +
                    Twine(vectorRegisters.getValue()));
    for (const auto *option : {&matrixRegisters, &pairProducts, &byteTables})
      if (*option && vectorBits != 512)
        return refuse("vector-bits=512 for " + option->getArgStr() + ", got " +
                      Twine(vectorBits.getValue()));
    for (const auto *option : {&firstLevelCache, &secondLevelCache})
      if (*option < 4096)
        return refuse("at least 4096 bytes as " + option->getArgStr() +
                      ", got " + Twine(option->getValue()));
    return success();
  }
};
} // namespace

void et::populateETToVectorPatterns(RewritePatternSet &patterns,
                                    const VectorTarget &target) {
  populateExpandFusedOpsPatterns(patterns);
  populateGatherVectorPatterns(patterns, target);
  populatePackPatterns(patterns, target);
  populateProductPatterns(patterns, target);
  populateRoutingVectorPatterns(patterns, target);
  populateCombineVectorPatterns(patterns, target);
}
