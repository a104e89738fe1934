// RUN: et-opt %s --et-check-bounds --canonicalize --cse --split-input-file | FileCheck %s

// The chain has the sizes of its first tensor; the other argument is checked once.
// CHECK-LABEL: func @chain
// CHECK-SAME: %[[X:.*]]: tensor<?x?xf32>, %[[Y:.*]]: tensor<?x?xf32>
// CHECK-DAG: %[[X0:.*]] = tensor.dim %[[X]], %c0
// CHECK-DAG: %[[Y0:.*]] = tensor.dim %[[Y]], %c0
// CHECK: %[[FIT:.*]] = arith.cmpi eq, %[[X0]], %[[Y0]]
// CHECK: cf.assert %[[FIT]], "arith.addf: sizes of operand 0 and operand 1 differ in dimension 0"
// CHECK: cf.assert %{{.*}}, "arith.addf: sizes of operand 0 and operand 1 differ in dimension 1"
// CHECK-NOT: cf.assert
// CHECK: return
func.func @chain(%x: tensor<?x?xf32>, %y: tensor<?x?xf32>, %c: i1) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %y, %c0 : tensor<?x?xf32>
  %m = tensor.dim %x, %c1 : tensor<?x?xf32>
  %e = tensor.empty(%n, %m) : tensor<?x?xf32>
  %0 = math.exp %x : tensor<?x?xf32>
  %1 = arith.addf %0, %y : tensor<?x?xf32>
  %2 = linalg.exp ins(%1 : tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  %3 = arith.mulf %2, %y : tensor<?x?xf32>
  %less = arith.cmpf olt, %3, %x : tensor<?x?xf32>
  %4 = arith.select %less, %3, %x : tensor<?x?xi1>, tensor<?x?xf32>
  %5 = scf.if %c -> tensor<?x?xf32> {
    %6 = arith.negf %4 : tensor<?x?xf32>
    scf.yield %6 : tensor<?x?xf32>
  } else {
    scf.yield %4 : tensor<?x?xf32>
  }
  %7 = arith.addf %5, %x : tensor<?x?xf32>
  return %7 : tensor<?x?xf32>
}

// -----

// A loop's value keeps the size of its first one, or is of any size.
// CHECK-LABEL: func @kept
// CHECK-NOT: cf.assert
// CHECK-LABEL: func @grown
// CHECK: scf.for
// CHECK: cf.assert %{{.*}}, "arith.addf: sizes of operand 0 and operand 1 differ in dimension 0"
// CHECK: cf.assert %{{.*}}, "arith.subf: sizes of operand 0 and operand 1 differ in dimension 0"
func.func @kept(%x: tensor<?xf32>, %n: index) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%v = %x) -> tensor<?xf32> {
    %0 = arith.addf %v, %x : tensor<?xf32>
    %s = scf.for %j = %c0 to %i step %c1 iter_args(%w = %0) -> tensor<?xf32> {
      %1 = arith.mulf %w, %v : tensor<?xf32>
      scf.yield %1 : tensor<?xf32>
    }
    scf.yield %s : tensor<?xf32>
  }
  %y = arith.subf %r, %x : tensor<?xf32>
  return %y : tensor<?xf32>
}
func.func @grown(%x: tensor<?xf32>, %n: index) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%v = %x) -> tensor<?xf32> {
    %0 = arith.addf %v, %x : tensor<?xf32>
    %1 = tensor.concat dim(0) %0, %x : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
    scf.yield %1 : tensor<?xf32>
  }
  %y = arith.subf %r, %x : tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

// What a branch checks is not known behind it.
// CHECK-LABEL: func @branch
// CHECK: scf.if
// CHECK: cf.assert %{{.*}}, "arith.addf
// CHECK: cf.assert %{{.*}}, "arith.mulf
func.func @branch(%x: tensor<?xf32>, %y: tensor<?xf32>, %c: i1) -> tensor<?xf32> {
  %0 = scf.if %c -> tensor<?xf32> {
    %1 = arith.addf %x, %y : tensor<?xf32>
    scf.yield %1 : tensor<?xf32>
  } else {
    scf.yield %x : tensor<?xf32>
  }
  %2 = arith.mulf %x, %y : tensor<?xf32>
  %3 = arith.addf %0, %2 : tensor<?xf32>
  return %3 : tensor<?xf32>
}

// -----

// Products, and windows of a convolution: the last one must be inside.
// CHECK-LABEL: func @structured
// CHECK: cf.assert %{{.*}}, "linalg.matmul: the size of operand 1 in dimension 0 does not fit those of the other operands"
// CHECK-NOT: cf.assert
// CHECK: linalg.matmul
// CHECK: %[[LAST:.*]] = arith.muli
// CHECK: %[[REACH:.*]] = arith.addi %[[LAST]], %c2
// CHECK: %[[FITS:.*]] = arith.cmpi slt, %[[REACH]]
// CHECK: %[[NONE:.*]] = arith.cmpi eq, %{{.*}}, %c0
// CHECK: %[[OK:.*]] = arith.ori %[[FITS]], %[[NONE]]
// CHECK: cf.assert %[[OK]], "linalg.conv_1d_nwc_wcf: the size of operand 0 in dimension 1 is too small"
// CHECK-NOT: cf.assert
// CHECK: linalg.conv
func.func @structured(%a: tensor<4x?xf32>, %b: tensor<?x8xf32>, %c: tensor<4x8xf32>,
                      %image: tensor<1x?x4xf32>, %w: tensor<3x4x2xf32>, %y: tensor<1x?x2xf32>)
    -> (tensor<4x8xf32>, tensor<1x?x2xf32>) {
  %0 = linalg.matmul ins(%a, %b : tensor<4x?xf32>, tensor<?x8xf32>) outs(%c : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = linalg.conv_1d_nwc_wcf {strides = dense<2> : tensor<1xi64>}
    ins(%image, %w : tensor<1x?x4xf32>, tensor<3x4x2xf32>) outs(%y : tensor<1x?x2xf32>) -> tensor<1x?x2xf32>
  return %0, %1 : tensor<4x8xf32>, tensor<1x?x2xf32>
}

// -----

// Elements: what a loop's bounds show is not checked.
// CHECK-LABEL: func @elements
// CHECK: cf.assert %{{.*}}, "tensor.extract: index 0 is beyond the tensor"
// CHECK: scf.for
// CHECK-NOT: cf.assert
// CHECK: return
func.func @elements(%x: tensor<?xf32>, %y: tensor<4xf32>, %i: index) -> (f32, f32, tensor<?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %a = tensor.extract %x[%i] : tensor<?xf32>
  %b = tensor.extract %y[%c3] : tensor<4xf32>
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%v = %x) -> tensor<?xf32> {
    %e = tensor.extract %v[%j] : tensor<?xf32>
    %s = arith.addf %e, %a : f32
    %w = tensor.insert %s into %v[%j] : tensor<?xf32>
    scf.yield %w : tensor<?xf32>
  }
  return %a, %b, %r : f32, f32, tensor<?xf32>
}

// -----

// Slices. Offset and size are read as unsigned numbers, and nothing wraps around.
// CHECK-LABEL: func @slices
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32>, %[[AT:.*]]: index, %[[N:.*]]: index, %[[S:.*]]: index
// CHECK: %[[ROWS:.*]] = tensor.dim %[[X]], %c0
// CHECK: %[[IN:.*]] = arith.cmpi ule, %[[AT]], %[[ROWS]]
// CHECK: %[[REST:.*]] = arith.subi %[[ROWS]], %[[AT]]
// CHECK: %[[SHORT:.*]] = arith.cmpi ule, %[[N]], %[[REST]]
// CHECK: %[[OK:.*]] = arith.andi %[[IN]], %[[SHORT]]
// CHECK: cf.assert %[[OK]], "tensor.extract_slice: the slice is not inside the tensor in dimension 0"
// CHECK-NOT: cf.assert
// CHECK: tensor.extract_slice
// CHECK: arith.divui
// CHECK: cf.assert %{{.*}}, "tensor.insert_slice: the slice is not inside the tensor in dimension 0"
// CHECK: cf.assert %{{.*}}, "tensor.insert_slice: the step of dimension 0 is 0, so that elements are written to one place"
// CHECK-NOT: cf.assert
// CHECK: tensor.insert_slice
func.func @slices(%x: tensor<?x8xf32>, %at: index, %n: index, %s: index) -> tensor<?x8xf32> {
  %0 = tensor.extract_slice %x[%at, 2] [%n, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %1 = tensor.insert_slice %0 into %x[%at, 2] [%n, 4] [%s, 1] : tensor<?x4xf32> into tensor<?x8xf32>
  return %1 : tensor<?x8xf32>
}

// Rows, by a loop over all.
// CHECK-LABEL: func @rows
// CHECK-NOT: cf.assert
// CHECK: return
func.func @rows(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%v = %x) -> tensor<?x8xf32> {
    %row = tensor.extract_slice %v[%i, 0] [1, 8] [1, 1] : tensor<?x8xf32> to tensor<8xf32>
    %y = math.exp %row : tensor<8xf32>
    %w = tensor.insert_slice %y into %v[%i, 0] [1, 8] [1, 1] : tensor<8xf32> into tensor<?x8xf32>
    scf.yield %w : tensor<?x8xf32>
  }
  return %r : tensor<?x8xf32>
}

// -----

// Other shapes.
// CHECK-LABEL: func @shapes
// CHECK-DAG: cf.assert %{{.*}}, "tensor.cast: the size of dimension 0 is not 4"
// CHECK-DAG: cf.assert %{{.*}}, "tensor.pad: the padding of dimension 0 is negative or too large (size: 4, high: 2)"
// CHECK-DAG: cf.assert %{{.*}}, "tensor.pad: the size of the result in dimension 0 is not 9 (size: 4, high: 2)"
// CHECK-DAG: cf.assert %{{.*}}, "tensor.concat: sizes of operand 0 and operand 1 differ in dimension 1"
// CHECK-DAG: cf.assert %{{.*}}, "tensor.concat: the size of the result in dimension 1 is not 6"
// CHECK-DAG: cf.assert %{{.*}}, "tensor.dim: the index is not a dimension of the tensor (rank: 2)"
// CHECK-DAG: cf.assert %{{.*}}, "tensor.reshape: the new shape has another number of elements"
// CHECK-DAG: cf.assert %{{.*}}, "scf.for: the step is not positive"
// CHECK-DAG: cf.assert %{{.*}}, "scf.for: the upper bound and a step are too large together"
// CHECK-NOT: cf.assert
// CHECK: return
func.func @shapes(%x: tensor<?x?xf32>, %y: tensor<?x?xf32>, %n: index)
    -> (tensor<4x?xf32>, tensor<9x?xf32>, tensor<?x6xf32>, index, tensor<?xf32>, index) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %0 = tensor.concat dim(0) %x, %y : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x6xf32>
  %1 = tensor.cast %x : tensor<?x?xf32> to tensor<4x?xf32>
  %2 = tensor.pad %x low[%n, 0] high[2, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<?x?xf32> to tensor<9x?xf32>
  %3 = tensor.dim %x, %n : tensor<?x?xf32>
  %shape = tensor.from_elements %n : tensor<1xindex>
  %4 = tensor.reshape %x(%shape) : (tensor<?x?xf32>, tensor<1xindex>) -> tensor<?xf32>
  %5 = scf.for %i = %c0 to %c8 step %n iter_args(%v = %n) -> index {
    %w = arith.muli %v, %i : index
    scf.yield %w : index
  }
  return %1, %2, %0, %3, %4, %5 : tensor<4x?xf32>, tensor<9x?xf32>, tensor<?x6xf32>, index, tensor<?xf32>, index
}

// A dimension that is split has no other size than that of its parts, which may be none.
// CHECK-LABEL: func @split
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32>, %[[B:.*]]: index
// CHECK: %[[T:.*]] = tensor.dim %[[X]]
// CHECK: arith.cmpi eq, %[[B]], %c0
// CHECK: %[[D:.*]] = arith.maxui %[[B]], %c1
// CHECK: arith.remui %[[T]], %[[D]]
// CHECK: %[[REST:.*]] = arith.divui %[[T]], %[[D]]
// CHECK: arith.remui %[[REST]], %c4
// CHECK: arith.divui %[[REST]], %c4
// CHECK: %[[FITS:.*]] = arith.select
// CHECK: cf.assert %[[FITS]], "tensor.expand_shape: the sizes that dimension 0 is split into do not make it up"
// CHECK-NOT: cf.assert
// CHECK: return
func.func @split(%x: tensor<?x8xf32>, %b: index) -> tensor<?x4x2x4xf32> {
  %0 = tensor.expand_shape %x [[0, 1], [2, 3]] output_shape [%b, 4, 2, 4] : tensor<?x8xf32> into tensor<?x4x2x4xf32>
  return %0 : tensor<?x4x2x4xf32>
}

// -----

// Tiles of a pack, and blocks of a layer's sizes: the layer has checked that its operands agree.
// CHECK-LABEL: func @packed
// CHECK: arith.ceildivui %{{.*}}, %c4
// CHECK: cf.assert %{{.*}}, "linalg.pack: the size of the packed operand in dimension 0 does not fit the other's"
// CHECK: cf.assert %{{.*}}, "linalg.pack: tiles do not divide dimension 0, and there is no padding"
// CHECK-NOT: cf.assert
// CHECK: linalg.pack
// CHECK-LABEL: func @layer
// CHECK-NOT: cf.assert
// CHECK: return
func.func @packed(%x: tensor<?x8xf32>, %out: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
  %0 = linalg.pack %x inner_dims_pos = [0, 1] inner_tiles = [4, 4] into %out : tensor<?x8xf32> -> tensor<?x2x4x4xf32>
  return %0 : tensor<?x2x4x4xf32>
}
func.func @layer(%x: tensor<?x8xf32>, %w: tensor<8x4xf32>, %out: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%n) : tensor<?x4xf32>
  %0 = et.scores linear ins(%x, %w : tensor<?x8xf32>, tensor<8x4xf32>) outs(%out : tensor<?x4xf32>)
  %1 = linalg.exp ins(%0 : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %1 : tensor<?x4xf32>
}

// -----

// What a body counts through is checked once; places that are data are where they are read.
// CHECK-LABEL: func @bodies
// CHECK-SAME: %[[IDS:.*]]: tensor<?xi32>, %[[TABLE:.*]]: tensor<?x?xf32>, %[[OUT:.*]]: tensor<?x?xf32>
// CHECK: cf.assert %{{.*}}, "linalg.generic: the size of operand 1 in dimension 0 does not fit those of the other operands"
// CHECK: %[[FIT:.*]] = arith.cmpi ule, %{{.*}}, %{{.*}}
// CHECK: cf.assert %{{.*}}, "tensor.extract: index 1 is beyond the tensor"
// CHECK-NOT: cf.assert
// CHECK: linalg.generic
// CHECK: %[[AT:.*]] = arith.index_cast
// CHECK: %[[IN:.*]] = arith.cmpi ult, %[[AT]]
// CHECK: cf.assert %[[IN]], "tensor.extract: index 0 is beyond the tensor" {et.runs_on}
// CHECK-NOT: cf.assert
// CHECK: scf.if %[[IN]]
// CHECK: tensor.extract %[[TABLE]]
// CHECK: else
// CHECK: scf.yield %cst
func.func @bodies(%ids: tensor<?xi32>, %table: tensor<?x?xf32>, %out: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %r = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%ids : tensor<?xi32>) outs(%out : tensor<?x?xf32>) {
  ^bb0(%id: i32, %o: f32):
    %at = arith.index_cast %id : i32 to index
    %j = linalg.index 1 : index
    %v = tensor.extract %table[%at, %j] : tensor<?x?xf32>
    linalg.yield %v : f32
  } -> tensor<?x?xf32>
  return %r : tensor<?x?xf32>
}

// The body may have a condition of its own: nothing is checked before.
// CHECK-LABEL: func @guarded
// CHECK-NOT: cf.assert
// CHECK: tensor.generate
// CHECK: scf.if
// CHECK: cf.assert %{{.*}}, "tensor.extract: index 0 is beyond the tensor" {et.runs_on}
func.func @guarded(%x: tensor<?xf32>, %n: index, %c: i1) -> tensor<?xf32> {
  %zero = arith.constant 0.0 : f32
  %r = tensor.generate %n {
  ^bb0(%i: index):
    %e = scf.if %c -> f32 {
      %v = tensor.extract %x[%i] : tensor<?xf32>
      scf.yield %v : f32
    } else {
      scf.yield %zero : f32
    }
    tensor.yield %e : f32
  } : tensor<?xf32>
  return %r : tensor<?xf32>
}

// -----

// Memrefs: a loop over all elements has no check, a store that does not fit writes nothing.
// CHECK-LABEL: func @all
// CHECK-NOT: cf.assert
// CHECK-LABEL: func @stores
// CHECK: scf.parallel
// CHECK: %[[IN:.*]] = arith.cmpi ult
// CHECK: cf.assert %[[IN]], "memref.store: index 0 is beyond the memref" {et.runs_on}
// CHECK: scf.if %[[IN]]
// CHECK-NEXT: memref.store
// CHECK-LABEL: func @views
// CHECK: cf.assert %{{.*}}, "memref.cast: size mismatch of dim 0"
// CHECK: cf.assert %{{.*}}, "memref.subview: the slice is not inside the memref in dimension 0 (offset: 1)"
// CHECK: cf.assert %{{.*}}, "vector.transfer_read: index 0 is negative"
// CHECK-NOT: cf.assert
// CHECK: return
func.func @all(%x: memref<?xf32>, %v: f32) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?xf32>
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    memref.store %v, %x[%i] : memref<?xf32>
  }
  return
}
func.func @stores(%x: memref<?xf32>, %n: index, %v: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    memref.store %v, %x[%i] : memref<?xf32>
  }
  return
}
func.func @views(%x: memref<?xf32>, %n: index) -> (memref<4xf32>, vector<4xf32>) {
  %zero = arith.constant 0.0 : f32
  %y = memref.cast %x : memref<?xf32> to memref<4xf32>
  %z = memref.subview %x[1] [%n] [1] : memref<?xf32> to memref<?xf32, strided<[1], offset: 1>>
  %v = vector.transfer_read %z[%n], %zero : memref<?xf32, strided<[1], offset: 1>>, vector<4xf32>
  return %y, %v : memref<4xf32>, vector<4xf32>
}

// -----

// What constants show to be wrong ends each call that comes by.
// CHECK-LABEL: func @wrong_in_branch
// CHECK: scf.if
// CHECK: cf.assert %false, "tensor.extract_slice: the slice is not inside the tensor in dimension 0 (offset: 5, size: 2, whole: 4)"
// CHECK-LABEL: func private @wrong_in_private
// CHECK: cf.assert %false, "tensor.extract: index 0 is beyond the tensor (index: 4, size: 4)"
func.func @wrong_in_branch(%x: tensor<4xf32>, %y: tensor<2xf32>, %c: i1) -> tensor<2xf32> {
  %c5 = arith.constant 5 : index
  %r = scf.if %c -> tensor<2xf32> {
    %s = tensor.extract_slice %x[%c5] [2] [1] : tensor<4xf32> to tensor<2xf32>
    scf.yield %s : tensor<2xf32>
  } else {
    scf.yield %y : tensor<2xf32>
  }
  return %r : tensor<2xf32>
}
func.func private @wrong_in_private(%x: tensor<4xf32>) -> f32 {
  %c4 = arith.constant 4 : index
  %e = tensor.extract %x[%c4] : tensor<4xf32>
  return %e : f32
}

// -----

// Where a product of an argument may wrap around, the loop's bounds prove nothing. A product of
// a tensor's size, of which 4 bytes each fit in memory, does not.
// CHECK-LABEL: func @wraps
// CHECK: scf.for
// CHECK: cf.assert %{{.*}}, "tensor.insert_slice: the slice is not inside
// CHECK-LABEL: func @fits
// CHECK: scf.for
// CHECK-NOT: cf.assert
// CHECK: return
func.func @wraps(%x: tensor<4xf32>, %n: index) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %m = arith.muli %n, %c4 : index
  %e = tensor.empty(%m) : tensor<?xf32>
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %e) -> tensor<?xf32> {
    %o = arith.muli %i, %c4 : index
    %b = tensor.insert_slice %x into %a[%o] [4] [1] : tensor<4xf32> into tensor<?xf32>
    scf.yield %b : tensor<?xf32>
  }
  return %r : tensor<?xf32>
}
func.func @fits(%x: tensor<4xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %n = tensor.dim %y, %c0 : tensor<?xf32>
  %m = arith.muli %n, %c4 : index
  %e = tensor.empty(%m) : tensor<?xf32>
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %e) -> tensor<?xf32> {
    %o = arith.muli %i, %c4 : index
    %b = tensor.insert_slice %x into %a[%o] [4] [1] : tensor<4xf32> into tensor<?xf32>
    scf.yield %b : tensor<?xf32>
  }
  return %r : tensor<?xf32>
}
// What is left of an argument that ends a loop is at least 1 in its body.
// CHECK-LABEL: func @rest
// CHECK: cf.assert %{{.*}}, "tensor.extract_slice: the slice is not inside
// CHECK: scf.for
// CHECK-NOT: cf.assert
// CHECK: return
func.func @rest(%y: tensor<?xf32>, %n: index) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %x = tensor.extract_slice %y[0] [%n] [1] : tensor<?xf32> to tensor<?xf32>
  %r = scf.for %i = %c0 to %n step %c8 iter_args(%a = %x) -> tensor<?xf32> {
    %size = arith.subi %n, %i : index
    %part = tensor.extract_slice %a[%i] [%size] [1] : tensor<?xf32> to tensor<?xf32>
    %b = tensor.insert_slice %part into %a[%i] [%size] [1] : tensor<?xf32> into tensor<?xf32>
    scf.yield %b : tensor<?xf32>
  }
  return %r : tensor<?xf32>
}

// -----

// The body of a pad is asked for places that the padding has: nothing is known of them.
// CHECK-LABEL: func @padded
// CHECK: tensor.pad
// CHECK: cf.assert %{{.*}}, "tensor.extract: index 0 is beyond the tensor" {et.runs_on}
// CHECK: cf.assert %{{.*}}, "tensor.extract: index 0 is beyond the tensor" {et.runs_on}
func.func @padded(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  %c1 = arith.constant 1 : index
  %r = tensor.pad %x low[1] high[1] {
  ^bb0(%i: index):
    %v = tensor.extract %y[%i] : tensor<?xf32>
    %j = arith.addi %i, %c1 : index
    %w = tensor.extract %y[%j] : tensor<?xf32>
    %s = arith.addf %v, %w : f32
    tensor.yield %s : f32
  } : tensor<?xf32> to tensor<?xf32>
  return %r : tensor<?xf32>
}

// -----

// Nothing is asserted of tensors without a rank, or of a loop that counts through all of i32.
// CHECK-LABEL: func @unranked
// CHECK-NOT: cf.assert
// CHECK-LABEL: func @unsigned
// CHECK-NOT: cf.assert
// CHECK: return
func.func @unranked(%x: tensor<*xf32>, %i: index, %m: memref<*xf32>) -> index {
  %d = tensor.dim %x, %i : tensor<*xf32>
  return %d : index
}
func.func @unsigned(%n: i32, %m : i32) -> i32 {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %r = scf.for unsigned %i = %n to %m step %c1 iter_args(%a = %c0) -> i32 : i32 {
    %s = arith.addi %a, %c1 : i32
    scf.yield %s : i32
  }
  return %r : i32
}

// -----

// An extract and an insert at one place have one check, a step of 0 is only read.
// CHECK-LABEL: func @once
// CHECK: cf.assert %{{.*}}, "tensor.extract_slice: the slice is not inside the tensor in dimension 0"
// CHECK-NOT: cf.assert
// CHECK: return
// CHECK-LABEL: func @steps
// CHECK: cf.assert %{{.*}}, "tensor.insert_slice: the step of dimension 0 is 0, so that elements are written to one place"
func.func @once(%x: tensor<?xf32>, %at: index, %n: index) -> tensor<?xf32> {
  %s = tensor.extract_slice %x[%at] [%n] [1] : tensor<?xf32> to tensor<?xf32>
  %e = math.exp %s : tensor<?xf32>
  %r = tensor.insert_slice %e into %x[%at] [%n] [1] : tensor<?xf32> into tensor<?xf32>
  return %r : tensor<?xf32>
}
func.func @steps(%x: tensor<?xf32>, %s: index) -> tensor<?xf32> {
  %e = tensor.extract_slice %x[0] [3] [0] : tensor<?xf32> to tensor<3xf32>
  %r = tensor.insert_slice %e into %x[0] [3] [%s] : tensor<3xf32> into tensor<?xf32>
  return %r : tensor<?xf32>
}

// -----

// Slices in a body become such that lie inside, and the call fails at its end.
// CHECK-LABEL: func @rows_of
// CHECK: cf.assert %{{.*}}, "tensor.extract_slice: the slice is not inside the tensor in dimension 0 (size: 1)"{{$}}
// CHECK: linalg.generic
// CHECK: cf.assert %{{.*}}, "tensor.extract_slice: the slice is not inside the tensor in dimension 0 (size: 1)" {et.runs_on}
// CHECK: %[[AT:.*]] = arith.minui
// CHECK: tensor.extract_slice %{{.*}}[%[[AT]], 0]
// CHECK-LABEL: func @update
// CHECK: scf.parallel
// CHECK: cf.assert %{{.*}}, "memref.atomic_rmw: index 0 is beyond the memref" {et.runs_on}
// CHECK: scf.if
// CHECK: memref.atomic_rmw
func.func @rows_of(%x: tensor<?x4xf32>, %ids: tensor<?xindex>) -> tensor<?xindex> {
  %c0 = arith.constant 0 : index
  %r = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      outs(%ids : tensor<?xindex>) {
  ^bb0(%id: index):
    %s = tensor.extract_slice %x[%id, 0] [1, 4] [1, 1] : tensor<?x4xf32> to tensor<4xf32>
    %v = tensor.extract %s[%c0] : tensor<4xf32>
    %i = arith.fptosi %v : f32 to i64
    %j = arith.index_cast %i : i64 to index
    linalg.yield %j : index
  } -> tensor<?xindex>
  return %r : tensor<?xindex>
}
func.func @update(%x: memref<?xf32>, %n: index, %k: index, %v: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    %q = memref.atomic_rmw addf %v, %x[%k] : (f32, memref<?xf32>) -> f32
  }
  return
}

// A function that a body calls runs on, too.
// CHECK-LABEL: func private @get
// CHECK: cf.assert %{{.*}}, "tensor.extract: index 0 is beyond the tensor" {et.runs_on}
// CHECK: scf.if
func.func private @get(%t: tensor<?xf32>, %i: index) -> f32 {
  %v = tensor.extract %t[%i] : tensor<?xf32>
  return %v : f32
}
func.func @calls(%t: tensor<?xf32>, %ids: tensor<?xindex>, %out: tensor<?xf32>) -> tensor<?xf32> {
  %r = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>],
                       iterator_types = ["parallel"]}
      ins(%ids : tensor<?xindex>) outs(%out : tensor<?xf32>) {
  ^bb0(%id: index, %o: f32):
    %v = func.call @get(%t, %id) : (tensor<?xf32>, index) -> f32
    linalg.yield %v : f32
  } -> tensor<?xf32>
  return %r : tensor<?xf32>
}
