//===- InitAll.cpp - Registration of everything ---------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/InitAll.h"

#include "et/Codegen/CPU/Passes.h"
#include "et/Codegen/GPU/Passes.h"
#include "et/Conversion/Passes.h"
#include "et/Conversion/ToRuntime/Passes.h"
#include "et/Dialect/ET/IR/ETDialect.h"
#include "et/Dialect/ET/IR/TilingInterfaceImpl.h"
#include "et/Dialect/ET/Transforms/Passes.h"
#include "et/Pipelines/Pipelines.h"
#include "mlir/Dialect/MemRef/Transforms/RuntimeOpVerification.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"

using namespace mlir;

void et::registerETDialects(DialectRegistry &registry) {
  registry.insert<ETDialect>();
  registerBufferizableOpInterfaceExternalModels(registry);
  registerTilingInterfaceExternalModels(registry);
  // What et-check-bounds does not know itself.
  memref::registerRuntimeVerifiableOpInterfaceExternalModels(registry);
}

void et::registerETPasses() {
  registerETCodegenCPUPasses();
  registerETCodegenGPUPasses();
  registerETConversionPasses();
  registerETToRuntimePasses();
  registerETTransformsPasses();
  registerPipelines();
}

void et::registerAll(DialectRegistry &registry) {
  registerAllDialects(registry);
  registerAllExtensions(registry);
  // For gpu-module-to-binary.
  registerAllGPUToLLVMIRTranslations(registry);
  registerAllPasses();
  registerETDialects(registry);
  registerETPasses();
}
