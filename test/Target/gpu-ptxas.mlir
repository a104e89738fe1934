// REQUIRES: cuda-toolkit
// RUN: et-opt %s --et-lower-to-nvvm-pipeline="chip=sm_80,sm_90a,sm_120" \
// RUN:   | %python %S/Inputs/ptx_facts.py ptxas > %t
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=CLEAN < %t

// ptxas takes every kernel for every chip, without stack, spills or warnings.
// CLEAN-NOT: {{[1-9][0-9]*}} stack
// CLEAN-NOT: {{[1-9][0-9]*}} spill

// Each kernel has two products: the experts', whose tiles have four loops (the
// bisection of the offsets, the steps over the depth of the product, the depth of
// a tile, and the rows of a tile; in the first kernel also two that find a tile's
// tokens, over the words of its expert's mask and over the bits of a word), and
// the shared expert's, whose tiles have three. So none has a loop over pairs.
// (A loop that LLVM unrolls whole is not seen, but it cannot run over a dynamic
// size.)
// CHECK-DAG: sm_80 et_moe_grouped_matmul_silu: {{.*}} 0 stack, 0 spill, {{[0-9]}} loops
// CHECK-DAG: sm_80 et_moe_grouped_matmul: {{.*}} 0 stack, 0 spill, {{[0-7]}} loops
// CHECK-DAG: sm_90a et_moe_grouped_matmul_silu: {{.*}} 0 stack, 0 spill, {{[0-9]}} loops
// CHECK-DAG: sm_90a et_moe_grouped_matmul: {{.*}} 0 stack, 0 spill, {{[0-7]}} loops
// CHECK-DAG: sm_120 et_moe_grouped_matmul_silu: {{.*}} 0 stack, 0 spill, {{[0-9]}} loops
// CHECK-DAG: sm_120 et_moe_grouped_matmul: {{.*}} 0 stack, 0 spill, {{[0-7]}} loops
// CHECK-DAG: sm_120 et_moe_route: {{.*}} 0 stack, 0 spill
// CHECK-DAG: sm_120 et_moe_combine: {{.*}} 0 stack, 0 spill
// All sizes dynamic, every epilogue.
func.func @layer(%x: tensor<?x?xbf16>, %router: tensor<?x?xbf16>, %theta: tensor<?xf32>, %w1: tensor<?x?x?xbf16>, %wg: tensor<?x?x?xbf16>, %w2: tensor<?x?x?xbf16>,
                 %b1: tensor<?x?xbf16>, %bg: tensor<?x?xbf16>, %b2: tensor<?x?xbf16>, %s1: tensor<?x?xbf16>, %sg: tensor<?x?xbf16>, %s2: tensor<?x?xbf16>, %init: tensor<?x?xbf16>) -> tensor<?x?xbf16> {
  %y = et.moe cosine #et.threshold<gate = sigmoid> silu
      ins(%x, %router, %w1, %w2 : tensor<?x?xbf16>, tensor<?x?xbf16>, tensor<?x?x?xbf16>, tensor<?x?x?xbf16>)
      theta(%theta : tensor<?xf32>) b1(%b1 : tensor<?x?xbf16>) b2(%b2 : tensor<?x?xbf16>)
      gate(%wg : tensor<?x?x?xbf16>) gate_bias(%bg : tensor<?x?xbf16>)
      shared(%s1, %s2 : tensor<?x?xbf16>, tensor<?x?xbf16>) shared_gate(%sg : tensor<?x?xbf16>)
      outs(%init : tensor<?x?xbf16>)
  return %y : tensor<?x?xbf16>
}
