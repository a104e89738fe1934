// RUN: et-opt %s --pass-pipeline='builtin.module(func.func(et-keep-destinations))' | FileCheck %s

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#transposed = affine_map<(i, j) -> (j, i)>

// No iteration may write to an element of the first result; the second is read, and
// the third holds nothing.
// CHECK-LABEL: func.func @reductions
// CHECK-SAME:    %{{.*}}: tensor<?x?xf32>, %{{.*}}: index, %[[INIT:.*]]: tensor<?xf32>) ->
// CHECK:         %[[KEPT:.*]] = bufferization.alloc_tensor() copy(%[[INIT]]) : tensor<?xf32>
// CHECK-NOT:     alloc_tensor
// CHECK:         outs(%[[KEPT]], %[[INIT]], %{{.*}} : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>)
func.func @reductions(%x: tensor<?x?xf32>, %n: index, %init: tensor<?xf32>)
    -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) {
  %empty = tensor.empty(%n) : tensor<?xf32>
  %0:3 = linalg.generic {indexing_maps = [#id, #row, #row, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x?xf32>) outs(%init, %init, %empty : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %d: f32):
    %sum = arith.addf %a, %c : f32
    linalg.yield %a, %sum, %a : f32, f32, f32
  } -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>)
  return %0#0, %0#1, %0#2 : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>
}

// An iteration for each element.
// CHECK-LABEL: func.func @elementwise
// CHECK-NOT:     alloc_tensor
func.func @elementwise(%x: tensor<4x?xf32>, %init: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = linalg.generic {indexing_maps = [#id, #transposed], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x?xf32>) outs(%init : tensor<?x4xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  } -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}
