// RUN: et-opt %s --et-fuse-dequantize | FileCheck %s
// RUN: et-opt %s --et-fuse-dequantize --remarks-filter=et-fuse-dequantize -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: et-opt %s --et-fuse-dequantize -o /dev/null 2>&1 | count 0

// REMARK-DAG: remark: [Passed] fusion {{.*}} Function=default | Remark="weights are read as they are stored"
// REMARK-DAG: remark: [Passed] fusion {{.*}} Function=gated | Remark="weights are read as they are stored"
// REMARK-DAG: remark: [Missed] fusion {{.*}} Function=one_of_two | Reason="its other weights are not stored in a format", Remark="wide weights are made ahead"
// REMARK-DAG: remark: [Missed] fusion {{.*}} Function=two_formats | Reason="its weights are stored in two formats", Remark="wide weights are made ahead"
// REMARK-DAG: remark: [Missed] fusion {{.*}} Function=zero_points | Reason="the weights have zero points", Remark="wide weights are made ahead"
// REMARK-DAG: remark: [Missed] fusion {{.*}} Function=transposed | Reason="they lie in another order than kernels read; packing, on a CPU, copies them once", Remark="weights are copied in each call"

!x = tensor<?x8xbf16>
!w = tensor<4x8x16xbf16>
!y = tensor<?x16xbf16>
!o = tensor<5xi32>
#column = #et.blocks<element = i8, k = all, n = 1>

// The default format is not named; another reader of the wide weights keeps them.
// CHECK-LABEL: func @default
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x8xbf16>, %[[O:[a-z0-9]+]]: tensor<5xi32>, %[[Q:[a-z0-9]+]]: tensor<4x8x16xf8E4M3FN>, %[[S:[a-z0-9]+]]: tensor<4x1x1xf32>
// CHECK: %[[W:.*]] = et.dequantize
// CHECK: et.grouped_matmul relu ins(%[[X]], %[[Q]] : {{.*}}) offsets(%[[O]] : tensor<5xi32>) scales(%[[S]] : tensor<4x1x1xf32>) outs(
// CHECK: return %{{.*}}, %[[W]]
func.func @default(%x: !x, %o: !o, %q: tensor<4x8x16xf8E4M3FN>, %s: tensor<4x1x1xf32>, %out: !y) -> (!y, !w) {
  %init = tensor.empty() : !w
  %w = et.dequantize #et.blocks ins(%q, %s : tensor<4x8x16xf8E4M3FN>, tensor<4x1x1xf32>) outs(%init : !w)
  %y = et.grouped_matmul relu ins(%x, %w : !x, !w) offsets(%o : !o) outs(%out : !y)
  return %y, %w : !y, !w
}

// CHECK-LABEL: func @gated
// CHECK-SAME: %[[Q:[a-z0-9]+]]: tensor<4x8x16xi8>, %[[S:[a-z0-9]+]]: tensor<4x1x16xf32>, %[[G:[a-z0-9]+]]: tensor<4x8x16xi8>, %[[T:[a-z0-9]+]]: tensor<4x1x16xf32>
// CHECK-NOT: et.dequantize
// CHECK: et.grouped_matmul silu ins(%{{.*}}, %[[Q]] : {{.*}}) offsets({{.*}}) gate(%[[G]] : {{.*}}) format(#et.blocks<element = i8, k = all, n = 1>) scales(%[[S]] : {{.*}}) gate_scales(%[[T]] : {{.*}}) outs(
func.func @gated(%x: !x, %o: !o, %q: tensor<4x8x16xi8>, %s: tensor<4x1x16xf32>, %g: tensor<4x8x16xi8>, %t: tensor<4x1x16xf32>, %out: !y) -> !y {
  %init = tensor.empty() : !w
  %w = et.dequantize #column ins(%q, %s : tensor<4x8x16xi8>, tensor<4x1x16xf32>) outs(%init : !w)
  %v = et.dequantize #column ins(%g, %t : tensor<4x8x16xi8>, tensor<4x1x16xf32>) outs(%init : !w)
  %y = et.grouped_matmul silu ins(%x, %w : !x, !w) offsets(%o : !o) gate(%v : !w) outs(%out : !y)
  return %y : !y
}

// CHECK-LABEL: func @one_of_two
// CHECK: %[[W:.*]] = et.dequantize
// CHECK: et.grouped_matmul silu ins(%{{.*}}, %[[W]] :
func.func @one_of_two(%x: !x, %o: !o, %q: tensor<4x8x16xi8>, %s: tensor<4x1x16xf32>, %v: !w, %out: !y) -> !y {
  %init = tensor.empty() : !w
  %w = et.dequantize #column ins(%q, %s : tensor<4x8x16xi8>, tensor<4x1x16xf32>) outs(%init : !w)
  %y = et.grouped_matmul silu ins(%x, %w : !x, !w) offsets(%o : !o) gate(%v : !w) outs(%out : !y)
  return %y : !y
}

// CHECK-LABEL: func @two_formats
// CHECK: et.grouped_matmul silu {{.*}} gate(%{{.*}} : tensor<4x8x16xbf16>) outs(
func.func @two_formats(%x: !x, %o: !o, %q: tensor<4x8x16xi8>, %s: tensor<4x1x16xf32>, %t: tensor<4x8x16xf32>, %out: !y) -> !y {
  %init = tensor.empty() : !w
  %w = et.dequantize #column ins(%q, %s : tensor<4x8x16xi8>, tensor<4x1x16xf32>) outs(%init : !w)
  %v = et.dequantize #et.blocks<element = i8, k = 1, n = 1> ins(%q, %t : tensor<4x8x16xi8>, tensor<4x8x16xf32>) outs(%init : !w)
  %y = et.grouped_matmul silu ins(%x, %w : !x, !w) offsets(%o : !o) gate(%v : !w) outs(%out : !y)
  return %y : !y
}

// CHECK-LABEL: func @zero_points
// CHECK: %[[W:.*]] = et.dequantize {{.*}} zero_points(
// CHECK: et.grouped_matmul relu ins(%{{.*}}, %[[W]] :
func.func @zero_points(%x: !x, %o: !o, %q: tensor<4x8x16xi8>, %s: tensor<4x1x16xf32>, %out: !y) -> !y {
  %init = tensor.empty() : !w
  %w = et.dequantize #column ins(%q, %s : tensor<4x8x16xi8>, tensor<4x1x16xf32>) zero_points(%s : tensor<4x1x16xf32>) outs(%init : !w)
  %y = et.grouped_matmul relu ins(%x, %w : !x, !w) offsets(%o : !o) outs(%out : !y)
  return %y : !y
}

// CHECK-LABEL: func @transposed
// CHECK: linalg.transpose
func.func @transposed(%x: !x, %o: !o, %w: tensor<4x32x8xbf16>, %out: !y) -> !y {
  %init = tensor.empty() : tensor<4x8x32xbf16>
  %t = linalg.transpose ins(%w : tensor<4x32x8xbf16>) outs(%init : tensor<4x8x32xbf16>) permutation = [0, 2, 1]
  %v = tensor.extract_slice %t[0, 0, 16] [4, 8, 16] [1, 1, 1] : tensor<4x8x32xbf16> to !w
  %y = et.grouped_matmul relu ins(%x, %v : !x, !w) offsets(%o : !o) outs(%out : !y)
  return %y : !y
}
