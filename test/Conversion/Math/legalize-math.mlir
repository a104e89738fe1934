// RUN: et-opt %s --et-legalize-math --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @half
// CHECK:         %[[X:.*]] = arith.extf %{{.*}} : vector<4xf16> to vector<4xf32>
// CHECK:         %[[Y:.*]] = arith.extf %{{.*}} : vector<4xf16> to vector<4xf32>
// CHECK:         %[[P:.*]] = math.powf %[[X]], %[[Y]] : vector<4xf32>
// CHECK:         arith.truncf %[[P]] : vector<4xf32> to vector<4xf16>
func.func @half(%x: vector<4xf16>, %y: vector<4xf16>) -> vector<4xf16> {
  %0 = math.powf %x, %y : vector<4xf16>
  return %0 : vector<4xf16>
}

// -----

// Two results, of which each is rounded.
// CHECK-LABEL: func.func @sincos
// CHECK-DAG:     math.sin %{{.*}} : f32
// CHECK-DAG:     math.cos %{{.*}} : f32
// CHECK-COUNT-2: arith.truncf %{{.*}} : f32 to bf16
func.func @sincos(%x: bf16) -> (bf16, bf16) {
  %s, %c = math.sincos %x : bf16
  return %s, %c : bf16, bf16
}

// -----

// What is normal in f16 is told by f16's own smallest number, 2^-14.
// CHECK-LABEL: func.func @normal
// CHECK:         arith.constant 6.10351563E-5 : f32
// CHECK:         return %{{.*}} : i1
func.func @normal(%x: f16) -> i1 {
  %0 = math.isnormal %x : f16
  return %0 : i1
}

// -----

// The exponent of 8 bits has 8 turns.
// CHECK-LABEL: func.func @ipowi
// CHECK-DAG:     %[[TURNS:.*]] = arith.constant 8 : index
// CHECK:         scf.for %{{.*}} = %{{.*}} to %[[TURNS]]
func.func @ipowi(%x: i8, %n: i8) -> i8 {
  %0 = math.ipowi %x, %n : i8
  return %0 : i8
}

// -----

// CHECK-LABEL: func.func @fpowi
// CHECK:         %[[N:.*]] = arith.sitofp %{{.*}} : i64 to f64
// CHECK:         math.powf %{{.*}}, %[[N]] : f64
func.func @fpowi(%x: f64, %n: i8) -> f64 {
  %0 = math.fpowi %x, %n : f64, i8
  return %0 : f64
}

// -----

// CHECK-LABEL: func.func @minnumf
// CHECK:         arith.minnumf %{{.*}}, %{{.*}} : f32
func.func @minnumf(%x: f16, %y: f16) -> f16 {
  %0 = arith.minnumf %x, %y : f16
  return %0 : f16
}

// -----

// Rounded to an odd number of f32 in between. From f32 there is one rounding only.
// CHECK-LABEL: func.func @truncf
// CHECK:         arith.truncf %{{.*}} : vector<4xf64> to vector<4xf32>
// CHECK:         %[[ODD:.*]] = arith.select %{{.*}} : vector<4xi1>, vector<4xf32>
// CHECK:         arith.truncf %[[ODD]] : vector<4xf32> to vector<4xbf16>
// CHECK-NOT:     arith.select
// CHECK:         return
func.func @truncf(%x: vector<4xf64>, %y: f32) -> (vector<4xbf16>, f16) {
  %0 = arith.truncf %x : vector<4xf64> to vector<4xbf16>
  %1 = arith.truncf %y : f32 to f16
  return %0, %1 : vector<4xbf16>, f16
}

// -----

// CHECK-LABEL: func.func @integers
// CHECK:         %[[WIDE:.*]] = arith.sitofp %{{.*}} : i32 to f64
// CHECK:         arith.truncf %[[WIDE]] : f64 to f32
// CHECK:         arith.truncf %{{.*}} : f32 to bf16
// CHECK:         %[[CUT:.*]] = arith.select %{{.*}} : i64
// CHECK:         %[[WIDE:.*]] = arith.uitofp %{{.*}} : i64 to f64
// CHECK:         arith.truncf %[[WIDE]] : f64 to f32
// CHECK:         arith.truncf %{{.*}} : f32 to f16
// CHECK-NEXT:    arith.sitofp %{{.*}} : i16 to bf16
// CHECK-NEXT:    return
func.func @integers(%x: i32, %y: i64, %z: i16) -> (bf16, f16, bf16) {
  %0 = arith.sitofp %x : i32 to bf16
  %1 = arith.uitofp %y : i64 to f16
  %2 = arith.sitofp %z : i16 to bf16
  return %0, %1, %2 : bf16, f16, bf16
}
