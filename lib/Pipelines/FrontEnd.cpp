//===- FrontEnd.cpp - What all targets share ------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Dialect/ET/Transforms/Passes.h"
#include "et/Pipelines/Pipelines.h"
#include "mlir/Conversion/BufferizationToMemRef/BufferizationToMemRef.h"
#include "mlir/Dialect/Bufferization/Pipelines/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::et;

static void addCleanup(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

static void addBufferization(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createProtectArguments());
  pm.addPass(bufferization::createEmptyTensorEliminationPass());
  bufferization::OneShotBufferizePassOptions options;
  options.bufferizeFunctionBoundaries = true;
  options.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  pm.addPass(bufferization::createOneShotBufferizePass(options));
  addCleanup(pm);
  bufferization::buildBufferDeallocationPipeline(
      pm, bufferization::BufferDeallocationPipelineOptions());
  // A function that returns its argument returns a clone of it.
  pm.addPass(createConvertBufferizationToMemRefPass());
  addCleanup(pm);
}

void et::buildFrontEndPipeline(OpPassManager &pm, Phase compileTo,
                               const FrontEndOptions &options) {
  pm.addPass(createCheckShapes());
  addCleanup(pm);
  if (compileTo == Phase::Input)
    return;
  pm.addPass(createDecomposeMoe({options.pairBuffers}));
  pm.addPass(createDecomposeExpertFfn());
  addCleanup(pm);
  if (compileTo == Phase::Decompose)
    return;
  pm.addPass(createFuseGather());
  if (options.fusesRouting) {
    pm.addPass(createFuseTokenList());
    pm.addPass(createFuseGating());
  }
  addCleanup(pm);
  if (compileTo == Phase::Fuse)
    return;
  addBufferization(pm);
}
