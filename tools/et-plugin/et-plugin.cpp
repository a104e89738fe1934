//===- et-plugin.cpp - the dialect and its passes, for a stock mlir-opt ---===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A tool that has them already, as et-opt does, keeps its own: MLIR ends the
// process where one name is registered for two.
//
//===----------------------------------------------------------------------===//

#include "et/InitAll.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "llvm/Config/llvm-config.h"

extern "C" LLVM_ATTRIBUTE_VISIBILITY_DEFAULT mlir::DialectPluginLibraryInfo
mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "ET", LLVM_VERSION_STRING,
          [](mlir::DialectRegistry *registry) {
            if (!registry->getDialectAllocator("et"))
              mlir::et::registerETDialects(*registry);
          }};
}

extern "C" LLVM_ATTRIBUTE_VISIBILITY_DEFAULT mlir::PassPluginLibraryInfo
mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "ET", LLVM_VERSION_STRING, [] {
            if (!mlir::PassPipelineInfo::lookup("et-lower-to-cpu-pipeline"))
              mlir::et::registerETPasses();
          }};
}
