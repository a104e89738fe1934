//===- NVVM.cpp - GPU kernels and the host code that launches them --------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/Codegen/GPU/Passes.h"
#include "et/Conversion/Passes.h"
#include "et/Conversion/ToRuntime/Passes.h"
#include "et/Pipelines/Pipelines.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::et;

static void addCleanup(OpPassManager &pm) {
  // Blocks and their arguments are left to LLVM.
  GreedyRewriteConfig config;
  config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
  pm.addPass(createCanonicalizerPass(config));
  pm.addPass(createCSEPass());
}

/// From bufferized functions to gpu.launch on device memory.
static void addKernels(OpPassManager &pm, F32Products f32Products) {
  // What ops have become by now.
  pm.addNestedPass<func::FuncOp>(createNoteOrigins());
  // While there are few ops to look at.
  pm.addNestedPass<func::FuncOp>(createLoopSequentialOps());
  pm.addPass(createConvertLinalgToParallelLoopsPass());
  pm.addPass(createConvertETToGPU({f32Products}));
  pm.addNestedPass<func::FuncOp>(createLoopsToKernels());
  pm.addNestedPass<func::FuncOp>(createMoveBuffersToDevice());
  addCleanup(pm);
  // Constants and sizes are cheaper to recompute than to pass.
  pm.addPass(createGpuLaunchSinkIndexComputationsPass());
  pm.addPass(createOutlineKernels());
  pm.addPass(createInlineCalls());
  // What is left to simplify in kernels is so when they are lowered.
  OpPassManager &functions = pm.nest<func::FuncOp>();
  functions.addPass(createGpuAsyncRegionPass());
  addCleanup(functions);
}

static void addKernelsToNVVM(OpPassManager &pm) {
  OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
  kernels.addPass(createAttachGPUTargets());
  kernels.addPass(createExpandViews());
  kernels.addPass(createLowerAffinePass());
  kernels.addPass(createLoopInvariantCodeMotionPass());
  kernels.addPass(createExpandF8());
  kernels.addPass(createLegalizeMath());
  kernels.addPass(createExpandMath());
  kernels.addPass(createExpandKernelMath());
  kernels.addPass(createSCFToControlFlowPass());
  ConvertGpuOpsToNVVMOpsOptions nvvm;
  nvvm.indexBitwidth = 64;
  kernels.addPass(createConvertGpuOpsToNVVMOps(nvvm));
  kernels.addPass(createTensorMapParameters());
  kernels.addPass(createAlignDynamicShared());
  // What has no intrinsic becomes inline assembly.
  kernels.addPass(createConvertNVVMToLLVMPass());
  addCleanup(kernels);
  kernels.addPass(createReconcileUnrealizedCastsPass());
}

/// From functions that launch kernels to the LLVM dialect.
static void addHostToLLVM(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createCheckConstants());
  pm.addNestedPass<func::FuncOp>(createCheckAllocations());
  pm.addPass(createEmitEntryPoints({EntryMemory::Cuda}));
  pm.addPass(createLowerAsserts());
  OpPassManager &functions = pm.nest<func::FuncOp>();
  functions.addPass(createExpandViews());
  functions.addPass(createLowerAffinePass());
  functions.addPass(createExpandF8());
  functions.addPass(createLegalizeMath());
  functions.addPass(createExpandMath());
  functions.addPass(createSCFToControlFlowPass());
  pm.addPass(createConvertMathToLLVMPass({/*approximateLog1p=*/false}));
  pm.addPass(createConvertMathToLibmPass());
  // Of the kernels too.
  pm.addPass(createGpuToLLVMConversionPass());
  pm.addPass(createCheckLowered());
  pm.addPass(createReconcileUnrealizedCastsPass());
  addCleanup(pm.nest<LLVM::LLVMFuncOp>());
}

void et::buildNVVMPipeline(OpPassManager &pm,
                           const NVVMPipelineOptions &options) {
  SetGPUTargetOptions target;
  llvm::append_range(target.chips, options.chips);
  pm.addPass(createSetGPUTarget(target));
  FrontEndOptions frontEnd = {PairBuffers::Bound, /*fusesRouting=*/true};
  frontEnd.isForGPU = true;
  buildFrontEndPipeline(pm, options.compileTo, frontEnd);
  if (options.compileTo <= Phase::Bufferize)
    return;
  addKernels(pm, options.f32Products);
  if (options.compileTo == Phase::Loops)
    return;
  addKernelsToNVVM(pm);
  addHostToLLVM(pm);
  GpuModuleToBinaryPassOptions binary;
  constexpr const char *names[] = {"isa", "bin", "fatbin"};
  binary.compilationTarget = names[static_cast<int>(options.format.getValue())];
  pm.addPass(createGpuModuleToBinaryPass(binary));
  pm.addPass(createMergeFatbins());
}
