//===- my-opt.cpp - a compiler with ET layers among its own passes --------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "et/InitAll.h"
#include "et/Pipelines/Pipelines.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::et::registerAll(registry);
  // ET layers down to buffers, and then whatever this compiler does with those.
  mlir::PassPipelineRegistration<> pipeline(
      "my-pipeline", "An example", [](mlir::OpPassManager &pm) {
        mlir::et::buildFrontEndPipeline(pm, mlir::et::Phase::Bufferize,
                                        {mlir::et::PairBuffers::Exact,
                                         /*fusesRouting=*/false});
        pm.addPass(mlir::createCSEPass());
      });
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "My compiler\n", registry));
}
