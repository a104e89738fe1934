//===- CPU.cpp - Vector code and threads for a CPU ------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Codegen/CPU/Passes.h"
#include "et/Conversion/Passes.h"
#include "et/Pipelines/Pipelines.h"
#include "mlir/Conversion/SCFToOpenMP/SCFToOpenMP.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::et;

void et::buildCPUPipeline(OpPassManager &pm,
                          const CPUPipelineOptions &options) {
  pm.addPass(createSetCPUTarget({options.march}));
  FrontEndOptions frontEnd = {PairBuffers::Exact, /*fusesRouting=*/false};
  frontEnd.packsWeights = options.packWeights;
  buildFrontEndPipeline(pm, options.compileTo, frontEnd);
  if (options.compileTo <= Phase::Bufferize)
    return;
  // While there are few ops to look at. Vectors of the passes below have one
  // dimension.
  pm.addPass(createConvertVectorToSCFPass());
  pm.addPass(createVectorizeElementwise());
  pm.addPass(createConvertLinalgToParallelLoopsPass());
  pm.addPass(createSpreadRows());
  pm.addPass(createConvertETToVector());
  pm.addPass(createConvertETToSCF());
  pm.addPass(createExpandF8());
  pm.addPass(createLegalizeMath());
  pm.addPass(createExpandMath({/*onlyVectors=*/true}));
  // Regions have one block each, with nothing to simplify.
  GreedyRewriteConfig config;
  config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
  config.setUseTopDownTraversal();
  pm.addPass(createCanonicalizerPass(config));
  pm.addPass(createCSEPass());
  pm.addPass(createConvertSCFToOpenMPPass());
  // Takes away the scopes that the conversion puts around loops for allocas.
  pm.addPass(createCanonicalizerPass(config));
  if (options.compileTo == Phase::Loops)
    return;
  buildHostToLLVMPipeline(pm);
  pm.addPass(createAttachCPUTarget({options.march}));
}
