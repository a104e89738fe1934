// RUN: et-opt %s --et-decompose-expert-ffn --canonicalize | FileCheck %s

// Hidden units are stored in the type of x, and the second product is plain.
// CHECK-LABEL: func @tensors
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x8xbf16>, %[[W1:[a-z0-9]+]]: tensor<4x8x16xbf16>, %[[W2:[a-z0-9]+]]: tensor<4x16x8xbf16>, %[[O:[a-z0-9]+]]: tensor<5xi32>, %[[L:[a-z0-9]+]]: tensor<?xi32>, %[[B1:[a-z0-9]+]]: tensor<4x16xbf16>, %[[B2:[a-z0-9]+]]: tensor<4x8xbf16>, %[[OUT:[a-z0-9]+]]: tensor<?x8xf32>
// CHECK: %[[ROWS:.*]] = tensor.dim %[[OUT]], %c0
// CHECK: %[[E:.*]] = tensor.empty(%[[ROWS]]) : tensor<?x16xbf16>
// CHECK: %[[H:.*]] = et.grouped_matmul silu ins(%[[X]], %[[W1]] : {{.*}}) offsets(%[[O]] : tensor<5xi32>) tokens(%[[L]] : tensor<?xi32>) bias(%[[B1]] : tensor<4x16xbf16>) gate(%[[W1]] : tensor<4x8x16xbf16>) gate_bias(%[[B1]] : tensor<4x16xbf16>) outs(%[[E]] : tensor<?x16xbf16>)
// CHECK: %[[Y:.*]] = et.grouped_matmul none ins(%[[H]], %[[W2]] : {{.*}}) offsets(%[[O]] : tensor<5xi32>) bias(%[[B2]] : tensor<4x8xbf16>) outs(%[[OUT]] : tensor<?x8xf32>)
// CHECK: return %[[Y]]
func.func @tensors(%x: tensor<?x8xbf16>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %o: tensor<5xi32>, %l: tensor<?xi32>,
                   %b1: tensor<4x16xbf16>, %b2: tensor<4x8xbf16>, %out: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = et.expert_ffn silu ins(%x, %w1, %w2 : tensor<?x8xbf16>, tensor<4x8x16xbf16>, tensor<4x16x8xbf16>)
    offsets(%o : tensor<5xi32>) tokens(%l : tensor<?xi32>) b1(%b1 : tensor<4x16xbf16>) b2(%b2 : tensor<4x8xbf16>)
    gate(%w1 : tensor<4x8x16xbf16>) gate_bias(%b1 : tensor<4x16xbf16>) outs(%out : tensor<?x8xf32>)
  return %y : tensor<?x8xf32>
}

// CHECK-LABEL: func @dense_on_memrefs
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<7x8xf32>, %[[W1:[a-z0-9]+]]: memref<1x8x16xf32>, %[[W2:[a-z0-9]+]]: memref<1x16x8xf32>, %[[OUT:[a-z0-9]+]]: memref<7x8xf32>
// CHECK: %[[H:.*]] = memref.alloc() : memref<7x16xf32>
// CHECK: et.grouped_matmul relu ins(%[[X]], %[[W1]] : {{.*}}) outs(%[[H]] : memref<7x16xf32>)
// CHECK: et.grouped_matmul none ins(%[[H]], %[[W2]] : {{.*}}) outs(%[[OUT]] : memref<7x8xf32>)
func.func @dense_on_memrefs(%x: memref<7x8xf32>, %w1: memref<1x8x16xf32>, %w2: memref<1x16x8xf32>, %out: memref<7x8xf32>) {
  et.expert_ffn relu ins(%x, %w1, %w2 : memref<7x8xf32>, memref<1x8x16xf32>, memref<1x16x8xf32>) outs(%out : memref<7x8xf32>)
  return
}

// CHECK-LABEL: func @moe_stays
// CHECK: et.moe
func.func @moe_stays(%x: memref<?x8xf32>, %router: memref<8x4xf32>, %w1: memref<4x8x16xf32>, %w2: memref<4x16x8xf32>, %out: memref<?x8xf32>) {
  et.moe linear #et.top_k<k = 1> relu
    ins(%x, %router, %w1, %w2 : memref<?x8xf32>, memref<8x4xf32>, memref<4x8x16xf32>, memref<4x16x8xf32>) outs(%out : memref<?x8xf32>)
  return
}
