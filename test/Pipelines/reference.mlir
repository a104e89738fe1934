// RUN: et-opt %s --et-reference-pipeline=compile-to=loops | FileCheck %s --implicit-check-not=" et." --implicit-check-not=linalg --implicit-check-not=tensor
// RUN: et-opt %s --et-reference-pipeline | FileCheck %s --check-prefix=LLVM --implicit-check-not=unrealized --implicit-check-not="omp." --implicit-check-not="gpu."

// Ops are plain loops, and buffers of pairs are freed when the last reader is
// done. Arguments are not written: the result is memory of its own.
// CHECK-LABEL: func @layer
// CHECK-SAME: (%[[X:[a-z0-9]+]]: memref<?x8xf32>, {{.*}}, %[[OUT:[a-z0-9]+]]: memref<?x8xf32>) -> memref<?x8xf32>
// CHECK-NOT: memref.store %{{.*}}, %[[OUT]]
// CHECK: cf.assert %{{.*}}, "et.moe: the size of operand 'out' in dimension 0 is not T of the other operands"
// CHECK: math.ctpop
// CHECK: %[[PAIRS:.*]] = memref.load %{{.*}}[%c4] : memref<5xi32>
// CHECK: %[[S:.*]] = arith.index_cast %[[PAIRS]]
// CHECK: memref.alloc(%[[S]]) {{.*}} : memref<?x16xf32>
// CHECK: memref.dealloc
// CHECK: return
func.func @layer(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>,
                 %out: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = et.moe linear #et.threshold<gate = sigmoid> relu
    ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    theta(%theta : tensor<4xf32>) outs(%out : tensor<?x8xf32>)
  return %y : tensor<?x8xf32>
}

// What folds leave behind, here a fill, becomes loops as well.
// CHECK-LABEL: func @filled
// CHECK: scf.for
// CHECK: memref.store %c0_i32
// CHECK: return
func.func @filled(%out: tensor<5xi32>) -> tensor<5xi32> {
  %mask = arith.constant dense<0> : tensor<4x2xi32>
  %0 = et.offsets ins(%mask : tensor<4x2xi32>) outs(%out : tensor<5xi32>)
  return %0 : tensor<5xi32>
}

// LLVM: llvm.func @layer(
// LLVM: llvm.intr.ctpop
