//===- Passes.td - From parallel loops to GPU binaries -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_CODEGEN_GPU_PASSES
#define ET_CODEGEN_GPU_PASSES

include "mlir/Pass/PassBase.td"

def SetGPUTarget : Pass<"et-set-gpu-target", "::mlir::ModuleOp"> {
  let summary = "say which GPUs kernels are made for";
  let description = [{
    The module's `et.target` becomes a [`#et.gpu_target`](Targets.md#etgpu_target), which
    the passes that choose and make kernels read. It replaces one that is there. A
    chip that LLVM does not know is an error.

    <!-- test: et-opt --et-set-gpu-target=chips=sm_80,sm_90a -->
    ```mlir
    module {
    }
    ```

    ```mlir
    module attributes {et.target = #et.gpu_target<chips = [sm_80, sm_90a]>} {
    }
    ```
  }];
  let options = [
    ListOption<"chips", "chips", "std::string", "Chips, such as sm_80,sm_90a,sm_120">,
  ];
  let dependentDialects = ["::mlir::et::ETDialect"];
}

def SelectSchedule : Pass<"et-select-schedule"> {
  let summary = "choose between one launch for a layer and a kernel a step";
  let description = [{
    Records in `#et.lowering_config` how a GPU runs each layer that does not say.
    One launch is for at most 32 tokens, a routing that decides by pair or by token,
    elements of 16 bits, and sizes D, E, F that are known multiples of 8. Where T is known, the layer
    gets one schedule; where it is not, a branch on T chooses between two layers.
    A layer with a `max_tokens` that one launch is better for needs no branch. A layer
    that is configured `one_launch` and has no fixed T keeps that for as many tokens
    as it takes. Which is better for how many tokens is predicted from the chips'
    published bandwidth and matrix rate, for as many experts a token as the rule
    allows if it has a bound, else a mean of one, and said in a remark (`--remarks-filter=et-select-schedule --remark-format=emitRemark`).

    <!-- test: et-opt --et-select-schedule -->
    ```mlir
    module attributes {et.target = #et.gpu_target<chips = [sm_90a]>} {
      func.func @layer(%x: tensor<?x64xbf16>, %router: tensor<64x8xbf16>,
                       %w1: tensor<8x64x128xbf16>, %w2: tensor<8x128x64xbf16>,
                       %theta: tensor<8xf32>, %out: tensor<?x64xbf16>) -> tensor<?x64xbf16> {
        %y = et.moe linear #et.threshold relu_squared
            ins(%x, %router, %w1, %w2 : tensor<?x64xbf16>, tensor<64x8xbf16>,
                tensor<8x64x128xbf16>, tensor<8x128x64xbf16>)
            theta(%theta : tensor<8xf32>) outs(%out : tensor<?x64xbf16>)
        return %y : tensor<?x64xbf16>
      }
    }
    ```

    ```mlir
    module attributes {et.target = #et.gpu_target<chips = [sm_90a]>} {
      func.func @layer(%x: tensor<?x64xbf16>, %router: tensor<64x8xbf16>,
                       %w1: tensor<8x64x128xbf16>, %w2: tensor<8x128x64xbf16>,
                       %theta: tensor<8xf32>, %out: tensor<?x64xbf16>) -> tensor<?x64xbf16> {
        %c0 = arith.constant 0 : index
        %tokens = tensor.dim %x, %c0 : tensor<?x64xbf16>
        %c32 = arith.constant 32 : index
        %few = arith.cmpi ule, %tokens, %c32 : index
        %y = scf.if %few -> (tensor<?x64xbf16>) {
          %one = et.moe linear #et.threshold relu_squared
              ins(%x, %router, %w1, %w2 : tensor<?x64xbf16>, tensor<64x8xbf16>,
                  tensor<8x64x128xbf16>, tensor<8x128x64xbf16>)
              theta(%theta : tensor<8xf32>) outs(%out : tensor<?x64xbf16>)
              {lowering_config = #et.lowering_config<schedule = one_launch, workgroups = 528>}
          scf.yield %one : tensor<?x64xbf16>
        } else {
          %grouped = et.moe linear #et.threshold relu_squared
              ins(%x, %router, %w1, %w2 : tensor<?x64xbf16>, tensor<64x8xbf16>,
                  tensor<8x64x128xbf16>, tensor<8x128x64xbf16>)
              theta(%theta : tensor<8xf32>) outs(%out : tensor<?x64xbf16>)
              {lowering_config = #et.lowering_config<schedule = grouped>}
          scf.yield %grouped : tensor<?x64xbf16>
        }
        return %y : tensor<?x64xbf16>
      }
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::et::ETDialect", "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"
  ];
}

def NoteOrigins : Pass<"et-note-origins", "::mlir::func::FuncOp"> {
  let summary = "note in locations which op a kernel will be named after";
  let description = [{
    Adds to the location of each op its name, or of a `linalg.generic` the name
    of the op that makes its elements. What an op is lowered to keeps its
    location, so a kernel can be named after the op that it came from. The
    pipeline runs the pass twice: first for what the program said, and again
    right before kernels are made, for what that has become. `et_moe_combine` is
    the combination of an `et.moe`, and `linalg_softmax_exp` the loop of
    exponentials of a `linalg.softmax`.

    <!-- test: et-opt --et-note-origins --mlir-print-debuginfo --mlir-print-local-scope -->
    ```mlir
    func.func @ends(%m: memref<8xf32>) {
      memref.dealloc %m : memref<8xf32> loc("model.mlir":7:3)
      return loc("model.mlir":8:3)
    }
    ```

    ```mlir
    ...
      memref.dealloc %m : memref<8xf32> loc(fused<{et.origin = "memref.dealloc"}>["model.mlir":7:3])
    ...
    ```
  }];
}

def LoopSequentialOps : Pass<"et-loop-sequential-ops", "::mlir::func::FuncOp"> {
  let summary = "give linalg ops without a parallel loop one of a single turn";
  let description = [{
    Such as a sum over everything, or an op on tensors of rank 0. They would become
    loads and stores of the host, which has no access to a GPU's memory. In a
    parallel loop they become a kernel of one thread.

    ```mlir
    func.func @root(%x: memref<f32>, %y: memref<f32>) {
      linalg.sqrt ins(%x : memref<f32>) outs(%y : memref<f32>)
      return
    }
    ```

    ```mlir
    func.func @root(%x: memref<f32>, %y: memref<f32>) {
      ...
      scf.parallel (%once) = (%c0) to (%c1) step (%c1_0) {
        linalg.sqrt ins(%x : memref<f32>) outs(%y : memref<f32>)
        scf.reduce
      }
      return
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

def LoopsToKernels : Pass<"et-loops-to-kernels", "::mlir::func::FuncOp"> {
  let summary = "run outermost parallel loops as GPU kernels";
  let description = [{
    Every `scf.parallel` that is not inside a kernel or another loop nest of its
    kind becomes a `gpu.launch` with one thread an iteration, neighboring
    iterations of the last dimension in neighboring threads. Inner parallel loops
    run sequentially in the thread. Copies between strided buffers become such
    loops first. A kernel is named after the op that the loops came from, where
    `et-note-origins` has noted it.

    <!-- test: et-opt --et-loops-to-kernels --canonicalize -->
    ```mlir
    func.func @zero(%m: memref<?x8xf32>, %rows: index) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c8 = arith.constant 8 : index
      %zero = arith.constant 0.0 : f32
      scf.parallel (%i, %j) = (%c0, %c0) to (%rows, %c8) step (%c1, %c1) {
        memref.store %zero, %m[%i, %j] : memref<?x8xf32>
      }
      return
    }
    ```

    ```mlir
    ...
        gpu.launch blocks(%b, %b_1, %b_2) in (%bs = %blocks, %bs_1 = %c1, %bs_2 = %c1) threads(%t, %t_1, %t_2) in (%ts = %c128, %ts_1 = %c1, %ts_2 = %c1) module(@et_kernels) function(@et_loop) {
          %base = arith.muli %b, %c128 : index
          %iteration = arith.addi %base, %t : index
          %in_range = arith.cmpi ult, %iteration, %total : index
          scf.if %in_range {
            %column = arith.remui %iteration, %c8 : index
            %row = arith.divui %iteration, %c8 : index
            memref.store %zero, %m[%row, %column] : memref<?x8xf32>
          }
          gpu.terminator
        }
    ...
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"
  ];
}

def OutlineKernels : Pass<"et-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "make functions of launches, with their attributes";
  let description = [{
    Upstream's `gpu-kernel-outlining`, which drops what else a launch says of its
    kernel: bounds for the assembler such as `nvvm.minctasm`, and the stages of the
    kernel's pipelines, which reports print.

    <!-- test: et-opt --et-outline-kernels -->
    ```mlir
    func.func @layer(%n: index) {
      gpu.launch blocks(%b, %b_1, %b_2) in (%bs = %n, %bs_1 = %n, %bs_2 = %n) threads(%t, %t_1, %t_2) in (%ts = %n, %ts_1 = %n, %ts_2 = %n) module(@et_kernels) function(@et_moe) {
        gpu.terminator
      } {et.stages = array<i64: 4>, nvvm.minctasm = 4 : i32}
      return
    }
    ```

    ```mlir
    ...
      gpu.module @et_kernels {
        gpu.func @et_moe() kernel attributes {et.stages = array<i64: 4>, nvvm.minctasm = 4 : i32} {
    ...
    ```
  }];
  let dependentDialects = [
    "::mlir::cf::ControlFlowDialect", "::mlir::gpu::GPUDialect", "::mlir::DLTIDialect"
  ];
}

def InlineCalls : Pass<"et-inline-calls", "::mlir::ModuleOp"> {
  let summary = "let one function launch what its callees launch";
  let description = [{
    Upstream's inliner, without its simplifications. Launches of a function and of
    those that it calls become one chain then, and the host does not wait for the
    device between them. What upstream leaves in the place of a call, which may be in
    a loop, moves to the function's entry: the room on the stack for the kernels'
    parameters.

    ```mlir
    module attributes {gpu.container_module} {
      func.func @twice(%n: index) {
        call @once(%n) : (index) -> ()
        call @once(%n) : (index) -> ()
        return
      }
      func.func private @once(%n: index) {
        gpu.launch_func @kernels::@kernel blocks in (%n, %n, %n) threads in (%n, %n, %n)
        return
      }
      gpu.module @kernels {
        gpu.func @kernel() kernel {
          gpu.return
        }
      }
    }
    ```

    becomes

    ```mlir
    module attributes {gpu.container_module} {
      func.func @twice(%n: index) {
        gpu.launch_func @kernels::@kernel blocks in (%n, %n, %n) threads in (%n, %n, %n)
        gpu.launch_func @kernels::@kernel blocks in (%n, %n, %n) threads in (%n, %n, %n)
        return
      }
      gpu.module @kernels {
        gpu.func @kernel() kernel {
          gpu.return
        }
      }
    }
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def MoveBuffersToDevice : Pass<"et-move-buffers-to-device", "::mlir::func::FuncOp"> {
  let summary = "allocate, free and copy buffers on the GPU";
  let description = [{
    `memref.alloc`, `memref.dealloc` and `memref.copy` become `gpu.alloc`,
    `gpu.dealloc` and `gpu.memcpy`; a constant (`memref.get_global`) is copied to
    the device where it is used. The function's arguments and results are device
    memory. What would touch memory from the host afterwards is an error.

    ```mlir
    func.func @copy(%x: memref<?xf32>, %n: index) -> memref<?xf32> {
      %y = memref.alloc(%n) : memref<?xf32>
      memref.copy %x, %y : memref<?xf32> to memref<?xf32>
      return %y : memref<?xf32>
    }
    ```

    ```mlir
    func.func @copy(%x: memref<?xf32>, %n: index) -> memref<?xf32> {
      %y = gpu.alloc (%n) : memref<?xf32>
      gpu.memcpy %y, %x : memref<?xf32>, memref<?xf32>
      return %y : memref<?xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect"];
}

def ExpandKernelMath : Pass<"et-expand-kernel-math", "::mlir::gpu::GPUModuleOp"> {
  let summary = "use the GPU's instructions for math ops";
  let description = [{
    sqrt, floor and their like become calls of the LLVM intrinsics that the NVPTX
    back end has instructions for, and powf of f64 to a whole exponent becomes
    repeated squaring. So kernels need no device library, and PTX is the same
    whether or not a CUDA toolkit is there. `et-expand-math` runs before; what
    it leaves, functions of f64, is an error.

    ```mlir
    gpu.module @kernels {
      gpu.func @norm(%squares: f32, %out: memref<f32>) kernel {
        %norm = math.sqrt %squares : f32
        memref.store %norm, %out[] : memref<f32>
        gpu.return
      }
    }
    ```

    ```mlir
    gpu.module @kernels {
      gpu.func @norm(%squares: f32, %out: memref<f32>) kernel {
        %norm = llvm.call_intrinsic "llvm.sqrt"(%squares) : (f32) -> f32
        memref.store %norm, %out[] : memref<f32>
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
    One `#nvvm.target` a chip of the module's `#et.gpu_target`, so that one module
    gives one object a chip, and
    16-byte alignment for the kernels' shared memory, which vector accesses
    count on.

    <!-- test: et-opt --et-attach-gpu-targets -->
    ```mlir
    module attributes {et.target = #et.gpu_target<chips = [sm_80, sm_90a]>} {
      gpu.module @kernels {
        gpu.func @kernel() workgroup(%tile: memref<64xf32, #gpu.address_space<workgroup>>) kernel {
          gpu.return
        }
      }
    }
    ```

    ```mlir
    module attributes {et.target = #et.gpu_target<chips = [sm_80, sm_90a]>} {
      gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_80", verifyTarget = false>, #nvvm.target<O = 3, chip = "sm_90a", verifyTarget = false>] {
        gpu.func @kernel() workgroup(%tile: memref<64xf32, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
          gpu.return
        }
      }
    }
    ```
  }];
  let dependentDialects = ["::mlir::et::ETDialect", "::mlir::NVVM::NVVMDialect"];
}

def AlignDynamicShared : Pass<"et-align-dynamic-shared", "::mlir::gpu::GPUModuleOp"> {
  let summary = "start a launch's shared memory at a multiple of 1024 bytes";
  let description = [{
    Copies and matrix instructions that swizzle count from multiples of 1024
    bytes. The symbol of the shared memory whose size a launch gives is declared
    external, as in CUDA C++, so that its place is where the launch puts it.

    <!-- test: et-opt --et-align-dynamic-shared -->
    ```mlir
    gpu.module @kernels {
      llvm.mlir.global internal @__dynamic_shmem__0() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<0 x i8>
    }
    ```

    ```mlir
    gpu.module @kernels {
      llvm.mlir.global external @__dynamic_shmem__0() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
    }
    ```
  }];
}

def TensorMapParameters : Pass<"et-tensor-map-parameters", "::mlir::gpu::GPUModuleOp"> {
  let summary = "let kernels point at the tensor maps among their arguments";
  let description = [{
    A tensor map is passed by value, 128 bytes, and used by address. The kernel's
    argument becomes a pointer to the bytes in the parameters, which no one
    writes, in place of the casts that stand for it.

    <!-- test: et-opt --et-tensor-map-parameters -->
    ```mlir
    gpu.module @kernels {
      llvm.func @use(!llvm.ptr)
      llvm.func @kernel(%map: !llvm.array<16 x i64>) attributes {gpu.kernel, nvvm.kernel} {
        %address = builtin.unrealized_conversion_cast %map : !llvm.array<16 x i64> to !llvm.ptr
        llvm.call @use(%address) : (!llvm.ptr) -> ()
        llvm.return
      }
    }
    ```

    ```mlir
    gpu.module @kernels {
      llvm.func @use(!llvm.ptr)
      llvm.func @kernel(%map: !llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<16 x i64>, nvvm.grid_constant}) attributes {gpu.kernel, nvvm.kernel} {
        llvm.call @use(%map) : (!llvm.ptr) -> ()
        llvm.return
      }
    }
    ```
  }];
}

def MergeFatbins : Pass<"et-merge-fatbins"> {
  let summary = "make one fat binary of those for several GPUs";
  let description = [{
    A `gpu.binary` with one fat binary a chip keeps a single object with the
    entries of all, from which the driver picks the one for its device. (The
    translation to LLVM IR would embed the first only.) Objects of other formats
    are left alone.

    Two fat binaries, each a header and one entry of eight bytes:

    ```mlir
    gpu.binary @kernels [
      #gpu.object<#nvvm.target<chip = "sm_80">, fatbin = "P\EDU\BA\01\00\10\00\08\00\00\00\00\00\00\00for_sm80">,
      #gpu.object<#nvvm.target<chip = "sm_90a">, fatbin = "P\EDU\BA\01\00\10\00\08\00\00\00\00\00\00\00for_sm90">
    ]
    ```

    ```mlir
    gpu.binary @kernels [
      #gpu.object<#nvvm.target<chip = "sm_80">, fatbin = "P\EDU\BA\01\00\10\00\10\00\00\00\00\00\00\00for_sm80for_sm90">
    ]
    ```
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect"];
}

#endif // ET_CODEGEN_GPU_PASSES
