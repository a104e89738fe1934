// RUN: et-opt %s --pass-pipeline='builtin.module(func.func(et-check-allocations))' | FileCheck %s

// Allocations of the same dynamic sizes share a check, that of the largest, and
// name it; an i1 takes a byte, an index 8, odd integers those of the next type.
// CHECK-LABEL: func.func @shared(
// CHECK-SAME:    %[[N:.*]]: index)
func.func @shared(%n: index) -> (memref<?xi1>, memref<?x4xi24>, memref<4x?xindex>) {
  // CHECK:      %[[MOST:.*]] = arith.constant 288230376151711743 : index
  // CHECK-NEXT: %[[FITS:.*]] = arith.cmpi ule, %[[N]], %[[MOST]]
  // CHECK-NEXT: cf.assert %[[FITS]], "a buffer of index[4x?] would have a negative size or more than 2^63 - 1 bytes; use smaller sizes"
  // CHECK-NEXT: memref.alloc
  // CHECK-NEXT: memref.alloc
  // CHECK-NEXT: memref.alloc
  // CHECK-NEXT: return
  %a = memref.alloc(%n) : memref<?xi1>
  %b = memref.alloc(%n) : memref<?x4xi24>
  %c = memref.alloc(%n) : memref<4x?xindex>
  return %a, %b, %c : memref<?xi1>, memref<?x4xi24>, memref<4x?xindex>
}

// Nothing is known of a branch that is not taken.
// CHECK-LABEL: func.func @branches
func.func @branches(%n: index, %m: index, %wanted: i1) {
  // CHECK-NOT: cf.assert
  // CHECK:     scf.if
  scf.if %wanted {
    // CHECK:      arith.constant 9223372036854775807
    // CHECK:      cf.assert {{.*}}i8[?]
    // CHECK-NEXT: memref.alloca
    %a = memref.alloca(%n) : memref<?xi8>
  } else {
    // CHECK:      arith.constant 4611686018427387903
    // CHECK:      cf.assert {{.*}}bf16[?]
    // CHECK-NEXT: gpu.alloc
    %a = gpu.alloc(%n) : memref<?xbf16>
  }
  return
}

// A size of 0 does not hide what the others would make.
// CHECK-LABEL: func.func @three(
// CHECK-SAME:    %[[A:.*]]: index, %[[B:.*]]: index, %[[C:.*]]: index)
func.func @three(%a: index, %b: index, %c: index) -> memref<?x0x?x?x2xf32> {
  // CHECK:      %[[MOST:.*]] = arith.constant 1152921504606846975 : index
  // CHECK-NEXT: %[[A_FITS:.*]] = arith.cmpi ule, %[[A]], %[[MOST]]
  // CHECK:      %[[DIVISOR:.*]] = arith.maxui %[[A]], %c1
  // CHECK-NEXT: %[[LEFT:.*]] = arith.divui %[[MOST]], %[[DIVISOR]]
  // CHECK-NEXT: %[[B_FITS:.*]] = arith.cmpi ule, %[[B]], %[[LEFT]]
  // CHECK-NEXT: %[[AB_FIT:.*]] = arith.andi %[[A_FITS]], %[[B_FITS]]
  // CHECK-NEXT: %[[PRODUCT:.*]] = arith.muli %[[A]], %[[B]]
  // CHECK:      %[[DIVISOR2:.*]] = arith.maxui %[[PRODUCT]], %c1
  // CHECK-NEXT: %[[LEFT2:.*]] = arith.divui %[[MOST]], %[[DIVISOR2]]
  // CHECK-NEXT: %[[C_FITS:.*]] = arith.cmpi ule, %[[C]], %[[LEFT2]]
  // CHECK-NEXT: %[[FIT:.*]] = arith.andi %[[AB_FIT]], %[[C_FITS]]
  // CHECK-NEXT: cf.assert %[[FIT]], "a buffer of f32[?x0x?x?x2]
  %x = memref.alloc(%a, %b, %c) : memref<?x0x?x?x2xf32>
  return %x : memref<?x0x?x?x2xf32>
}

// CHECK-LABEL: func.func @static
// CHECK-NEXT:    memref.alloc
func.func @static() -> memref<4x4xf32> {
  %x = memref.alloc() : memref<4x4xf32>
  return %x : memref<4x4xf32>
}
