// RUN: et-opt %s --et-set-gpu-target=chips=sm_80,sm_90a,sm_100,sm_120 --convert-et-to-gpu | FileCheck %s --check-prefix=MANY
// RUN: et-opt %s --et-set-gpu-target=chips=sm_90a,sm_100a --convert-et-to-gpu | FileCheck %s --check-prefix=OWN
// RUN: et-opt %s --et-set-gpu-target=chips=sm_90,sm_90a --convert-et-to-gpu | FileCheck %s --check-prefix=SAME
// RUN: et-opt %s --et-lower-to-nvvm-pipeline="chip=sm_90a,sm_100a" | FileCheck %s --check-prefix=PTX

// One kernel for the chip whose choice differs, one for all others.
// MANY-LABEL: func @product
// MANY-DAG:    %[[FIRST:.*]] = {{.*}} 90 : i64
// MANY-DAG:    %[[END:.*]] = {{.*}} 91 : i64
// MANY:        %[[COUNT:.*]] = llvm.call @et_cuda_processors(%[[FIRST]], %[[END]]) : (i64, i64) -> i64
// MANY-NOT:    et_cuda_processors
// MANY:        %[[PROCESSORS:.*]] = arith.index_cast %[[COUNT]]
// MANY:        function(@et_grouped_matmul_sm90)
// MANY:        %[[OTHER:.*]] = arith.cmpi eq, %[[PROCESSORS]]
// MANY:        arith.select %[[OTHER]]
// MANY:        function(@et_grouped_matmul)

// Code of chips' own: each device runs its chip's alone, and a device that is none of them has none.
// OWN-LABEL:   func @product
// OWN:         et_cuda_processors
// OWN:         function(@et_grouped_matmul_sm90)
// OWN:         function(@et_grouped_matmul)

// Nothing tells these apart.
// SAME-LABEL:  func @product
// SAME-NOT:    et_cuda_processors
// SAME:        function(@et_grouped_matmul)
// SAME-NOT:    function(

// No chip's code has another's instructions.
// PTX:         .target sm_90a
// PTX:         .entry et_grouped_matmul_sm90(
// PTX:         wgmma.mma_async
// PTX-NOT:     {{[^a]}}mma.sync
// PTX:         .target sm_100a
// PTX-NOT:     wgmma
// PTX:         mma.sync
func.func @product(%x: memref<?x64xf16>, %w: memref<4x64x128xf16>, %o: memref<5xi32>, %out: memref<?x128xf16>) {
  et.grouped_matmul none ins(%x, %w : memref<?x64xf16>, memref<4x64x128xf16>) offsets(%o : memref<5xi32>)
    outs(%out : memref<?x128xf16>)
  return
}
