// RUN: et-opt %s --convert-et-to-scf | FileCheck %s --check-prefixes=CHECK,SCALAR,LOOPS
// RUN: et-opt %s --convert-et-to-gpu | FileCheck %s --check-prefixes=CHECK,SCALAR,GPU
// RUN: et-opt %s --convert-et-to-vector | FileCheck %s --check-prefixes=CHECK,VECTOR

// Every lowering does what an epilogue says, behind the activation and before the store: on numbers, or on vectors. Kernels of
// processors are shared where their epilogues are the same, whatever their values are called, and only there.

// VECTOR:         func.func private @[[FIRST:et_panel_[^(]*_relu_epilogue_[^(]*]](
// VECTOR-DAG:     %[[TWO:.*]] = arith.constant dense<2.000000e+00> : vector<16xf32>
// VECTOR:         %[[RELU:.*]] = arith.maximumf
// VECTOR-NEXT:    %[[SMALL:.*]] = arith.truncf %[[RELU]] : vector<16xf32> to vector<16xbf16>
// VECTOR-NEXT:    %[[WIDE:.*]] = arith.extf %[[SMALL]] : vector<16xbf16> to vector<16xf32>
// VECTOR-NEXT:    %[[LESS:.*]] = arith.cmpf olt, %[[WIDE]], %[[TWO]] : vector<16xf32>
// VECTOR-NEXT:    %[[LEAST:.*]] = arith.select %[[LESS]], %[[WIDE]], %[[TWO]] : vector<16xi1>, vector<16xf32>
// VECTOR:         vector.transfer_write %[[LEAST]]
// VECTOR:         func.func private @[[OTHER:et_panel_[^(]*_relu_epilogue_[^(]*]]({{.*}}math.sqrt
// VECTOR:         %[[RELU:.*]] = arith.maximumf
// VECTOR-NEXT:    %[[ROOT:.*]] = math.sqrt %[[RELU]] : vector<16xf32>
// VECTOR:         vector.transfer_write %[[ROOT]]

// CHECK-LABEL:    func @first
// CHECK-NOT:      et.grouped_matmul
// GPU:            function(@et_grouped_matmul_relu_epilogue)
// SCALAR:         %[[RELU:.*]] = arith.maximumf
// SCALAR-NEXT:    %[[SMALL:.*]] = arith.truncf %[[RELU]] : f32 to bf16
// SCALAR-NEXT:    %[[WIDE:.*]] = arith.extf %[[SMALL]] : bf16 to f32
// SCALAR-NEXT:    %[[TWO:.*]] = arith.constant 2.000000e+00 : f32
// SCALAR-NEXT:    %[[LESS:.*]] = arith.cmpf olt, %[[WIDE]], %[[TWO]] : f32
// SCALAR-NEXT:    %[[LEAST:.*]] = arith.select %[[LESS]], %[[WIDE]], %[[TWO]] : f32
// LOOPS:          memref.store %[[LEAST]]
// VECTOR:         call @[[FIRST]](
func.func @first(%x: memref<?x64xf32>, %w: memref<1x64x64xf32>, %out: memref<?x64xf32>) {
  et.grouped_matmul relu ins(%x, %w : memref<?x64xf32>, memref<1x64x64xf32>) outs(%out : memref<?x64xf32>) epilogue(%v) {
    %small = arith.truncf %v : f32 to bf16
    %wide = arith.extf %small : bf16 to f32
    %two = arith.constant 2.0 : f32
    %less = arith.cmpf olt, %wide, %two : f32
    %least = arith.select %less, %wide, %two : f32
    et.yield %least
  }
  return
}

// CHECK-LABEL:    func @same
// VECTOR:         call @[[FIRST]](
func.func @same(%x: memref<?x64xf32>, %w: memref<1x64x64xf32>, %out: memref<?x64xf32>) {
  et.grouped_matmul relu ins(%x, %w : memref<?x64xf32>, memref<1x64x64xf32>) outs(%out : memref<?x64xf32>) epilogue(%a) {
    %b = arith.truncf %a : f32 to bf16
    %c = arith.extf %b : bf16 to f32
    %d = arith.constant 2.0 : f32
    %e = arith.cmpf olt, %c, %d : f32
    %f = arith.select %e, %c, %d : f32
    et.yield %f
  }
  return
}

// CHECK-LABEL:    func @other
// GPU:            function(@et_grouped_matmul_relu_epilogue)
// SCALAR:         math.sqrt %{{.*}} : f32
// VECTOR:         call @[[OTHER]](
func.func @other(%x: memref<?x64xf32>, %w: memref<1x64x64xf32>, %out: memref<?x64xf32>) {
  et.grouped_matmul relu ins(%x, %w : memref<?x64xf32>, memref<1x64x64xf32>) outs(%out : memref<?x64xf32>) epilogue(%v) {
    %root = math.sqrt %v : f32
    et.yield %root
  }
  return
}
