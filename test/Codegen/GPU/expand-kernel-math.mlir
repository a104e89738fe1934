// RUN: et-opt %s --pass-pipeline='builtin.module(gpu.module(et-expand-kernel-math))' | FileCheck %s

gpu.module @kernels {
  // CHECK-LABEL: gpu.func @polynomials
  // CHECK-NOT:   math.exp
  // CHECK-NOT:   math.erf
  // CHECK-NOT:   math.tanh
  // CHECK:       llvm.call_intrinsic "llvm.fma"
  // CHECK:       gpu.return
  gpu.func @polynomials(%m: memref<3xf32>, %x: f32) kernel {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %a = math.exp %x : f32
    %b = math.erf %x : f32
    %c = math.tanh %x : f32
    memref.store %a, %m[%c0] : memref<3xf32>
    memref.store %b, %m[%c1] : memref<3xf32>
    memref.store %c, %m[%c2] : memref<3xf32>
    gpu.return
  }

  // CHECK-LABEL: gpu.func @instructions
  // CHECK:       llvm.call_intrinsic "llvm.sqrt"(%{{.*}}) : (f64) -> f64
  // CHECK:       llvm.call_intrinsic "llvm.floor"(%{{.*}}) : (f32) -> f32
  // CHECK:       llvm.call_intrinsic "llvm.maxnum"(%{{.*}}, %{{.*}}) : (f32, f32) -> f32
  // CHECK:       math.ctpop
  gpu.func @instructions(%m: memref<1xf64>, %n: memref<1xf32>, %k: memref<1xi32>, %x: f64, %y: f32, %z: i32) kernel {
    %c0 = arith.constant 0 : index
    %a = math.sqrt %x : f64
    %rounded = math.floor %y : f32
    %b = arith.maxnumf %rounded, %y : f32
    %c = math.ctpop %z : i32
    memref.store %a, %m[%c0] : memref<1xf64>
    memref.store %b, %n[%c0] : memref<1xf32>
    memref.store %c, %k[%c0] : memref<1xi32>
    gpu.return
  }

  // CHECK-LABEL: gpu.func @power
  // CHECK-NOT:   math.powf
  // CHECK:       scf.while
  // CHECK:         arith.mulf
  // CHECK:         arith.shrui
  gpu.func @power(%m: memref<1xf64>, %x: f64, %n: i64) kernel {
    %c0 = arith.constant 0 : index
    %e = arith.sitofp %n : i64 to f64
    %a = math.powf %x, %e : f64
    memref.store %a, %m[%c0] : memref<1xf64>
    gpu.return
  }
}
