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

#endif // ET_CONVERSION_PASSES
