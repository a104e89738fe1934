//===- FrontEnd.cpp - What all targets share ------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Codegen/CPU/Passes.h"
#include "et/Codegen/GPU/Passes.h"
#include "et/Conversion/Passes.h"
#include "et/Conversion/ToRuntime/Passes.h"
#include "et/Dialect/ET/Transforms/Passes.h"
#include "et/Pipelines/Pipelines.h"
#include "mlir/Conversion/BufferizationToMemRef/BufferizationToMemRef.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::et;

static void addCleanup(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

static void addBufferization(OpPassManager &pm) {
  // Tensors are for linalg and for et; what is around layers joins them.
  pm.addNestedPass<func::FuncOp>(createDecomposeLinalg());
  pm.addPass(createConvertElementwiseToLinalgPass());
  pm.addPass(createDefineDivision());
  pm.addPass(createCheckTensorOps());
  pm.addNestedPass<func::FuncOp>(createProtectArguments());
  pm.addPass(bufferization::createEmptyTensorEliminationPass());
  pm.addNestedPass<func::FuncOp>(createKeepDestinations());
  pm.addPass(createSeparateResults());
  bufferization::OneShotBufferizePassOptions options;
  options.bufferizeFunctionBoundaries = true;
  options.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  options.allowReturnAllocsFromLoops = true;
  pm.addPass(bufferization::createOneShotBufferizePass(options));
  addCleanup(pm);
  // What a function writes to the place that it is given is not copied again.
  pm.addPass(bufferization::createDropEquivalentBufferResultsPass());
  // Upstream's pipeline of deallocation, with a pass before the last step.
  pm.addNestedPass<func::FuncOp>(
      bufferization::createOwnershipBasedBufferDeallocationPass());
  addCleanup(pm);
  pm.addNestedPass<func::FuncOp>(
      bufferization::createBufferDeallocationSimplificationPass());
  pm.addNestedPass<func::FuncOp>(createSplitDeallocations());
  pm.addPass(bufferization::createLowerDeallocationsPass());
  // A function that returns its argument returns a clone of it.
  pm.addPass(createConvertBufferizationToMemRefPass());
  addCleanup(pm);
}

void et::buildFrontEndPipeline(OpPassManager &pm, Phase compileTo,
                               const FrontEndOptions &options) {
  pm.addPass(createFlattenModules());
  pm.addPass(createCheckModel());
  pm.addPass(createFreeNames());
  // Bufferization's analysis takes no account of what blocks do to each
  // other's arguments.
  pm.addPass(createLiftControlFlowToSCFPass());
  bool packs = options.packsWeights, isForGPU = options.isForGPU;
  // What kernels are named after, before anything is taken apart.
  if (isForGPU)
    pm.addNestedPass<func::FuncOp>(createNoteOrigins());
  pm.addPass(createCheckSizes());
  // What a function is given as a weight is one where it is multiplied with.
  // Nothing is simplified before the checks.
  if (packs)
    pm.addPass(createInlinerPass({}, [](OpPassManager &) {}));
  pm.addPass(createCheckShapes());
  pm.addPass(createCheckBounds());
  addCleanup(pm);
  pm.addNestedPass<func::FuncOp>(createHoistChecks());
  if (compileTo == Phase::Input)
    return;
  pm.addPass(createRaiseMoe());
  // Weights are packed where a caller gives them.
  if (!packs)
    pm.addPass(createOutlineLayers({/*keepPairs=*/options.fusesRouting}));
  if (isForGPU)
    pm.addPass(createSelectSchedule());
  pm.addPass(createDecomposeMoe({options.pairBuffers, isForGPU}));
  pm.addPass(createDecomposeExpertFfn());
  addCleanup(pm);
  if (compileTo == Phase::Decompose)
    return;
  pm.addPass(createFuseGather());
  pm.addPass(createFuseDequantize());
  pm.addPass(createFuseEpilogues());
  if (options.fusesRouting) {
    pm.addPass(createFuseTokenList());
    pm.addPass(createFuseGating());
    pm.addPass(createPairProducts());
  }
  addCleanup(pm);
  if (packs) {
    pm.addPass(createPackWeights());
    addCleanup(pm);
    pm.addPass(createOutlinePacking());
  }
  if (compileTo == Phase::Fuse)
    return;
  addBufferization(pm);
}
