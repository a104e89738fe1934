// RUN: et-opt %s --split-input-file --et-set-gpu-target=chips=sm_80,sm_90a --et-select-schedule \
// RUN:   --remarks-filter=et-select-schedule --remark-format=emitRemark 2> %t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t
// Choosing again changes nothing.
// RUN: et-opt %s --split-input-file --et-set-gpu-target=chips=sm_80,sm_90a --et-select-schedule --cse > %t.once
// RUN: et-opt %t.once --split-input-file --et-set-gpu-target=chips=sm_80,sm_90a --et-select-schedule | diff %t.once -

// T is known: one schedule. As many blocks as fit on an H100, which most fit on.
// CHECK-LABEL: func @static
// CHECK-NOT:   scf.if
// CHECK:       et.moe {{.*}} {lowering_config = #et.lowering_config<schedule = one_launch, workgroups = 528>}
// REMARK: remark: [Passed] schedule | Category:et-select-schedule | Function=static
// REMARK-SAME: one launch; at T = 8: one_launch takes 1 launch, {{[0-9.]+}} MB, {{[0-9.]+}} us on A100, {{[0-9.]+}} us on H100; grouped takes 4 launches
func.func @static(%x: tensor<8x64xbf16>, %router: tensor<64x8xbf16>, %w1: tensor<8x64x128xbf16>, %w2: tensor<8x128x64xbf16>,
                  %theta: tensor<8xf32>, %out: tensor<8x64xbf16>) -> tensor<8x64xbf16> {
  %y = et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : tensor<8x64xbf16>, tensor<64x8xbf16>, tensor<8x64x128xbf16>, tensor<8x128x64xbf16>)
    theta(%theta : tensor<8xf32>) outs(%out : tensor<8x64xbf16>)
  return %y : tensor<8x64xbf16>
}

// -----

// T is not known: a branch.
// CHECK-LABEL: func @dynamic
// CHECK:       %[[T:.*]] = tensor.dim %arg0
// CHECK:       %[[MOST:.*]] = arith.constant 32 : index
// CHECK:       %[[FEW:.*]] = arith.cmpi ule, %[[T]], %[[MOST]]
// CHECK:       %[[Y:.*]] = scf.if %[[FEW]]
// CHECK:         et.moe {{.*}} {lowering_config = #et.lowering_config<schedule = one_launch, workgroups = 528>}
// CHECK:       } else {
// CHECK:         et.moe {{.*}} {lowering_config = #et.lowering_config<schedule = grouped>}
// CHECK:       return %[[Y]]
// REMARK: Function=dynamic
// REMARK-SAME: one launch for T <= 32; at T = 32:
func.func @dynamic(%x: tensor<?x64xf16>, %router: tensor<64x8xf16>, %w1: tensor<8x64x128xf16>, %w2: tensor<8x128x64xf16>,
                   %theta: tensor<8xf32>, %out: tensor<?x64xf16>) -> tensor<?x64xf16> {
  %y = et.moe cosine #et.threshold silu ins(%x, %router, %w1, %w2 : tensor<?x64xf16>, tensor<64x8xf16>, tensor<8x64x128xf16>, tensor<8x128x64xf16>)
    theta(%theta : tensor<8xf32>) gate(%w1 : tensor<8x64x128xf16>) outs(%out : tensor<?x64xf16>)
  return %y : tensor<?x64xf16>
}

// -----

// Sizes that only other operands know: the same figures as with all known.
// CHECK-LABEL: func @dynamic_weights
// CHECK:       arith.constant 32 : index
// CHECK:         et.moe {{.*}} {lowering_config = #et.lowering_config<schedule = one_launch, workgroups = 528>}
// REMARK: Function=dynamic_weights
// REMARK-SAME: one launch for T <= 32; at T = 32: one_launch takes 1 launch, [[ONE:[0-9.]+ MB, [0-9.]+ us on A100, [0-9.]+ us on H100]]; grouped takes 4 launches, [[GROUPED:[0-9.]+ MB, [0-9.]+ us on A100, [0-9.]+ us on H100]]
// REMARK: Function=static_weights
// REMARK-SAME: one launch for T <= 32; at T = 32: one_launch takes 1 launch, [[ONE]]; grouped takes 4 launches, [[GROUPED]]
func.func @dynamic_weights(%x: tensor<?x64xbf16>, %router: tensor<?x8xbf16>, %w1: tensor<?x?x128xbf16>, %w2: tensor<?x?x64xbf16>,
                           %theta: tensor<?xf32>, %out: tensor<?x64xbf16>) -> tensor<?x64xbf16> {
  %y = et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : tensor<?x64xbf16>, tensor<?x8xbf16>, tensor<?x?x128xbf16>, tensor<?x?x64xbf16>)
    theta(%theta : tensor<?xf32>) outs(%out : tensor<?x64xbf16>)
  return %y : tensor<?x64xbf16>
}
func.func @static_weights(%x: tensor<?x64xbf16>, %router: tensor<64x8xbf16>, %w1: tensor<8x64x128xbf16>, %w2: tensor<8x128x64xbf16>,
                          %theta: tensor<8xf32>, %out: tensor<?x64xbf16>) -> tensor<?x64xbf16> {
  %y = et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : tensor<?x64xbf16>, tensor<64x8xbf16>, tensor<8x64x128xbf16>, tensor<8x128x64xbf16>)
    theta(%theta : tensor<8xf32>) outs(%out : tensor<?x64xbf16>)
  return %y : tensor<?x64xbf16>
}

// -----

// A layer of no tokens costs as one of one.
// CHECK-LABEL: func @no_token
// CHECK:       et.moe {{.*}} {lowering_config = #et.lowering_config<schedule = one_launch, workgroups = 528>}
// REMARK: Function=no_token
// REMARK-SAME: one launch; at T = 1: one_launch takes 1 launch, {{[0-9.]+}} MB, {{[0-9.]+}} us on A100, {{[0-9.]+}} us on H100; grouped takes 4 launches, {{[0-9.]+}} MB, {{[0-9.]+}} us on A100
func.func @no_token(%x: tensor<0x64xbf16>, %router: tensor<64x8xbf16>, %w1: tensor<8x64x128xbf16>, %w2: tensor<8x128x64xbf16>,
                    %theta: tensor<8xf32>, %out: tensor<0x64xbf16>) -> tensor<0x64xbf16> {
  %y = et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : tensor<0x64xbf16>, tensor<64x8xbf16>, tensor<8x64x128xbf16>, tensor<8x128x64xbf16>)
    theta(%theta : tensor<8xf32>) outs(%out : tensor<0x64xbf16>)
  return %y : tensor<0x64xbf16>
}

// -----

// What is configured stays, also on memrefs.
// CHECK-LABEL: func @configured
// CHECK:       et.moe {{.*}} {lowering_config = #et.lowering_config<schedule = grouped>}
// CHECK:       memref.dim %arg0
// CHECK:       scf.if
// CHECK:         et.moe {{.*}} {lowering_config = #et.lowering_config<schedule = one_launch, workgroups = 7>}
// CHECK:       } else {
// CHECK:         et.moe {{.*}} {lowering_config = #et.lowering_config<schedule = grouped>}
// REMARK: Function=configured
// REMARK-SAME: grouped, as configured
// REMARK: Function=configured
// REMARK-SAME: one launch for T <= 32, as configured; at T = 32:
func.func @configured(%x: memref<?x64xbf16>, %router: memref<64x8xbf16>, %w1: memref<8x64x128xbf16>, %w2: memref<8x128x64xbf16>,
                      %theta: memref<8xf32>, %out: memref<?x64xbf16>) {
  et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : memref<?x64xbf16>, memref<64x8xbf16>, memref<8x64x128xbf16>, memref<8x128x64xbf16>)
    theta(%theta : memref<8xf32>) outs(%out : memref<?x64xbf16>) {lowering_config = #et.lowering_config<schedule = grouped>}
  et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : memref<?x64xbf16>, memref<64x8xbf16>, memref<8x64x128xbf16>, memref<8x128x64xbf16>)
    theta(%theta : memref<8xf32>) outs(%out : memref<?x64xbf16>) {lowering_config = #et.lowering_config<schedule = one_launch, workgroups = 7>}
  return
}

// -----

// Layers without such a kernel, and why.
// CHECK-LABEL: func @not_in_one
// CHECK-COUNT-4: et.moe {{.*}} {lowering_config = #et.lowering_config<schedule = grouped>}
// REMARK: remark: [Analysis] schedule
// REMARK-SAME: grouped: its elements are not f16 or bf16
// REMARK: grouped: its routing compares scores of several tokens
// REMARK: grouped: F is not a known multiple of 8
// REMARK: grouped: it has 33 tokens, more than 32
func.func @not_in_one(%x: tensor<?x64xf32>, %router: tensor<64x8xf32>, %w1: tensor<8x64x128xf32>, %w2: tensor<8x128x64xf32>, %theta: tensor<8xf32>, %out: tensor<?x64xf32>,
                      %xh: tensor<33x64xf16>, %rh: tensor<64x8xf16>, %w1h: tensor<8x64x128xf16>, %w2h: tensor<8x128x64xf16>, %outh: tensor<33x64xf16>,
                      %w1d: tensor<8x64x?xf16>, %w2d: tensor<8x?x64xf16>)
    -> (tensor<?x64xf32>, tensor<33x64xf16>, tensor<33x64xf16>, tensor<33x64xf16>) {
  %0 = et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : tensor<?x64xf32>, tensor<64x8xf32>, tensor<8x64x128xf32>, tensor<8x128x64xf32>)
    theta(%theta : tensor<8xf32>) outs(%out : tensor<?x64xf32>)
  %1 = et.moe linear #et.expert_choice<rate = 0.5> relu ins(%xh, %rh, %w1h, %w2h : tensor<33x64xf16>, tensor<64x8xf16>, tensor<8x64x128xf16>, tensor<8x128x64xf16>)
    outs(%outh : tensor<33x64xf16>)
  %2 = et.moe linear #et.threshold relu ins(%xh, %rh, %w1d, %w2d : tensor<33x64xf16>, tensor<64x8xf16>, tensor<8x64x?xf16>, tensor<8x?x64xf16>)
    theta(%theta : tensor<8xf32>) outs(%outh : tensor<33x64xf16>)
  %3 = et.moe linear #et.threshold relu ins(%xh, %rh, %w1h, %w2h : tensor<33x64xf16>, tensor<64x8xf16>, tensor<8x64x128xf16>, tensor<8x128x64xf16>)
    theta(%theta : tensor<8xf32>) outs(%outh : tensor<33x64xf16>)
  return %0, %1, %2, %3 : tensor<?x64xf32>, tensor<33x64xf16>, tensor<33x64xf16>, tensor<33x64xf16>
}

// -----

// A rate stays with the layer, whatever runs it.
// CHECK-LABEL: func @rate
// CHECK:         et.moe {{.*}} {lowering_config = #et.lowering_config<schedule = one_launch, workgroups = 528, rate = 1.250000e-01, slack = 5.000000e-01>}
// CHECK:       } else {
// CHECK:         et.moe {{.*}} {lowering_config = #et.lowering_config<schedule = grouped, rate = 1.250000e-01, slack = 5.000000e-01>}
// REMARK: Function=rate
// REMARK-SAME: one launch for T <= 32;
func.func @rate(%x: tensor<?x64xf16>, %router: tensor<64x8xf16>, %w1: tensor<8x64x128xf16>, %w2: tensor<8x128x64xf16>,
                %theta: tensor<8xf32>, %out: tensor<?x64xf16>) -> tensor<?x64xf16> {
  %y = et.moe cosine #et.threshold silu ins(%x, %router, %w1, %w2 : tensor<?x64xf16>, tensor<64x8xf16>, tensor<8x64x128xf16>, tensor<8x128x64xf16>)
    theta(%theta : tensor<8xf32>) outs(%out : tensor<?x64xf16>) {lowering_config = #et.lowering_config<rate = 0.125, slack = 0.5>}
  return %y : tensor<?x64xf16>
}

// -----

// CHECK-LABEL: func @scaled
// CHECK:       et.moe {{.*}} {lowering_config = #et.lowering_config<schedule = grouped>}
// REMARK: remark: [Analysis] schedule
// REMARK-SAME: grouped: its weights are f8E4M3FN
func.func @scaled(%x: tensor<8x64xbf16>, %router: tensor<64x8xbf16>, %w1: tensor<8x64x128xf8E4M3FN>, %w2: tensor<8x128x64xf8E4M3FN>,
                  %s: tensor<8x1x1xf32>, %theta: tensor<8xf32>, %out: tensor<8x64xbf16>) -> tensor<8x64xbf16> {
  %y = et.moe linear #et.threshold relu ins(%x, %router, %w1, %w2 : tensor<8x64xbf16>, tensor<64x8xbf16>, tensor<8x64x128xf8E4M3FN>, tensor<8x128x64xf8E4M3FN>)
    theta(%theta : tensor<8xf32>) w1_scales(%s : tensor<8x1x1xf32>) w2_scales(%s : tensor<8x1x1xf32>) outs(%out : tensor<8x64xbf16>)
  return %y : tensor<8x64xbf16>
}
