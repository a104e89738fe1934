// REQUIRES: cuda-toolkit
// RUN: et-opt %s --et-lower-to-nvvm-pipeline="chip=sm_80,sm_90a,sm_120" \
// RUN:   | %python %S/Inputs/ptx_facts.py ptxas > %t
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=CLEAN < %t

// ptxas takes every kernel for every chip, without stack, spills or warnings.
// CLEAN-NOT: {{[1-9][0-9]*}} stack
// CLEAN-NOT: {{[1-9][0-9]*}} spill

// Products by the matrix units have a loop for every number of slices (1 to 8),
// one for the results, the bisection, and the first two that find the rows of a
// tile. The shared expert's, in the same kernel, have no bisection and find no
// rows.
// CHECK-DAG: sm_80 et_moe_grouped_matmul_silu: {{.*}} 0 stack, 0 spill, 21 loops
// CHECK-DAG: sm_80 et_moe_grouped_matmul: {{.*}} 0 stack, 0 spill, 19 loops
// CHECK-DAG: sm_120 et_moe_grouped_matmul_silu: {{.*}} 0 stack, 0 spill, 21 loops
// CHECK-DAG: sm_120 et_moe_grouped_matmul: {{.*}} 0 stack, 0 spill, 19 loops
// On sm_90a a product has a loop for every number of eights of tokens (1 to 16),
// four for the results, one for the producer's steps, and for the tiles and the
// bisection one in each kind of warpgroup.
// CHECK-DAG: sm_90a et_moe_grouped_matmul_sm90_silu: 168 registers, 0 stack, 0 spill, 54 loops
// CHECK-DAG: sm_90a et_moe_grouped_matmul_sm90: 168 registers, 0 stack, 0 spill, 52 loops
// Each kernel is empty where the other is launched.
// CHECK-DAG: sm_90a et_moe_grouped_matmul_silu: 4 registers, 0 stack, 0 spill, 0 loops
// CHECK-DAG: sm_120 et_moe_grouped_matmul_sm90_silu: 4 registers, 0 stack, 0 spill, 0 loops
func.func @layer(%x: tensor<?x768xbf16>, %router: tensor<768x16xbf16>, %theta: tensor<16xf32>, %w1: tensor<16x768x1536xbf16>, %wg: tensor<16x768x1536xbf16>, %w2: tensor<16x1536x768xbf16>,
                 %b1: tensor<16x1536xbf16>, %bg: tensor<16x1536xbf16>, %b2: tensor<16x768xbf16>, %s1: tensor<768x1536xbf16>, %sg: tensor<768x1536xbf16>, %s2: tensor<1536x768xbf16>, %init: tensor<?x768xbf16>) -> tensor<?x768xbf16> {
  %y = et.moe linear #et.threshold<gate = sigmoid> silu
      ins(%x, %router, %w1, %w2 : tensor<?x768xbf16>, tensor<768x16xbf16>, tensor<16x768x1536xbf16>, tensor<16x1536x768xbf16>)
      theta(%theta : tensor<16xf32>) b1(%b1 : tensor<16x1536xbf16>) b2(%b2 : tensor<16x768xbf16>)
      gate(%wg : tensor<16x768x1536xbf16>) gate_bias(%bg : tensor<16x1536xbf16>)
      shared(%s1, %s2 : tensor<768x1536xbf16>, tensor<1536x768xbf16>) shared_gate(%sg : tensor<768x1536xbf16>)
      outs(%init : tensor<?x768xbf16>)
  return %y : tensor<?x768xbf16>
}

// f16, with widths and a depth that fill no tile.
// CHECK-DAG: sm_80 et_grouped_matmul_gelu: {{.*}} 0 stack, 0 spill
// CHECK-DAG: sm_90a et_grouped_matmul_sm90_gelu: 168 registers, 0 stack, 0 spill
// CHECK-DAG: sm_120 et_grouped_matmul_gelu: {{.*}} 0 stack, 0 spill
func.func @cut(%x: tensor<?x104xf16>, %w: tensor<3x104x200xf16>, %wg: tensor<3x104x200xf16>, %b: tensor<3x200xf16>, %offsets: tensor<4xi32>, %init: tensor<?x200xf16>) -> tensor<?x200xf16> {
  %y = et.grouped_matmul gelu ins(%x, %w : tensor<?x104xf16>, tensor<3x104x200xf16>)
      offsets(%offsets : tensor<4xi32>) bias(%b : tensor<3x200xf16>) gate(%wg : tensor<3x104x200xf16>)
      outs(%init : tensor<?x200xf16>)
  return %y : tensor<?x200xf16>
}
