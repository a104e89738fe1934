// RUN: et-opt %s -verify-diagnostics --load-dialect-plugin=%foreign_dialect --et-reference-pipeline
// RUN: et-opt %s -verify-diagnostics --load-dialect-plugin=%foreign_dialect --et-lower-to-cpu-pipeline
// RUN: et-opt %s -verify-diagnostics --load-dialect-plugin=%foreign_dialect --et-lower-to-nvvm-pipeline

func.func @layer(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %w1: tensor<4x8x16xf32>,
                 %w2: tensor<4x16x8xf32>, %out: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-error@+1 {{has the routing #foreign.everyone, for which there is no lowering, since it implements none of PairRoutingAttrInterface}}
  %y = et.moe linear #foreign.everyone relu
    ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    outs(%out : tensor<?x8xf32>)
  return %y : tensor<?x8xf32>
}
