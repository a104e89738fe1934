// RUN: et-opt %s --et-expand-copies --canonicalize | FileCheck %s

// CHECK-LABEL: func @contiguous
// CHECK-NEXT: memref.copy
func.func @contiguous(%from: memref<?x8xf32>, %to: memref<?x8xf32>) {
  memref.copy %from, %to : memref<?x8xf32> to memref<?x8xf32>
  return
}

// CHECK-LABEL: func @strided_source
// CHECK-SAME: %[[FROM:[a-z0-9]+]]: {{.*}}, %[[TO:[a-z0-9]+]]: memref<?x8xbf16>
// CHECK: %[[ROWS:.*]] = memref.dim %[[FROM]], %c0
// CHECK: scf.for %[[I:.*]] = %c0 to %[[ROWS]] step %c1
// CHECK: scf.for %[[J:.*]] = %c0 to %c8 step %c1
// CHECK: %[[VALUE:.*]] = memref.load %[[FROM]][%[[I]], %[[J]]]
// CHECK: memref.store %[[VALUE]], %[[TO]][%[[I]], %[[J]]]
// CHECK-NOT: memref.copy
func.func @strided_source(%from: memref<?x8xbf16, strided<[?, 1], offset: ?>>, %to: memref<?x8xbf16>) {
  memref.copy %from, %to : memref<?x8xbf16, strided<[?, 1], offset: ?>> to memref<?x8xbf16>
  return
}

// One element, at an offset.
// CHECK-LABEL: func @scalar
// CHECK-SAME: %[[FROM:[a-z0-9]+]]: memref<i32>, %[[TO:[a-z0-9]+]]:
// CHECK-NEXT: %[[VALUE:.*]] = memref.load %[[FROM]][]
// CHECK-NEXT: memref.store %[[VALUE]], %[[TO]][]
func.func @scalar(%from: memref<i32>, %to: memref<i32, strided<[], offset: ?>>) {
  memref.copy %from, %to : memref<i32> to memref<i32, strided<[], offset: ?>>
  return
}
