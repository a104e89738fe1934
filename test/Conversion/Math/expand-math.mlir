// RUN: et-opt %s --et-expand-math | FileCheck %s --check-prefix=ALL --implicit-check-not=math.exp --implicit-check-not=math.atan2 --implicit-check-not=math.fpowi
// RUN: et-opt %s --et-expand-math=only-vectors | FileCheck %s --check-prefix=VECTORS

// Values are checked by test/python/test_math.py.
// VECTORS-LABEL: func.func @vectors
// VECTORS-NOT:     math.exp
// VECTORS-NOT:     math.atan2
func.func @vectors(%x: vector<16xf32>, %y: vector<2x4xf32>) -> (vector<16xf32>, vector<2x4xf32>) {
  %0 = math.exp %x : vector<16xf32>
  %1 = math.atan2 %y, %y : vector<2x4xf32>
  return %0, %1 : vector<16xf32>, vector<2x4xf32>
}

// Scalars go to the math library on a CPU. No call of fpowi is made.
// VECTORS-LABEL: func.func @scalars
// VECTORS:         math.sin
// VECTORS-NOT:     math.fpowi
func.func @scalars(%x: f32, %n: i16) -> (f32, f32) {
  %0 = math.sin %x : f32
  %1 = math.fpowi %x, %n : f32, i16
  return %0, %1 : f32, f32
}

// f64 is left, and what has an instruction.
// ALL-LABEL: func.func @left
// ALL:         math.sin %{{.*}} : f64
// ALL:         math.sqrt %{{.*}} : f32
func.func @left(%x: f64, %y: f32) -> (f64, f32) {
  %0 = math.sin %x : f64
  %1 = math.sqrt %y : f32
  return %0, %1 : f64, f32
}
