// RUN: et-opt %s --et-set-cpu-target="target=#et.cpu_target<first_level_cache=32768,reads_ahead=true>" --convert-et-to-vector | FileCheck %s --check-prefixes=CHECK,AHEAD
// RUN: et-opt %s --et-set-cpu-target="target=#et.cpu_target<first_level_cache=49152>" --convert-et-to-vector | FileCheck %s --check-prefixes=CHECK,ASKED
// RUN: et-opt %s --et-set-cpu-target=march=znver4 | FileCheck %s --check-prefix=ZEN
// RUN: et-opt %s --et-set-cpu-target=march=sapphirerapids | FileCheck %s --check-prefix=INTEL

// ZEN:   #et.cpu_target<instructions = [avx512_bf16, avx512_vbmi], first_level_cache = 32768, reads_ahead = true>
// INTEL: #et.cpu_target<instructions = [amx_bf16, avx512_bf16, avx512_vbmi]>

// A block is three quarters of the cache, and at most 32 KB. Where the processor
// reads ahead, a single tile asks for nothing, others ask in three places at most.

// AHEAD-LABEL:  func.func private @et_panel_6x64_f32_f32_f32_whole_k32_ahead_by64(
// ASKED-LABEL:  func.func private @et_panel_6x64_f32_f32_f32_whole_k32_by64(
// AHEAD:          %[[PLACES:.*]] = arith.constant 3 : index
// AHEAD:          %[[MOST:.*]] = arith.constant 96 : index
// ASKED:          %[[PLACES:.*]] = arith.constant 8 : index
// ASKED:          %[[MOST:.*]] = arith.constant 128 : index
// CHECK:          %[[TILES:.*]] = arith.ceildivui
// CHECK:          %[[BLOCKS:.*]] = arith.ceildivui %{{.*}}, %[[MOST]] : index
// CHECK:          scf.for
// AHEAD:            %[[ONE:.*]] = arith.cmpi eq, %[[TILES]], %c1 : index
// AHEAD:            %[[NEXT:.*]] = arith.select %[[ONE]], %c0, %{{.*}} : index
// ASKED:            %[[ONE:.*]] = arith.cmpi eq, %[[TILES]], %c1 : index
// ASKED-NEXT:       arith.select %[[ONE]], %c1, %[[PLACES]] : index
// An odd number of rows lies between two places.
// CHECK:            %[[ODD:.*]] = arith.ori %{{.*}}, %c1 : index
// AHEAD:            arith.minui %[[ODD]], %[[NEXT]] : index
// Nothing to ask for is not few lines, which would be asked for in any case.
// CHECK:            %[[LESS:.*]] = arith.subi %{{.*}}, %c1 : index
// CHECK-NEXT:       %[[MANY:.*]] = arith.cmpi uge, %[[LESS]], %{{.*}} : index
// CHECK:            func.call @et_tiles_6x64_f32_f32x4_k32_by64({{.*}}, %[[MANY]], %{{.*}}, %{{.*}}, %{{.*}})
func.func @packed(%x: memref<?x768xf32>, %w: memref<4x4x768x64xf32>, %offsets: memref<5xi32>,
                  %out: memref<?x256xf32>) {
  et.grouped_matmul none ins(%x, %w : memref<?x768xf32>, memref<4x4x768x64xf32>)
    panels(#et.panels<columns = 64>) offsets(%offsets : memref<5xi32>)
    outs(%out : memref<?x256xf32>)
  return
}

// Rows of weights that are not packed lie apart: theirs is another kernel, which asks
// for them everywhere.

// AHEAD:        func.func private @et_panel_6x64_f32_f32_f32_whole_k32_by256(
// AHEAD:          %[[PLACES:.*]] = arith.constant 8 : index
// AHEAD:          %[[ONE:.*]] = arith.cmpi eq, %{{.*}}, %c1 : index
// AHEAD-NEXT:     arith.select %[[ONE]], %c1, %[[PLACES]] : index
// CHECK-LABEL:  func.func @packed
// AHEAD:          call @et_panel_6x64_f32_f32_f32_whole_k32_ahead_by64(
// ASKED:          call @et_panel_6x64_f32_f32_f32_whole_k32_by64(
// CHECK-LABEL:  func.func @rows
// CHECK:          call @et_panel_6x64_f32_f32_f32_whole_k32_by256(
func.func @rows(%x: memref<?x768xf32>, %w: memref<4x768x256xf32>, %offsets: memref<5xi32>,
                %out: memref<?x256xf32>) {
  et.grouped_matmul none ins(%x, %w : memref<?x768xf32>, memref<4x768x256xf32>)
    offsets(%offsets : memref<5xi32>) outs(%out : memref<?x256xf32>)
  return
}
