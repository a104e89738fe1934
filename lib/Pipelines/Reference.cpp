//===- Reference.cpp - Plain loops on the host ----------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Conversion/Passes.h"
#include "et/Pipelines/Pipelines.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::et;

void et::buildReferencePipeline(OpPassManager &pm,
                                const ReferencePipelineOptions &options) {
  buildFrontEndPipeline(pm, options.compileTo,
                        {PairBuffers::Exact, /*fusesRouting=*/false});
  if (options.compileTo <= Phase::Bufferize)
    return;
  pm.addPass(createConvertVectorToSCFPass());
  pm.addPass(createConvertETToSCF());
  pm.addPass(createConvertLinalgToLoopsPass());
  pm.addPass(createExpandF8());
  pm.addPass(createLegalizeMath());
  pm.addPass(createExpandMath({/*onlyVectors=*/true}));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  if (options.compileTo == Phase::Loops)
    return;
  buildHostToLLVMPipeline(pm);
}

void et::registerPipelines() {
  PassPipelineRegistration<ReferencePipelineOptions>(
      "et-reference-pipeline",
      "Lower et layers to plain sequential loops: the meaning of each op, "
      "executable",
      buildReferencePipeline);
  PassPipelineRegistration<CPUPipelineOptions>(
      "et-lower-to-cpu-pipeline",
      "Lower et layers to vector code and OpenMP threads for a CPU",
      buildCPUPipeline);
  PassPipelineRegistration<NVVMPipelineOptions>(
      "et-lower-to-nvvm-pipeline",
      "Lower et layers to GPU kernels, compiled for one or several chips, and "
      "to host code that launches them",
      buildNVVMPipeline);
}
