//===- Host.cpp - From host loops to the LLVM dialect ---------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Conversion/Passes.h"
#include "et/Conversion/ToRuntime/Passes.h"
#include "et/Pipelines/Pipelines.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::et;

void et::buildHostToLLVMPipeline(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createCheckConstants());
  pm.addNestedPass<func::FuncOp>(createCheckAllocations());
  pm.addPass(createEmitEntryPoints());
  pm.addPass(createLowerAsserts());
  pm.addPass(createMarkParallelRegions());
  pm.addPass(createExpandCopies());
  pm.addPass(createExpandViews());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createSCFToControlFlowPass());
  // Not every processor has bf16 conversions, and not every math library erff.
  arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = true;
  pm.addPass(arith::createArithExpandOpsPass(expand));
  // Before vectors are lowered: libraries have functions of scalars only.
  pm.addPass(createConvertMathToLLVMPass({/*approximateLog1p=*/false}));
  pm.addPass(createConvertMathToLibmPass());
  pm.addPass(createConvertHostToLLVM());
  pm.addPass(createCheckLowered());
  pm.addPass(createReconcileUnrealizedCastsPass());
  // Blocks and their arguments are left to LLVM.
  GreedyRewriteConfig config;
  config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
  pm.addPass(createCanonicalizerPass(config));
  pm.addPass(createCSEPass());
}
