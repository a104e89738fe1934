// An activation of another dialect becomes the same code as ours of the same formula, in every pipeline and schedule.

// RUN: sed -e 's/#foreign.silu/silu/' %s > %t.own.mlir
// RUN: et-opt --load-dialect-plugin=%foreign_dialect --et-reference-pipeline < %s | FileCheck %s
// RUN: et-opt --load-dialect-plugin=%foreign_dialect --et-reference-pipeline < %s > %t.reference
// RUN: et-opt --et-reference-pipeline < %t.own.mlir | diff - %t.reference
// RUN: et-opt --load-dialect-plugin=%foreign_dialect --et-lower-to-cpu-pipeline < %s > %t.cpu
// RUN: et-opt --et-lower-to-cpu-pipeline < %t.own.mlir | sed -e 's/#et.silu/#foreign.silu/' | diff - %t.cpu
// RUN: et-opt --load-dialect-plugin=%foreign_dialect --et-lower-to-nvvm-pipeline=compile-to=loops < %s > %t.gpu
// RUN: et-opt --et-lower-to-nvvm-pipeline=compile-to=loops < %t.own.mlir | diff - %t.gpu

// CHECK-NOT: foreign

func.func @grouped(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xf32>,
                   %w2: tensor<4x16x8xf32>, %wg: tensor<4x8x16xf32>, %out: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = et.moe linear #et.threshold #foreign.silu
    ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    theta(%theta : tensor<4xf32>) gate(%wg : tensor<4x8x16xf32>) outs(%out : tensor<?x8xf32>)
    {lowering_config = #et.lowering_config<schedule = grouped>}
  return %y : tensor<?x8xf32>
}

func.func @one_launch(%x: tensor<8x64xbf16>, %router: tensor<64x8xbf16>, %theta: tensor<8xf32>, %w1: tensor<8x64x64xbf16>,
                      %w2: tensor<8x64x64xbf16>, %out: tensor<8x64xbf16>) -> tensor<8x64xbf16> {
  %y = et.moe linear #et.threshold #foreign.silu
    ins(%x, %router, %w1, %w2 : tensor<8x64xbf16>, tensor<64x8xbf16>, tensor<8x64x64xbf16>, tensor<8x64x64xbf16>)
    theta(%theta : tensor<8xf32>) outs(%out : tensor<8x64xbf16>)
    {lowering_config = #et.lowering_config<schedule = one_launch>}
  return %y : tensor<8x64xbf16>
}

func.func @waves(%x: tensor<?x64xbf16>, %router: tensor<64x8xbf16>, %theta: tensor<8xf32>, %w1: tensor<8x64x64xbf16>,
                 %w2: tensor<8x64x64xbf16>, %out: tensor<?x64xbf16>) -> tensor<?x64xbf16> {
  %y = et.moe linear #et.threshold #foreign.silu
    ins(%x, %router, %w1, %w2 : tensor<?x64xbf16>, tensor<64x8xbf16>, tensor<8x64x64xbf16>, tensor<8x64x64xbf16>)
    theta(%theta : tensor<8xf32>) outs(%out : tensor<?x64xbf16>)
    {lowering_config = #et.lowering_config<schedule = grouped, rate = 0.0625>}
  return %y : tensor<?x64xbf16>
}
