// RUN: et-opt %s --et-reference-pipeline | FileCheck %s --implicit-check-not=vector.transfer
// RUN: et-opt %s --et-lower-to-cpu-pipeline=march=x86-64-v3 | FileCheck %s --implicit-check-not=vector.transfer

// Vectors of a model's own may have more dimensions than those of a pass: read and written by rows, one of them transposed.
// CHECK-LABEL: llvm.func @f
// CHECK: llvm.load {{.*}} -> vector<8xf32>
// CHECK: llvm.fadd {{.*}} : vector<8xf32>
// CHECK: llvm.store {{.*}} : vector<8xf32>
func.func @f(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %c0 = arith.constant 0 : index
  %z = arith.constant 0.0 : f32
  %v = vector.transfer_read %x[%c0, %c0], %z : tensor<4x8xf32>, vector<4x8xf32>
  %t = vector.transfer_read %y[%c0, %c0], %z {permutation_map = affine_map<(i, j) -> (j, i)>} : tensor<4x8xf32>, vector<8x4xf32>
  %tt = vector.transpose %t, [1, 0] : vector<8x4xf32> to vector<4x8xf32>
  %s = arith.addf %v, %tt : vector<4x8xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %r = vector.transfer_write %s, %e[%c0, %c0] : vector<4x8xf32>, tensor<4x8xf32>
  return %r : tensor<4x8xf32>
}
