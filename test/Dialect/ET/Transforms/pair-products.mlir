// RUN: et-opt %s --et-decompose-moe=pair-buffers=bound --et-decompose-expert-ffn --et-fuse-gating --et-pair-products | FileCheck %s

// First products beside each other, then second products. What they are computed
// from comes before the first.
// CHECK-LABEL: func @layer
// CHECK: et.route
// CHECK: tensor.expand_shape
// CHECK: %[[H:.*]] = et.grouped_matmul relu {{.*}} offsets(
// CHECK-NEXT: %[[S:.*]] = et.grouped_matmul relu {{.*}} tensor<1x8x24xbf16>)
// CHECK: %[[Y:.*]] = et.grouped_matmul none ins(%[[H]],
// CHECK-NEXT: %[[Z:.*]] = et.grouped_matmul none ins(%[[S]],
// CHECK: et.combine ins(%[[Y]], {{.*}} shared(%[[Z]] :
func.func @layer(%x: tensor<?x8xbf16>, %router: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>,
                 %s1: tensor<8x24xbf16>, %s2: tensor<24x8xbf16>, %out: tensor<?x8xbf16>) -> tensor<?x8xbf16> {
  %y = et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : tensor<?x8xbf16>, tensor<8x4xbf16>, tensor<4x8x16xbf16>, tensor<4x16x8xbf16>)
    theta(%theta : tensor<4xf32>) shared(%s1, %s2 : tensor<8x24xbf16>, tensor<24x8xbf16>) outs(%out : tensor<?x8xbf16>)
  return %y : tensor<?x8xbf16>
}

// The products of a chain make no pair. One that needs none of them stands by the
// first.
// CHECK-LABEL: func @chain
// CHECK: %[[A:.*]] = et.grouped_matmul relu ins(%arg0,
// CHECK-NEXT: %[[D:.*]] = et.grouped_matmul gelu ins(%arg0,
// CHECK-NEXT: %[[B:.*]] = et.grouped_matmul relu ins(%[[A]],
// CHECK-NEXT: %[[C:.*]] = et.grouped_matmul relu ins(%[[B]],
// CHECK-NEXT: return %[[C]], %[[D]]
func.func @chain(%x: tensor<8x8xf32>, %w: tensor<1x8x8xf32>, %out: tensor<8x8xf32>) -> (tensor<8x8xf32>, tensor<8x8xf32>) {
  %a = et.grouped_matmul relu ins(%x, %w : tensor<8x8xf32>, tensor<1x8x8xf32>) outs(%out : tensor<8x8xf32>)
  %b = et.grouped_matmul relu ins(%a, %w : tensor<8x8xf32>, tensor<1x8x8xf32>) outs(%out : tensor<8x8xf32>)
  %c = et.grouped_matmul relu ins(%b, %w : tensor<8x8xf32>, tensor<1x8x8xf32>) outs(%out : tensor<8x8xf32>)
  %d = et.grouped_matmul gelu ins(%x, %w : tensor<8x8xf32>, tensor<1x8x8xf32>) outs(%out : tensor<8x8xf32>)
  return %c, %d : tensor<8x8xf32>, tensor<8x8xf32>
}

// On memrefs order is more than data flow shows.
// CHECK-LABEL: func @memrefs
// CHECK: et.grouped_matmul relu
// CHECK-NEXT: et.grouped_matmul gelu
// CHECK-NEXT: et.grouped_matmul silu
func.func @memrefs(%x: memref<8x8xf32>, %w: memref<1x8x8xf32>, %y: memref<8x8xf32>, %z: memref<8x8xf32>) {
  et.grouped_matmul relu ins(%x, %w : memref<8x8xf32>, memref<1x8x8xf32>) outs(%y : memref<8x8xf32>)
  et.grouped_matmul gelu ins(%y, %w : memref<8x8xf32>, memref<1x8x8xf32>) outs(%z : memref<8x8xf32>)
  et.grouped_matmul silu ins(%x, %w : memref<8x8xf32>, memref<1x8x8xf32>) outs(%z : memref<8x8xf32>)
  return
}
