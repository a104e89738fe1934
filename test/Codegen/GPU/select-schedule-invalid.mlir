// RUN: et-opt %s --split-input-file --et-set-gpu-target=chips=sm_90a --et-select-schedule --verify-diagnostics
// RUN: not et-opt %s --et-set-gpu-target=chips=sm_9 --et-select-schedule 2>&1 | FileCheck %s

// CHECK: error: #et.gpu_target has an unknown chip 'sm_9'; known: sm_80,

func.func @f32(%x: tensor<8x64xf32>, %router: tensor<64x8xf32>, %w1: tensor<8x64x128xf32>, %w2: tensor<8x128x64xf32>, %theta: tensor<8xf32>, %out: tensor<8x64xf32>) -> tensor<8x64xf32> {
  // expected-error@+1 {{'et.moe' op cannot run in one launch: its elements are not f16 or bf16; change that, or configure schedule = grouped}}
  %y = et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : tensor<8x64xf32>, tensor<64x8xf32>, tensor<8x64x128xf32>, tensor<8x128x64xf32>)
    theta(%theta : tensor<8xf32>) outs(%out : tensor<8x64xf32>) {lowering_config = #et.lowering_config<schedule = one_launch>}
  return %y : tensor<8x64xf32>
}

// -----

func.func @many_tokens(%x: tensor<33x64xf16>, %router: tensor<64x8xf16>, %w1: tensor<8x64x128xf16>, %w2: tensor<8x128x64xf16>, %theta: tensor<8xf32>, %out: tensor<33x64xf16>) -> tensor<33x64xf16> {
  // expected-error@+1 {{'et.moe' op cannot run in one launch: it has 33 tokens, more than 32; change that, or configure schedule = grouped}}
  %y = et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : tensor<33x64xf16>, tensor<64x8xf16>, tensor<8x64x128xf16>, tensor<8x128x64xf16>)
    theta(%theta : tensor<8xf32>) outs(%out : tensor<33x64xf16>) {lowering_config = #et.lowering_config<schedule = one_launch>}
  return %y : tensor<33x64xf16>
}

// -----

func.func @expert_choice(%x: tensor<8x64xf16>, %router: tensor<64x8xf16>, %w1: tensor<8x64x128xf16>, %w2: tensor<8x128x64xf16>, %out: tensor<8x64xf16>) -> tensor<8x64xf16> {
  // expected-error@+1 {{'et.moe' op cannot run in one launch: its routing compares scores of several tokens; change that, or configure schedule = grouped}}
  %y = et.moe linear #et.expert_choice<rate = 0.5> relu ins(%x, %router, %w1, %w2 : tensor<8x64xf16>, tensor<64x8xf16>, tensor<8x64x128xf16>, tensor<8x128x64xf16>)
    outs(%out : tensor<8x64xf16>) {lowering_config = #et.lowering_config<schedule = one_launch>}
  return %y : tensor<8x64xf16>
}
