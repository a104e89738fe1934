// RUN: et-opt %s --et-set-cpu-target="target=#et.cpu_target<second_level_cache=524288>" --convert-et-to-vector | FileCheck %s -DROWS=128
// RUN: et-opt %s --et-set-cpu-target="target=#et.cpu_target<second_level_cache=1048576>" --convert-et-to-vector | FileCheck %s -DROWS=256
// RUN: et-opt %s --et-set-cpu-target="target=#et.cpu_target<second_level_cache=4194304>" --convert-et-to-vector | FileCheck %s -DROWS=256
// RUN: et-opt %s --et-set-cpu-target="target=#et.cpu_target<second_level_cache=32768>" --convert-et-to-vector | FileCheck %s -DROWS=64
// RUN: et-opt %s --et-set-cpu-target=march=znver3 | FileCheck %s --check-prefix=ZEN3
// RUN: et-opt %s --et-set-cpu-target=march=znver4 | FileCheck %s --check-prefix=ZEN4

// ZEN3: #et.cpu_target<vector_bits = 256, vector_registers = 16, first_level_cache = 32768, second_level_cache = 524288>
// ZEN4: #et.cpu_target<instructions = [avx512_bf16, avx512_vbmi], first_level_cache = 32768, reads_ahead = true>

// The rows of a task, of 4 KB here, fit the second-level cache, of which 1 MB is used at
// most; they are at least 64. The blocks of an expert's rows follow each other before
// those of the next panels.

// CHECK-LABEL: func.func @product
// CHECK:         %[[BLOCKS:.*]] = arith.ceildivui %[[ALL:.*]], %c[[ROWS]] : index
// CHECK:         %[[MORE:.*]] = arith.maxui %{{.*}}, %[[BLOCKS]] : index
// CHECK-NEXT:    arith.ceildivui %[[ALL]], %[[MORE]] : index
// CHECK:         %[[ROWBLOCKS:.*]] = arith.ceildivui %[[ALL]], %{{.*}} : index
// CHECK:         ^bb0(%[[INDEX:.*]]: index):
// CHECK-NEXT:      %[[ROWBLOCK:.*]] = arith.remui %[[INDEX]], %[[ROWBLOCKS]] : index
// CHECK-NEXT:      %[[REST:.*]] = arith.divui %[[INDEX]], %[[ROWBLOCKS]] : index
// CHECK-NEXT:      %[[PANELS:.*]] = arith.remui %[[REST]], %[[GROUPS:.*]] : index
// CHECK-NEXT:      %[[EXPERT:.*]] = arith.divui %[[REST]], %[[GROUPS]] : index
func.func @product(%x: memref<?x1024xf32>, %w: memref<4x4x1024x64xf32>, %offsets: memref<5xi32>,
                   %out: memref<?x256xf32>) {
  et.grouped_matmul none ins(%x, %w : memref<?x1024xf32>, memref<4x4x1024x64xf32>)
    panels(#et.panels<columns = 64>) offsets(%offsets : memref<5xi32>)
    outs(%out : memref<?x256xf32>)
  return
}
