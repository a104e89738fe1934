// RUN: et-opt %s --et-set-gpu-target=chips=sm_80 --et-check-shapes --et-select-schedule --split-input-file \
// RUN:   --remarks-filter=et-select-schedule --remark-format=emitRemark 2> %t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t
// RUN: et-opt %s --split-input-file --et-lower-to-nvvm-pipeline=compile-to=loops | FileCheck %s --check-prefix=KERNEL

// The bound decides: no branch, and the promise is checked.
// CHECK-LABEL: func @few
// CHECK:       %[[T:.*]] = tensor.dim %arg0, %c0
// CHECK:       %[[FITS:.*]] = arith.cmpi ule, %[[T]], %c16{{.*}} : index
// CHECK:       cf.assert %[[FITS]], "et.moe: has more than the 16 tokens that max_tokens of its lowering_config promises; use fewer tokens at a time, or raise it"
// CHECK-NOT:   "et.moe: tokens times
// CHECK-NOT:   scf.if
// CHECK:       et.moe {{.*}} {lowering_config = #et.lowering_config<schedule = one_launch, workgroups = {{[0-9]+}}, max_tokens = 16>}
// REMARK:      Function=few
// REMARK-SAME: one launch; at T = 16:
// One kernel, for as many tokens, which says nothing of more.
// KERNEL-LABEL: func.func @few
// KERNEL-NOT:   do not fit in one launch
// KERNEL:       gpu.launch_func
// KERNEL-NOT:   gpu.launch_func
// KERNEL:       func.func @many
func.func @few(%x: tensor<?x64xf16>, %router: tensor<64x8xf16>, %w1: tensor<8x64x128xf16>, %w2: tensor<8x128x64xf16>,
               %theta: tensor<8xf32>, %out: tensor<?x64xf16>) -> tensor<?x64xf16> {
  %y = et.moe linear #et.threshold silu ins(%x, %router, %w1, %w2 : tensor<?x64xf16>, tensor<64x8xf16>, tensor<8x64x128xf16>, tensor<8x128x64xf16>)
    theta(%theta : tensor<8xf32>) outs(%out : tensor<?x64xf16>) {lowering_config = #et.lowering_config<max_tokens = 16>}
  return %y : tensor<?x64xf16>
}

// It does not: a branch as without it, and both layers keep it.
// CHECK-LABEL: func @many
// CHECK:       scf.if
// CHECK:         et.moe {{.*}} {lowering_config = #et.lowering_config<schedule = one_launch, workgroups = {{[0-9]+}}, max_tokens = 4096>}
// CHECK:       } else {
// CHECK:         et.moe {{.*}} {lowering_config = #et.lowering_config<schedule = grouped, max_tokens = 4096>}
// REMARK:      Function=many
// REMARK-SAME: one launch for T <= 32; at T = 32:
func.func @many(%x: tensor<?x64xf16>, %router: tensor<64x8xf16>, %w1: tensor<8x64x128xf16>, %w2: tensor<8x128x64xf16>,
                %theta: tensor<8xf32>, %out: tensor<?x64xf16>) -> tensor<?x64xf16> {
  %y = et.moe linear #et.threshold silu ins(%x, %router, %w1, %w2 : tensor<?x64xf16>, tensor<64x8xf16>, tensor<8x64x128xf16>, tensor<8x128x64xf16>)
    theta(%theta : tensor<8xf32>) outs(%out : tensor<?x64xf16>) {lowering_config = #et.lowering_config<max_tokens = 4096>}
  return %y : tensor<?x64xf16>
}
