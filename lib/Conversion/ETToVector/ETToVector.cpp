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
    if (vectorBits < 64 || !llvm::isPowerOf2_64(vectorBits) ||
        vectorRegisters < 8) {
      getOperation().emitError()
          << "convert-et-to-vector needs a vector width that is a power of two "
             "of at least 64 bits and at least 8 registers, got vector-bits="
          << vectorBits.getValue()
          << " vector-registers=" << vectorRegisters.getValue();
      return signalPassFailure();
    }
    if (firstLevelCache < 4096) {
      getOperation().emitError()
          << "convert-et-to-vector needs the bytes of a first-level cache, at "
             "least 4096, got first-level-cache="
          << firstLevelCache.getValue();
      return signalPassFailure();
    }
    RewritePatternSet patterns(&getContext());
    populateETToVectorPatterns(
        patterns,
        {static_cast<int64_t>(vectorBits) / 32,
         static_cast<int64_t>(vectorRegisters), matrixRegisters,
         pairProducts && vectorBits == 512, byteTables && vectorBits == 512,
         static_cast<int64_t>(firstLevelCache),
         static_cast<int64_t>(secondLevelCache), readsAhead});
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
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
