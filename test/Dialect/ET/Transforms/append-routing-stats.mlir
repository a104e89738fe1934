// RUN: et-opt %s --et-append-routing-stats=entry=two | FileCheck %s

// Sizes that are known only at run time, and two gates.
// CHECK-LABEL: func.func @two(
// CHECK-SAME:    %[[R:[^:]*]]: tensor<?x?xf32>
// CHECK-SAME:    -> (tensor<?x?xi32>, tensor<?xi32> {et.role = "routing.loads"}, tensor<?xi32> {et.role = "routing.fan_out"}, tensor<8xi32> {et.role = "routing.loads"}, tensor<9xi32> {et.role = "routing.fan_out"})
func.func @two(%r: tensor<?x?xf32>, %theta: tensor<?xf32>, %m: tensor<?x?xi32>, %g: tensor<?x?xf32>,
               %r8: tensor<64x8xf32>, %theta8: tensor<8xf32>, %m8: tensor<8x2xi32>,
               %g8: tensor<64x8xf32>) -> tensor<?x?xi32> {
  // CHECK: %[[MASK:[^,]*]], %{{.*}} = et.gate
  // CHECK-DAG: %[[T:.*]] = tensor.dim %[[R]], %c0
  // CHECK-DAG: %[[E:.*]] = tensor.dim %[[R]], %c1
  // CHECK: %[[E1:.*]] = arith.addi %[[E]], %c1{{.*}} : index
  // CHECK: = et.routing_stats ins(%[[MASK]], %[[T]]
  // CHECK-SAME: tensor<?xi32>, tensor<?xi32>, tensor<4xf32>
  %mask, %gates = et.gate #et.threshold<gate = binary> ins(%r : tensor<?x?xf32>)
    theta(%theta : tensor<?xf32>) outs(%m, %g : tensor<?x?xi32>, tensor<?x?xf32>)
  // CHECK: et.gate
  // CHECK: et.routing_stats
  %mask8, %gates8 = et.gate #et.threshold<gate = binary> ins(%r8 : tensor<64x8xf32>)
    theta(%theta8 : tensor<8xf32>) outs(%m8, %g8 : tensor<8x2xi32>, tensor<64x8xf32>)
  return %mask : tensor<?x?xi32>
}
