// RUN: et-opt %s --et-fuse-token-list --canonicalize | FileCheck %s
// RUN: et-opt %s --et-fuse-token-list --remarks-filter=et-fuse-token-list -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: et-opt %s --et-fuse-token-list -o /dev/null 2>&1 | count 0

// REMARK-DAG: remark: [Passed] fusion {{.*}} Function=into_product | Remark="tokens are found in the mask, no list is written"
// REMARK-DAG: remark: [Passed] fusion {{.*}} Function=two_readers | Remark="tokens are found in the mask, no list is written"
// REMARK-DAG: remark: [Passed] fusion {{.*}} Function=gated | Remark="tokens are found in the mask, no list is written"
// REMARK-DAG: remark: [Missed] fusion {{.*}} Function=other_plan | Reason="the list is by the offsets of another plan", Remark="the product reads a token list"
// REMARK-DAG: remark: [Missed] fusion {{.*}} Function=other_plan | Reason="no mask is known that the list is of", Remark="the product reads a token list"
// REMARK-DAG: remark: [Missed] fusion {{.*}} Function=fewer_words | Reason="the mask may be of other tokens", Remark="the product reads a token list"

// CHECK-LABEL: func @into_product
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<64x8xf32>, %[[W:[a-z0-9]+]]: tensor<4x8x16xf32>, %[[M:[a-z0-9]+]]: tensor<4x2xi32>, %[[O:[a-z0-9]+]]: tensor<5xi32>
// CHECK-NOT: et.token_list
// CHECK: et.grouped_matmul relu ins(%[[X]], %[[W]] : {{.*}}) offsets(%[[O]] : tensor<5xi32>) mask(%[[M]] : tensor<4x2xi32>)
func.func @into_product(%x: tensor<64x8xf32>, %w: tensor<4x8x16xf32>, %m: tensor<4x2xi32>, %o: tensor<5xi32>, %l: tensor<?xi32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %t = et.token_list ins(%m, %o : tensor<4x2xi32>, tensor<5xi32>) outs(%l : tensor<?xi32>)
  %y = et.grouped_matmul relu ins(%x, %w : tensor<64x8xf32>, tensor<4x8x16xf32>) offsets(%o : tensor<5xi32>) tokens(%t : tensor<?xi32>) outs(%out : tensor<?x16xf32>)
  return %y : tensor<?x16xf32>
}

// Another reader keeps the list.
// CHECK-LABEL: func @two_readers
// CHECK: %[[T:.*]] = et.token_list
// CHECK: et.grouped_matmul relu {{.*}} mask(
// CHECK: return %{{.*}}, %[[T]]
func.func @two_readers(%x: tensor<64x8xf32>, %w: tensor<4x8x16xf32>, %m: tensor<4x2xi32>, %o: tensor<5xi32>, %l: tensor<?xi32>, %out: tensor<?x16xf32>) -> (tensor<?x16xf32>, tensor<?xi32>) {
  %t = et.token_list ins(%m, %o : tensor<4x2xi32>, tensor<5xi32>) outs(%l : tensor<?xi32>)
  %y = et.grouped_matmul relu ins(%x, %w : tensor<64x8xf32>, tensor<4x8x16xf32>) offsets(%o : tensor<5xi32>) tokens(%t : tensor<?xi32>) outs(%out : tensor<?x16xf32>)
  return %y, %t : tensor<?x16xf32>, tensor<?xi32>
}

// The list is of another plan, or of none that is known.
// CHECK-LABEL: func @other_plan
// CHECK: et.token_list
// CHECK-NOT: mask(
func.func @other_plan(%x: tensor<64x8xf32>, %w: tensor<4x8x16xf32>, %m: tensor<4x2xi32>, %o: tensor<5xi32>, %o2: tensor<5xi32>, %l: tensor<?xi32>, %out: tensor<?x16xf32>) -> (tensor<?x16xf32>, tensor<?x16xf32>) {
  %t = et.token_list ins(%m, %o : tensor<4x2xi32>, tensor<5xi32>) outs(%l : tensor<?xi32>)
  %y = et.grouped_matmul relu ins(%x, %w : tensor<64x8xf32>, tensor<4x8x16xf32>) offsets(%o2 : tensor<5xi32>) tokens(%t : tensor<?xi32>) outs(%out : tensor<?x16xf32>)
  %z = et.grouped_matmul relu ins(%x, %w : tensor<64x8xf32>, tensor<4x8x16xf32>) offsets(%o : tensor<5xi32>) tokens(%l : tensor<?xi32>) outs(%out : tensor<?x16xf32>)
  return %y, %z : tensor<?x16xf32>, tensor<?x16xf32>
}

// The mask may have fewer words than x has rows to ask of.
// CHECK-LABEL: func @fewer_words
// CHECK: et.token_list
// CHECK-NOT: mask(
func.func @fewer_words(%x: tensor<100x8xf32>, %w: tensor<4x8x16xf32>, %m: tensor<4x2xi32>, %o: tensor<5xi32>, %l: tensor<?xi32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %t = et.token_list ins(%m, %o : tensor<4x2xi32>, tensor<5xi32>) outs(%l : tensor<?xi32>)
  %y = et.grouped_matmul relu ins(%x, %w : tensor<100x8xf32>, tensor<4x8x16xf32>) offsets(%o : tensor<5xi32>) tokens(%t : tensor<?xi32>) outs(%out : tensor<?x16xf32>)
  return %y : tensor<?x16xf32>
}

// A mask of dynamic size counts if it was made of x.
// CHECK-LABEL: func @gated
// CHECK: et.grouped_matmul relu {{.*}} mask(
func.func @gated(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %theta: tensor<4xf32>, %r: tensor<?x4xf32>, %m: tensor<4x?xi32>, %g: tensor<?x4xf32>, %w: tensor<4x8x16xf32>, %o: tensor<5xi32>, %l: tensor<?xi32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %scores = et.scores linear ins(%x, %router : tensor<?x8xf32>, tensor<8x4xf32>) outs(%r : tensor<?x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<?x4xf32>) theta(%theta : tensor<4xf32>) outs(%m, %g : tensor<4x?xi32>, tensor<?x4xf32>)
  %t = et.token_list ins(%mask, %o : tensor<4x?xi32>, tensor<5xi32>) outs(%l : tensor<?xi32>)
  %y = et.grouped_matmul relu ins(%x, %w : tensor<?x8xf32>, tensor<4x8x16xf32>) offsets(%o : tensor<5xi32>) tokens(%t : tensor<?xi32>) outs(%out : tensor<?x16xf32>)
  return %y : tensor<?x16xf32>
}
