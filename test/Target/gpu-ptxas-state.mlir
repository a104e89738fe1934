// REQUIRES: cuda-toolkit
// RUN: et-opt %s --et-lower-to-nvvm-pipeline="chip=sm_80,sm_90a,sm_120" \
// RUN:   | %python %S/Inputs/ptx_facts.py ptxas > %t
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=CLEAN < %t

// The kernels made of plain loops, every activation that is expanded, and every
// other routing.
// CHECK: sm_80
// CHECK: sm_90a
// CHECK: sm_120
// CLEAN-NOT: {{[1-9][0-9]*}} stack
// CLEAN-NOT: {{[1-9][0-9]*}} spill
func.func @products(%x: tensor<?x?xf16>, %w: tensor<?x?x?xf16>, %offsets: tensor<?xi32>, %out: tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<?x?xf32>) {
  %a = et.grouped_matmul gelu ins(%x, %w : tensor<?x?xf16>, tensor<?x?x?xf16>)
    offsets(%offsets : tensor<?xi32>) outs(%out : tensor<?x?xf32>)
  %b = et.grouped_matmul gelu_tanh ins(%x, %w : tensor<?x?xf16>, tensor<?x?x?xf16>)
    offsets(%offsets : tensor<?xi32>) outs(%out : tensor<?x?xf32>)
  return %a, %b : tensor<?x?xf32>, tensor<?x?xf32>
}

func.func @routings(%r: tensor<?x?xf32>, %theta: tensor<?xf32>, %bias: tensor<?xf32>, %m: tensor<?x?xi32>, %g: tensor<?x?xf32>)
    -> (tensor<?x?xi32>, tensor<?x?xi32>, tensor<?x?xi32>, tensor<?x?xi32>) {
  %m1, %g1 = et.gate #et.top_k<k = 4, groups = 4, groupLimit = 2, renormalize = true> ins(%r : tensor<?x?xf32>)
    bias(%bias : tensor<?xf32>) outs(%m, %g : tensor<?x?xi32>, tensor<?x?xf32>)
  %m2, %g2 = et.gate #et.top_p<p = 0.9> ins(%r : tensor<?x?xf32>) outs(%m, %g : tensor<?x?xi32>, tensor<?x?xf32>)
  %m3, %g3 = et.gate #et.expert_choice<rate = 0.125> ins(%r : tensor<?x?xf32>) outs(%m, %g : tensor<?x?xi32>, tensor<?x?xf32>)
  %m4, %g4 = et.gate #et.bounded_threshold<rate = 0.125, slack = 0.5> ins(%r : tensor<?x?xf32>)
    theta(%theta : tensor<?xf32>) outs(%m, %g : tensor<?x?xi32>, tensor<?x?xf32>)
  return %m1, %m2, %m3, %m4 : tensor<?x?xi32>, tensor<?x?xi32>, tensor<?x?xi32>, tensor<?x?xi32>
}

func.func @state(%r: tensor<?x?xf32>, %init: tensor<?xf32>, %steps: tensor<?xi64>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xi64>, tensor<?xf32>) {
  %a = et.statistic #et.mean_minus_std ins(%r : tensor<?x?xf32>) outs(%init : tensor<?xf32>)
  %b = et.statistic #et.quantile<q = 0.5> ins(%r : tensor<?x?xf32>) outs(%init : tensor<?xf32>)
  %c = et.ema_update ins(%a : tensor<?xf32>) outs(%init : tensor<?xf32>)
  %raw, %n, %theta = et.ema_update_corrected ins(%b : tensor<?xf32>)
    outs(%init, %steps, %init : tensor<?xf32>, tensor<?xi64>, tensor<?xf32>)
  return %a, %c, %raw, %n, %theta : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xi64>, tensor<?xf32>
}
