// RUN: et-opt %s --convert-et-to-gpu --remarks-filter=convert-et-to-gpu -o /dev/null 2>&1 | FileCheck %s --implicit-check-not=remark:
// RUN: et-opt %s --convert-et-to-gpu="warpgroups=beside f32-products=3xtf32" --remarks-filter=convert-et-to-gpu -o /dev/null 2>&1 | FileCheck %s --check-prefix=ALL --implicit-check-not=remark:

// Which products get no matrix instructions, and why: once each, also where two could share a launch.

// CHECK-DAG: remark: [Missed] matrix-units | Category:convert-et-to-gpu | Function=f32 | Reason="they take f32 with f32-products=3xtf32 alone", Remark="a product by plain multiply-adds, without the matrix units"
// CHECK-DAG: remark: [Missed] matrix-units {{.*}} Function=odd | Reason="its rows are not contiguous, or its widths K and N not known multiples of 8"
// CHECK-DAG: remark: [Missed] matrix-units {{.*}} Function=odd | Reason="its rows are not contiguous, or its widths K and N not known multiples of 8"
// CHECK-DAG: remark: [Missed] matrix-units {{.*}} Function=scaled | Reason="they take weights of f8E4M3FN for sm_90a alone, with rows of f16 or bf16, K a known multiple of 8 and N of 16"
// CHECK-DAG: remark: [Missed] matrix-units {{.*}} Function=odd_f32 | Reason="they take f32 with f32-products=3xtf32 alone"

// ALL-DAG: remark: [Missed] matrix-units {{.*}} Function=odd |
// ALL-DAG: remark: [Missed] matrix-units {{.*}} Function=odd |
// ALL-DAG: remark: [Missed] matrix-units {{.*}} Function=odd_f32 | Reason="its rows are not contiguous, or its widths K and N not known multiples of 4"

func.func @whole(%x: memref<?x16xf16>, %w: memref<1x16x32xf16>, %out: memref<?x32xf16>) {
  et.grouped_matmul relu ins(%x, %w : memref<?x16xf16>, memref<1x16x32xf16>) outs(%out : memref<?x32xf16>)
  return
}

func.func @f32(%x: memref<?x16xf32>, %w: memref<1x16x32xf32>, %out: memref<?x32xf32>) {
  et.grouped_matmul relu ins(%x, %w : memref<?x16xf32>, memref<1x16x32xf32>) outs(%out : memref<?x32xf32>)
  return
}

func.func @odd_f32(%x: memref<?x9xf32>, %w: memref<1x9x32xf32>, %out: memref<?x32xf32>) {
  et.grouped_matmul relu ins(%x, %w : memref<?x9xf32>, memref<1x9x32xf32>) outs(%out : memref<?x32xf32>)
  return
}

func.func @odd(%x: memref<?x9xf16>, %w: memref<1x9x32xf16>, %v: memref<1x9x32xf16>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x9xf16>
  %0 = memref.alloc(%n) : memref<?x32xf16>
  %1 = memref.alloc(%n) : memref<?x32xf16>
  et.grouped_matmul relu ins(%x, %w : memref<?x9xf16>, memref<1x9x32xf16>) outs(%0 : memref<?x32xf16>)
  et.grouped_matmul relu ins(%x, %v : memref<?x9xf16>, memref<1x9x32xf16>) outs(%1 : memref<?x32xf16>)
  return
}

func.func @scaled(%x: memref<?x16xf16>, %w: memref<1x16x32xf8E4M3FN>, %s: memref<1x1x1xf32>, %out: memref<?x32xf16>) {
  et.grouped_matmul relu ins(%x, %w : memref<?x16xf16>, memref<1x16x32xf8E4M3FN>)
    scales(%s : memref<1x1x1xf32>) outs(%out : memref<?x32xf16>)
  return
}
