// REQUIRES: cuda-toolkit
// RUN: et-opt %s --et-lower-to-nvvm-pipeline="chip=sm_80,sm_90a,sm_120 format=fatbin" | FileCheck %s
// RUN: et-opt %s --et-lower-to-nvvm-pipeline="chip=sm_80,sm_90a,sm_120 format=bin" | FileCheck %s --check-prefix=CUBIN

// One object for all chips, and one a chip.
// CHECK:           gpu.binary @et_kernels [#gpu.object<
// CHECK-SAME:        , "P\EDU\BA\01\00\10\00
// CHECK-NOT:         #gpu.object<
// CUBIN-COUNT-3:   bin = "\7FELF
func.func @gates(%r: tensor<?x5xf32>, %theta: tensor<5xf32>, %m: tensor<5x?xi32>, %g: tensor<?x5xf32>) -> tensor<5x?xi32> {
  %mask, %gates = et.gate #et.threshold<gate = raw> ins(%r : tensor<?x5xf32>) theta(%theta : tensor<5xf32>)
    outs(%m, %g : tensor<5x?xi32>, tensor<?x5xf32>)
  return %mask : tensor<5x?xi32>
}
