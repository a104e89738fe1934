// RUN: et-opt %s --et-expand-views | FileCheck %s --implicit-check-not=memref.expand_shape --implicit-check-not=memref.subview

// Upstream's pass crashes on such a view. Where this line fails it no longer does, and the pattern for it can go.
// RUN: env -u LD_PRELOAD %llvm_lib/../bin/not --crash %mlir_opt %s --expand-strided-metadata -o /dev/null 2> /dev/null

// A static size among them, a view with gaps, and an offset that is known only at run time.
// CHECK-LABEL: func @strided
// CHECK-SAME: %[[X:.*]]: memref<?x6xf32, strided<[?, 2], offset: ?>>, %[[A:.*]]: index, %[[B:.*]]: index
// CHECK: %[[BASE:.*]], %[[OFFSET:.*]], %{{.*}}:2, %[[STRIDES:.*]]:2 = memref.extract_strided_metadata %[[X]]
// CHECK: %[[AT_1:.*]] = arith.muli %[[STRIDES]]#0, %[[B]]
// CHECK: %[[AT_0:.*]] = arith.muli %[[AT_1]], %c4
// CHECK: memref.reinterpret_cast %[[BASE]] to offset: [%[[OFFSET]]], sizes: [%[[A]], 4, %[[B]], 2, 3], strides: [%[[AT_0]], %[[AT_1]], %[[STRIDES]]#0, 6, 2]
func.func @strided(%x: memref<?x6xf32, strided<[?, 2], offset: ?>>, %a: index, %b: index)
    -> memref<?x4x?x2x3xf32, strided<[?, ?, ?, 6, 2], offset: ?>> {
  %0 = memref.expand_shape %x [[0, 1, 2], [3, 4]] output_shape [%a, 4, %b, 2, 3]
    : memref<?x6xf32, strided<[?, 2], offset: ?>> into memref<?x4x?x2x3xf32, strided<[?, ?, ?, 6, 2], offset: ?>>
  return %0 : memref<?x4x?x2x3xf32, strided<[?, ?, ?, 6, 2], offset: ?>>
}

// A size beside 0 does not follow from it.
// CHECK-LABEL: func @none
// CHECK: memref.reinterpret_cast %{{.*}} to offset: [0], sizes: [0, %{{.*}}, 8], strides: [%{{.*}}, 8, 1]
func.func @none(%x: memref<?x8xf32>, %a: index) -> memref<0x?x8xf32> {
  %0 = memref.expand_shape %x [[0, 1], [2]] output_shape [0, %a, 8] : memref<?x8xf32> into memref<0x?x8xf32>
  return %0 : memref<0x?x8xf32>
}

// One size of a group is upstream's, and follows from the others.
// CHECK-LABEL: func @one
// CHECK: memref.reinterpret_cast %{{.*}} to offset: [0], sizes: [%{{.*}}, 4, 8], strides: [32, 8, 1]
func.func @one(%x: memref<?x8xf32>, %a: index) -> memref<?x4x8xf32> {
  %0 = memref.expand_shape %x [[0, 1], [2]] output_shape [%a, 4, 8] : memref<?x8xf32> into memref<?x4x8xf32>
  return %0 : memref<?x4x8xf32>
}

// A view of a view has the first one's base.
// CHECK-LABEL: func @twice
// CHECK-SAME: %[[X:.*]]: memref<?x8xf32>, %[[I:.*]]: index
// CHECK: %[[BASE:.*]], %{{.*}}, %{{.*}}:2, %{{.*}}:2 = memref.extract_strided_metadata %[[X]]
// CHECK: memref.reinterpret_cast %[[BASE]] to offset: [%{{.*}}], sizes: [2], strides: [1]
func.func @twice(%x: memref<?x8xf32>, %i: index) -> memref<2xf32, strided<[1], offset: ?>> {
  %row = memref.subview %x[%i, 0] [1, 8] [1, 1] : memref<?x8xf32> to memref<8xf32, strided<[1], offset: ?>>
  %part = memref.subview %row[4] [2] [1] : memref<8xf32, strided<[1], offset: ?>> to memref<2xf32, strided<[1], offset: ?>>
  return %part : memref<2xf32, strided<[1], offset: ?>>
}
