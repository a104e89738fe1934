// RUN: et-opt %s --et-set-cpu-target="target=#et.cpu_target<vector_bits=256>" --et-vectorize-elementwise --canonicalize --split-input-file | FileCheck %s
// RUN: et-opt %s --et-set-cpu-target="target=#et.cpu_target<vector_bits=256>" --et-vectorize-elementwise --convert-linalg-to-parallel-loops --canonicalize --split-input-file | FileCheck %s --check-prefix=NONE --implicit-check-not=linalg.

// All elements in order: one row.
// CHECK-LABEL: func.func @flat
// CHECK:         %[[X:.*]] = memref.collapse_shape %{{.*}} {{\[\[}}0, 1, 2]]
// CHECK:         scf.parallel
// CHECK:           scf.for
// CHECK:             vector.transfer_read %[[X]][%{{.*}}], %{{.*}} {in_bounds = [true]} : memref<?xbf16>, vector<8xbf16>
// CHECK:             arith.extf %{{.*}} : vector<8xbf16> to vector<8xf32>
// CHECK:             math.exp %{{.*}} : vector<8xf32>
// CHECK:           scf.if
// CHECK:             vector.transfer_read %[[X]][%{{.*}}], %{{.*}} : memref<?xbf16>, vector<8xbf16>
#id = affine_map<(i, j, k) -> (i, j, k)>
func.func @flat(%x: memref<?x4x?xbf16>, %y: memref<?x4x?xf32>) {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : memref<?x4x?xbf16>) outs(%y : memref<?x4x?xf32>) {
  ^bb0(%a: bf16, %o: f32):
    %w = arith.extf %a : bf16 to f32
    %e = math.exp %w : f32
    linalg.yield %e : f32
  }
  return
}

// -----

// What is the same for a row, a scalar from outside, an index and the old
// value of the result.
// CHECK-LABEL: func.func @rows
// CHECK:         scf.parallel (%[[I:[a-z0-9]*]]) =
// CHECK:           scf.for %[[J:[a-z0-9]*]] =
// CHECK:             vector.transfer_read %{{.*}}[%[[J]]]
// CHECK:             memref.load %{{.*}}[%[[I]]]
// CHECK:             vector.transfer_read %{{.*}}[%[[I]], %[[J]]]
// CHECK:             vector.step : vector<8xindex>
// CHECK:             arith.select %{{.*}} : vector<8xi1>, vector<8xf32>
#each = affine_map<(i, j) -> (i, j)>
#column = affine_map<(i, j) -> (j)>
#row = affine_map<(i, j) -> (i)>
func.func @rows(%x: memref<100xf32>, %r: memref<?xf32>, %s: f32, %limit: index,
                %y: memref<?x100xf32, strided<[200, 1], offset: ?>>) {
  linalg.generic {indexing_maps = [#column, #row, affine_map<(i, j) -> ()>, #each],
                  iterator_types = ["parallel", "parallel"]}
      ins(%x, %r, %s : memref<100xf32>, memref<?xf32>, f32)
      outs(%y : memref<?x100xf32, strided<[200, 1], offset: ?>>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %o: f32):
    %j = linalg.index 1 : index
    %is_before = arith.cmpi ult, %j, %limit : index
    %p = arith.mulf %a, %b : f32
    %q = arith.addf %p, %c : f32
    %r0 = arith.select %is_before, %q, %o : f32
    linalg.yield %r0 : f32
  }
  return
}

// -----

// Columns that lie apart, bits in memory, sums, and divisions by lanes that no
// one asked for.
// NONE-LABEL: func.func @transposed
// NONE-NOT:     vector
func.func @transposed(%x: memref<8x16xf32>, %y: memref<16x8xf32>) {
  linalg.transpose ins(%x : memref<8x16xf32>) outs(%y : memref<16x8xf32>) permutation = [1, 0]
  return
}
// NONE-LABEL: func.func @bits
// NONE-NOT:     vector
func.func @bits(%x: memref<8xf32>, %y: memref<8xi1>) {
  linalg.map ins(%x : memref<8xf32>) outs(%y : memref<8xi1>) (%a: f32, %o: i1) {
    %p = arith.cmpf olt, %a, %a : f32
    linalg.yield %p : i1
  }
  return
}
// NONE-LABEL: func.func @sum
// NONE-NOT:     vector
func.func @sum(%x: memref<8x8xf32>, %y: memref<8xf32>) {
  linalg.reduce { arith.addf } ins(%x : memref<8x8xf32>) outs(%y : memref<8xf32>) dimensions = [1]
  return
}
// NONE-LABEL: func.func @quotient
// NONE-NOT:     vector
func.func @quotient(%x: memref<?xi32>, %y: memref<?xi32>) {
  linalg.div ins(%x, %x : memref<?xi32>, memref<?xi32>) outs(%y : memref<?xi32>)
  return
}
// NONE-LABEL: func.func @remainder
// NONE-NOT:     vector
func.func @remainder(%x: memref<?xi32>, %y: memref<?xi32>) {
  linalg.map { arith.remui } ins(%x, %x : memref<?xi32>, memref<?xi32>) outs(%y : memref<?xi32>)
  return
}
// NONE-LABEL: func.func @scalar
// NONE-NOT:     vector
func.func @scalar(%x: memref<f32>, %y: memref<f32>) {
  linalg.exp ins(%x : memref<f32>) outs(%y : memref<f32>)
  return
}
