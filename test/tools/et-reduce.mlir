// RUN: et-reduce %s -reduction-tree='traversal-mode=0 test=%S/Inputs/has-offsets.sh' | FileCheck %s

// CHECK-NOT: @other
// CHECK:     func.func @kept
// CHECK-NOT: et.scores
// CHECK:     et.offsets
// CHECK-NOT: @other
func.func @other(%a: tensor<5xi32>) -> tensor<5xi32> {
  return %a : tensor<5xi32>
}

func.func @kept(%x: tensor<64x8xf32>, %router: tensor<8x4xf32>, %s: tensor<64x4xf32>,
                %mask: tensor<4x2xi32>, %out: tensor<5xi32>) -> tensor<5xi32> {
  %scores = et.scores linear
      ins(%x, %router : tensor<64x8xf32>, tensor<8x4xf32>) outs(%s : tensor<64x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%out : tensor<5xi32>)
  return %offsets : tensor<5xi32>
}
