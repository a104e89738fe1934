// RUN: et-opt %s --pass-pipeline='builtin.module(gpu.module(et-expand-kernel-math))' | FileCheck %s

gpu.module @kernels {
  // CHECK-LABEL: gpu.func @instructions
  // CHECK:       llvm.call_intrinsic "llvm.sqrt"(%{{.*}}) : (f64) -> f64
  // CHECK:       llvm.call_intrinsic "llvm.floor"(%{{.*}}) : (f32) -> f32
  // CHECK:       llvm.call_intrinsic "llvm.trunc"(%{{.*}}) : (f32) -> f32
  // CHECK:       llvm.call_intrinsic "llvm.maxnum"(%{{.*}}, %{{.*}}) : (f32, f32) -> f32
  // CHECK:       math.ctpop
  gpu.func @instructions(%m: memref<1xf64>, %n: memref<1xf32>, %k: memref<1xi32>, %x: f64, %y: f32, %z: i32) kernel {
    %c0 = arith.constant 0 : index
    %a = math.sqrt %x : f64
    %rounded = math.floor %y : f32
    %cut = math.trunc %rounded : f32
    %b = arith.maxnumf %cut, %y : f32
    %c = math.ctpop %z : i32
    memref.store %a, %m[%c0] : memref<1xf64>
    memref.store %b, %n[%c0] : memref<1xf32>
    memref.store %c, %k[%c0] : memref<1xi32>
    gpu.return
  }

  // CHECK-LABEL: gpu.func @power
  // CHECK-NOT:   math.powf
  // CHECK:       %[[INVERSE:.*]] = arith.cmpi slt
  // CHECK:       scf.while
  // CHECK:         arith.mulf
  // CHECK:         arith.shrui
  // CHECK:       arith.divf
  // CHECK:       arith.select %[[INVERSE]]
  gpu.func @power(%m: memref<1xf64>, %x: f64, %n: i64) kernel {
    %c0 = arith.constant 0 : index
    %e = arith.sitofp %n : i64 to f64
    %a = math.powf %x, %e : f64
    memref.store %a, %m[%c0] : memref<1xf64>
    gpu.return
  }
}
