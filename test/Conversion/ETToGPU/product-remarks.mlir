// RUN: et-opt %s --convert-et-to-gpu --remarks-filter=convert-et-to-gpu -o /dev/null 2>&1 | FileCheck %s --implicit-check-not=remark:
// RUN: et-opt %s --et-set-gpu-target=chips=sm_80,sm_90a --convert-et-to-gpu=f32-products=3xtf32 --remarks-filter=convert-et-to-gpu -o /dev/null 2>&1 | FileCheck %s --check-prefix=ALL --implicit-check-not=remark:

// Which kernel a product gets, and why no other: once each, also where two could share a launch.

// CHECK-DAG: remark: [Passed] product-kernel | Category:convert-et-to-gpu | Function=whole | Reason="wgmma does not fit: it is for rows of f16 and bf16 on sm_90a alone; multiply-adds takes {{.*}} us on sm_80", Remark="mma.sync for sm_80 in {{.*}} us, predicted for 4096 rows"
// CHECK-DAG: remark: [Missed] product-kernel {{.*}} Function=f32 | Reason="wgmma does not fit: it is for rows of f16 and bf16 on sm_90a alone; mma.sync does not fit: it takes f32 with f32-products=3xtf32 alone", Remark="multiply-adds for sm_80 in
// CHECK-DAG: remark: [Missed] product-kernel {{.*}} Function=odd | Reason="{{.*}}mma.sync does not fit: rows are not contiguous, or the widths K and N not known multiples of 8"
// CHECK-DAG: remark: [Missed] product-kernel {{.*}} Function=odd | Reason="{{.*}}mma.sync does not fit: rows are not contiguous, or the widths K and N not known multiples of 8"
// CHECK-DAG: remark: [Missed] product-kernel {{.*}} Function=scaled | Reason="{{.*}}mma.sync does not fit: it takes no weights of f8E4M3FN"
// CHECK-DAG: remark: [Missed] product-kernel {{.*}} Function=odd_f32 | Reason="{{.*}}mma.sync does not fit: it takes f32 with f32-products=3xtf32 alone"

// Chips whose choices differ.
// ALL-DAG: remark: [Passed] product-kernel {{.*}} Function=whole | Reason="{{.*}}mma.sync takes {{.*}} us on sm_90a{{.*}}", Remark="mma.sync for sm_80 in {{.*}} us; wgmma for sm_90a in {{.*}} us, predicted for 4096 rows"
// ALL-DAG: remark: [Passed] product-kernel {{.*}} Function=f32 | Reason="{{.*}}multiply-adds does not fit: f32-products=3xtf32 asks for the matrix units", Remark="mma.sync for sm_80 in {{.*}} us, sm_90a in
// ALL-DAG: remark: [Missed] product-kernel {{.*}} Function=odd |
// ALL-DAG: remark: [Missed] product-kernel {{.*}} Function=odd |
// ALL-DAG: remark: [Missed] product-kernel {{.*}} Function=odd_f32 | Reason="{{.*}}mma.sync does not fit: rows are not contiguous, or the widths K and N not known multiples of 4"
// ALL-DAG: remark: [Missed] product-kernel {{.*}} Function=scaled | {{.*}}Remark="multiply-adds for sm_80 in {{.*}} us; wgmma for sm_90a in

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
