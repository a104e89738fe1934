// RUN: et-opt %s --et-split-deallocations | FileCheck %s
// RUN: et-opt %s --et-split-deallocations --bufferization-lower-deallocations --canonicalize --cse | FileCheck %s --check-prefix=LOWERED

// Of three that may be one, the first that is owned is freed.
// CHECK-LABEL: func @three
// CHECK-SAME:    (%[[A:.*]]: memref<4xf32>, %[[B:.*]]: memref<4xf32>, %[[C:.*]]: memref<4xf32>, %[[OWN_A:.*]]: i1, %[[OWN_B:.*]]: i1, %[[OWN_C:.*]]: i1)
// CHECK:       %[[AT_A:.*]] = memref.extract_aligned_pointer_as_index %[[A]]
// CHECK:       %[[AT_B:.*]] = memref.extract_aligned_pointer_as_index %[[B]]
// CHECK:       %[[AT_C:.*]] = memref.extract_aligned_pointer_as_index %[[C]]
// CHECK:       bufferization.dealloc (%[[A]] : memref<4xf32>) if (%[[OWN_A]])
// CHECK-NOT:     retain
// CHECK:       %[[NOT_AB:.*]] = arith.cmpi ne, %[[AT_B]], %[[AT_A]]
// CHECK:       %[[NO_A:.*]] = arith.xori %[[OWN_A]], %true
// CHECK:       %[[STILL_B:.*]] = arith.ori %[[NOT_AB]], %[[NO_A]]
// CHECK:       %[[FREE_B:.*]] = arith.andi %[[OWN_B]], %[[STILL_B]]
// CHECK:       bufferization.dealloc (%[[B]] : memref<4xf32>) if (%[[FREE_B]])
// CHECK:       arith.cmpi ne, %[[AT_C]], %[[AT_A]]
// CHECK:       arith.cmpi ne, %[[AT_C]], %[[AT_B]]
// CHECK:       bufferization.dealloc (%[[C]] : memref<4xf32>)
// CHECK-NOT:   bufferization.dealloc

// Nothing is kept in memory, and no helper is called.
// LOWERED-LABEL: func @three
// LOWERED-NOT: memref.alloc
// LOWERED-NOT: call
// LOWERED-COUNT-3: memref.dealloc
// LOWERED-NOT: memref.dealloc
// LOWERED: return
func.func @three(%a: memref<4xf32>, %b: memref<4xf32>, %c: memref<4xf32>, %own_a: i1, %own_b: i1, %own_c: i1) {
  bufferization.dealloc (%a, %b, %c : memref<4xf32>, memref<4xf32>, memref<4xf32>) if (%own_a, %own_b, %own_c)
  return
}

// What is retained is owned if any of them owns it.
// CHECK-LABEL: func @retain
// CHECK-SAME:    %[[R:[a-z0-9]+]]: memref<4xf32>, %[[S:[a-z0-9]+]]: memref<4xf32>)
// CHECK:       %[[FIRST:.*]]:2 = bufferization.dealloc ({{.*}}) if (%{{.*}}) retain (%[[R]], %[[S]] : memref<4xf32>, memref<4xf32>)
// CHECK:       %[[SECOND:.*]]:2 = bufferization.dealloc ({{.*}}) if (%{{.*}}) retain (%[[R]], %[[S]] : memref<4xf32>, memref<4xf32>)
// CHECK:       %[[OWN_R:.*]] = arith.ori %[[FIRST]]#0, %[[SECOND]]#0
// CHECK:       %[[OWN_S:.*]] = arith.ori %[[FIRST]]#1, %[[SECOND]]#1
// CHECK:       return %[[OWN_R]], %[[OWN_S]]
func.func @retain(%a: memref<4xf32>, %b: memref<4xf32>, %p: i1, %q: i1, %r: memref<4xf32>, %s: memref<4xf32>) -> (i1, i1) {
  %own:2 = bufferization.dealloc (%a, %b : memref<4xf32>, memref<4xf32>) if (%p, %q) retain (%r, %s : memref<4xf32>, memref<4xf32>)
  return %own#0, %own#1 : i1, i1
}

// One buffer is upstream's to lower.
// CHECK-LABEL: func @one
// CHECK-NEXT:    bufferization.dealloc (%{{.*}} : memref<4xf32>) if (%{{.*}})
// CHECK-NEXT:    return
func.func @one(%a: memref<4xf32>, %own: i1) {
  bufferization.dealloc (%a : memref<4xf32>) if (%own)
  return
}
