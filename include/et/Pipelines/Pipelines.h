//===- Pipelines.h - From a layer to loops and code -------------*- C++ -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_PIPELINES_PIPELINES_H
#define ET_PIPELINES_PIPELINES_H

#include "et/Conversion/Passes.h"
#include "et/Dialect/ET/IR/Chips.h"
#include "et/Dialect/ET/Transforms/Transforms.h"
#include "mlir/Pass/PassOptions.h"

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace mlir::et {

/// Where a pipeline can be cut, in order. Each names the state it leaves.
enum class Phase {
  /// As written, with run-time checks of dynamic sizes.
  Input,
  /// et.moe and et.expert_ffn are gone: one op a step. Where the target has a
  /// kernel for a whole layer, those that it takes stay.
  Decompose,
  /// Gathers are operands of the products that read them; where the target has
  /// a kernel for it, the routing is one op.
  Fuse,
  /// No tensors; buffers are allocated and freed.
  Bufferize,
  /// No et ops: loops, vectors or GPU kernels.
  Loops,
  /// The LLVM dialect (and GPU binaries), ready for the Target layer.
  LLVM
};

/// Options that every pipeline has. Derive a pipeline's own options from it.
template <typename DerivedT>
struct PhasedPipelineOptions : PassPipelineOptions<DerivedT> {
  typename PassPipelineOptions<DerivedT>::template Option<Phase> compileTo{
      *this, "compile-to",
      llvm::cl::desc("The phase after which the pipeline ends"),
      llvm::cl::init(Phase::LLVM),
      llvm::cl::values(
          clEnumValN(Phase::Input, "input", "as written, sizes checked"),
          clEnumValN(Phase::Decompose, "decompose", "one op a step"),
          clEnumValN(Phase::Fuse, "fuse",
                     "gathers inside products; on a GPU, "
                     "routing in one op"),
          clEnumValN(Phase::Bufferize, "bufferize", "no tensors"),
          clEnumValN(Phase::Loops, "loops", "no et ops"),
          clEnumValN(Phase::LLVM, "llvm", "the LLVM dialect"))};
};

struct ReferencePipelineOptions
    : PhasedPipelineOptions<ReferencePipelineOptions> {};

struct CPUPipelineOptions : PhasedPipelineOptions<CPUPipelineOptions> {
  Option<std::string> march{
      *this, "march", llvm::cl::desc("A processor as LLVM names it, or native"),
      llvm::cl::init("native")};
  Option<bool> packWeights{
      *this, "pack-weights",
      llvm::cl::desc("Take weights packed: a function NAME_pack packs them"),
      llvm::cl::init(false)};
};

/// What a GPU module is compiled to.
enum class KernelFormat { Isa, Bin, Fatbin };

struct NVVMPipelineOptions : PhasedPipelineOptions<NVVMPipelineOptions> {
  ListOption<std::string> chips{
      *this, "chip",
      llvm::cl::desc("The GPUs to compile for, such as sm_80,sm_90a,sm_120; "
                     "sm_80 by default"),
      llvm::cl::list_init<std::string>({kDefaultChip.str()})};
  Option<KernelFormat> format{
      *this, "format", llvm::cl::desc("What kernels become"),
      llvm::cl::init(KernelFormat::Isa),
      llvm::cl::values(clEnumValN(KernelFormat::Isa, "isa", "PTX"),
                       clEnumValN(KernelFormat::Bin, "bin", "a cubin"),
                       clEnumValN(KernelFormat::Fatbin, "fatbin",
                                  "a fat binary, PTX and cubins"))};
  Option<F32Products> f32Products{
      *this, "f32-products",
      llvm::cl::desc("How matrices of f32 are multiplied"),
      llvm::cl::init(F32Products::FMA),
      llvm::cl::values(
          clEnumValN(F32Products::FMA, "fma", "by multiply-adds of f32"),
          clEnumValN(F32Products::ThreeTF32, "3xtf32",
                     "as three products of tf32, by the matrix units"))};
};

/// What targets choose about the part that they share.
struct FrontEndOptions {
  PairBuffers pairBuffers;
  /// Whether the target's kernels gate while they score, find the tokens of a
  /// tile in the mask, and run two products at once.
  bool fusesRouting;
  /// Whether the target is a GPU: layers get a schedule, and kernels names.
  bool isForGPU = false;
  /// Whether weights are packed for the target, which is a CPU.
  bool packsWeights = false;
};

/// The part that all targets share: up to and including Phase::Bufferize, or
/// less if `compileTo` comes first. The module has its target already.
void buildFrontEndPipeline(OpPassManager &pm, Phase compileTo,
                           const FrontEndOptions &options);

/// From loops on the host (scf, memref, arith, math; vector and omp if the
/// target emits them) to the LLVM dialect.
void buildHostToLLVMPipeline(OpPassManager &pm);

/// Plain sequential loops: what each op means.
void buildReferencePipeline(OpPassManager &pm,
                            const ReferencePipelineOptions &options);

/// Vector code for the processor `march`, threads by OpenMP.
void buildCPUPipeline(OpPassManager &pm, const CPUPipelineOptions &options);

/// GPU kernels, compiled for each chip, and host code that launches them.
void buildNVVMPipeline(OpPassManager &pm, const NVVMPipelineOptions &options);

/// Registers et-reference-pipeline and the targets' pipelines.
void registerPipelines();

} // namespace mlir::et

#endif // ET_PIPELINES_PIPELINES_H
