// RUN: et-opt %s --et-fuse-token-list --canonicalize | FileCheck %s

// CHECK-LABEL: func @into_product
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x8xf32>, %[[W:[a-z0-9]+]]: tensor<4x8x16xf32>, %[[M:[a-z0-9]+]]: tensor<4x?xi32>, %[[O:[a-z0-9]+]]: tensor<5xi32>
// CHECK-NOT: et.token_list
// CHECK: et.grouped_matmul relu ins(%[[X]], %[[W]] : {{.*}}) offsets(%[[O]] : tensor<5xi32>) mask(%[[M]] : tensor<4x?xi32>)
func.func @into_product(%x: tensor<?x8xf32>, %w: tensor<4x8x16xf32>, %m: tensor<4x?xi32>, %o: tensor<5xi32>, %l: tensor<?xi32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %t = et.token_list ins(%m, %o : tensor<4x?xi32>, tensor<5xi32>) outs(%l : tensor<?xi32>)
  %y = et.grouped_matmul relu ins(%x, %w : tensor<?x8xf32>, tensor<4x8x16xf32>) offsets(%o : tensor<5xi32>) tokens(%t : tensor<?xi32>) outs(%out : tensor<?x16xf32>)
  return %y : tensor<?x16xf32>
}

// Another reader keeps the list.
// CHECK-LABEL: func @two_readers
// CHECK: %[[T:.*]] = et.token_list
// CHECK: et.grouped_matmul relu {{.*}} mask(
// CHECK: return %{{.*}}, %[[T]]
func.func @two_readers(%x: tensor<?x8xf32>, %w: tensor<4x8x16xf32>, %m: tensor<4x?xi32>, %o: tensor<5xi32>, %l: tensor<?xi32>, %out: tensor<?x16xf32>) -> (tensor<?x16xf32>, tensor<?xi32>) {
  %t = et.token_list ins(%m, %o : tensor<4x?xi32>, tensor<5xi32>) outs(%l : tensor<?xi32>)
  %y = et.grouped_matmul relu ins(%x, %w : tensor<?x8xf32>, tensor<4x8x16xf32>) offsets(%o : tensor<5xi32>) tokens(%t : tensor<?xi32>) outs(%out : tensor<?x16xf32>)
  return %y, %t : tensor<?x16xf32>, tensor<?xi32>
}

// The list is of another plan, or of none that is known.
// CHECK-LABEL: func @other_plan
// CHECK: et.token_list
// CHECK-NOT: mask(
func.func @other_plan(%x: tensor<?x8xf32>, %w: tensor<4x8x16xf32>, %m: tensor<4x?xi32>, %o: tensor<5xi32>, %o2: tensor<5xi32>, %l: tensor<?xi32>, %out: tensor<?x16xf32>) -> (tensor<?x16xf32>, tensor<?x16xf32>) {
  %t = et.token_list ins(%m, %o : tensor<4x?xi32>, tensor<5xi32>) outs(%l : tensor<?xi32>)
  %y = et.grouped_matmul relu ins(%x, %w : tensor<?x8xf32>, tensor<4x8x16xf32>) offsets(%o2 : tensor<5xi32>) tokens(%t : tensor<?xi32>) outs(%out : tensor<?x16xf32>)
  %z = et.grouped_matmul relu ins(%x, %w : tensor<?x8xf32>, tensor<4x8x16xf32>) offsets(%o : tensor<5xi32>) tokens(%l : tensor<?xi32>) outs(%out : tensor<?x16xf32>)
  return %y, %z : tensor<?x16xf32>, tensor<?x16xf32>
}
