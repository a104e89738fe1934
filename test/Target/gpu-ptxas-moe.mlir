// REQUIRES: cuda-toolkit, long
// RUN: et-opt %s --et-lower-to-nvvm-pipeline="chip=sm_80,sm_90a,sm_120" \
// RUN:   | %python %S/Inputs/ptx_facts.py ptxas > %t
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=CLEAN < %t

// ptxas takes a layer's one kernel for every chip, without stack, spills or
// warnings. With 128 registers, four blocks of 128 threads fit on a
// multiprocessor; the one of sm_120 has shared memory for two.
// CLEAN-NOT: {{[1-9][0-9]*}} stack
// CLEAN-NOT: {{[1-9][0-9]*}} spill
// CHECK-DAG: sm_80 et_moe_one_launch: {{([1-9]?[0-9]|1[01][0-9]|12[0-8])}} registers, 0 stack, 0 spill
// CHECK-DAG: sm_90a et_moe_one_launch: {{([1-9]?[0-9]|1[01][0-9]|12[0-8])}} registers, 0 stack, 0 spill
// CHECK-DAG: sm_120 et_moe_one_launch: {{.*}} 0 stack, 0 spill

// Everything at once, for any number of tokens.
func.func @all(%x: tensor<?x768xbf16>, %router: tensor<768x16xbf16>, %theta: tensor<16xf32>, %w1: tensor<16x768x1536xbf16>, %wg: tensor<16x768x1536xbf16>, %w2: tensor<16x1536x768xbf16>,
               %b1: tensor<16x1536xbf16>, %bg: tensor<16x1536xbf16>, %b2: tensor<16x768xbf16>, %s1: tensor<768x1000xbf16>, %sg: tensor<768x1000xbf16>, %s2: tensor<1000x768xbf16>, %init: tensor<?x768xbf16>) -> tensor<?x768xbf16> {
  %y = et.moe cosine #et.threshold<gate = sigmoid> gelu
      ins(%x, %router, %w1, %w2 : tensor<?x768xbf16>, tensor<768x16xbf16>, tensor<16x768x1536xbf16>, tensor<16x1536x768xbf16>)
      theta(%theta : tensor<16xf32>) b1(%b1 : tensor<16x1536xbf16>) b2(%b2 : tensor<16x768xbf16>)
      gate(%wg : tensor<16x768x1536xbf16>) gate_bias(%bg : tensor<16x1536xbf16>)
      shared(%s1, %s2 : tensor<768x1000xbf16>, tensor<1000x768xbf16>) shared_gate(%sg : tensor<768x1000xbf16>)
      outs(%init : tensor<?x768xbf16>)
  return %y : tensor<?x768xbf16>
}

// CHECK-DAG: sm_80 et_moe_one_launch_0: {{.*}} 0 stack, 0 spill
// CHECK-DAG: sm_90a et_moe_one_launch_0: {{.*}} 0 stack, 0 spill
// CHECK-DAG: sm_120 et_moe_one_launch_0: {{.*}} 0 stack, 0 spill
func.func @plain(%x: tensor<8x2048xf16>, %router: tensor<2048x64xf16>, %theta: tensor<64xf32>, %w1: tensor<64x2048x1024xf16>, %w2: tensor<64x1024x2048xf16>, %init: tensor<8x2048xf16>) -> tensor<8x2048xf16> {
  %y = et.moe linear #et.threshold<gate = sigmoid> relu_squared
      ins(%x, %router, %w1, %w2 : tensor<8x2048xf16>, tensor<2048x64xf16>, tensor<64x2048x1024xf16>, tensor<64x1024x2048xf16>)
      theta(%theta : tensor<64xf32>) outs(%init : tensor<8x2048xf16>)
  return %y : tensor<8x2048xf16>
}

// Layers of few tokens, whose kernels ptxas would squeeze into fewer registers
// than they need if nothing bounded that.
// CHECK-DAG: sm_80 et_moe_one_launch_1: {{.*}} 0 stack, 0 spill
// CHECK-DAG: sm_90a et_moe_one_launch_1: {{.*}} 0 stack, 0 spill
// CHECK-DAG: sm_120 et_moe_one_launch_1: {{.*}} 0 stack, 0 spill
func.func @one_token(%x: tensor<1x768xbf16>, %router: tensor<768x16xbf16>, %theta: tensor<16xf32>, %w1: tensor<16x768x1536xbf16>, %w2: tensor<16x1536x768xbf16>, %s1: tensor<768x1544xbf16>, %s2: tensor<1544x768xbf16>, %init: tensor<1x768xbf16>) -> tensor<1x768xbf16> {
  %y = et.moe cosine #et.threshold gelu
      ins(%x, %router, %w1, %w2 : tensor<1x768xbf16>, tensor<768x16xbf16>, tensor<16x768x1536xbf16>, tensor<16x1536x768xbf16>)
      theta(%theta : tensor<16xf32>) shared(%s1, %s2 : tensor<768x1544xbf16>, tensor<1544x768xbf16>) outs(%init : tensor<1x768xbf16>)
  return %y : tensor<1x768xbf16>
}

// CHECK-DAG: sm_80 et_moe_one_launch_2: {{.*}} 0 stack, 0 spill
// CHECK-DAG: sm_90a et_moe_one_launch_2: {{.*}} 0 stack, 0 spill
// CHECK-DAG: sm_120 et_moe_one_launch_2: {{.*}} 0 stack, 0 spill
func.func @gated(%x: tensor<16x200xf16>, %router: tensor<200x8xf16>, %theta: tensor<8xf32>, %w1: tensor<8x200x104xf16>, %wg: tensor<8x200x104xf16>, %w2: tensor<8x104x200xf16>, %init: tensor<16x200xf16>) -> tensor<16x200xf16> {
  %y = et.moe linear #et.threshold<gate = raw> silu
      ins(%x, %router, %w1, %w2 : tensor<16x200xf16>, tensor<200x8xf16>, tensor<8x200x104xf16>, tensor<8x104x200xf16>)
      theta(%theta : tensor<8xf32>) gate(%wg : tensor<8x200x104xf16>) outs(%init : tensor<16x200xf16>)
  return %y : tensor<16x200xf16>
}
