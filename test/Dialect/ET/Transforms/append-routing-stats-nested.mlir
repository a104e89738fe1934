// RUN: et-opt %s --split-input-file --et-append-routing-stats=entry=f | FileCheck %s

// What a loop's iterations select is added up in 64 bits, through each op around the gate.
// CHECK-LABEL: func.func @f(
// CHECK-SAME: -> (tensor<64x4xf32>, tensor<4xi64> {et.role = "routing.loads"}, tensor<5xi64> {et.role = "routing.fan_out"})
// CHECK: %[[FOR:.*]]:3 = scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}, %[[L:.*]] = %{{.*}}, %[[F:.*]] = %{{.*}}) -> (tensor<64x4xf32>, tensor<4xi64>, tensor<5xi64>)
// CHECK:   %[[IF:.*]]:3 = scf.if
// CHECK:     %[[LOADS:.*]], %[[FAN:.*]], %{{.*}} = et.routing_stats
// CHECK:     linalg.generic {{.*}} ins(%[[LOADS]] : tensor<4xi32>) outs(%{{.*}} : tensor<4xi64>)
// CHECK:       arith.extsi
// CHECK:     scf.yield
// CHECK:   } else {
// CHECK:     scf.yield
// CHECK:   linalg.generic {{.*}} ins(%[[IF]]#1 : tensor<4xi64>) outs(%[[L]] : tensor<4xi64>)
// CHECK-NOT: arith.extsi
// CHECK:   linalg.generic {{.*}} ins(%[[IF]]#2 : tensor<5xi64>) outs(%[[F]] : tensor<5xi64>)
// CHECK: return %[[FOR]]#0, %[[FOR]]#1, %[[FOR]]#2
func.func @f(%r: tensor<64x4xf32>, %m: tensor<4x2xi32>, %n: index, %c: i1) -> tensor<64x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%g = %r) -> tensor<64x4xf32> {
    %1 = scf.if %c -> tensor<64x4xf32> {
      %mask, %gates = et.gate #et.top_k<k = 1> ins(%g : tensor<64x4xf32>)
        outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
      scf.yield %gates : tensor<64x4xf32>
    } else {
      scf.yield %g : tensor<64x4xf32>
    }
    scf.yield %1 : tensor<64x4xf32>
  }
  return %0 : tensor<64x4xf32>
}

// -----

// Either part of a while loop; an if without an else gets one; a plan in one op is a gate as well.
// CHECK-LABEL: func.func @f(
// CHECK-COUNT-4: {et.role = "routing.{{loads|fan_out}}"}
// CHECK: %[[W:.*]]:5 = scf.while
// CHECK:   et.route
// CHECK:   et.routing_stats
// CHECK:   scf.condition(%{{.*}}) %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} :
// CHECK:   %[[IF:.*]]:2 = scf.if
// CHECK:     et.gate
// CHECK:     et.routing_stats
// CHECK:   } else {
// CHECK:   scf.yield
// CHECK: return %[[W]]#0, %[[W]]#1, %[[W]]#2, %[[W]]#3, %[[W]]#4
func.func @f(%x: tensor<64x8xf32>, %router: tensor<8x4xf32>, %theta: tensor<4xf32>, %m: tensor<4x2xi32>,
             %g: tensor<64x4xf32>, %o: tensor<5xi32>, %n: index, %c: i1) -> index {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = scf.while (%i = %c0) : (index) -> index {
    %mask, %gates, %offsets = et.route linear #et.threshold ins(%x, %router : tensor<64x8xf32>, tensor<8x4xf32>)
      theta(%theta : tensor<4xf32>) outs(%m, %g, %o : tensor<4x2xi32>, tensor<64x4xf32>, tensor<5xi32>)
    %more = arith.cmpi ult, %i, %n : index
    scf.condition(%more) %i : index
  } do {
  ^bb0(%i: index):
    scf.if %c {
      %mask, %gates = et.gate #et.top_k<k = 1> ins(%g : tensor<64x4xf32>)
        outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
    }
    %next = arith.addi %i, %c1 : index
    scf.yield %next : index
  }
  return %0 : index
}

// -----

// A gate behind a loop reads what the loop returns.
// CHECK-LABEL: func.func @f(
// CHECK: %[[FOR:.*]]:3 = scf.for
// CHECK: et.gate {{.*}} ins(%[[FOR]]#0
// CHECK: et.routing_stats
func.func @f(%r: tensor<64x4xf32>, %m: tensor<4x2xi32>, %n: index) -> tensor<64x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%g = %r) -> tensor<64x4xf32> {
    %mask, %gates = et.gate #et.top_k<k = 1> ins(%g : tensor<64x4xf32>)
      outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
    scf.yield %gates : tensor<64x4xf32>
  }
  %mask, %gates = et.gate #et.top_k<k = 1> ins(%0 : tensor<64x4xf32>)
    outs(%m, %r : tensor<4x2xi32>, tensor<64x4xf32>)
  return %gates : tensor<64x4xf32>
}
