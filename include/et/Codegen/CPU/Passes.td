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

#endif // ET_CODEGEN_CPU_PASSES
