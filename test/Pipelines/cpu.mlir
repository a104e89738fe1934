// RUN: et-opt %s --et-lower-to-cpu-pipeline="march=x86-64-v4 compile-to=bufferize" | FileCheck %s --check-prefix=BUFFERS
// RUN: et-opt %s --et-lower-to-cpu-pipeline="march=x86-64-v4 compile-to=loops" | FileCheck %s --check-prefixes=LOOPS,LOOPS-V4
// RUN: et-opt %s --et-lower-to-cpu-pipeline="march=x86-64-v3 compile-to=loops" | FileCheck %s --check-prefixes=LOOPS,LOOPS-V3
// RUN: et-opt %s --et-lower-to-cpu-pipeline="march=x86-64-v3" | FileCheck %s --check-prefix=LLVM
// RUN: et-opt %s --et-lower-to-cpu-pipeline="march=x86-64-v3" | mlir-translate --mlir-to-llvmir -o %t
// RUN: et-opt %s --et-lower-to-cpu-pipeline
// RUN: not et-opt %s --et-lower-to-cpu-pipeline="march=z80" 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: error: unknown processor 'z80'; march takes native or a processor as LLVM names it, such as x86-64-v3, x86-64-v4 or znver5

// The hidden units have a row a pair, and the pairs are counted first.
// BUFFERS-LABEL: func.func @layer
// BUFFERS:         et.offsets ins(%{{.*}}) outs(%[[OFFSETS:.*]] : memref<9xi32>)
// BUFFERS:         %[[LAST:.*]] = memref.load %[[OFFSETS]]
// BUFFERS:         %[[PAIRS:.*]] = arith.index_cast %[[LAST]] : i32 to index
// BUFFERS:         memref.alloc(%[[PAIRS]]) {{.*}} : memref<?x96xf32>

// No et op is left, loops over vectors and threads are.
// LOOPS-V4:       func.func private @et_panel_6x64_f32_f32_f32
// LOOPS-V3:       func.func private @et_panel_6x16_f32_f32_f32
// LOOPS-LABEL:    func.func @layer
// LOOPS-NOT:      {{[^"]et\.[a-z]}}
// LOOPS:          omp.parallel
// LOOPS-NOT:      scf.parallel

// LLVM-DAG: llvm.func internal @et_panel_{{.*}} attributes {{{.*}}target_cpu = "x86-64-v3", target_features = #llvm.target_features<[{{.*}}"+avx2"
// LLVM-DAG: llvm.func @omp_get_max_threads() -> i32
func.func @layer(%x: tensor<?x64xf32>, %router: tensor<64x8xf32>, %w1: tensor<8x64x96xf32>,
                 %w2: tensor<8x96x64xf32>, %theta: tensor<8xf32>) -> tensor<?x64xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x64xf32>
  %init = tensor.empty(%tokens) : tensor<?x64xf32>
  %y = et.moe linear #et.threshold<gate = sigmoid> gelu
      ins(%x, %router, %w1, %w2 : tensor<?x64xf32>, tensor<64x8xf32>, tensor<8x64x96xf32>,
          tensor<8x96x64xf32>)
      theta(%theta : tensor<8xf32>) outs(%init : tensor<?x64xf32>)
  return %y : tensor<?x64xf32>
}

// Rows of hidden units a page long get a line more.
// LOOPS-LABEL: func.func @page
// LOOPS:         memref.alloc(%{{.*}}) {{.*}} : memref<?x1040xf32>
func.func @page(%x: tensor<?x64xf32>, %w1: tensor<1x64x1024xf32>,
                %w2: tensor<1x1024x64xf32>) -> tensor<?x64xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x64xf32>
  %init = tensor.empty(%tokens) : tensor<?x64xf32>
  %y = et.expert_ffn relu ins(%x, %w1, %w2 : tensor<?x64xf32>, tensor<1x64x1024xf32>, tensor<1x1024x64xf32>)
      outs(%init : tensor<?x64xf32>)
  return %y : tensor<?x64xf32>
}
