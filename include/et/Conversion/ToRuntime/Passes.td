//===- Passes.td - From functions to the runtime's interface -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_CONVERSION_TORUNTIME_PASSES
#define ET_CONVERSION_TORUNTIME_PASSES

include "mlir/Pass/PassBase.td"

def CheckAllocations : Pass<"et-check-allocations", "::mlir::func::FuncOp"> {
  let summary = "assert that the bytes of every buffer can be counted";
  let description = [{
    Puts a `cf.assert` before each allocation with dynamic sizes: none is
    negative, and the bytes fit in a signed number of 64 bits. Without it the
    product of sizes that have no memory behind them wraps to a small one, and
    what is written lies beyond the buffer. Allocations of a block that have the
    same dynamic sizes share the check of the one that needs the most bytes.
    An allocation whose static sizes alone are too many is an error.

    ```mlir
    func.func @f(%n: index, %m: index) -> (memref<?x?xf32>, memref<?x?x2xf32>) {
      %a = memref.alloc(%n, %m) : memref<?x?xf32>
      %b = memref.alloc(%n, %m) : memref<?x?x2xf32>
      return %a, %b : memref<?x?xf32>, memref<?x?x2xf32>
    }
    ```

    becomes

    ```mlir
    func.func @f(%n: index, %m: index) -> (memref<?x?xf32>, memref<?x?x2xf32>) {
      %most = arith.constant 1152921504606846975 : index
      %n_fits = arith.cmpi ule, %n, %most : index
      %c1 = arith.constant 1 : index
      %divisor = arith.maxui %n, %c1 : index
      %left = arith.divui %most, %divisor : index
      %m_fits = arith.cmpi ule, %m, %left : index
      %fit = arith.andi %n_fits, %m_fits : i1
      cf.assert %fit, "a buffer of f32[?x?x2] would have a negative size or more than 2^63 - 1 bytes; use smaller sizes"
      %a = memref.alloc(%n, %m) : memref<?x?xf32>
      %b = memref.alloc(%n, %m) : memref<?x?x2xf32>
      return %a, %b : memref<?x?xf32>, memref<?x?x2xf32>
    }
    ```

    Runs when no pass after it allocates, on a GPU's host code when launches are
    asynchronous: an assertion between them would have the host wait.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect"
  ];
}

def CheckConstants : Pass<"et-check-constants", "::mlir::func::FuncOp"> {
  let summary = "refuse constants that no library holds";
  let description = [{
    A constant of more than 2^31 - 1 bytes is an error: code reaches its constants by
    signed numbers of 32 bits. Of a module's constants only those are looked at that a
    function uses.

    <!-- test: ! et-opt --pass-pipeline='builtin.module(func.func(et-check-constants))' 2>&1 -->
    ```mlir
    memref.global "private" constant @ones : memref<536870912xf32> = dense<1.0>
    func.func @f() -> memref<536870912xf32> {
      %x = memref.get_global @ones : memref<536870912xf32>
      return %x : memref<536870912xf32>
    }
    ```

    ends in

    ```mlir
    ...
    error: a constant of type 'memref<536870912xf32>' has more than 2^31 - 1 bytes, which no library holds; make it an argument
    ...
    ```
  }];
}

def CheckLowered : Pass<"et-check-lowered"> {
  let summary = "refuse ops that nothing has lowered to LLVM's dialect";
  let description = [{
    Runs behind the conversions to LLVM's dialect, before the casts between its types
    and others are reconciled: what is left belongs to a dialect for which there is no
    conversion. The module's `et.target` goes: what reads the module from here on need
    not know the et dialect.

    <!-- test: ! et-opt --et-check-lowered 2>&1 -->
    ```mlir
    llvm.func @size(%x: f32) -> f32 {
      %c = complex.create %x, %x : complex<f32>
      %y = complex.abs %c : complex<f32>
      llvm.return %y : f32
    }
    ```

    ends in

    ```mlir
    ...
    error: 'complex.create' op has no lowering to LLVM's dialect here; turn it into ops of arith, math, scf, memref or vector before
    ...
    ```
  }];
}

def FreeNames : Pass<"et-free-names", "::mlir::ModuleOp"> {
  let summary = "take no symbol of the model for the runtime's";
  let description = [{
    What is added to the code calls functions of the runtime, of OpenMP's and of C's
    by their names. A symbol of the model that has such a name, or begins like them
    (`et_`, `mgpu`, `omp_`, `_`), gets another. A public function keeps the one
    that callers know in `et.entry_name`.

    ```mlir
    func.func @et_use_matrices(%x: f32) -> f32 {
      %y = call @expf(%x) : (f32) -> f32
      return %y : f32
    }
    func.func private @expf(%x: f32) -> f32 {
      return %x : f32
    }
    ```

    becomes

    ```mlir
    func.func @model.et_use_matrices(%x: f32) -> f32 attributes {et.entry_name = "et_use_matrices"} {
      %y = call @model.expf(%x) : (f32) -> f32
      return %y : f32
    }
    func.func private @model.expf(%x: f32) -> f32 {
      return %x : f32
    }
    ```
  }];
}

def EmitEntryPoints : Pass<"et-emit-entry-points", "::mlir::ModuleOp"> {
  let summary = "describe every public function to the runtime";
  let description = [{
    Adds, for each public function NAME of memrefs and scalars, an
    `llvm.func @et_entry_NAME(ptr)` that takes its arguments and results through
    an array of pointers, and a constant `@et_function_NAME` of the runtime's
    type `et_function` that holds the signature, the entry's address and the
    runtime that the code is linked with, `@et_own_runtime`. `et_call` needs nothing
    else, so a library and a function compiled in memory are called alike.

    A function that `et-free-names` gave another name is described by the one it had.

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
    are left alone. One with the attribute `et.runs_on`, behind which no op relies on
    it, calls `et_check_noted`: in a parallel region the threads then run on, and the
    call fails at its end.

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

def MarkParallelRegions
    : Pass<"et-mark-parallel-regions", "::mlir::ModuleOp"> {
  let summary = "tell the runtime where a call runs in parallel";
  let description = [{
    Calls the runtime's `et_enter_parallel` before and `et_leave_parallel` after
    each `omp.parallel` that is in no other. An error can end a call by a jump out
    of the compiled code, but not over the frames of a thread pool: the runtime
    counts the regions that the call itself has opened. A region of the
    caller's, in which it makes the call, is none of these.

    ```mlir
    func.func @f() {
      omp.parallel {
        omp.terminator
      }
      return
    }
    ```

    becomes

    ```mlir
    llvm.func @et_leave_parallel()
    llvm.func @et_enter_parallel()
    func.func @f() {
      llvm.call @et_enter_parallel() : () -> ()
      omp.parallel {
        omp.terminator
      }
      llvm.call @et_leave_parallel() : () -> ()
      return
    }
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def ConvertHostToLLVM : Pass<"et-convert-host-to-llvm", "::mlir::ModuleOp"> {
  let summary = "lower what the host runs to the LLVM dialect";
  let description = [{
    Upstream's conversions of vector, arith, memref, cf, func and omp in one, which
    takes a third of the time that one after the other takes. Memory is allocated and
    freed by functions that the runtime has, so that allocation can fail without
    ending the process.

    ```mlir
    func.func @first(%x: memref<8xf32>) -> f32 {
      %c0 = arith.constant 0 : index
      %v = vector.load %x[%c0] : memref<8xf32>, vector<8xf32>
      %first = vector.extract %v[0] : f32 from vector<8xf32>
      memref.dealloc %x : memref<8xf32>
      return %first : f32
    }
    ```

    becomes

    ```mlir
    llvm.func @_mlir_memref_to_llvm_free(!llvm.ptr)
    llvm.func @first(%allocated: !llvm.ptr, %aligned: !llvm.ptr, ...
      ...
      %v = llvm.load ...
      %first = llvm.extractelement %v[...
      ...
      llvm.call @_mlir_memref_to_llvm_free(...
      llvm.return %first : f32
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::memref::MemRefDialect", "::mlir::ub::UBDialect", "::mlir::vector::VectorDialect"
  ];
}

#endif // ET_CONVERSION_TORUNTIME_PASSES
