// RUN: et-opt %s --et-inline-calls | FileCheck %s

// Launches of callees, and of theirs, are launches of the caller, in loops too; room
// for parameters is taken once, at the entry.
// CHECK-LABEL: func.func @twice
// CHECK-DAG:     llvm.alloca %{{.*}} x i64 : (i32) -> !llvm.ptr
// CHECK-DAG:     llvm.alloca %{{.*}} x i64 : (i32) -> !llvm.ptr
// CHECK:         gpu.launch_func @kernels::@kernel
// CHECK:         scf.for
// CHECK-NOT:       llvm.alloca
// CHECK:           llvm.call @fill
// CHECK:           gpu.launch_func @kernels::@kernel
// CHECK:         }
// CHECK-NOT:     call @once
// CHECK-NOT:   func.func private @once
// What has no body stays a call.
// CHECK:         call @unknown
// CHECK:         return
module attributes {gpu.container_module} {
  func.func @twice(%n: index) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    func.call @through(%n) : (index) -> ()
    scf.for %i = %c0 to %n step %c1 {
      func.call @once(%n) : (index) -> ()
    }
    func.call @unknown() : () -> ()
    return
  }
  func.func private @through(%n: index) {
    func.call @once(%n) : (index) -> ()
    return
  }
  func.func private @once(%n: index) {
    %one = llvm.mlir.constant(1 : i32) : i32
    %room = llvm.alloca %one x i64 : (i32) -> !llvm.ptr
    llvm.call @fill(%room) : (!llvm.ptr) -> ()
    gpu.launch_func @kernels::@kernel blocks in (%n, %n, %n) threads in (%n, %n, %n)
    return
  }
  func.func private @unknown()
  llvm.func @fill(!llvm.ptr)
  gpu.module @kernels {
    gpu.func @kernel() kernel {
      gpu.return
    }
  }
}
