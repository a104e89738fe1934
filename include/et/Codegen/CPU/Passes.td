//===- Passes.td - Code generation for CPUs -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_CODEGEN_CPU_PASSES
#define ET_CODEGEN_CPU_PASSES

include "mlir/Pass/PassBase.td"

def AttachCPUTarget : Pass<"et-attach-cpu-target", "::mlir::ModuleOp"> {
  let summary = "say which processor the functions are compiled for";
  let description = [{
    Every `llvm.func` with a body gets `target_cpu` and `target_features`, so that
    whatever compiles the module later uses the instructions that the vector code
    was made for. An unknown processor is an error. Entry points (`et_entry_...`)
    call the runtime first, which ends the call with an error on a processor that
    lacks one of the features.

    <!-- test: et-opt --et-attach-cpu-target=march=x86-64-v3 -->
    ```mlir
    llvm.func @f() {
      llvm.return
    }
    ```

    becomes

    ```mlir
    llvm.func @f() attributes {target_cpu = "x86-64-v3", target_features = ... "+avx2", ... "+fma", ...} {
      llvm.return
    }
    ```
  }];
  let options = [
    Option<"march", "march", "std::string", "\"native\"",
           "A processor as LLVM names it (x86-64-v3, znver5, ...), or native">
  ];
  let dependentDialects = ["LLVM::LLVMDialect"];
}

def SetCPUTarget : Pass<"et-set-cpu-target", "::mlir::ModuleOp"> {
  let summary = "say which processor vector code is made for";
  let description = [{
    The module's `et.target` becomes the [`#et.cpu_target`](Targets.md#etcpu_target) of
    the processor, which the passes that make vector code read. It replaces one that
    is there. An unknown processor is an error.

    <!-- test: et-opt --et-set-cpu-target=march=znver5 -->
    ```mlir
    module {
    }
    ```

    becomes

    ```mlir
    module attributes {et.target = #et.cpu_target<instructions = [avx512_bf16, avx512_vbmi], reads_ahead = true>} {
    }
    ```
  }];
  let options = [
    Option<"march", "march", "std::string", "\"native\"",
           "A processor as LLVM names it (x86-64-v3, znver5, ...), or native">,
    Option<"target", "target", "std::string", "\"\"",
           "The attribute itself, for a processor without a name">
  ];
  let dependentDialects = ["::mlir::et::ETDialect"];
}

def PackWeights : Pass<"et-pack-weights", "::mlir::ModuleOp"> {
  let summary = "pack the weights of products for this processor's kernels";
  let description = [{
    Every `et.grouped_matmul` on tensors whose weights are arguments with an
    `et.weight` attribute, or constants, reads them packed instead, by an `et.pack`
    in the layout of the kernel that `--convert-et-to-vector` makes of it for the
    module's `#et.cpu_target`. Weights that a product computes, those without static sizes, and
    functions that others of the module call stay as they are. `--et-outline-packing`
    takes the packing out of the function, so that it is done once.

    <!-- test: et-opt --et-pack-weights -->
    ```mlir
    module attributes {et.target = #et.cpu_target<vector_bits = 256, vector_registers = 16>} {
      func.func @products(%x: tensor<?x40xf32>, %w: tensor<4x40x100xf32> {et.weight = "w"},
                          %offsets: tensor<5xi32>, %init: tensor<?x100xf32>) -> tensor<?x100xf32> {
        %y = et.grouped_matmul relu ins(%x, %w : tensor<?x40xf32>, tensor<4x40x100xf32>)
          offsets(%offsets : tensor<5xi32>) outs(%init : tensor<?x100xf32>)
        return %y : tensor<?x100xf32>
      }
    }
    ```

    becomes

    ```mlir
    module attributes {et.target = #et.cpu_target<vector_bits = 256, vector_registers = 16>} {
      func.func @products(%x: tensor<?x40xf32>, %w: tensor<4x40x100xf32> {et.weight = "w"},
                          %offsets: tensor<5xi32>, %init: tensor<?x100xf32>) -> tensor<?x100xf32> {
        %empty = tensor.empty() : tensor<4x7x40x16xf32>
        %packed = et.pack #et.panels<columns = 16> ins(%w : tensor<4x40x100xf32>)
          outs(%empty : tensor<4x7x40x16xf32>)
        %y = et.grouped_matmul relu ins(%x, %packed : tensor<?x40xf32>, tensor<4x7x40x16xf32>)
          panels(#et.panels<columns = 16>) offsets(%offsets : tensor<5xi32>)
          outs(%init : tensor<?x100xf32>)
        return %y : tensor<?x100xf32>
      }
    }
    ```
  }];
  let dependentDialects = ["::mlir::et::ETDialect", "tensor::TensorDialect"];
}

#endif // ET_CODEGEN_CPU_PASSES
