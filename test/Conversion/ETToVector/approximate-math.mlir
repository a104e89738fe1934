// RUN: et-opt %s --et-approximate-math | FileCheck %s

// CHECK-LABEL: func.func @vectors
// CHECK-NOT:     math.exp
// CHECK-NOT:     math.erf
// CHECK-NOT:     math.tanh
// CHECK:         math.log
func.func @vectors(%x: vector<16xf32>) -> vector<16xf32> {
  %0 = math.exp %x : vector<16xf32>
  %1 = math.erf %0 : vector<16xf32>
  %2 = math.tanh %1 : vector<16xf32>
  %3 = math.log %2 : vector<16xf32>
  return %3 : vector<16xf32>
}

// Scalars go to the math library, which is closer.
// CHECK-LABEL: func.func @scalar
// CHECK:         math.exp
func.func @scalar(%x: f32) -> f32 {
  %0 = math.exp %x : f32
  return %0 : f32
}
