//===- Passes.td - Conversions from the et dialect -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_CONVERSION_PASSES
#define ET_CONVERSION_PASSES

include "mlir/Pass/PassBase.td"

def ConvertETToSCF : Pass<"convert-et-to-scf"> {
  let summary = "lower bufferized et ops to plain loops";
  let description = [{
    The executable meaning of each op, written for reading: `scf.parallel` over
    what is independent, `scf.for` inside, one memory access at a time. Storage
    types are widened to f32 at each load and rounded at each store. Targets use
    the same patterns for the ops that they have no better lowering for.

    `et.moe` and `et.expert_ffn` are decomposed, and tensors bufferized, before.
  }];
  let dependentDialects = [
    "arith::ArithDialect", "math::MathDialect", "memref::MemRefDialect",
    "scf::SCFDialect"
  ];
}

def ConvertETToGPU : Pass<"convert-et-to-gpu"> {
  let summary = "lower bufferized et ops to GPU kernels";
  let description = [{
    Each op becomes one kernel, built with `gpu.launch`. Nothing waits for the
    host: grids are sized by shapes alone, and blocks that the plan leaves
    without work end at once.

    | op | kernel |
    |---|---|
    | `et.scores` | tiles of 32 tokens x 16 experts through shared memory; norms on the way |
    | `et.gate #et.threshold` | a block a mask word and 32 experts; mask words are warp ballots |
    | `et.offsets` | one block; a warp counts an expert's bits, then warp scans |
    | `et.token_list` | a block an expert; popcounts, scans, then each thread lists a word |
    | `et.gather` | a block a row |
    | `et.grouped_matmul` | tiles of 64 x 64 through shared memory; gather in the load, bias, activation and gate at the end |
    | `et.combine` | a block a token; warps find its pairs' rows by popcount |

    A block of the grouped product finds its expert and rows by bisection of the
    offsets, so no loop runs over experts or tokens. All results are free of
    atomics and of any order that differs between runs. Everything else (the other
    routings, statistics) becomes the plain parallel loops of
    `--convert-et-to-scf`, which `--et-loops-to-kernels` maps.

    All memrefs are taken to lie in device memory.
  }];
  let dependentDialects = [
    "arith::ArithDialect", "gpu::GPUDialect", "math::MathDialect",
    "memref::MemRefDialect", "NVVM::NVVMDialect", "scf::SCFDialect",
    "vector::VectorDialect"
  ];
}

#endif // ET_CONVERSION_PASSES
