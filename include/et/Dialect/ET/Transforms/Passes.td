//===- Passes.td - Transformations within the et dialect -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_TRANSFORMS_PASSES
#define ET_DIALECT_ET_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def DecomposeMoe : Pass<"et-decompose-moe"> {
  let summary = "turn et.moe into the steps it is made of";
  let description = [{
    Scores, gate, plan, expert feed-forward and combine become ops of their own;
    a shared expert becomes an `et.expert_ffn` of one expert over all tokens.

    Buffers that hold one row a selected pair have a size known only when the
    routing is. `exact` reads the number of pairs from the plan, so memory follows
    the pairs; `bound` takes the most that the routing allows (T times the most
    experts a token), so nothing waits for the plan: the choice for a device whose
    memory the host should not read.
  }];
  let options = [
    Option<"pairBuffers", "pair-buffers", "::mlir::et::PairBuffers",
           "::mlir::et::PairBuffers::Exact", "How buffers of selected pairs are sized",
           [{::llvm::cl::values(
             clEnumValN(::mlir::et::PairBuffers::Exact, "exact", "the number of selected pairs"),
             clEnumValN(::mlir::et::PairBuffers::Bound, "bound", "the most the routing allows"))}]>
  ];
  let dependentDialects = [
    "affine::AffineDialect", "arith::ArithDialect", "memref::MemRefDialect",
    "tensor::TensorDialect"
  ];
}

def DecomposeExpertFfn : Pass<"et-decompose-expert-ffn"> {
  let summary = "turn et.expert_ffn into two grouped matrix products";
  let description = [{
    Biases, activation and the gated product become epilogues of the first
    product, whose destination holds the hidden units of the selected pairs.
  }];
  let dependentDialects = ["memref::MemRefDialect", "tensor::TensorDialect"];
}

def FuseGather : Pass<"et-fuse-gather"> {
  let summary = "let grouped products read gathered rows in place";
  let description = [{
    An `et.gather` that feeds the rows of an `et.grouped_matmul` or
    `et.expert_ffn` of the same plan becomes the consumer's `tokens` operand, so
    that rows are gathered as the product loads them and no copy is made.
  }];
}

#endif // ET_DIALECT_ET_TRANSFORMS_PASSES
