// RUN: et-opt %s --et-note-origins --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s --check-prefix=NOTED
// RUN: et-opt %s --et-note-origins --et-note-origins --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s --check-prefix=NOTED
// RUN: et-opt %s --et-lower-to-nvvm-pipeline="compile-to=loops" | FileCheck %s --check-prefix=NAMES

// A second note says the same, unless the op has become another.
// NOTED-LABEL: func.func @around
// NOTED:         linalg.add {{.*}} loc(fused<{et.origin = "linalg.add"}>["layer.mlir":1:1])
// NOTED:         arith.maximumf {{.*}} loc(fused<{et.origin = "arith.maximumf"}>[
// NOTED:         } -> tensor<?x16xf32> loc(fused<{et.origin = "arith.maximumf"}>["layer.mlir":2:1])
// NOTED:         linalg.yield {{.*}}
// NOTED:         } -> tensor<?x16xf32> loc(fused<{et.origin = "linalg.generic"}>["layer.mlir":3:1])

// Kernels are named after what the program said, and what that has become; a
// number is only where names are the same and kernels are not.
// NAMES-LABEL: func.func @around
// NAMES:         @et_kernels::@linalg_add blocks
// NAMES:         @et_kernels::@arith_maximumf blocks
// NAMES:         @et_kernels::@linalg_generic blocks
// NAMES:         @et_kernels::@linalg_add_0 blocks
// NAMES-LABEL: func.func @layer
// NAMES:         @et_kernels::@et_moe_scores blocks
// NAMES:         @et_kernels::@et_moe_gate_top_k blocks
// NAMES:         @et_kernels::@et_moe_offsets blocks
// NAMES:         @et_kernels::@et_moe_grouped_matmul_silu blocks
// NAMES:         @et_kernels::@et_moe_grouped_matmul blocks
// NAMES:         @et_kernels::@et_moe_combine blocks
// NAMES-LABEL: func.func @part
// NAMES:         @et_kernels::@tensor_extract_slice_copy blocks

#same = affine_map<(d0, d1) -> (d0, d1)>
#turned = affine_map<(d0, d1) -> (d1, d0)>
func.func @around(%a: tensor<?x16xf32>, %t: tensor<16x?xf32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %sum = linalg.add ins(%a, %a : tensor<?x16xf32>, tensor<?x16xf32>) outs(%out : tensor<?x16xf32>) -> tensor<?x16xf32> loc("layer.mlir":1:1)
  %most = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%a : tensor<?x16xf32>) outs(%sum : tensor<?x16xf32>) {
  ^bb0(%x: f32, %y: f32):
    %z = arith.maximumf %x, %y : f32
    linalg.yield %z : f32
  } -> tensor<?x16xf32> loc("layer.mlir":2:1)
  %turned = linalg.generic {indexing_maps = [#turned, #same], iterator_types = ["parallel", "parallel"]}
      ins(%t : tensor<16x?xf32>) outs(%out : tensor<?x16xf32>) {
  ^bb0(%x: f32, %y: f32):
    linalg.yield %x : f32
  } -> tensor<?x16xf32> loc("layer.mlir":3:1)
  %all = linalg.add ins(%most, %turned : tensor<?x16xf32>, tensor<?x16xf32>) outs(%out : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %all : tensor<?x16xf32>
}

func.func @layer(%x: tensor<?x64xbf16>, %router: tensor<64x8xbf16>, %w1: tensor<8x64x128xbf16>, %w2: tensor<8x128x64xbf16>, %out: tensor<?x64xbf16>) -> tensor<?x64xbf16> {
  %y = et.moe linear #et.top_k<k = 2> silu
      ins(%x, %router, %w1, %w2 : tensor<?x64xbf16>, tensor<64x8xbf16>, tensor<8x64x128xbf16>, tensor<8x128x64xbf16>)
      outs(%out : tensor<?x64xbf16>) {lowering_config = #et.lowering_config<schedule = grouped>}
  return %y : tensor<?x64xbf16>
}

func.func @part(%a: tensor<8x16xf32>) -> tensor<8x8xf32> {
  %part = tensor.extract_slice %a[0, 8] [8, 8] [1, 1] : tensor<8x16xf32> to tensor<8x8xf32>
  return %part : tensor<8x8xf32>
}
