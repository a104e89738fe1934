// RUN: et-opt %s --et-fuse-gating | FileCheck %s
// RUN: et-opt %s --et-fuse-gating --remarks-filter=et-fuse-gating -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: et-opt %s --et-fuse-gating -o /dev/null 2>&1 | count 0

// REMARK-DAG: remark: [Passed] fusion {{.*}} Function=plan | Remark="tokens are scored, gated and counted in one pass over them"
// REMARK-DAG: remark: [Missed] fusion {{.*}} Function=scores_are_read | Reason="the scores have another reader", Remark="scores, gate and offsets stay apart"
// REMARK-DAG: remark: [Missed] fusion {{.*}} Function=top_k | Reason="the gate compares scores with each other", Remark="scores, gate and offsets stay apart"
// REMARK-DAG: remark: [Missed] fusion {{.*}} Function=used_before | Reason="the gate's results are used before the offsets", Remark="scores, gate and offsets stay apart"

// CHECK-LABEL: func @plan
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x8xf32>, %[[ROUTER:[a-z0-9]+]]: tensor<8x4xf32>, %[[THETA:[a-z0-9]+]]: tensor<4xf32>, %{{.*}}: tensor<?x4xf32>, %[[M:[a-z0-9]+]]: tensor<4x?xi32>, %[[G:[a-z0-9]+]]: tensor<?x4xf32>, %[[O:[a-z0-9]+]]: tensor<5xi32>
// CHECK-NEXT: %[[MASK:.*]], %[[GATES:.*]], %[[OFFSETS:.*]] = et.route cosine #et.threshold<compare = ge, gate = raw> ins(%[[X]], %[[ROUTER]] : {{.*}}) theta(%[[THETA]] : {{.*}}) outs(%[[M]], %[[G]], %[[O]] : {{.*}})
// CHECK-NEXT: return %[[MASK]], %[[GATES]], %[[OFFSETS]]
func.func @plan(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %theta: tensor<4xf32>, %r: tensor<?x4xf32>, %m: tensor<4x?xi32>, %g: tensor<?x4xf32>, %o: tensor<5xi32>)
    -> (tensor<4x?xi32>, tensor<?x4xf32>, tensor<5xi32>) {
  %scores = et.scores cosine ins(%x, %router : tensor<?x8xf32>, tensor<8x4xf32>) outs(%r : tensor<?x4xf32>)
  %mask, %gates = et.gate #et.threshold<compare = ge, gate = raw> ins(%scores : tensor<?x4xf32>) theta(%theta : tensor<4xf32>)
    outs(%m, %g : tensor<4x?xi32>, tensor<?x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x?xi32>) outs(%o : tensor<5xi32>)
  return %mask, %gates, %offsets : tensor<4x?xi32>, tensor<?x4xf32>, tensor<5xi32>
}

// Someone else reads the scores.
// CHECK-LABEL: func @scores_are_read
// CHECK-NOT: et.route
// CHECK: et.offsets
func.func @scores_are_read(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %theta: tensor<4xf32>, %r: tensor<?x4xf32>, %m: tensor<4x?xi32>, %g: tensor<?x4xf32>, %o: tensor<5xi32>)
    -> (tensor<?x4xf32>, tensor<5xi32>) {
  %scores = et.scores linear ins(%x, %router : tensor<?x8xf32>, tensor<8x4xf32>) outs(%r : tensor<?x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<?x4xf32>) theta(%theta : tensor<4xf32>)
    outs(%m, %g : tensor<4x?xi32>, tensor<?x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x?xi32>) outs(%o : tensor<5xi32>)
  return %scores, %offsets : tensor<?x4xf32>, tensor<5xi32>
}

// Scores are compared with each other.
// CHECK-LABEL: func @top_k
// CHECK-NOT: et.route
// CHECK: et.offsets
func.func @top_k(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %theta: tensor<4xf32>, %r: tensor<?x4xf32>, %m: tensor<4x?xi32>, %g: tensor<?x4xf32>, %o: tensor<5xi32>)
    -> (tensor<?x4xf32>, tensor<5xi32>) {
  %scores = et.scores linear ins(%x, %router : tensor<?x8xf32>, tensor<8x4xf32>) outs(%r : tensor<?x4xf32>)
  %mask, %gates = et.gate #et.top_k<k = 2> ins(%scores : tensor<?x4xf32>) 
    outs(%m, %g : tensor<4x?xi32>, tensor<?x4xf32>)
  %offsets = et.offsets ins(%mask : tensor<4x?xi32>) outs(%o : tensor<5xi32>)
  return %gates, %offsets : tensor<?x4xf32>, tensor<5xi32>
}

// The gates are needed before there are offsets.
// CHECK-LABEL: func @used_before
// CHECK-NOT: et.route
// CHECK: et.offsets
func.func @used_before(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %theta: tensor<4xf32>, %r: tensor<?x4xf32>, %m: tensor<4x?xi32>, %g: tensor<?x4xf32>, %o: tensor<5xi32>)
    -> (tensor<5xi32>, index) {
  %scores = et.scores linear ins(%x, %router : tensor<?x8xf32>, tensor<8x4xf32>) outs(%r : tensor<?x4xf32>)
  %mask, %gates = et.gate #et.threshold ins(%scores : tensor<?x4xf32>) theta(%theta : tensor<4xf32>)
    outs(%m, %g : tensor<4x?xi32>, tensor<?x4xf32>)
  %c0 = arith.constant 0 : index
  %t = tensor.dim %gates, %c0 : tensor<?x4xf32>
  %offsets = et.offsets ins(%mask : tensor<4x?xi32>) outs(%o : tensor<5xi32>)
  return %offsets, %t : tensor<5xi32>, index
}
