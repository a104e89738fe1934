// RUN: et-opt %s --convert-et-to-scf --canonicalize | FileCheck %s

// No two iterations of a parallel loop write the same word of the mask: one has
// all tokens of a word.

// CHECK-LABEL: func @linear
// CHECK-SAME: %[[X:.*]]: memref<?x8xf16>, %[[ROUTER:.*]]: memref<8x4xf16>, %[[OUT:.*]]: memref<?x4xf32>
// CHECK: scf.parallel (%[[T:.*]], %[[E:.*]]) = (%c0, %c0) to (%{{.*}}, %c4)
// CHECK: %[[SUM:.*]]:3 = scf.for %[[D:.*]] = %c0 to %c8
// CHECK: memref.load %[[X]][%[[T]], %[[D]]]
// CHECK: arith.extf
// CHECK: memref.load %[[ROUTER]][%[[D]], %[[E]]]
// CHECK: arith.extf
// CHECK-NOT: math.sqrt
// CHECK: memref.store %[[SUM]]#0, %[[OUT]][%[[T]], %[[E]]]
func.func @linear(%x: memref<?x8xf16>, %router: memref<8x4xf16>, %out: memref<?x4xf32>) {
  et.scores linear ins(%x, %router : memref<?x8xf16>, memref<8x4xf16>) outs(%out : memref<?x4xf32>)
  return
}

// CHECK-LABEL: func @cosine
// CHECK: %[[SUMS:.*]]:3 = scf.for
// CHECK: %[[A:.*]] = math.sqrt %[[SUMS]]#1
// CHECK: %[[NORM_X:.*]] = arith.maximumf %[[A]], %[[TINY:.*]] : f32
// CHECK: %[[B:.*]] = math.sqrt %[[SUMS]]#2
// CHECK: %[[NORM_R:.*]] = arith.maximumf %[[B]], %[[TINY]]
// CHECK: %[[NORMS:.*]] = arith.mulf %[[NORM_X]], %[[NORM_R]]
// CHECK: arith.divf %[[SUMS]]#0, %[[NORMS]]
func.func @cosine(%x: memref<?x8xf32>, %router: memref<8x4xf32>, %out: memref<?x4xf32>) {
  et.scores cosine ins(%x, %router : memref<?x8xf32>, memref<8x4xf32>) outs(%out : memref<?x4xf32>)
  return
}

// CHECK-LABEL: func @threshold
// CHECK-SAME: %[[R:.*]]: memref<?x4xf32>, %[[THETA:.*]]: memref<4xf32>, %[[M:.*]]: memref<4x?xi32>, %[[G:.*]]: memref<?x4xf32>
// CHECK: scf.parallel (%[[E:.*]], %[[W:.*]]) = (%c0, %c0) to (%c4, %{{.*}}) step
// CHECK: memref.store %c0_i32, %[[M]][%[[E]], %[[W]]]
// CHECK: %[[LIMIT:.*]] = memref.load %[[THETA]][%[[E]]]
// CHECK: %[[FIRST:.*]] = arith.muli %[[W]], %c32
// CHECK: %[[BEYOND:.*]] = arith.addi %[[FIRST]], %c32
// CHECK: %[[END:.*]] = arith.minui %[[BEYOND]]
// CHECK: scf.for %[[T:.*]] = %[[FIRST]] to %[[END]] step %c1
// CHECK: %[[SCORE:.*]] = memref.load %[[R]][%[[T]], %[[E]]]
// CHECK: %[[CHOSEN:.*]] = arith.cmpf ogt, %[[SCORE]], %[[LIMIT]]
// CHECK: %[[WEIGHT:.*]] = arith.divf
// CHECK: memref.store %{{.*}}, %[[M]][%[[E]]
// CHECK: %[[GATE:.*]] = arith.select %[[CHOSEN]], %[[WEIGHT]]
// CHECK: memref.store %[[GATE]], %[[G]][%[[T]], %[[E]]]
func.func @threshold(%r: memref<?x4xf32>, %theta: memref<4xf32>, %m: memref<4x?xi32>, %g: memref<?x4xf32>) {
  et.gate #et.threshold ins(%r : memref<?x4xf32>) theta(%theta : memref<4xf32>) outs(%m, %g : memref<4x?xi32>, memref<?x4xf32>)
  return
}

// CHECK-LABEL: func @greater_or_equal
// CHECK: %[[CHOSEN:.*]] = arith.cmpf oge
// CHECK-NOT: math.exp
// CHECK: arith.select %[[CHOSEN]], %cst{{.*}}, %cst{{.*}} : f32
func.func @greater_or_equal(%r: memref<?x4xf32>, %theta: memref<4xf32>, %m: memref<4x?xi32>, %g: memref<?x4xf32>) {
  et.gate #et.threshold<compare = ge, gate = binary> ins(%r : memref<?x4xf32>) theta(%theta : memref<4xf32>)
    outs(%m, %g : memref<4x?xi32>, memref<?x4xf32>)
  return
}

// CHECK-LABEL: func @bounded
// CHECK: scf.parallel (%{{.*}}, %{{.*}}) = (%c0, %c0) to (%c4, %{{.*}}) step
// floor(T * rate), then the bounds.
// CHECK: %[[SHARE:.*]] = arith.mulf %{{.*}} : f64
// CHECK: arith.fptosi %[[SHARE]] : f64 to i64
// The load above the threshold, clamped.
// CHECK: %[[COUNT:.*]] = scf.for
// CHECK: arith.cmpf ogt
// CHECK: %[[AT_LEAST:.*]] = arith.maxui %[[COUNT]]
// CHECK: %[[LIMIT:.*]] = arith.minui %[[AT_LEAST]]
// Taken is who has fewer than that before it.
// CHECK: %[[BEFORE:.*]] = scf.for
// CHECK: arith.cmpf ord
// CHECK: arith.cmpi ult, %[[BEFORE]], %[[LIMIT]]
func.func @bounded(%r: memref<?x4xf32>, %theta: memref<4xf32>, %m: memref<4x?xi32>, %g: memref<?x4xf32>) {
  et.gate #et.bounded_threshold<rate = 0.25, slack = 0.5> ins(%r : memref<?x4xf32>) theta(%theta : memref<4xf32>)
    outs(%m, %g : memref<4x?xi32>, memref<?x4xf32>)
  return
}

// CHECK-LABEL: func @expert_choice
// CHECK: scf.parallel (%{{.*}}, %{{.*}}) = (%c0, %c0) to (%c4, %{{.*}}) step
// CHECK: arith.fptosi %{{.*}} : f64 to i64
// CHECK-NOT: arith.maxui
// CHECK: arith.cmpf ord
func.func @expert_choice(%r: memref<?x4xf32>, %theta: memref<4xf32>, %m: memref<4x?xi32>, %g: memref<?x4xf32>) {
  et.gate #et.expert_choice<rate = 0.25> ins(%r : memref<?x4xf32>)
    outs(%m, %g : memref<4x?xi32>, memref<?x4xf32>)
  return
}

// Rows of values have memory for each word of the mask, whose tokens take turns:
// one buffer with the exponentials, the probabilities and who is left. Ranks,
// which are a sum, are computed where they are read.
// CHECK-LABEL: func @top_k
// CHECK-SAME: %[[R:.*]]: memref<?x4xf32>, %[[BIAS:.*]]: memref<4xf32>, %[[M:.*]]: memref<4x?xi32>, %[[G:.*]]: memref<?x4xf32>
// CHECK: %[[ROWS:.*]] = memref.alloc(%{{.*}}) : memref<?x4x3xf32>
// CHECK-NOT: memref.alloc
// CHECK: scf.parallel (%[[W:.*]]) = (%c0) to (%{{.*}}) step
// Softmax, with the largest score subtracted, and the bias on top of it.
// CHECK: %[[LARGEST:.*]] = scf.for
// CHECK: arith.maximumf
// CHECK: arith.subf %{{.*}}, %[[LARGEST]]
// CHECK: math.exp
// CHECK-NEXT: memref.store %{{.*}}, %[[ROWS]][%[[W]], %{{.*}}, %c0]
// CHECK: arith.divf
// CHECK-NEXT: memref.store %{{.*}}, %[[ROWS]][%[[W]], %{{.*}}, %c1]
// CHECK: memref.load %[[BIAS]]
// CHECK-NEXT: arith.addf
// CHECK-NEXT: memref.store %{{.*}}, %[[ROWS]][%[[W]], %{{.*}}, %c2]
// k rounds, of which each finds the best that is left and strikes it out, by one
// store.
// CHECK: scf.while (%[[ROUND:.*]] = %c0)
// CHECK: arith.cmpi ult, %[[ROUND]], %c2
// CHECK: arith.cmpf ogt
// CHECK: scf.if
// CHECK-NEXT: arith.index_cast
// CHECK-NEXT: memref.store %{{cst.*}}, %[[ROWS]][%[[W]], %{{.*}}, %c2]
// The divisor has the chosen only.
// CHECK: %[[SUM:.*]] = scf.for
// CHECK: arith.divf %{{.*}}, %[[SUM]]
// CHECK: memref.store %{{.*}}, %[[M]]
// CHECK: memref.store %{{.*}}, %[[G]]
// CHECK: memref.dealloc %[[ROWS]]
func.func @top_k(%r: memref<?x4xf32>, %theta: memref<4xf32>, %m: memref<4x?xi32>, %g: memref<?x4xf32>) {
  et.gate #et.top_k<k = 2, renormalize = true> ins(%r : memref<?x4xf32>) bias(%theta : memref<4xf32>)
    outs(%m, %g : memref<4x?xi32>, memref<?x4xf32>)
  return
}

// CHECK-LABEL: func @groups
// The two best of each group, by a loop over its two experts; then the best
// groups, in rounds over a value a group; then the experts.
// CHECK: memref.alloc(%{{.*}}) : memref<?x4x{{[0-9]+}}xf32>
// CHECK: scf.parallel
// CHECK-COUNT-2: scf.for {{.*}} = %{{.*}} to %{{.*}} step %c1 iter_args({{.*}}) -> (f32, i32)
// CHECK: scf.while
// CHECK: scf.for %[[GROUP:.*]] = %c0 to %c2 step %c1 iter_args({{.*}}) -> (f32, i32)
// CHECK-NEXT: arith.muli %[[GROUP]], %c2
// CHECK-NOT: arith.divsi
// CHECK: scf.while
// CHECK: scf.for %{{.*}} = %c0 to %c4 step %c1 iter_args({{.*}}) -> (f32, i32)
func.func @groups(%r: memref<?x4xf32>, %theta: memref<4xf32>, %m: memref<4x?xi32>, %g: memref<?x4xf32>) {
  et.gate #et.top_k<k = 2, scoring = sigmoid, groups = 2, groupLimit = 1> ins(%r : memref<?x4xf32>)
    outs(%m, %g : memref<4x?xi32>, memref<?x4xf32>)
  return
}

// CHECK-LABEL: func @top_p
// CHECK: %[[P:.*]] = arith.constant 7.500000e-01 : f32
// CHECK: scf.parallel
// The set stays open until the sum reaches p.
// CHECK: scf.while (%[[ROUND:.*]] = %c0, %[[SUM:.*]] = %{{.*}}, %[[OPEN:.*]] = %true)
// CHECK: %[[MORE:.*]] = arith.cmpi ult, %[[ROUND]], %c4
// CHECK: %[[GOES_ON:.*]] = arith.andi %[[MORE]], %[[OPEN]]
// CHECK: scf.condition(%[[GOES_ON]])
// CHECK: %[[NEXT:.*]] = arith.addf
// CHECK: %[[BELOW:.*]] = arith.cmpf olt, %[[NEXT]], %[[P]]
// CHECK: arith.andi %{{.*}}, %[[BELOW]]
func.func @top_p(%r: memref<?x4xf32>, %theta: memref<4xf32>, %m: memref<4x?xi32>, %g: memref<?x4xf32>) {
  et.gate #et.top_p<p = 0.75> ins(%r : memref<?x4xf32>)
    outs(%m, %g : memref<4x?xi32>, memref<?x4xf32>)
  return
}

// No more rounds than there are experts.
// CHECK-LABEL: func @more_choices_than_experts
// CHECK-DAG: %[[K:.*]] = arith.constant 1000000 : index
// CHECK-DAG: %[[E:.*]] = memref.dim %arg0, %c1
// CHECK: %[[ROUNDS:.*]] = arith.minui %[[E]], %[[K]] : index
// CHECK: arith.cmpi ult, %{{.*}}, %[[ROUNDS]] : index
func.func @more_choices_than_experts(%r: memref<?x?xf32>, %m: memref<?x?xi32>, %g: memref<?x?xf32>) {
  et.gate #et.top_k<k = 1000000> ins(%r : memref<?x?xf32>) outs(%m, %g : memref<?x?xi32>, memref<?x?xf32>)
  return
}
