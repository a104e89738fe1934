// RUN: et-opt %s --et-outline-layers --split-input-file | FileCheck %s --check-prefixes=CHECK,ALL
// RUN: et-opt %s --et-outline-layers=keep-pairs --split-input-file | FileCheck %s --check-prefixes=CHECK,KEEP

// Equal but for what they work on, in one function and in another, in a loop and
// out of it. The operands of the first are not all different.
// CHECK-LABEL: func.func @chain
// CHECK-SAME:      (%[[X:[a-z0-9]+]]: {{.*}}, %[[V:[a-z0-9]+]]: {{.*}}, %[[W:[a-z0-9]+]]: tensor<1x8x8xf32>
// CHECK:         %[[A:.*]] = call @et_layer(%[[X]], %[[V]], %[[V]], %[[X]])
// CHECK:         %[[B:.*]] = call @et_layer(%[[A]], %[[V]], %[[W]], %{{.*}})
// CHECK:         return %[[B]]
func.func @chain(%x: tensor<8x8xf32>, %v: tensor<1x8x8xf32>, %w: tensor<1x8x8xf32>) -> tensor<8x8xf32> {
  %init = tensor.empty() : tensor<8x8xf32>
  %a = et.expert_ffn relu ins(%x, %v, %v : tensor<8x8xf32>, tensor<1x8x8xf32>, tensor<1x8x8xf32>)
    outs(%x : tensor<8x8xf32>)
  %b = et.expert_ffn relu ins(%a, %v, %w : tensor<8x8xf32>, tensor<1x8x8xf32>, tensor<1x8x8xf32>)
    outs(%init : tensor<8x8xf32>)
  return %b : tensor<8x8xf32>
}

// CHECK-LABEL: func.func private @et_layer(
// CHECK-SAME:      %[[X:[a-z0-9]+]]: {{.*}}, %[[V:[a-z0-9]+]]: {{.*}}, %[[W:[a-z0-9]+]]: {{.*}}, %[[OUT:[a-z0-9]+]]: {{.*}}) -> tensor<8x8xf32>
// CHECK-NEXT:    %[[Y:.*]] = et.expert_ffn relu ins(%[[X]], %[[V]], %[[W]] : {{.*}}) outs(%[[OUT]] : {{.*}})
// CHECK-NEXT:    return %[[Y]]

// CHECK-LABEL: func.func @loop
// CHECK:         scf.for
// CHECK-NEXT:      func.call @et_layer(
// CHECK-NOT:     et.expert_ffn
func.func @loop(%x: tensor<8x8xf32>, %v: tensor<1x8x8xf32>, %n: index) -> tensor<8x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %init = tensor.empty() : tensor<8x8xf32>
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%carried = %x) -> tensor<8x8xf32> {
    %z = et.expert_ffn relu ins(%carried, %v, %v : tensor<8x8xf32>, tensor<1x8x8xf32>, tensor<1x8x8xf32>)
      outs(%init : tensor<8x8xf32>)
    scf.yield %z : tensor<8x8xf32>
  }
  return %y : tensor<8x8xf32>
}

// -----

// Attributes, types and optional operands tell layers apart.
// CHECK-LABEL: func.func @different
// CHECK-NOT:     call
func.func @different(%x: tensor<?x8xbf16>, %r: tensor<8x4xbf16>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>,
                     %v1: tensor<4x8x24xbf16>, %v2: tensor<4x24x8xbf16>, %b1: tensor<4x16xbf16>, %out: tensor<?x8xbf16>) -> tensor<?x8xbf16> {
  %a = et.moe linear #et.threshold relu ins(%x, %r, %w1, %w2 : tensor<?x8xbf16>, tensor<8x4xbf16>, tensor<4x8x16xbf16>, tensor<4x16x8xbf16>)
    theta(%theta : tensor<4xf32>) outs(%out : tensor<?x8xbf16>)
  %b = et.moe linear #et.threshold gelu ins(%a, %r, %w1, %w2 : tensor<?x8xbf16>, tensor<8x4xbf16>, tensor<4x8x16xbf16>, tensor<4x16x8xbf16>)
    theta(%theta : tensor<4xf32>) outs(%out : tensor<?x8xbf16>)
  %c = et.moe linear #et.threshold relu ins(%b, %r, %v1, %v2 : tensor<?x8xbf16>, tensor<8x4xbf16>, tensor<4x8x24xbf16>, tensor<4x24x8xbf16>)
    theta(%theta : tensor<4xf32>) outs(%out : tensor<?x8xbf16>)
  %d = et.moe linear #et.threshold relu ins(%c, %r, %w1, %w2 : tensor<?x8xbf16>, tensor<8x4xbf16>, tensor<4x8x16xbf16>, tensor<4x16x8xbf16>)
    theta(%theta : tensor<4xf32>) b1(%b1 : tensor<4x16xbf16>) outs(%out : tensor<?x8xbf16>)
  %e = et.moe linear #et.top_k<k = 2> relu ins(%d, %r, %w1, %w2 : tensor<?x8xbf16>, tensor<8x4xbf16>, tensor<4x8x16xbf16>, tensor<4x16x8xbf16>)
    outs(%out : tensor<?x8xbf16>)
  return %e : tensor<?x8xbf16>
}

// -----

// Of two kinds of layers in turn, each becomes a function.
// CHECK-LABEL: func.func @in_turn
// CHECK:         call @et_layer(
// CHECK:         call @et_layer_0(
// CHECK:         call @et_layer(
// CHECK:         call @et_layer_0(
// CHECK-DAG:   func.func private @et_layer(%{{.*}}tensor<4xf32>
// CHECK-DAG:   func.func private @et_layer_0(
func.func @in_turn(%x: tensor<8x8xf32>, %r: tensor<8x4xf32>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>,
                   %v: tensor<1x8x8xf32>) -> tensor<8x8xf32> {
  %init = tensor.empty() : tensor<8x8xf32>
  %a = et.moe linear #et.threshold relu ins(%x, %r, %w1, %w2 : tensor<8x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    theta(%theta : tensor<4xf32>) outs(%init : tensor<8x8xf32>)
  %b = et.expert_ffn relu ins(%a, %v, %v : tensor<8x8xf32>, tensor<1x8x8xf32>, tensor<1x8x8xf32>) outs(%init : tensor<8x8xf32>)
  %c = et.moe linear #et.threshold relu ins(%b, %r, %w1, %w2 : tensor<8x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    theta(%theta : tensor<4xf32>) outs(%init : tensor<8x8xf32>)
  %d = et.expert_ffn relu ins(%c, %v, %v : tensor<8x8xf32>, tensor<1x8x8xf32>, tensor<1x8x8xf32>) outs(%init : tensor<8x8xf32>)
  return %d : tensor<8x8xf32>
}

// -----

// Parts of tensors would be copied at the function's border.
// CHECK-LABEL: func.func @parts
// CHECK-NOT:     call
func.func @parts(%x: tensor<8x8xf32>, %all: tensor<3x1x8x8xf32>, %y: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %init = tensor.empty() : tensor<8x8xf32>
  %0 = tensor.extract_slice %all[0, 0, 0, 0] [1, 1, 8, 8] [1, 1, 1, 1] : tensor<3x1x8x8xf32> to tensor<1x1x8x8xf32>
  %v = tensor.collapse_shape %0 [[0, 1], [2], [3]] : tensor<1x1x8x8xf32> into tensor<1x8x8xf32>
  %w = tensor.extract_slice %all[1, 0, 0, 0] [1, 1, 8, 8] [1, 1, 1, 1] : tensor<3x1x8x8xf32> to tensor<1x8x8xf32>
  %a = et.expert_ffn relu ins(%x, %v, %v : tensor<8x8xf32>, tensor<1x8x8xf32>, tensor<1x8x8xf32>) outs(%init : tensor<8x8xf32>)
  %b = et.expert_ffn relu ins(%a, %w, %w : tensor<8x8xf32>, tensor<1x8x8xf32>, tensor<1x8x8xf32>) outs(%init : tensor<8x8xf32>)
  %c = et.expert_ffn relu ins(%b, %w, %w : tensor<8x8xf32>, tensor<1x8x8xf32>, tensor<1x8x8xf32>) outs(%init : tensor<8x8xf32>)
  %d = tensor.insert_slice %c into %y[8, 0] [8, 8] [1, 1] : tensor<8x8xf32> into tensor<16x8xf32>
  return %d : tensor<16x8xf32>
}

// -----

// The experts of a plan are fused with what made it.
// CHECK-LABEL: func.func @with_plan
// CHECK-NOT:     call
func.func @with_plan(%x: tensor<8x8xf32>, %w: tensor<4x8x8xf32>, %offsets: tensor<5xi32>) -> tensor<8x8xf32> {
  %init = tensor.empty() : tensor<8x8xf32>
  %a = et.expert_ffn relu ins(%x, %w, %w : tensor<8x8xf32>, tensor<4x8x8xf32>, tensor<4x8x8xf32>) offsets(%offsets : tensor<5xi32>) outs(%init : tensor<8x8xf32>)
  %b = et.expert_ffn relu ins(%a, %w, %w : tensor<8x8xf32>, tensor<4x8x8xf32>, tensor<4x8x8xf32>) offsets(%offsets : tensor<5xi32>) outs(%init : tensor<8x8xf32>)
  return %b : tensor<8x8xf32>
}

// -----

// The products of the first two are independent, those of the third are not.
// CHECK-LABEL: func.func @side_by_side
// ALL:           call @et_layer
// ALL:           call @et_layer
// KEEP-COUNT-2:  et.expert_ffn
// CHECK:         call @et_layer
// CHECK:         call @et_layer
func.func @side_by_side(%x: tensor<8x8xf32>, %v: tensor<1x8x8xf32>, %w: tensor<1x8x8xf32>) -> tensor<8x8xf32> {
  %init = tensor.empty() : tensor<8x8xf32>
  %a = et.expert_ffn relu ins(%x, %v, %v : tensor<8x8xf32>, tensor<1x8x8xf32>, tensor<1x8x8xf32>) outs(%init : tensor<8x8xf32>)
  %b = et.expert_ffn relu ins(%x, %w, %w : tensor<8x8xf32>, tensor<1x8x8xf32>, tensor<1x8x8xf32>) outs(%init : tensor<8x8xf32>)
  %sum = linalg.add ins(%a, %b : tensor<8x8xf32>, tensor<8x8xf32>) outs(%init : tensor<8x8xf32>) -> tensor<8x8xf32>
  %c = et.expert_ffn relu ins(%sum, %w, %w : tensor<8x8xf32>, tensor<1x8x8xf32>, tensor<1x8x8xf32>) outs(%init : tensor<8x8xf32>)
  %d = et.expert_ffn relu ins(%c, %w, %w : tensor<8x8xf32>, tensor<1x8x8xf32>, tensor<1x8x8xf32>) outs(%init : tensor<8x8xf32>)
  return %d : tensor<8x8xf32>
}

// -----

// A module in the module has functions of its own.
// CHECK-LABEL: module @inner
// CHECK:         func.func @f
// CHECK:           call @et_layer(
// CHECK:           call @et_layer(
// CHECK:         func.func private @et_layer
module @inner {
  func.func @f(%x: tensor<8x8xf32>, %v: tensor<1x8x8xf32>) -> tensor<8x8xf32> {
    %init = tensor.empty() : tensor<8x8xf32>
    %a = et.expert_ffn relu ins(%x, %v, %v : tensor<8x8xf32>, tensor<1x8x8xf32>, tensor<1x8x8xf32>) outs(%init : tensor<8x8xf32>)
    %b = et.expert_ffn relu ins(%a, %v, %v : tensor<8x8xf32>, tensor<1x8x8xf32>, tensor<1x8x8xf32>) outs(%init : tensor<8x8xf32>)
    return %b : tensor<8x8xf32>
  }
}

// -----

// On memrefs too; a name that is taken is not taken again.
// CHECK-LABEL: func.func @memrefs
// CHECK:         call @et_layer_0(
// CHECK-NEXT:    call @et_layer_0(
// CHECK-NEXT:    return
// CHECK-NEXT:  }
// CHECK:       func.func private @et_layer_0({{.*}}memref<8x8xf32>, {{.*}}memref<1x8x8xf32>, {{.*}}memref<8x8xf32>) {
func.func @memrefs(%x: memref<8x8xf32>, %v: memref<1x8x8xf32>, %y: memref<8x8xf32>, %z: memref<8x8xf32>) {
  et.expert_ffn relu ins(%x, %v, %v : memref<8x8xf32>, memref<1x8x8xf32>, memref<1x8x8xf32>) outs(%y : memref<8x8xf32>)
  et.expert_ffn relu ins(%y, %v, %v : memref<8x8xf32>, memref<1x8x8xf32>, memref<1x8x8xf32>) outs(%z : memref<8x8xf32>)
  return
}
func.func private @et_layer()

// -----

// What makes weights of those stored moves too, and tells layers apart.
// CHECK-LABEL: func.func @stored
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<8x8xf32>, %[[Q:[a-z0-9]+]]: tensor<1x8x8xi8>, %[[S:[a-z0-9]+]]: tensor<1x1x8xf32>, %[[T:[a-z0-9]+]]: tensor<1x8x8xf32>
// CHECK: %[[A:.*]] = call @et_layer(%[[X]], %[[Q]], %[[S]], %[[Q]], %[[S]], %[[INIT:.*]]) : (tensor<8x8xf32>, tensor<1x8x8xi8>, tensor<1x1x8xf32>, tensor<1x8x8xi8>, tensor<1x1x8xf32>, tensor<8x8xf32>)
// CHECK: %[[B:.*]] = call @et_layer(%[[A]],
// CHECK: et.expert_ffn relu ins(%[[B]],
// CHECK: func.func private @et_layer(%[[X:.*]]: tensor<8x8xf32>, %[[Q1:.*]]: tensor<1x8x8xi8>, %[[S1:.*]]: tensor<1x1x8xf32>, %[[Q2:.*]]: tensor<1x8x8xi8>, %[[S2:.*]]: tensor<1x1x8xf32>, %[[OUT:.*]]: tensor<8x8xf32>)
// CHECK: %[[W1:.*]] = et.dequantize #et.blocks<element = i8, k = all, n = 1> ins(%[[Q1]], %[[S1]] :
// CHECK: %[[W2:.*]] = et.dequantize #et.blocks<element = i8, k = all, n = 1> ins(%[[Q2]], %[[S2]] :
// CHECK: et.expert_ffn relu ins(%[[X]], %[[W1]], %[[W2]] : {{.*}}) outs(%[[OUT]] :
func.func @stored(%x: tensor<8x8xf32>, %q: tensor<1x8x8xi8>, %s: tensor<1x1x8xf32>, %t: tensor<1x8x8xf32>) -> tensor<8x8xf32> {
  %init = tensor.empty() : tensor<8x8xf32>
  %e = tensor.empty() : tensor<1x8x8xf32>
  %w = et.dequantize #et.blocks<element = i8, k = all, n = 1> ins(%q, %s : tensor<1x8x8xi8>, tensor<1x1x8xf32>) outs(%e : tensor<1x8x8xf32>)
  %v = et.dequantize #et.blocks<element = i8, k = 1, n = 1> ins(%q, %t : tensor<1x8x8xi8>, tensor<1x8x8xf32>) outs(%e : tensor<1x8x8xf32>)
  %a = et.expert_ffn relu ins(%x, %w, %w : tensor<8x8xf32>, tensor<1x8x8xf32>, tensor<1x8x8xf32>) outs(%init : tensor<8x8xf32>)
  %b = et.expert_ffn relu ins(%a, %w, %w : tensor<8x8xf32>, tensor<1x8x8xf32>, tensor<1x8x8xf32>) outs(%init : tensor<8x8xf32>)
  %c = et.expert_ffn relu ins(%b, %v, %v : tensor<8x8xf32>, tensor<1x8x8xf32>, tensor<1x8x8xf32>) outs(%init : tensor<8x8xf32>)
  return %c : tensor<8x8xf32>
}
