// RUN: et-opt %s --et-expand-f8 | FileCheck %s

// CHECK-LABEL: func.func @to_f32
// CHECK-NOT:     arith.extf
// CHECK:         arith.bitcast %{{.*}} : f8E4M3FN to i8
// CHECK-NOT:     arith.truncf
// CHECK:         return %{{.*}} : f32
func.func @to_f32(%x: f8E4M3FN) -> f32 {
  %0 = arith.extf %x : f8E4M3FN to f32
  return %0 : f32
}

// Every value is one of f16 and of bf16 too.
// CHECK-LABEL: func.func @to_16_bits
// CHECK:         arith.bitcast %{{.*}} : f8E4M3FN to i8
// CHECK:         arith.truncf %{{.*}} : f32 to f16
// CHECK:         arith.bitcast %{{.*}} : f8E4M3FN to i8
// CHECK:         arith.truncf %{{.*}} : f32 to bf16
func.func @to_16_bits(%x: f8E4M3FN) -> (f16, bf16) {
  %0 = arith.extf %x : f8E4M3FN to f16
  %1 = arith.extf %x : f8E4M3FN to bf16
  return %0, %1 : f16, bf16
}

// Other types have their own conversions.
// CHECK-LABEL: func.func @others
// CHECK-NEXT:    arith.extf %{{.*}} : f16 to f32
// CHECK-NEXT:    arith.extf %{{.*}} : f8E5M2 to f32
// CHECK-NEXT:    return
func.func @others(%x: f16, %y: f8E5M2) -> (f32, f32) {
  %0 = arith.extf %x : f16 to f32
  %1 = arith.extf %y : f8E5M2 to f32
  return %0, %1 : f32, f32
}
