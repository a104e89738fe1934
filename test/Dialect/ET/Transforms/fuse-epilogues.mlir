// RUN: et-opt %s --et-fuse-epilogues | FileCheck %s
// RUN: et-opt %s --et-fuse-epilogues --remarks-filter=et-fuse-epilogues -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: et-opt %s --et-fuse-epilogues -o /dev/null 2>&1 | count 0

// REMARK-DAG: remark: [Passed] fusion {{.*}} Function=arith | Remark="part of the product before it"
// REMARK-DAG: remark: [Passed] fusion {{.*}} Function=generic | Remark="part of the product before it"
// REMARK-DAG: remark: [Missed] fusion {{.*}} Function=two_tensors | Reason="it reads another tensor, or a scalar that is not constant", Remark="not part of the product before it"
// REMARK-DAG: remark: [Missed] fusion {{.*}} Function=scalar | Reason="it reads a scalar that is not constant"
// REMARK-DAG: remark: [Missed] fusion {{.*}} Function=rows_of_none | Reason="rows of no expert have values, which it changes too"
// REMARK-DAG: remark: [Missed] fusion {{.*}} Function=transposed | Reason="it moves elements"
// REMARK-DAG: remark: [Missed] fusion {{.*}} Function=wider | Reason="its result has another shape"
// REMARK-DAG: remark: [Missed] fusion {{.*}} Function=other_type | Reason="its result has neither the type of the product's rows nor f32"
// REMARK-DAG: remark: [Missed] fusion {{.*}} Function=reads_destination | Reason="it reads its destination"
// REMARK-DAG: remark: [Missed] fusion {{.*}} Function=index | Reason="it has an op that is not elementwise arithmetic"
// REMARK-DAG: remark: [Missed] fusion {{.*}} Function=branch | Reason="it is in another block"

// What was rounded on the way still is, and the next op follows the first.
// CHECK-LABEL: func @arith
// CHECK: %[[Y:.*]] = et.grouped_matmul relu ins({{.*}}) offsets({{.*}}) bias({{.*}}) outs(%{{.*}} : tensor<?x16xf32>) {test.note = "kept"} epilogue(%[[V:.*]]) {
// CHECK-NEXT: %[[HALF:.*]] = arith.constant 5.000000e-01 : f32
// CHECK-NEXT: %[[SMALL:.*]] = arith.truncf %[[V]] : f32 to bf16
// CHECK-NEXT: %[[F:.*]] = arith.extf %[[SMALL]] : bf16 to f32
// CHECK-NEXT: %[[SCALED:.*]] = arith.mulf %[[F]], %[[HALF]] fastmath<nnan> : f32
// CHECK-NEXT: %[[T:.*]] = math.tanh %[[SCALED]] : f32
// CHECK-NEXT: et.yield %[[T]]
// CHECK: return %[[Y]]
func.func @arith(%x: tensor<?x8xbf16>, %w: tensor<4x8x16xbf16>, %o: tensor<5xi32>, %b: tensor<4x16xbf16>, %n: index) -> tensor<?x16xf32> {
  %empty = tensor.empty(%n) : tensor<?x16xbf16>
  %half = arith.constant 0.5 : f32
  %y = et.grouped_matmul relu ins(%x, %w : tensor<?x8xbf16>, tensor<4x8x16xbf16>) offsets(%o : tensor<5xi32>)
    bias(%b : tensor<4x16xbf16>) outs(%empty : tensor<?x16xbf16>) {test.note = "kept"}
  %f = arith.extf %y : tensor<?x16xbf16> to tensor<?x16xf32>
  %halves = tensor.splat %half[%n] : tensor<?x16xf32>
  %s = arith.mulf %f, %halves fastmath<nnan> : tensor<?x16xf32>
  %t = math.tanh %s : tensor<?x16xf32>
  return %t : tensor<?x16xf32>
}

// Without a plan every row is the product's, so any destination will do. The
// result goes to the op's own.
// CHECK-LABEL: func @generic
// CHECK-SAME: %[[OUT:[a-z0-9]+]]: tensor<4x16xf32>, %[[LAST:[a-z0-9]+]]: tensor<4x16xf32>
// CHECK: et.grouped_matmul none ins({{.*}}) outs(%[[LAST]] : tensor<4x16xf32>) epilogue(%[[V:.*]]) {
// CHECK-NEXT: %[[TWO:.*]] = arith.constant 2.000000e+00 : f32
// CHECK-NEXT: %[[SQUARE:.*]] = arith.mulf %[[V]], %[[V]] : f32
// CHECK-NEXT: %[[SUM:.*]] = arith.addf %[[SQUARE]], %[[TWO]] : f32
// CHECK-NEXT: %[[EXP:.*]] = math.exp %[[SUM]] : f32
// CHECK-NEXT: et.yield %[[EXP]]
// CHECK-NOT: linalg
func.func @generic(%x: tensor<4x8xf32>, %w: tensor<1x8x16xf32>, %out: tensor<4x16xf32>, %last: tensor<4x16xf32>) -> tensor<4x16xf32> {
  %two = arith.constant 2.0 : f32
  %y = et.grouped_matmul none ins(%x, %w : tensor<4x8xf32>, tensor<1x8x16xf32>) outs(%out : tensor<4x16xf32>)
  %z = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%y : tensor<4x16xf32>) outs(%out : tensor<4x16xf32>) {
  ^bb0(%a: f32, %b: f32):
    %square = arith.mulf %a, %a : f32
    %sum = arith.addf %square, %two : f32
    linalg.yield %sum : f32
  } -> tensor<4x16xf32>
  %e = linalg.exp ins(%z : tensor<4x16xf32>) outs(%last : tensor<4x16xf32>) -> tensor<4x16xf32>
  return %e : tensor<4x16xf32>
}

// Panels stay, and so does another user's product.
// CHECK-LABEL: func @others
// CHECK: et.grouped_matmul none ins({{.*}}) panels(#et.panels<columns = 16>) {{.*}} epilogue
// CHECK: %[[Y:.*]] = et.grouped_matmul
// CHECK-NOT: epilogue
// CHECK: math.absf %[[Y]]
func.func @others(%x: tensor<4x8xf32>, %p: tensor<1x1x8x16xf32>, %w: tensor<1x8x16xf32>, %out: tensor<4x16xf32>) -> (tensor<4x16xf32>, tensor<4x16xf32>, tensor<4x16xf32>) {
  %y = et.grouped_matmul none ins(%x, %p : tensor<4x8xf32>, tensor<1x1x8x16xf32>) panels(#et.panels<columns = 16, interleave = 1, step = 1>) outs(%out : tensor<4x16xf32>)
  %a = math.absf %y : tensor<4x16xf32>
  %z = et.grouped_matmul none ins(%x, %w : tensor<4x8xf32>, tensor<1x8x16xf32>) outs(%out : tensor<4x16xf32>)
  %b = math.absf %z : tensor<4x16xf32>
  return %a, %z, %b : tensor<4x16xf32>, tensor<4x16xf32>, tensor<4x16xf32>
}

// A cast that forgets or claims sizes is in nobody's way, and the user still gets
// the type it had.
// CHECK-LABEL: func @casts
// CHECK: %[[Y:.*]] = et.grouped_matmul none ins({{.*}}) outs(%{{.*}} : tensor<4x16xf32>) epilogue
// CHECK: math.absf
// CHECK: %[[FORGETS:.*]] = tensor.cast %[[Y]] : tensor<4x16xf32> to tensor<?x16xf32>
// CHECK-NEXT: return %[[FORGETS]]
func.func @casts(%x: tensor<4x8xf32>, %w: tensor<4x8x16xf32>, %o: tensor<5xi32>) -> tensor<?x16xf32> {
  %out = tensor.empty() : tensor<4x16xf32>
  %y = et.grouped_matmul none ins(%x, %w : tensor<4x8xf32>, tensor<4x8x16xf32>) offsets(%o : tensor<5xi32>) outs(%out : tensor<4x16xf32>)
  %c = tensor.cast %y : tensor<4x16xf32> to tensor<?x?xf32>
  %d = tensor.cast %c : tensor<?x?xf32> to tensor<?x16xf32>
  %z = math.absf %d : tensor<?x16xf32>
  return %z : tensor<?x16xf32>
}

// CHECK-LABEL: func @two_tensors
// CHECK-NOT: epilogue
func.func @two_tensors(%x: tensor<4x8xf32>, %w: tensor<1x8x16xf32>, %out: tensor<4x16xf32>) -> tensor<4x16xf32> {
  %y = et.grouped_matmul none ins(%x, %w : tensor<4x8xf32>, tensor<1x8x16xf32>) outs(%out : tensor<4x16xf32>)
  %z = arith.addf %y, %out : tensor<4x16xf32>
  return %z : tensor<4x16xf32>
}

// CHECK-LABEL: func @scalar
// CHECK-NOT: epilogue
func.func @scalar(%x: tensor<4x8xf32>, %w: tensor<1x8x16xf32>, %s: f32) -> tensor<4x16xf32> {
  %out = tensor.empty() : tensor<4x16xf32>
  %y = et.grouped_matmul none ins(%x, %w : tensor<4x8xf32>, tensor<1x8x16xf32>) outs(%out : tensor<4x16xf32>)
  %z = linalg.map ins(%y : tensor<4x16xf32>) outs(%out : tensor<4x16xf32>) (%a: f32, %b: f32) {
    %p = arith.mulf %a, %s : f32
    linalg.yield %p : f32
  }
  return %z : tensor<4x16xf32>
}

// CHECK-LABEL: func @rows_of_none
// CHECK-NOT: epilogue
func.func @rows_of_none(%x: tensor<4x8xf32>, %w: tensor<4x8x16xf32>, %o: tensor<5xi32>, %out: tensor<4x16xf32>) -> tensor<4x16xf32> {
  %y = et.grouped_matmul none ins(%x, %w : tensor<4x8xf32>, tensor<4x8x16xf32>) offsets(%o : tensor<5xi32>) outs(%out : tensor<4x16xf32>)
  %z = math.absf %y : tensor<4x16xf32>
  return %z : tensor<4x16xf32>
}

// CHECK-LABEL: func @transposed
// CHECK-NOT: epilogue
func.func @transposed(%x: tensor<16x8xf32>, %w: tensor<1x8x16xf32>, %out: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %y = et.grouped_matmul none ins(%x, %w : tensor<16x8xf32>, tensor<1x8x16xf32>) outs(%out : tensor<16x16xf32>)
  %empty = tensor.empty() : tensor<16x16xf32>
  %z = linalg.transpose ins(%y : tensor<16x16xf32>) outs(%empty : tensor<16x16xf32>) permutation = [1, 0]
  return %z : tensor<16x16xf32>
}

// CHECK-LABEL: func @wider
// CHECK-NOT: epilogue
func.func @wider(%x: tensor<4x8xf32>, %w: tensor<1x8x16xf32>, %out: tensor<4x16xf32>) -> tensor<3x4x16xf32> {
  %y = et.grouped_matmul none ins(%x, %w : tensor<4x8xf32>, tensor<1x8x16xf32>) outs(%out : tensor<4x16xf32>)
  %empty = tensor.empty() : tensor<3x4x16xf32>
  %z = linalg.broadcast ins(%y : tensor<4x16xf32>) outs(%empty : tensor<3x4x16xf32>) dimensions = [0]
  return %z : tensor<3x4x16xf32>
}

// CHECK-LABEL: func @other_type
// CHECK-NOT: epilogue
func.func @other_type(%x: tensor<4x8xf32>, %w: tensor<1x8x16xf32>, %out: tensor<4x16xf32>) -> tensor<4x16xf16> {
  %y = et.grouped_matmul none ins(%x, %w : tensor<4x8xf32>, tensor<1x8x16xf32>) outs(%out : tensor<4x16xf32>)
  %z = arith.truncf %y : tensor<4x16xf32> to tensor<4x16xf16>
  return %z : tensor<4x16xf16>
}

// CHECK-LABEL: func @reads_destination
// CHECK-NOT: epilogue
func.func @reads_destination(%x: tensor<4x8xf32>, %w: tensor<1x8x16xf32>, %out: tensor<4x16xf32>) -> tensor<4x16xf32> {
  %y = et.grouped_matmul none ins(%x, %w : tensor<4x8xf32>, tensor<1x8x16xf32>) outs(%out : tensor<4x16xf32>)
  %z = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%y : tensor<4x16xf32>) outs(%out : tensor<4x16xf32>) {
  ^bb0(%a: f32, %b: f32):
    %sum = arith.addf %a, %b : f32
    linalg.yield %sum : f32
  } -> tensor<4x16xf32>
  return %z : tensor<4x16xf32>
}

// CHECK-LABEL: func @index
// CHECK-NOT: epilogue
func.func @index(%x: tensor<4x8xf32>, %w: tensor<1x8x16xf32>, %out: tensor<4x16xf32>) -> tensor<4x16xf32> {
  %y = et.grouped_matmul none ins(%x, %w : tensor<4x8xf32>, tensor<1x8x16xf32>) outs(%out : tensor<4x16xf32>)
  %z = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%y : tensor<4x16xf32>) outs(%out : tensor<4x16xf32>) {
  ^bb0(%a: f32, %b: f32):
    %i = linalg.index 0 : index
    %j = arith.index_cast %i : index to i32
    %k = arith.sitofp %j : i32 to f32
    %sum = arith.addf %a, %k : f32
    linalg.yield %sum : f32
  } -> tensor<4x16xf32>
  return %z : tensor<4x16xf32>
}

// CHECK-LABEL: func @branch
// CHECK-NOT: epilogue
func.func @branch(%x: tensor<4x8xf32>, %w: tensor<1x8x16xf32>, %out: tensor<4x16xf32>, %c: i1) -> tensor<4x16xf32> {
  %y = et.grouped_matmul none ins(%x, %w : tensor<4x8xf32>, tensor<1x8x16xf32>) outs(%out : tensor<4x16xf32>)
  %z = scf.if %c -> tensor<4x16xf32> {
    %a = math.absf %y : tensor<4x16xf32>
    scf.yield %a : tensor<4x16xf32>
  } else {
    scf.yield %out : tensor<4x16xf32>
  }
  return %z : tensor<4x16xf32>
}
