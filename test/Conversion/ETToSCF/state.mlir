// RUN: et-opt %s --convert-et-to-scf --canonicalize | FileCheck %s

// CHECK-LABEL: func @mean_minus_std
// CHECK-SAME: %[[R:.*]]: memref<?x4xf32>, %[[OUT:.*]]: memref<4xf32>
// CHECK: %[[NAN:.*]] = arith.constant 0x7FC00000 : f32
// CHECK: scf.parallel (%[[E:.*]]) = (%c0) to (%c4)
// CHECK: %[[ANY:.*]] = scf.for
// CHECK: arith.cmpf uno
// Sums in f64, squares about the mean, divided by T - 1.
// CHECK: %[[SUM:.*]] = scf.for {{.*}} -> (f64)
// CHECK: %[[MEAN:.*]] = arith.divf %[[SUM]]
// CHECK: %[[SQUARES:.*]] = scf.for {{.*}} -> (f64)
// CHECK: arith.subf %{{.*}}, %[[MEAN]]
// CHECK: arith.divf %[[SQUARES]]
// CHECK: math.sqrt
// CHECK: arith.truncf %{{.*}} : f64 to f32
// CHECK: %[[ENOUGH:.*]] = arith.cmpi ugt
// CHECK: %[[VALUE:.*]] = arith.select %[[ENOUGH]], %{{.*}}, %[[NAN]]
// CHECK: %[[RESULT:.*]] = arith.select %[[ANY]], %[[NAN]], %[[VALUE]]
// CHECK: memref.store %[[RESULT]], %[[OUT]][%[[E]]]
func.func @mean_minus_std(%r: memref<?x4xf32>, %out: memref<4xf32>) {
  et.statistic #et.mean_minus_std ins(%r : memref<?x4xf32>) outs(%out : memref<4xf32>)
  return
}

// CHECK-LABEL: func @kth_largest
// CHECK: %[[SHARE:.*]] = arith.mulf %{{.*}} : f64
// CHECK: %[[K64:.*]] = arith.fptosi %[[SHARE]] : f64 to i64
// CHECK: %[[K:.*]] = arith.index_cast %[[K64]]
// CHECK: %[[RANK:.*]] = arith.subi %{{.*}}, %[[K]]
// The score with that many before it.
// CHECK: %[[FOUND:.*]] = scf.for
// CHECK: %[[BEFORE:.*]] = scf.for
// CHECK: arith.cmpi eq, %[[BEFORE]], %[[RANK]]
// CHECK: %[[ANY:.*]] = arith.cmpi ne, %[[K]], %c0
// CHECK: arith.select %[[ANY]], %[[FOUND]]
func.func @kth_largest(%r: memref<?x4xf32>, %out: memref<4xf32>) {
  et.statistic #et.kth_largest<rate = 0.25> ins(%r : memref<?x4xf32>) outs(%out : memref<4xf32>)
  return
}

// CHECK-LABEL: func @quantile
// CHECK: %[[LOWER:.*]] = math.floor %[[POSITION:.*]] : f64
// CHECK: %[[FRACTION:.*]] = arith.subf %[[POSITION]], %[[LOWER]]
// CHECK: %[[EXACT:.*]] = arith.cmpf oeq, %[[FRACTION]]
// CHECK: arith.select %[[EXACT]]
func.func @quantile(%r: memref<?x4xf32>, %out: memref<4xf32>) {
  et.statistic #et.quantile<q = 0.75> ins(%r : memref<?x4xf32>) outs(%out : memref<4xf32>)
  return
}

// CHECK-LABEL: func @histogram
// CHECK-SAME: %[[R:.*]]: memref<?x4xf32>, %[[C:.*]]: memref<4x16xi32>
// CHECK: scf.parallel (%[[E:.*]]) = (%c0) to (%c4)
// CHECK: scf.for %[[B:.*]] = %c0 to %c16
// CHECK: memref.store %c0_i32, %[[C]][%[[E]], %[[B]]]
// CHECK: scf.for %[[T:.*]] =
// CHECK: %[[SCORE:.*]] = memref.load %[[R]][%[[T]], %[[E]]]
// CHECK: %[[NUMBER:.*]] = arith.cmpf ord, %[[SCORE]], %[[SCORE]]
// CHECK: scf.if %[[NUMBER]]
// CHECK: %[[LOW:.*]] = arith.maxnumf
// CHECK: %[[CLAMPED:.*]] = arith.minimumf %[[LOW]]
// CHECK: arith.fptosi %[[CLAMPED]]
// CHECK: arith.addi %{{.*}}, %c1_i32
// CHECK: memref.store
func.func @histogram(%r: memref<?x4xf32>, %c: memref<4x16xi32>, %out: memref<4xf32>) {
  et.histogram range(-1.0, 1.0) ins(%r : memref<?x4xf32>) outs(%c : memref<4x16xi32>)
  return
}

// CHECK-LABEL: func @histogram_quantile
// CHECK-SAME: %[[C:.*]]: memref<4x16xi32>, %[[OUT:.*]]: memref<4xf32>
// CHECK: %[[TOTAL:.*]] = scf.for {{.*}} -> (f64)
// CHECK: %[[FOUND:.*]]:2 = scf.for {{.*}} -> (f64, f64)
// CHECK: arith.minimumf
// CHECK: arith.mulf %[[FOUND]]#1
// CHECK: %[[ANY:.*]] = arith.cmpf ogt, %[[TOTAL]]
// CHECK: arith.select %[[ANY]]
func.func @histogram_quantile(%c: memref<4x16xi32>, %out: memref<4xf32>) {
  et.histogram_quantile 0.5 range(-1.0, 1.0) ins(%c : memref<4x16xi32>) outs(%out : memref<4xf32>)
  return
}

// CHECK-LABEL: func @ema
// CHECK-SAME: %[[M:.*]]: memref<4xf32>, %[[THETA:.*]]: memref<4xf32>
// CHECK-DAG: %[[NEW:.*]] = arith.constant 2.500000e-01 : f32
// CHECK-DAG: %[[KEEP:.*]] = arith.constant 7.500000e-01 : f32
// CHECK: scf.parallel (%[[E:.*]]) = (%c0) to (%c4)
// CHECK: %[[VALUE:.*]] = memref.load %[[M]][%[[E]]]
// CHECK: %[[OLD:.*]] = memref.load %[[THETA]][%[[E]]]
// CHECK: %[[A:.*]] = arith.mulf %[[OLD]], %[[KEEP]]
// CHECK: %[[B:.*]] = arith.mulf %[[VALUE]], %[[NEW]]
// CHECK: %[[NEXT:.*]] = arith.addf %[[A]], %[[B]]
// CHECK: %[[NAN:.*]] = arith.cmpf uno, %[[VALUE]], %[[VALUE]]
// CHECK: %[[RESULT:.*]] = arith.select %[[NAN]], %[[OLD]], %[[NEXT]]
// CHECK: memref.store %[[RESULT]], %[[THETA]][%[[E]]]
func.func @ema(%m: memref<4xf32>, %theta: memref<4xf32>) {
  et.ema_update beta = 0.75 ins(%m : memref<4xf32>) outs(%theta : memref<4xf32>)
  return
}

// CHECK-LABEL: func @corrected
// CHECK-SAME: %[[M:.*]]: memref<4xf32>, %[[RAW:.*]]: memref<4xf32>, %[[STEPS:.*]]: memref<4xi64>, %[[THETA:.*]]: memref<4xf32>
// CHECK: %[[NAN:.*]] = arith.cmpf uno
// CHECK: %[[RAW2:.*]] = arith.select %[[NAN]]
// CHECK: %[[STEPS2:.*]] = arith.select %[[NAN]]
// CHECK: memref.store %[[RAW2]], %[[RAW]]
// CHECK: memref.store %[[STEPS2]], %[[STEPS]]
// CHECK: math.powf
// CHECK: %[[CORRECTED:.*]] = arith.truncf
// CHECK: %[[STARTED:.*]] = arith.cmpi sgt, %[[STEPS2]], %c0_i64
// CHECK: %[[RESULT:.*]] = arith.select %[[STARTED]], %[[CORRECTED]], %[[RAW2]]
// CHECK: memref.store %[[RESULT]], %[[THETA]]
func.func @corrected(%m: memref<4xf32>, %raw: memref<4xf32>, %steps: memref<4xi64>, %theta: memref<4xf32>) {
  et.ema_update_corrected beta = 0.75 ins(%m : memref<4xf32>) outs(%raw, %steps, %theta : memref<4xf32>, memref<4xi64>, memref<4xf32>)
  return
}

// CHECK-LABEL: func @stats
// CHECK-SAME: %[[MASK:.*]]: memref<4x?xi32>, %[[COUNT:.*]]: index, %[[LOADS:.*]]: memref<4xi32>, %[[FAN:.*]]: memref<5xi32>, %[[FIGURES:.*]]: memref<4xf32>
// No token lies beyond the mask.
// CHECK: %[[T:.*]] = arith.minui %[[COUNT]]
// CHECK: scf.parallel (%[[E:.*]]) = (%c0) to (%c4)
// CHECK: scf.for %{{.*}} = %c0 to %[[T]] step %c1
// CHECK: memref.store %{{.*}}, %[[LOADS]][%[[E]]]
// CHECK: scf.for %[[N:.*]] = %c0 to %c5
// CHECK: memref.store %c0_i32, %[[FAN]][%[[N]]]
// CHECK: scf.for %{{.*}} = %c0 to %[[T]] step %c1
// CHECK: memref.store %{{.*}}, %[[FAN]]
// CHECK-COUNT-4: memref.store %{{.*}}, %[[FIGURES]]
func.func @stats(%maskb: memref<4x?xi32>, %t: index, %lb: memref<4xi32>, %fb: memref<5xi32>, %sb: memref<4xf32>) {
  et.routing_stats ins(%maskb, %t : memref<4x?xi32>, index)
    outs(%lb, %fb, %sb : memref<4xi32>, memref<5xi32>, memref<4xf32>)
  return
}
