// RUN: et-opt %s --et-fuse-gather | FileCheck %s
// RUN: et-opt %s --et-fuse-gather --remarks-filter=et-fuse-gather -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: et-opt %s --et-fuse-gather -o /dev/null 2>&1 | count 0

// REMARK-DAG: remark: [Passed] fusion {{.*}} Function=into_product | Remark="rows are gathered by the product that reads them"
// REMARK-DAG: remark: [Passed] fusion {{.*}} Function=into_ffn | Remark="rows are gathered by the product that reads them"
// REMARK-DAG: remark: [Passed] fusion {{.*}} Function=two_readers | Remark="rows are gathered by the product that reads them"
// REMARK-DAG: remark: [Missed] fusion {{.*}} Function=other_plan | Reason="the gather is by the offsets of another plan", Remark="rows are gathered ahead"
// REMARK-DAG: remark: [Missed] fusion {{.*}} Function=gathers_twice | Reason="the product has a token list of its own", Remark="rows are gathered ahead"

// CHECK-LABEL: func @into_product
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x8xf32>, %[[W:[a-z0-9]+]]: tensor<4x8x16xf32>, %[[O:[a-z0-9]+]]: tensor<5xi32>, %[[L:[a-z0-9]+]]: tensor<?xi32>
// CHECK-NOT: et.gather
// CHECK: et.grouped_matmul relu ins(%[[X]], %[[W]] : {{.*}}) offsets(%[[O]] : tensor<5xi32>) tokens(%[[L]] : tensor<?xi32>)
func.func @into_product(%x: tensor<?x8xf32>, %w: tensor<4x8x16xf32>, %o: tensor<5xi32>, %l: tensor<?xi32>, %rows: tensor<?x8xf32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %g = et.gather ins(%x, %l, %o : tensor<?x8xf32>, tensor<?xi32>, tensor<5xi32>) outs(%rows : tensor<?x8xf32>)
  %y = et.grouped_matmul relu ins(%g, %w : tensor<?x8xf32>, tensor<4x8x16xf32>) offsets(%o : tensor<5xi32>) outs(%out : tensor<?x16xf32>)
  return %y : tensor<?x16xf32>
}

// CHECK-LABEL: func @into_ffn
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x8xf32>
// CHECK-NOT: et.gather
// CHECK: et.expert_ffn relu ins(%[[X]], {{.*}}) offsets({{.*}}) tokens(
func.func @into_ffn(%x: tensor<?x8xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>, %o: tensor<5xi32>, %l: tensor<?xi32>, %rows: tensor<?x8xf32>, %out: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %g = et.gather ins(%x, %l, %o : tensor<?x8xf32>, tensor<?xi32>, tensor<5xi32>) outs(%rows : tensor<?x8xf32>)
  %y = et.expert_ffn relu ins(%g, %w1, %w2 : tensor<?x8xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>) offsets(%o : tensor<5xi32>) outs(%out : tensor<?x8xf32>)
  return %y : tensor<?x8xf32>
}

// Other readers of the copy keep it.
// CHECK-LABEL: func @two_readers
// CHECK: %[[G:.*]] = et.gather
// CHECK: et.grouped_matmul relu {{.*}} tokens(
// CHECK: return %{{.*}}, %[[G]]
func.func @two_readers(%x: tensor<?x8xf32>, %w: tensor<4x8x16xf32>, %o: tensor<5xi32>, %l: tensor<?xi32>, %rows: tensor<?x8xf32>, %out: tensor<?x16xf32>) -> (tensor<?x16xf32>, tensor<?x8xf32>) {
  %g = et.gather ins(%x, %l, %o : tensor<?x8xf32>, tensor<?xi32>, tensor<5xi32>) outs(%rows : tensor<?x8xf32>)
  %y = et.grouped_matmul relu ins(%g, %w : tensor<?x8xf32>, tensor<4x8x16xf32>) offsets(%o : tensor<5xi32>) outs(%out : tensor<?x16xf32>)
  return %y, %g : tensor<?x16xf32>, tensor<?x8xf32>
}

// Another plan may have rows that the gather did not write.
// CHECK-LABEL: func @other_plan
// CHECK: %[[G:.*]] = et.gather
// CHECK: et.grouped_matmul relu ins(%[[G]],
// CHECK-NOT: tokens
func.func @other_plan(%x: tensor<?x8xf32>, %w: tensor<4x8x16xf32>, %o: tensor<5xi32>, %o2: tensor<5xi32>, %l: tensor<?xi32>, %rows: tensor<?x8xf32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %g = et.gather ins(%x, %l, %o : tensor<?x8xf32>, tensor<?xi32>, tensor<5xi32>) outs(%rows : tensor<?x8xf32>)
  %y = et.grouped_matmul relu ins(%g, %w : tensor<?x8xf32>, tensor<4x8x16xf32>) offsets(%o2 : tensor<5xi32>) outs(%out : tensor<?x16xf32>)
  return %y : tensor<?x16xf32>
}

// Without offsets all rows are read, those beyond the plan too.
// CHECK-LABEL: func @no_plan
// CHECK: et.gather
// CHECK-NOT: tokens(
func.func @no_plan(%x: tensor<?x8xf32>, %w: tensor<1x8x16xf32>, %o: tensor<2xi32>, %l: tensor<?xi32>, %rows: tensor<?x8xf32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %g = et.gather ins(%x, %l, %o : tensor<?x8xf32>, tensor<?xi32>, tensor<2xi32>) outs(%rows : tensor<?x8xf32>)
  %y = et.grouped_matmul relu ins(%g, %w : tensor<?x8xf32>, tensor<1x8x16xf32>) outs(%out : tensor<?x16xf32>)
  return %y : tensor<?x16xf32>
}

// The product gathers already, from what was gathered.
// CHECK-LABEL: func @gathers_twice
// CHECK: %[[G:.*]] = et.gather
// CHECK: et.grouped_matmul relu ins(%[[G]],
func.func @gathers_twice(%x: tensor<?x8xf32>, %w: tensor<4x8x16xf32>, %o: tensor<5xi32>, %l: tensor<?xi32>, %l2: tensor<?xi32>, %rows: tensor<?x8xf32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %g = et.gather ins(%x, %l, %o : tensor<?x8xf32>, tensor<?xi32>, tensor<5xi32>) outs(%rows : tensor<?x8xf32>)
  %y = et.grouped_matmul relu ins(%g, %w : tensor<?x8xf32>, tensor<4x8x16xf32>) offsets(%o : tensor<5xi32>) tokens(%l2 : tensor<?xi32>) outs(%out : tensor<?x16xf32>)
  return %y : tensor<?x16xf32>
}

// On memrefs nobody knows who else reads the copy.
// CHECK-LABEL: func @memrefs_stay
// CHECK: et.gather
// CHECK: et.grouped_matmul
// CHECK-NOT: tokens(
func.func @memrefs_stay(%x: memref<?x8xf32>, %w: memref<4x8x16xf32>, %o: memref<5xi32>, %l: memref<?xi32>, %rows: memref<?x8xf32>, %out: memref<?x16xf32>) {
  et.gather ins(%x, %l, %o : memref<?x8xf32>, memref<?xi32>, memref<5xi32>) outs(%rows : memref<?x8xf32>)
  et.grouped_matmul relu ins(%rows, %w : memref<?x8xf32>, memref<4x8x16xf32>) offsets(%o : memref<5xi32>) outs(%out : memref<?x16xf32>)
  return
}
