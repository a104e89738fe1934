// RUN: et-opt %s --et-tensor-map-parameters | FileCheck %s

// Maps are found among other arguments; other arrays stay what they are.
// CHECK-LABEL: llvm.func @kernel
// CHECK-SAME:  (%[[N:.*]]: i64, %[[A:.*]]: !llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<16 x i64>, nvvm.grid_constant}, %[[ARRAY:.*]]: !llvm.array<4 x i64>, %[[B:.*]]: !llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<16 x i64>, nvvm.grid_constant})
// CHECK:       llvm.call @use(%[[A]], %[[N]])
// CHECK:       llvm.call @use(%[[B]], %[[N]])
// CHECK:       llvm.extractvalue %[[ARRAY]][0]
// CHECK-NOT:   unrealized

// A function that is no kernel has no parameters in memory.
// CHECK-LABEL: llvm.func @helper
// CHECK-SAME:  !llvm.array<16 x i64>
gpu.module @kernels {
  llvm.func @use(!llvm.ptr, i64)
  llvm.func @kernel(%n: i64, %a: !llvm.array<16 x i64>, %array: !llvm.array<4 x i64>, %b: !llvm.array<16 x i64>) attributes {gpu.kernel, nvvm.kernel} {
    %0 = builtin.unrealized_conversion_cast %a : !llvm.array<16 x i64> to !llvm.ptr
    %1 = builtin.unrealized_conversion_cast %b : !llvm.array<16 x i64> to !llvm.ptr
    llvm.call @use(%0, %n) : (!llvm.ptr, i64) -> ()
    llvm.call @use(%1, %n) : (!llvm.ptr, i64) -> ()
    %2 = llvm.extractvalue %array[0] : !llvm.array<4 x i64>
    llvm.return
  }
  llvm.func @helper(%a: !llvm.array<16 x i64>) {
    llvm.return
  }
}
