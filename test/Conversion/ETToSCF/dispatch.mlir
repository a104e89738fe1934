// RUN: et-opt %s --convert-et-to-scf --canonicalize | FileCheck %s

// Offsets are a prefix sum over experts; everything else is independent.

// CHECK-LABEL: func @offsets
// CHECK-SAME: %[[MASK:.*]]: memref<4x?xi32>, %[[O:.*]]: memref<5xi32>
// CHECK-NOT: scf.parallel
// CHECK: memref.store %c0_i32, %[[O]][%c0]
// CHECK: scf.for %[[E:.*]] = %c0 to %c4 step %c1 iter_args(%[[TOTAL:.*]] = %c0_i32) -> (i32)
// CHECK: scf.for %[[W:.*]] = %c0 to %{{.*}} step %c1 iter_args(%[[ACC:.*]] = %[[TOTAL]]) -> (i32)
// CHECK: %[[BITS:.*]] = memref.load %[[MASK]][%[[E]], %[[W]]]
// CHECK: %[[COUNT:.*]] = math.ctpop %[[BITS]] : i32
// CHECK: arith.addi %[[ACC]], %[[COUNT]]
// CHECK: %[[NEXT:.*]] = arith.addi %[[E]], %c1
// CHECK: memref.store %{{.*}}, %[[O]][%[[NEXT]]]
func.func @offsets(%mask: memref<4x?xi32>, %o: memref<5xi32>) {
  et.offsets ins(%mask : memref<4x?xi32>) outs(%o : memref<5xi32>)
  return
}

// CHECK-LABEL: func @token_list
// CHECK-SAME: %[[MASK:.*]]: memref<4x?xi32>, %[[O:.*]]: memref<5xi32>, %[[L:.*]]: memref<?xi32>
// CHECK: scf.parallel (%[[E:.*]]) = (%c0) to (%c4) step (%c1)
// CHECK: %[[FIRST:.*]] = memref.load %[[O]][%[[E]]]
// CHECK: %[[START:.*]] = arith.index_cast %[[FIRST]]
// CHECK: scf.for %[[T:.*]] = %c0 to %{{.*}} step %c1 iter_args(%[[POSITION:.*]] = %[[START]]) -> (index)
// CHECK: %[[WORD:.*]] = arith.divui %[[T]], %c32
// CHECK: memref.load %[[MASK]][%[[E]], %[[WORD]]]
// CHECK: %[[TAKEN:.*]] = arith.cmpi ne
// CHECK: scf.if %[[TAKEN]]
// CHECK: %[[TOKEN:.*]] = arith.index_cast %[[T]] : index to i32
// CHECK: memref.store %[[TOKEN]], %[[L]][%[[POSITION]]]
// CHECK: %[[STEP:.*]] = arith.select %[[TAKEN]], %c1, %c0
// CHECK: %[[NEXT:.*]] = arith.addi %[[POSITION]], %[[STEP]]
// CHECK: scf.yield %[[NEXT]]
func.func @token_list(%mask: memref<4x?xi32>, %o: memref<5xi32>, %l: memref<?xi32>) {
  et.token_list ins(%mask, %o : memref<4x?xi32>, memref<5xi32>) outs(%l : memref<?xi32>)
  return
}

// CHECK-LABEL: func @gather
// CHECK-SAME: %[[X:.*]]: memref<?x8xf16>, %[[L:.*]]: memref<?xi32>, %[[O:.*]]: memref<5xi32>, %[[ROWS:.*]]: memref<?x8xf16>
// Rows beyond the plan are not written.
// CHECK: scf.parallel (%[[P:.*]], %[[D:.*]]) = (%c0, %c0) to (%{{.*}}, %c8)
// CHECK: memref.load %[[O]][%c4]
// CHECK: %[[PAIR:.*]] = arith.cmpi ult, %[[P]]
// CHECK: scf.if %[[PAIR]]
// CHECK: %[[TOKEN:.*]] = memref.load %[[L]][%[[P]]]
// CHECK: %[[T:.*]] = arith.index_cast %[[TOKEN]]
// CHECK: memref.load %[[X]][%[[T]], %[[D]]]
// CHECK: memref.store %{{.*}}, %[[ROWS]][%[[P]], %[[D]]]
func.func @gather(%x: memref<?x8xf16>, %l: memref<?xi32>, %o: memref<5xi32>, %rows: memref<?x8xf16>) {
  et.gather ins(%x, %l, %o : memref<?x8xf16>, memref<?xi32>, memref<5xi32>) outs(%rows : memref<?x8xf16>)
  return
}

// CHECK-LABEL: func @combine
// CHECK-SAME: %[[PAIRS:.*]]: memref<?x8xf32>, %[[GATES:.*]]: memref<?x4xf32>, %[[MASK:.*]]: memref<4x?xi32>, %[[O:.*]]: memref<5xi32>, %[[SHARED:.*]]: memref<?x8xf32>, %[[OUT:.*]]: memref<?x8xbf16>
// The rows of a token's pairs, by expert; -1 stands for no pair.
// CHECK: %[[ROWS:.*]] = memref.alloc(%{{.*}}) : memref<?x4xi32>
// CHECK: scf.parallel (%[[E:.*]]) = (%c0) to (%c4)
// CHECK: %[[FIRST:.*]] = memref.load %[[O]][%[[E]]]
// CHECK: scf.for %{{.*}} iter_args(%[[ROW:.*]] = %[[FIRST]]) -> (i32)
// CHECK: arith.select %{{.*}}, %[[ROW]], %c-1_i32
// The sum runs over ascending experts, in f32, and is rounded once.
// CHECK: scf.parallel (%[[T:.*]], %[[D:.*]]) = (%c0, %c0) to (%{{.*}}, %c8)
// CHECK: %[[INIT:.*]] = memref.load %[[SHARED]][%[[T]], %[[D]]]
// CHECK: %[[SUM:.*]] = scf.for %[[E2:.*]] = %c0 to %c4 step %c1 iter_args(%[[ACC:.*]] = %[[INIT]]) -> (f32)
// CHECK: memref.load %[[ROWS]][%[[T]], %[[E2]]]
// CHECK: scf.if
// CHECK: %[[PAIR:.*]] = memref.load %[[PAIRS]][%{{.*}}, %[[D]]]
// CHECK: %[[GATE:.*]] = memref.load %[[GATES]][%[[T]], %[[E2]]]
// CHECK: %[[TERM:.*]] = arith.mulf %[[GATE]], %[[PAIR]]
// CHECK: arith.addf %[[ACC]], %[[TERM]]
// CHECK: else
// CHECK-NEXT: scf.yield %[[ACC]]
// CHECK: %[[ROUNDED:.*]] = arith.truncf %[[SUM]] : f32 to bf16
// CHECK: memref.store %[[ROUNDED]], %[[OUT]][%[[T]], %[[D]]]
// CHECK: memref.dealloc %[[ROWS]]
func.func @combine(%pairs: memref<?x8xf32>, %gates: memref<?x4xf32>, %mask: memref<4x?xi32>, %offsets: memref<5xi32>, %shared: memref<?x8xf32>, %out: memref<?x8xbf16>) {
  et.combine ins(%pairs, %gates, %mask, %offsets : memref<?x8xf32>, memref<?x4xf32>, memref<4x?xi32>, memref<5xi32>)
    shared(%shared : memref<?x8xf32>) outs(%out : memref<?x8xbf16>)
  return
}
