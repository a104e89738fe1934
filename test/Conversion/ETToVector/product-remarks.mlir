// RUN: et-opt %s --et-set-cpu-target="target=#et.cpu_target<instructions=[amx_bf16]>" --convert-et-to-vector --remarks-filter=convert-et-to-vector -o /dev/null 2>&1 | FileCheck %s --implicit-check-not=remark:
// RUN: et-opt %s --convert-et-to-vector --remarks-filter=convert-et-to-vector -o /dev/null 2>&1 | count 0

// Which products do without the matrix registers that the processor has.
// CHECK-DAG: remark: [Missed] matrix-registers | Category:convert-et-to-vector | Function=f16 | Reason="they multiply rows of bf16 alone", Remark="a product without matrix registers"
// CHECK-DAG: remark: [Missed] matrix-registers {{.*}} Function=scaled | Reason="its weights are f8E4M3FN"
// CHECK-DAG: remark: [Missed] matrix-registers {{.*}} Function=packed | Reason="its weights are packed for other instructions"

func.func @bf16(%x: memref<?x16xbf16>, %w: memref<1x16x32xbf16>, %out: memref<?x32xbf16>) {
  et.grouped_matmul relu ins(%x, %w : memref<?x16xbf16>, memref<1x16x32xbf16>) outs(%out : memref<?x32xbf16>)
  return
}

func.func @f16(%x: memref<?x16xf16>, %w: memref<1x16x32xf16>, %out: memref<?x32xf16>) {
  et.grouped_matmul relu ins(%x, %w : memref<?x16xf16>, memref<1x16x32xf16>) outs(%out : memref<?x32xf16>)
  return
}

func.func @scaled(%x: memref<?x16xbf16>, %w: memref<1x16x32xf8E4M3FN>, %s: memref<1x1x1xf32>, %out: memref<?x32xbf16>) {
  et.grouped_matmul relu ins(%x, %w : memref<?x16xbf16>, memref<1x16x32xf8E4M3FN>)
    scales(%s : memref<1x1x1xf32>) outs(%out : memref<?x32xbf16>)
  return
}

func.func @packed(%x: memref<?x16xbf16>, %w: memref<1x1x16x32xbf16>, %out: memref<?x32xbf16>) {
  et.grouped_matmul relu ins(%x, %w : memref<?x16xbf16>, memref<1x1x16x32xbf16>)
    panels(#et.panels<columns = 32>) outs(%out : memref<?x32xbf16>)
  return
}
