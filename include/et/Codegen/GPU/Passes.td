//===- Passes.td - From parallel loops to GPU binaries -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_CODEGEN_GPU_PASSES
#define ET_CODEGEN_GPU_PASSES

include "mlir/Pass/PassBase.td"

def LoopsToKernels : Pass<"et-loops-to-kernels", "::mlir::func::FuncOp"> {
  let summary = "run outermost parallel loops as GPU kernels";
  let description = [{
    Every `scf.parallel` that is not inside a kernel or another loop nest of its
    kind becomes a `gpu.launch` with one thread an iteration, neighboring
    iterations of the last dimension in neighboring threads. Inner parallel loops
    run sequentially in the thread. Copies between strided buffers become such
    loops first.

    ```mlir
    scf.parallel (%t, %d) = (%c0, %c0) to (%T, %D) step (%c1, %c1) { ... }
    ```
    becomes
    ```mlir
    gpu.launch blocks(...) in (%blocks, 1, 1) threads(...) in (128, 1, 1) {
      scf.if %in_range { ... }
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"
  ];
}

def MoveBuffersToDevice : Pass<"et-move-buffers-to-device", "::mlir::func::FuncOp"> {
  let summary = "allocate, free and copy buffers on the GPU";
  let description = [{
    `memref.alloc`, `memref.dealloc` and `memref.copy` become `gpu.alloc`,
    `gpu.dealloc` and `gpu.memcpy`; a constant (`memref.get_global`) is copied to
    the device where it is used. The function's arguments and results are device
    memory. What would touch memory from the host afterwards is an error.
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect"];
}

def ExpandKernelMath : Pass<"et-expand-kernel-math", "::mlir::gpu::GPUModuleOp"> {
  let summary = "expand math functions that the GPU has no instruction for";
  let description = [{
    exp, tanh and erf of f32 become polynomials, powf of a whole exponent becomes
    repeated squaring, and sqrt, floor and their like become calls of the LLVM
    intrinsics that the NVPTX back end has instructions for. So kernels need no
    device library, and PTX is the same whether or not a CUDA toolkit is there.
    Any other function is an error.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"
  ];
}

def AttachGPUTargets : Pass<"et-attach-gpu-targets", "::mlir::gpu::GPUModuleOp"> {
  let summary = "name the GPUs that kernels are compiled for";
  let description = [{
    One `#nvvm.target` a chip, so that one module gives one object a chip, and
    16-byte alignment for the kernels' shared memory, which vector accesses
    count on. Fails for a chip that LLVM does not know.
  }];
  let options = [
    ListOption<"chips", "chips", "std::string", "Chips, such as sm_80,sm_90a,sm_120">,
  ];
  let dependentDialects = ["::mlir::NVVM::NVVMDialect"];
}

def MergeFatbins : Pass<"et-merge-fatbins"> {
  let summary = "make one fat binary of those for several GPUs";
  let description = [{
    A `gpu.binary` with one fat binary a chip keeps a single object with the
    entries of all, from which the driver picks the one for its device. (The
    translation to LLVM IR would embed the first only.) Objects of other formats
    are left alone.
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect"];
}

#endif // ET_CODEGEN_GPU_PASSES
