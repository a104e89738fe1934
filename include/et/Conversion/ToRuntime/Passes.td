//===- Passes.td - From functions to the runtime's interface -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_CONVERSION_TORUNTIME_PASSES
#define ET_CONVERSION_TORUNTIME_PASSES

include "mlir/Pass/PassBase.td"

def EmitEntryPoints : Pass<"et-emit-entry-points", "::mlir::ModuleOp"> {
  let summary = "describe every public function to the runtime";
  let description = [{
    Adds, for each public function NAME of memrefs and scalars, an
    `llvm.func @et_entry_NAME(ptr)` that takes its arguments and results through
    an array of pointers, and a constant `@et_function_NAME` of the runtime's
    type `et_function` that holds the signature and the entry's address.
    `et_call` needs nothing else, so a library and a function compiled in memory
    are called alike.

    Runs on bufferized functions with identity layouts, before they are
    converted to the LLVM dialect. Argument and result attributes: `et.name` (what
    error messages call it), `et.weight` (its name in a weights file), `et.role`
    (what a tool may use it for).

    ```mlir
    func.func @scale(%x: memref<?x4xf32> {et.name = "x"}, %by: f32) -> memref<?x4xf32> {
      return %x : memref<?x4xf32>
    }
    ```

    gains

    ```mlir
    llvm.func internal @et_entry_scale(%slots: !llvm.ptr) {
      ...
      %y = func.call @scale(%x, %by) : (memref<?x4xf32>, f32) -> memref<?x4xf32>
      ...
    }
    ...
    llvm.mlir.global external constant @et_function_scale() ...
    %entry = llvm.mlir.addressof @et_entry_scale : !llvm.ptr
    ...
    ```
  }];
  let options = [
    Option<"memory", "memory", "::mlir::et::EntryMemory",
           "::mlir::et::EntryMemory::Host", "Where the functions' tensors lie",
           [{::llvm::cl::values(
             clEnumValN(::mlir::et::EntryMemory::Host, "host", "the host's memory"),
             clEnumValN(::mlir::et::EntryMemory::Cuda, "cuda", "CUDA device memory"))}]>
  ];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def LowerAsserts : Pass<"et-lower-asserts", "::mlir::ModuleOp"> {
  let summary = "let a failed cf.assert end the call with an error";
  let description = [{
    A `cf.assert` becomes a call of the runtime's `et_check_failed` where its
    condition is false: `et_call` then returns the message, after the file, line
    and column that the assertion comes from, where upstream's lowering ends the
    process. Runs before scf is lowered. Assertions in kernels
    are left alone.

    ```mlir
    func.func @check(%ok: i1) {
      cf.assert %ok, "x and w differ in width"
      return
    }
    ```

    becomes

    ```mlir
    llvm.mlir.global internal constant @et_check("<stdin>:2:3: x and w differ in width\00") ...
    llvm.func @et_check_failed(!llvm.ptr)
    func.func @check(%ok: i1) {
      %true = arith.constant true
      %failed = arith.xori %ok, %true : i1
      scf.if %failed {
        %text = llvm.mlir.addressof @et_check : !llvm.ptr
        llvm.call @et_check_failed(%text) : (!llvm.ptr) -> ()
      }
      return
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect", "::mlir::scf::SCFDialect"
  ];
}

#endif // ET_CONVERSION_TORUNTIME_PASSES
