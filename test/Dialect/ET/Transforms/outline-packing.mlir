// RUN: et-opt %s -split-input-file --et-outline-packing | FileCheck %s
// Functions that pack are left alone.
// RUN: et-opt %s -split-input-file --et-outline-packing --et-outline-packing | FileCheck %s

// A weight that one product reads is replaced; one that something else reads as
// well stays. Names of several layouts of a weight differ.
// CHECK: func.func @layer(%[[X:[a-z0-9]+]]: tensor<?x8xf32>,
// CHECK-SAME: %[[P:[a-z0-9]+]]: tensor<1x1x8x8xf32> {et.name = "first", et.packed_by = "layer_pack", et.weight = "w.panels_8_1_1"},
// CHECK-SAME: %[[V:[a-z0-9]+]]: tensor<8x8xf32> {et.weight = "v"},
// CHECK-SAME: %[[V8:[a-z0-9]+]]: tensor<1x1x8x8xf32> {et.name = "v.panels_8_1_1", et.packed_by = "layer_pack", et.weight = "v.panels_8_1_1"},
// CHECK-SAME: %[[V4:[a-z0-9]+]]: tensor<1x2x4x8xf32> {et.name = "v.panels_4_2_4", et.packed_by = "layer_pack", et.weight = "v.panels_4_2_4"},
// CHECK-SAME: %[[INIT:[a-z0-9]+]]: tensor<?x8xf32>, %{{[a-z0-9]+}}: i1)
// CHECK-NOT: et.pack
// CHECK: %[[A:.*]] = et.grouped_matmul relu ins(%[[X]], %[[P]]
// CHECK: scf.if
// CHECK: et.grouped_matmul none ins(%{{.*}}, %[[V8]]
// CHECK: et.grouped_matmul none ins(%{{.*}}, %[[V4]]
// CHECK: return %{{.*}}, %[[V]]
// CHECK: func.func @layer_pack(%[[WR:[a-z0-9]+]]: tensor<1x8x8xf32> {et.name = "first", et.weight = "w"}, %[[VR:[a-z0-9]+]]: tensor<8x8xf32> {et.weight = "v"})
// CHECK-SAME: -> (tensor<1x1x8x8xf32> {et.name = "first"}, tensor<1x1x8x8xf32> {et.name = "v.panels_8_1_1"}, tensor<1x2x4x8xf32> {et.name = "v.panels_4_2_4"})
// CHECK: %[[R0:.*]] = et.pack #et.panels<columns = 8> ins(%[[WR]]
// CHECK: %[[ONE:.*]] = tensor.expand_shape %[[VR]]
// CHECK: %[[R1:.*]] = et.pack #et.panels<columns = 8> ins(%[[ONE]]
// CHECK: %[[R2:.*]] = et.pack #et.panels<columns = 4, interleave = 2, step = 4> ins(%[[ONE]]
// CHECK: return %[[R0]], %[[R1]], %[[R2]]
func.func @layer(%x: tensor<?x8xf32>, %w: tensor<1x8x8xf32> {et.name = "first", et.weight = "w"}, %v: tensor<8x8xf32> {et.weight = "v"},
                 %init: tensor<?x8xf32>, %often: i1) -> (tensor<?x8xf32>, tensor<8x8xf32>) {
  %e8 = tensor.empty() : tensor<1x1x8x8xf32>
  %e4 = tensor.empty() : tensor<1x2x4x8xf32>
  %p = et.pack #et.panels<columns = 8> ins(%w : tensor<1x8x8xf32>) outs(%e8 : tensor<1x1x8x8xf32>)
  %a = et.grouped_matmul relu ins(%x, %p : tensor<?x8xf32>, tensor<1x1x8x8xf32>) panels(#et.panels<columns = 8>)
    outs(%init : tensor<?x8xf32>)
  %one = tensor.expand_shape %v [[0, 1], [2]] output_shape [1, 8, 8] : tensor<8x8xf32> into tensor<1x8x8xf32>
  %c = scf.if %often -> tensor<?x8xf32> {
    // Within a branch as well: it depends on nothing but the weight.
    %q = et.pack #et.panels<columns = 8> ins(%one : tensor<1x8x8xf32>) outs(%e8 : tensor<1x1x8x8xf32>)
    %b = et.grouped_matmul none ins(%a, %q : tensor<?x8xf32>, tensor<1x1x8x8xf32>) panels(#et.panels<columns = 8>)
      outs(%init : tensor<?x8xf32>)
    scf.yield %b : tensor<?x8xf32>
  } else {
    scf.yield %a : tensor<?x8xf32>
  }
  %r = et.pack #et.panels<columns = 4, interleave = 2, step = 4> ins(%one : tensor<1x8x8xf32>) outs(%e4 : tensor<1x2x4x8xf32>)
  %d = et.grouped_matmul none ins(%c, %r : tensor<?x8xf32>, tensor<1x2x4x8xf32>)
    panels(#et.panels<columns = 4, interleave = 2, step = 4>) outs(%init : tensor<?x8xf32>)
  return %d, %v : tensor<?x8xf32>, tensor<8x8xf32>
}

// -----

// What is no weight is packed where it is, by whom it may be.
// CHECK-LABEL: func.func @keys
// CHECK: et.pack
// CHECK-NOT: func
func.func @keys(%x: tensor<?x8xf32>, %k: tensor<1x8x8xf32>, %init: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %e = tensor.empty() : tensor<1x1x8x8xf32>
  %p = et.pack #et.panels<columns = 8> ins(%k : tensor<1x8x8xf32>) outs(%e : tensor<1x1x8x8xf32>)
  %y = et.grouped_matmul relu ins(%x, %p : tensor<?x8xf32>, tensor<1x1x8x8xf32>) panels(#et.panels<columns = 8>)
    outs(%init : tensor<?x8xf32>)
  return %y : tensor<?x8xf32>
}
