//===- NVVM.h - The pipeline for NVIDIA GPUs --------------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_PIPELINES_NVVM_H
#define ET_PIPELINES_NVVM_H

#include "et/Pipelines/Pipelines.h"

namespace mlir::et {

struct NVVMPipelineOptions : PhasedPipelineOptions<NVVMPipelineOptions> {
  ListOption<std::string> chips{
      *this, "chip",
      llvm::cl::desc("The GPUs to compile for, such as sm_80,sm_90a,sm_120")};
  Option<std::string> format{
      *this, "format",
      llvm::cl::desc("What kernels become: isa (PTX), bin (cubin) or fatbin"),
      llvm::cl::init("isa")};
};

/// The whole way from tensors to host code in the LLVM dialect with the
/// kernels' binaries inside.
void buildNVVMPipeline(OpPassManager &pm, const NVVMPipelineOptions &options);

/// Its part after Phase::Loops: from outlined kernels and the functions that
/// launch them.
void buildGPUToLLVMPipeline(OpPassManager &pm,
                            const NVVMPipelineOptions &options);

void registerNVVMPipeline();

} // namespace mlir::et

#endif // ET_PIPELINES_NVVM_H
