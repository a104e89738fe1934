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
    func.func @double(%x: memref<?x8xf32>, %T: index) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c8 = arith.constant 8 : index
      scf.parallel (%t, %d) = (%c0, %c0) to (%T, %c8) step (%c1, %c1) {
        %value = memref.load %x[%t, %d] : memref<?x8xf32>
        %twice = arith.addf %value, %value : f32
        memref.store %twice, %x[%t, %d] : memref<?x8xf32>
        scf.reduce
      }
      return
    }
    ```

    becomes

    ```mlir
    func.func @double(%x: memref<?x8xf32>, %T: index) {
      ...
      gpu.launch blocks(...) in (...) threads(%thread, ...) in (...) ... {
        ...
        %in_range = arith.cmpi ult, %iteration, %iterations : index
        scf.if %in_range {
          ...
          %value = memref.load %x[%t, %d] : memref<?x8xf32>
          %twice = arith.addf %value, %value : f32
          memref.store %twice, %x[%t, %d] : memref<?x8xf32>
        }
        gpu.terminator
      }
      return
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

    ```mlir
    func.func @f(%x: memref<?x8xf32>, %T: index) {
      %copy = memref.alloc(%T) : memref<?x8xf32>
      memref.copy %x, %copy : memref<?x8xf32> to memref<?x8xf32>
      memref.dealloc %copy : memref<?x8xf32>
      return
    }
    ```

    becomes

    ```mlir
    func.func @f(%x: memref<?x8xf32>, %T: index) {
      %copy = gpu.alloc (%T) : memref<?x8xf32>
      gpu.memcpy %copy, %x : memref<?x8xf32>, memref<?x8xf32>
      gpu.dealloc %copy : memref<?x8xf32>
      return
    }
    ```
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

    ```mlir
    gpu.module @kernels {
      gpu.func @norm(%x: memref<64xf32>) kernel {
        %t = gpu.thread_id x
        %square = memref.load %x[%t] : memref<64xf32>
        %root = math.sqrt %square : f32
        memref.store %root, %x[%t] : memref<64xf32>
        gpu.return
      }
    }
    ```

    becomes

    ```mlir
    gpu.module @kernels {
      gpu.func @norm(%x: memref<64xf32>) kernel {
        %t = gpu.thread_id x
        %square = memref.load %x[%t] : memref<64xf32>
        %root = llvm.call_intrinsic "llvm.sqrt"(%square) : (f32) -> f32
        memref.store %root, %x[%t] : memref<64xf32>
        gpu.return
      }
    }
    ```
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

    <!-- test: et-opt --et-attach-gpu-targets=chips=sm_80,sm_90a -->
    ```mlir
    gpu.module @kernels {
      gpu.func @nothing() kernel {
        gpu.return
      }
    }
    ```

    becomes

    ```mlir
    gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_80">, #nvvm.target<O = 3, chip = "sm_90a">] {
      gpu.func @nothing() kernel {
        gpu.return
      }
    }
    ```
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

    ```mlir
    gpu.binary @kernels [
      #gpu.object<#nvvm.target<chip = "sm_80">, "P\EDU\BA\01\00\10\00\02\00\00\00\00\00\00\00ab">,
      #gpu.object<#nvvm.target<chip = "sm_90a">, "P\EDU\BA\01\00\10\00\02\00\00\00\00\00\00\00cd">
    ]
    ```

    becomes

    ```mlir
    gpu.binary @kernels [
      #gpu.object<#nvvm.target<chip = "sm_80">, "P\EDU\BA\01\00\10\00\04\00\00\00\00\00\00\00abcd">
    ]
    ```
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect"];
}

#endif // ET_CODEGEN_GPU_PASSES
