// REQUIRES: cuda-toolkit, long
// RUN: et-opt %s --et-lower-to-nvvm-pipeline="chip=sm_80,sm_90a,sm_120" \
// RUN:   | %python %S/Inputs/ptx_facts.py ptxas > %t
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=CLEAN < %t

// ptxas takes every kernel for every chip, without stack, spills or warnings.
// CLEAN-NOT: {{[1-9][0-9]*}} stack
// CLEAN-NOT: {{[1-9][0-9]*}} spill

// What combines has registers for tiles of products, which few calls need: at most
// 128, so that 512 threads share a multiprocessor.
// CHECK-DAG: sm_80 et_moe_combine_waves: {{[0-9][0-9]|1[0-2][0-9]}} registers, 0 stack, 0 spill
// CHECK-DAG: sm_90a et_moe_combine_waves: {{[0-9][0-9]|1[0-2][0-9]}} registers, 0 stack, 0 spill
// CHECK-DAG: sm_120 et_moe_combine_waves: {{[0-9][0-9]|1[0-2][0-9]}} registers, 0 stack, 0 spill
// Everything that there is, in 16 bits.
func.func @everything(%x: tensor<?x768xbf16>, %router: tensor<768x16xbf16>, %theta: tensor<16xf32>, %w1: tensor<16x768x1536xbf16>, %wg: tensor<16x768x1536xbf16>, %w2: tensor<16x1536x768xbf16>,
                      %b1: tensor<16x1536xbf16>, %bg: tensor<16x1536xbf16>, %b2: tensor<16x768xbf16>, %s1: tensor<768x1536xbf16>, %sg: tensor<768x1536xbf16>, %s2: tensor<1536x768xbf16>, %init: tensor<?x768xbf16>) -> tensor<?x768xbf16> {
  %y = et.moe linear #et.threshold<gate = sigmoid> silu
      ins(%x, %router, %w1, %w2 : tensor<?x768xbf16>, tensor<768x16xbf16>, tensor<16x768x1536xbf16>, tensor<16x1536x768xbf16>)
      theta(%theta : tensor<16xf32>) b1(%b1 : tensor<16x1536xbf16>) b2(%b2 : tensor<16x768xbf16>)
      gate(%wg : tensor<16x768x1536xbf16>) gate_bias(%bg : tensor<16x1536xbf16>)
      shared(%s1, %s2 : tensor<768x1536xbf16>, tensor<1536x768xbf16>) shared_gate(%sg : tensor<768x1536xbf16>)
      outs(%init : tensor<?x768xbf16>) {lowering_config = #et.lowering_config<schedule = grouped, rate = 0.0625>}
  return %y : tensor<?x768xbf16>
}

// The paper's form.
// CHECK-DAG: sm_80 et_moe_combine_waves_0: {{[0-9][0-9]|1[0-2][0-9]}} registers, 0 stack, 0 spill
// CHECK-DAG: sm_90a et_moe_combine_waves_0: {{[0-9][0-9]|1[0-2][0-9]}} registers, 0 stack, 0 spill
// CHECK-DAG: sm_120 et_moe_combine_waves_0: {{[0-9][0-9]|1[0-2][0-9]}} registers, 0 stack, 0 spill
func.func @paper(%x: tensor<?x768xbf16>, %router: tensor<768x16xbf16>, %theta: tensor<16xf32>, %w1: tensor<16x768x1536xbf16>, %w2: tensor<16x1536x768xbf16>, %init: tensor<?x768xbf16>) -> tensor<?x768xbf16> {
  %y = et.moe linear #et.threshold<gate = sigmoid> relu_squared
      ins(%x, %router, %w1, %w2 : tensor<?x768xbf16>, tensor<768x16xbf16>, tensor<16x768x1536xbf16>, tensor<16x1536x768xbf16>)
      theta(%theta : tensor<16xf32>) outs(%init : tensor<?x768xbf16>) {lowering_config = #et.lowering_config<schedule = grouped, rate = 0.0625>}
  return %y : tensor<?x768xbf16>
}

// By plain multiply-adds, of sizes that are not known.
// CHECK-DAG: sm_80 et_moe_combine_waves_1: {{[0-9][0-9]|1[0-2][0-9]}} registers, 0 stack, 0 spill
// CHECK-DAG: sm_90a et_moe_combine_waves_1: {{[0-9][0-9]|1[0-2][0-9]}} registers, 0 stack, 0 spill
// CHECK-DAG: sm_120 et_moe_combine_waves_1: {{[0-9][0-9]|1[0-2][0-9]}} registers, 0 stack, 0 spill
func.func @dynamic(%x: tensor<?x?xf32>, %router: tensor<?x?xf32>, %theta: tensor<?xf32>, %w1: tensor<?x?x?xf32>, %w2: tensor<?x?x?xf32>, %b1: tensor<?x?xf32>, %init: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %y = et.moe cosine #et.threshold<gate = relu> gelu
      ins(%x, %router, %w1, %w2 : tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?x?xf32>, tensor<?x?x?xf32>)
      theta(%theta : tensor<?xf32>) b1(%b1 : tensor<?x?xf32>) gate(%w1 : tensor<?x?x?xf32>) gate_bias(%b1 : tensor<?x?xf32>)
      outs(%init : tensor<?x?xf32>) {lowering_config = #et.lowering_config<rate = 0.0625>}
  return %y : tensor<?x?xf32>
}

// Twice the threads.
// CHECK-DAG: sm_80 et_combine_waves: {{[0-9][0-9]|1[0-2][0-9]}} registers, 0 stack, 0 spill
// CHECK-DAG: sm_90a et_combine_waves: {{[0-9][0-9]|1[0-2][0-9]}} registers, 0 stack, 0 spill
// CHECK-DAG: sm_120 et_combine_waves: {{[0-9][0-9]|1[0-2][0-9]}} registers, 0 stack, 0 spill
func.func @wide(%g: memref<?x16xf32>, %m: memref<16x?xi32>, %o: memref<17xi32>, %x: memref<?x2048xf16>, %w1: memref<16x2048x1024xf16>, %w2: memref<16x1024x2048xf16>,
                %b1: memref<16x1024xf16>, %s: memref<?x2048xf16>, %h: memref<?x1024xf16>, %p: memref<?x2048xf16>, %out: memref<?x2048xf16>) {
  et.combine_waves gelu ins(%g, %m, %o, %x, %w1, %w2 : memref<?x16xf32>, memref<16x?xi32>, memref<17xi32>, memref<?x2048xf16>, memref<16x2048x1024xf16>, memref<16x1024x2048xf16>)
    b1(%b1 : memref<16x1024xf16>) gate(%w1 : memref<16x2048x1024xf16>) gate_bias(%b1 : memref<16x1024xf16>) shared(%s : memref<?x2048xf16>)
    outs(%h, %p, %out : memref<?x1024xf16>, memref<?x2048xf16>, memref<?x2048xf16>)
  return
}
