// RUN: et-opt %s -split-input-file -verify-diagnostics --convert-et-to-scf

func.func @tensors(%mask: tensor<4x?xi32>, %out: tensor<5xi32>) -> tensor<5xi32> {
  // expected-error@+1 {{'et.offsets' op cannot become loops yet: run --one-shot-bufferize first}}
  %0 = et.offsets ins(%mask : tensor<4x?xi32>) outs(%out : tensor<5xi32>)
  return %0 : tensor<5xi32>
}

// -----

func.func @moe(%x: memref<?x8xf32>, %router: memref<8x4xf32>, %w1: memref<4x8x16xf32>, %w2: memref<4x16x8xf32>, %out: memref<?x8xf32>) {
  // expected-error@+1 {{'et.moe' op cannot become loops yet: run --et-decompose-moe first}}
  et.moe linear #et.top_k<k = 1> relu
    ins(%x, %router, %w1, %w2 : memref<?x8xf32>, memref<8x4xf32>, memref<4x8x16xf32>, memref<4x16x8xf32>) outs(%out : memref<?x8xf32>)
  return
}

// -----

func.func @expert_ffn(%x: memref<?x8xf32>, %w1: memref<1x8x16xf32>, %w2: memref<1x16x8xf32>, %out: memref<?x8xf32>) {
  // expected-error@+1 {{'et.expert_ffn' op cannot become loops yet: run --et-decompose-expert-ffn first}}
  et.expert_ffn relu ins(%x, %w1, %w2 : memref<?x8xf32>, memref<1x8x16xf32>, memref<1x16x8xf32>) outs(%out : memref<?x8xf32>)
  return
}
