// RUN: et-opt %s --et-hoist-checks | FileCheck %s

// What a check needs goes with it, in order; the same check again is dropped.
// CHECK-LABEL: func @hoist
// CHECK-NEXT:    %[[C0:.*]] = arith.constant 0 : index
// CHECK-NEXT:    %[[N:.*]] = memref.dim %arg0, %[[C0]]
// CHECK-NEXT:    %[[M:.*]] = memref.dim %arg1, %[[C0]]
// CHECK-NEXT:    %[[SAME:.*]] = arith.cmpi eq, %[[N]], %[[M]]
// CHECK-NEXT:    cf.assert %[[SAME]], "first"
// CHECK-NEXT:    cf.assert %[[SAME]], "second"
// CHECK-NEXT:    memref.copy
// CHECK-NEXT:    memref.copy
// CHECK-NEXT:    return
func.func @hoist(%a: memref<?xf32>, %b: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  memref.copy %a, %b : memref<?xf32> to memref<?xf32>
  %n = memref.dim %a, %c0 : memref<?xf32>
  %m = memref.dim %b, %c0 : memref<?xf32>
  %same = arith.cmpi eq, %n, %m : index
  cf.assert %same, "first"
  memref.copy %b, %a : memref<?xf32> to memref<?xf32>
  cf.assert %same, "first"
  cf.assert %same, "second"
  return
}

// A check of what the function computes or reads stays, as does one in a branch;
// others pass them.
// CHECK-LABEL: func @stay
// CHECK-NEXT:    cf.assert %arg1, "early"
// CHECK-NEXT:    %[[C0:.*]] = arith.constant 0
// CHECK-NEXT:    %[[READ:.*]] = memref.load %arg0[%[[C0]]]
// CHECK-NEXT:    cf.assert %[[READ]], "read"
// CHECK-NEXT:    %[[CALLED:.*]] = call @callee
// CHECK-NEXT:    cf.assert %[[CALLED]], "called"
// CHECK-NEXT:    scf.if
// CHECK-NEXT:      cf.assert %arg1, "early"
func.func private @callee() -> i1
func.func @stay(%a: memref<1xi1>, %p: i1) {
  %c0 = arith.constant 0 : index
  %read = memref.load %a[%c0] : memref<1xi1>
  cf.assert %read, "read"
  %called = call @callee() : () -> i1
  cf.assert %called, "called"
  scf.if %called {
    cf.assert %p, "early"
  }
  cf.assert %p, "early"
  return
}

// The first op of the function can be a check, or what one needs.
// CHECK-LABEL: func @first
// CHECK-NEXT:    cf.assert %arg0, "p"
// CHECK-NEXT:    %[[BOTH:.*]] = arith.andi
// CHECK-NEXT:    cf.assert %[[BOTH]], "both"
// CHECK-NEXT:    return
func.func @first(%p: i1, %q: i1) {
  cf.assert %p, "p"
  %both = arith.andi %p, %q : i1
  cf.assert %p, "p"
  cf.assert %both, "both"
  return
}
