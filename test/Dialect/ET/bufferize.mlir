// RUN: et-opt %s --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" --canonicalize | FileCheck %s

// Destinations that nobody needs afterwards are written in place.
// CHECK-LABEL: func @layer_steps
// CHECK-SAME: (%[[X:.*]]: memref<64x8xf32>, %[[ROUTER:.*]]: memref<8x4xf32>, %[[THETA:.*]]: memref<4xf32>, %[[W:.*]]: memref<4x8x8xf32>) -> (memref<64x8xf32>, memref<256x8xf32>)
// CHECK-DAG: %[[R:.*]] = memref.alloc() {alignment = 64 : i64} : memref<64x4xf32>
// CHECK: et.scores linear ins(%[[X]], %[[ROUTER]] : {{.*}}) outs(%[[R]] : memref<64x4xf32>)
// CHECK-DAG: %[[M:.*]] = memref.alloc() {alignment = 64 : i64} : memref<4x2xi32>
// CHECK-DAG: %[[G:.*]] = memref.alloc() {alignment = 64 : i64} : memref<64x4xf32>
// CHECK: et.gate #et.threshold ins(%[[R]] : {{.*}}) theta(%[[THETA]] : memref<4xf32>) outs(%[[M]], %[[G]] : memref<4x2xi32>, memref<64x4xf32>)
// CHECK: %[[O:.*]] = memref.alloc() {alignment = 64 : i64} : memref<5xi32>
// CHECK: et.offsets ins(%[[M]] : memref<4x2xi32>) outs(%[[O]] : memref<5xi32>)
// CHECK: %[[L:.*]] = memref.alloc() {alignment = 64 : i64} : memref<256xi32>
// CHECK: et.token_list ins(%[[M]], %[[O]] : {{.*}}) outs(%[[L]] : memref<256xi32>)
// CHECK: %[[ROWS:.*]] = memref.alloc() {alignment = 64 : i64} : memref<256x8xf32>
// CHECK: et.gather ins(%[[X]], %[[L]], %[[O]] : {{.*}}) outs(%[[ROWS]] : memref<256x8xf32>)
// CHECK: %[[H:.*]] = memref.alloc() {alignment = 64 : i64} : memref<256x8xf32>
// CHECK: et.grouped_matmul relu ins(%[[ROWS]], %[[W]] : {{.*}}) offsets(%[[O]] : memref<5xi32>) outs(%[[H]] : memref<256x8xf32>)
// CHECK: %[[P:.*]] = memref.alloc() {alignment = 64 : i64} : memref<256x8xf32>
// CHECK: et.expert_ffn silu ins(%[[X]], %[[W]], %[[W]] : {{.*}}) offsets(%[[O]] : memref<5xi32>) tokens(%[[L]] : memref<256xi32>) outs(%[[P]] : memref<256x8xf32>)
// CHECK: %[[Y:.*]] = memref.alloc() {alignment = 64 : i64} : memref<64x8xf32>
// CHECK: et.combine ins(%[[P]], %[[G]], %[[M]], %[[O]] : {{.*}}) outs(%[[Y]] : memref<64x8xf32>)
// CHECK-NOT: memref.copy
// CHECK: return %[[Y]]
func.func @layer_steps(%x: tensor<64x8xf32>, %router: tensor<8x4xf32>, %theta: tensor<4xf32>, %w: tensor<4x8x8xf32>) -> (tensor<64x8xf32>, tensor<256x8xf32>) {
  %e0 = tensor.empty() : tensor<64x4xf32>
  %r = et.scores linear ins(%x, %router : tensor<64x8xf32>, tensor<8x4xf32>) outs(%e0 : tensor<64x4xf32>)
  %e1 = tensor.empty() : tensor<4x2xi32>
  %e2 = tensor.empty() : tensor<64x4xf32>
  %mask, %gates = et.gate #et.threshold ins(%r : tensor<64x4xf32>) theta(%theta : tensor<4xf32>) outs(%e1, %e2 : tensor<4x2xi32>, tensor<64x4xf32>)
  %e3 = tensor.empty() : tensor<5xi32>
  %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%e3 : tensor<5xi32>)
  %e4 = tensor.empty() : tensor<256xi32>
  %tokens = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%e4 : tensor<256xi32>)
  %e5 = tensor.empty() : tensor<256x8xf32>
  %rows = et.gather ins(%x, %tokens, %offsets : tensor<64x8xf32>, tensor<256xi32>, tensor<5xi32>) outs(%e5 : tensor<256x8xf32>)
  %e6 = tensor.empty() : tensor<256x8xf32>
  %h = et.grouped_matmul relu ins(%rows, %w : tensor<256x8xf32>, tensor<4x8x8xf32>) offsets(%offsets : tensor<5xi32>) outs(%e6 : tensor<256x8xf32>)
  %e7 = tensor.empty() : tensor<256x8xf32>
  %pairs = et.expert_ffn silu ins(%x, %w, %w : tensor<64x8xf32>, tensor<4x8x8xf32>, tensor<4x8x8xf32>)
    offsets(%offsets : tensor<5xi32>) tokens(%tokens : tensor<256xi32>) outs(%e7 : tensor<256x8xf32>)
  %e8 = tensor.empty() : tensor<64x8xf32>
  %y = et.combine ins(%pairs, %gates, %mask, %offsets : tensor<256x8xf32>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>) outs(%e8 : tensor<64x8xf32>)
  return %y, %h : tensor<64x8xf32>, tensor<256x8xf32>
}

// The state of a training step is updated where it lies.
// CHECK-LABEL: func @state_in_place
// CHECK-SAME: (%[[R:.*]]: memref<?x4xf32>, %[[RAW:.*]]: memref<4xf32>, %[[STEPS:.*]]: memref<4xi64>, %[[THETA:.*]]: memref<4xf32>)
// CHECK: %[[M:.*]] = memref.alloc() {alignment = 64 : i64} : memref<4xf32>
// CHECK: et.statistic #et.mean_minus_std ins(%[[R]] : {{.*}}) outs(%[[M]] : memref<4xf32>)
// CHECK: et.ema_update_corrected ins(%[[M]] : memref<4xf32>) outs(%[[RAW]], %[[STEPS]], %[[THETA]] : memref<4xf32>, memref<4xi64>, memref<4xf32>)
// CHECK-NOT: memref.copy
// CHECK: return %[[RAW]], %[[STEPS]], %[[THETA]]
func.func @state_in_place(%r: tensor<?x4xf32>, %raw: tensor<4xf32>, %steps: tensor<4xi64>, %theta: tensor<4xf32>)
    -> (tensor<4xf32>, tensor<4xi64>, tensor<4xf32>) {
  %e = tensor.empty() : tensor<4xf32>
  %m = et.statistic #et.mean_minus_std ins(%r : tensor<?x4xf32>) outs(%e : tensor<4xf32>)
  %0:3 = et.ema_update_corrected ins(%m : tensor<4xf32>) outs(%raw, %steps, %theta : tensor<4xf32>, tensor<4xi64>, tensor<4xf32>)
  return %0#0, %0#1, %0#2 : tensor<4xf32>, tensor<4xi64>, tensor<4xf32>
}

// An argument that is not writable is copied where the op reads its destination,
// and only replaced where the op overwrites it.
// CHECK-LABEL: func @read_only_arguments
// CHECK-SAME: (%[[M:.*]]: memref<4xf32>, %[[THETA:.*]]: memref<4xf32>, %[[MASK:.*]]: memref<4x?xi32>, %[[O:.*]]: memref<5xi32>
// CHECK: %[[NEXT:.*]] = memref.alloc() {alignment = 64 : i64} : memref<4xf32>
// CHECK-NEXT: memref.copy %[[THETA]], %[[NEXT]]
// CHECK-NEXT: et.ema_update ins(%[[M]] : memref<4xf32>) outs(%[[NEXT]] : memref<4xf32>)
// CHECK-NEXT: %[[OFFSETS:.*]] = memref.alloc() {alignment = 64 : i64} : memref<5xi32>
// CHECK-NEXT: et.offsets ins(%[[MASK]] : memref<4x?xi32>) outs(%[[OFFSETS]] : memref<5xi32>)
// CHECK-NEXT: return %[[NEXT]], %[[OFFSETS]]
func.func @read_only_arguments(%m: tensor<4xf32>, %theta: tensor<4xf32> {bufferization.writable = false}, %mask: tensor<4x?xi32>,
                               %o: tensor<5xi32> {bufferization.writable = false}) -> (tensor<4xf32>, tensor<5xi32>) {
  %0 = et.ema_update ins(%m : tensor<4xf32>) outs(%theta : tensor<4xf32>)
  %1 = et.offsets ins(%mask : tensor<4x?xi32>) outs(%o : tensor<5xi32>)
  return %0, %1 : tensor<4xf32>, tensor<5xi32>
}

// Rows beyond the plan are part of the result, so a second reader of the
// destination makes a copy necessary.
// CHECK-LABEL: func @destination_needed_afterwards
// CHECK-SAME: (%[[X:.*]]: memref<?x8xf32>, %[[L:.*]]: memref<?xi32>, %[[O:.*]]: memref<5xi32>, %[[ROWS:.*]]: memref<?x8xf32>)
// CHECK: %[[COPY:.*]] = memref.alloc
// CHECK: memref.copy %[[ROWS]], %[[COPY]]
// CHECK: et.gather ins(%[[X]], %[[L]], %[[O]] : {{.*}}) outs(%[[COPY]] : memref<?x8xf32>)
// CHECK: return %[[COPY]], %[[ROWS]]
func.func @destination_needed_afterwards(%x: tensor<?x8xf32>, %l: tensor<?xi32>, %o: tensor<5xi32>, %rows: tensor<?x8xf32>)
    -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %0 = et.gather ins(%x, %l, %o : tensor<?x8xf32>, tensor<?xi32>, tensor<5xi32>) outs(%rows : tensor<?x8xf32>)
  return %0, %rows : tensor<?x8xf32>, tensor<?x8xf32>
}

// An input is never the destination as well, though the tensor is the same.
// CHECK-LABEL: func @input_as_destination
// CHECK-SAME: %[[SHARED:[a-z0-9]+]]: memref<?x8xf32>)
// CHECK: %[[Y:.*]] = memref.alloc
// CHECK: et.combine ins({{.*}}) shared(%[[SHARED]] : memref<?x8xf32>) outs(%[[Y]] : memref<?x8xf32>)
// CHECK: return %[[Y]]
func.func @input_as_destination(%pairs: tensor<?x8xf32>, %gates: tensor<?x4xf32>, %mask: tensor<4x?xi32>, %offsets: tensor<5xi32>,
                                %shared: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = et.combine ins(%pairs, %gates, %mask, %offsets : tensor<?x8xf32>, tensor<?x4xf32>, tensor<4x?xi32>, tensor<5xi32>)
    shared(%shared : tensor<?x8xf32>) outs(%shared : tensor<?x8xf32>)
  return %0 : tensor<?x8xf32>
}

// Scalars stay what they are; whole layers bufferize before decomposition too.
// CHECK-LABEL: func @other_ops
// CHECK: et.histogram range(0.000000e+00, 1.000000e+00) ins(%{{.*}} : memref<?x4xf32>) outs(%[[COUNTS:.*]] : memref<4x16xi32>)
// CHECK: et.histogram_quantile 5.000000e-01 range(0.000000e+00, 1.000000e+00) ins(%[[COUNTS]] : memref<4x16xi32>) outs(%{{.*}} : memref<4xf32>)
// CHECK: et.routing_stats ins(%{{.*}}, %{{.*}} : memref<4x?xi32>, index) outs(%{{.*}} : memref<4xi32>, memref<5xi32>, memref<4xf32>)
// CHECK: et.moe linear #et.top_k<k = 1> relu ins({{.*}}) outs(%{{.*}} : memref<?x8xf32>){{$}}
func.func @other_ops(%r: tensor<?x4xf32>, %counts: tensor<4x16xi32>, %theta: tensor<4xf32>, %mask: tensor<4x?xi32>, %t: index,
                     %loads: tensor<4xi32>, %fan: tensor<5xi32>, %figures: tensor<4xf32>,
                     %x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>, %y: tensor<?x8xf32>)
    -> (tensor<4xf32>, tensor<4xi32>, tensor<5xi32>, tensor<4xf32>, tensor<?x8xf32>) {
  %0 = et.histogram range(0.0, 1.0) ins(%r : tensor<?x4xf32>) outs(%counts : tensor<4x16xi32>)
  %1 = et.histogram_quantile 0.5 range(0.0, 1.0) ins(%0 : tensor<4x16xi32>) outs(%theta : tensor<4xf32>)
  %2:3 = et.routing_stats ins(%mask, %t : tensor<4x?xi32>, index) outs(%loads, %fan, %figures : tensor<4xi32>, tensor<5xi32>, tensor<4xf32>)
  %3 = et.moe linear #et.top_k<k = 1> relu
    ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>) outs(%y : tensor<?x8xf32>)
  return %1, %2#0, %2#1, %2#2, %3 : tensor<4xf32>, tensor<4xi32>, tensor<5xi32>, tensor<4xf32>, tensor<?x8xf32>
}

// Packing writes all of its destination, and products read what is packed.
// CHECK-LABEL: func @packed
// CHECK: %[[P:.*]] = memref.alloc() {{.*}} : memref<4x2x8x8xf32>
// CHECK: et.pack #et.panels<columns = 8> ins(%{{.*}} : memref<4x8x16xf32>) outs(%[[P]] : memref<4x2x8x8xf32>)
// CHECK-NOT: memref.copy
// CHECK: et.grouped_matmul relu ins(%{{.*}}, %[[P]] : {{.*}}) panels(#et.panels<columns = 8>) offsets
func.func @packed(%x: tensor<?x8xf32>, %w: tensor<4x8x16xf32>, %o: tensor<5xi32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %init = tensor.empty() : tensor<4x2x8x8xf32>
  %p = et.pack #et.panels<columns = 8> ins(%w : tensor<4x8x16xf32>) outs(%init : tensor<4x2x8x8xf32>)
  %y = et.grouped_matmul relu ins(%x, %p : tensor<?x8xf32>, tensor<4x2x8x8xf32>) panels(#et.panels<columns = 8>)
    offsets(%o : tensor<5xi32>) outs(%out : tensor<?x16xf32>)
  return %y : tensor<?x16xf32>
}
