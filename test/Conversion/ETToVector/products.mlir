// RUN: et-opt %s --convert-et-to-vector --split-input-file | FileCheck %s --check-prefixes=CHECK,AVX512
// RUN: et-opt %s --et-set-cpu-target="target=#et.cpu_target<vector_bits=256,vector_registers=16>" --convert-et-to-vector --split-input-file | FileCheck %s --check-prefixes=CHECK,AVX2

// Gathered rows, f32: one tile of 6 x 64 (6 x 16) accumulators over a block of K,
// tiles of 1 to 5 rows, and the activation once for them all.

// CHECK-LABEL:  func.func private @et_tiles_
// AVX512-SAME:  6x64_f32_f32_next_f32x4_k32_by64
// AVX2-SAME:    6x16_f32_f32_next_f32_k32_by16
// CHECK-SAME:     attributes {llvm.linkage = #llvm.linkage<internal>, passthrough = ["noinline", "et-kernel"]}
// The last block's results are asked for first.
// CHECK:            "llvm.intr.prefetch"(%{{.*}}) <{cache = 1 : i32, hint = 3 : i32, rw = 1 : i32}>
// CHECK:            scf.index_switch
// Five rows have a loop of four steps of k in one of eight.
// CHECK:            case 5
// CHECK:              scf.for
// CHECK:                scf.for
// AVX512-COUNT-80:        vector.fma
// AVX2-COUNT-40:          vector.fma
// CHECK-NOT:          vector.fma
// CHECK:            default
// AVX512:             %[[SUMS:.*]] = memref.subview %{{.*}}[%{{.*}}, 0] [6, 64] [1, 1]
// AVX2:               %[[SUMS:.*]] = memref.subview %{{.*}}[%{{.*}}, 0] [6, 16] [1, 1]
// Tokens' rows, or those in place.
// CHECK:              scf.if
// CHECK:                arith.index_cast
// CHECK:              else
// Zeros, or what the blocks before have summed.
// CHECK:              scf.if
// CHECK-NEXT:           scf.yield
// CHECK:              else
// AVX512-COUNT-24:      vector.transfer_read %[[SUMS]][
// AVX2-COUNT-12:        vector.transfer_read %[[SUMS]][
// Two lines of the next block, or more where few tiles share it.
// CHECK:              scf.if
// CHECK:                memref.prefetch %{{.*}}, read, locality<2>, data
// CHECK:              else
// CHECK-COUNT-2:        memref.prefetch %{{.*}}, read, locality<2>, data
// CHECK-NOT:          memref.prefetch
// Eight steps of k.
// AVX512-COUNT-192:   vector.fma
// AVX2-COUNT-96:      vector.fma
// CHECK-NOT:          vector.fma
// AVX512-COUNT-24:    vector.transfer_write %{{.*}}, %[[SUMS]][
// AVX2-COUNT-12:      vector.transfer_write %{{.*}}, %[[SUMS]][

// CHECK-LABEL:  func.func private @et_copy_
// AVX512-SAME:  64_f32_f32_whole
// AVX2-SAME:    16_f32_f32_whole
// CHECK:          vector.transfer_read %{{.*}} {in_bounds = [true]}
// CHECK-NEXT:     vector.transfer_write

// CHECK-LABEL:  func.func private @et_panel_
// AVX512-SAME:  6x64_f32_f32_f32_relu_squared_tokens_whole_copied_k32
// AVX2-SAME:    6x16_f32_f32_f32_relu_squared_tokens_whole_copied_k32
// A block is 32 KB of a panel at most; blocks have even sizes, in steps of 8.
// AVX512:         %[[MOST:.*]] = arith.constant 128 : index
// AVX2:           %[[MOST:.*]] = arith.constant 512 : index
// CHECK:          %[[BLOCKS:.*]] = arith.ceildivui %{{.*}}, %[[MOST]] : index
// CHECK-NEXT:     %[[ROWS:.*]] = arith.ceildivui %{{.*}}, %[[BLOCKS]] : index
// CHECK-NEXT:     %[[UNITS:.*]] = arith.ceildivui %[[ROWS]], %c8 : index
// CHECK-NEXT:     %[[BLOCK:.*]] = arith.muli %[[UNITS]], %c8 : index
// CHECK-NEXT:     scf.for %{{.*}} = %{{.*}} to %{{.*}} step %[[BLOCK]]
// Every block is copied before its tiles.
// CHECK:            func.call @et_copy_{{.*}}_f32_f32_whole(
// CHECK:            func.call @et_tiles_
// One loop after all of them turns the sums into results.
// CHECK:            scf.for
// CHECK:              vector.transfer_read
// CHECK:              arith.maximumf
// CHECK:              arith.mulf
// CHECK:              vector.transfer_write
// AVX512-COUNT-3:   arith.maximumf
// AVX2:             arith.maximumf
// CHECK-NOT:        arith.maximumf

// CHECK-LABEL:  func.func private @et_panel_
// CHECK-NOT:    copied
// CHECK-SAME:     relu_squared_tokens_whole_k32

// CHECK-LABEL:  func.func @gathered
// CHECK:          llvm.call @omp_get_max_threads
// CHECK:          %[[SCRATCH:.*]] = memref.alloc
// CHECK:          omp.parallel
// CHECK-NOT:      memref.alloc
// CHECK:          scf.while
// CHECK:            memref.atomic_rmw addi %{{.*}}, %[[TAKEN:.*]][%c0] : (i64, memref<1xi64>) -> i64
// CHECK:            scf.condition
// CHECK-NOT:      memref.alloc
// CHECK:          scf.if
// CHECK:            func.call @et_panel_{{.*}}_tokens_whole_k32
// CHECK:          else
// CHECK:            func.call @et_panel_{{.*}}_tokens_whole_copied_k32
// CHECK:          memref.dealloc %[[SCRATCH]]
func.func @gathered(%x: memref<?x128xf32>, %w: memref<4x128x256xf32>, %offsets: memref<5xi32>,
                    %tokens: memref<?xi32>, %out: memref<?x256xf32>) {
  et.grouped_matmul relu_squared ins(%x, %w : memref<?x128xf32>, memref<4x128x256xf32>)
    offsets(%offsets : memref<5xi32>) tokens(%tokens : memref<?xi32>)
    outs(%out : memref<?x256xf32>)
  return
}

// -----

// Two products of the same rows share the registers: 32 (8) columns of each.
// 16-bit rows are widened once for all panels; a panel copy is f32.

// CHECK-LABEL:  func.func private @et_panel_
// AVX512-SAME:  6x32_f32_f32_bf16_silu_bias_bf16_gate_gatebias_bf16_copied_bf16
// AVX2-SAME:    6x8_f32_f32_bf16_silu_bias_bf16_gate_gatebias_bf16_copied_bf16
// The gate goes through silu, the other product does not.
// CHECK:          math.exp
// CHECK:          arith.divf
// CHECK:          arith.mulf
// CHECK:          arith.truncf
// CHECK-NEXT:     vector.transfer_write

// CHECK-LABEL:  func.func @gated
// CHECK-NOT:      et.grouped_matmul
// CHECK:          scf.parallel
// AVX512:           arith.extf %{{.*}} : vector<16xbf16> to vector<16xf32>
// AVX2:             arith.extf %{{.*}} : vector<8xbf16> to vector<8xf32>
// CHECK:          omp.parallel
func.func @gated(%x: memref<?x?xbf16>, %w: memref<?x?x?xbf16>, %b: memref<?x?xbf16>,
                 %g: memref<?x?x?xbf16>, %gb: memref<?x?xbf16>, %offsets: memref<?xi32>,
                 %out: memref<?x?xbf16>) {
  et.grouped_matmul silu ins(%x, %w : memref<?x?xbf16>, memref<?x?x?xbf16>)
    offsets(%offsets : memref<?xi32>) bias(%b : memref<?x?xbf16>)
    gate(%g : memref<?x?x?xbf16>) gate_bias(%gb : memref<?x?xbf16>)
    outs(%out : memref<?x?xbf16>)
  return
}

// -----

// N = 5 does not fill a vector: reads of the weights and stores are masked, and few
// rows of the only matrix are read where they are.

// CHECK-LABEL:  func.func private @et_copy_
// CHECK:          vector.transfer_read %{{.*}}[%{{.*}}, %{{.*}}], %{{.*}} : memref<?x?xf32
// CHECK-LABEL:  func.func private @et_panel_
// CHECK-SAME:     f32_f32_f32_copied_k32(
// CHECK:          vector.transfer_write %{{.*}}, %{{.*}}[%{{.*}}, %{{.*}}] : vector
// CHECK-LABEL:  func.func @narrow
// CHECK:          func.call @et_panel_{{.*}}_k32_by5(
// CHECK:          func.call @et_panel_{{.*}}_copied_k32(
func.func @narrow(%x: memref<?x128xf32>, %w: memref<1x128x5xf32>, %out: memref<?x5xf32>) {
  et.grouped_matmul none ins(%x, %w : memref<?x128xf32>, memref<1x128x5xf32>)
    outs(%out : memref<?x5xf32>)
  return
}

// -----

// A strided last dimension is left for convert-et-to-scf.

// CHECK-LABEL: func.func @strided
// CHECK:         et.grouped_matmul
func.func @strided(%x: memref<?x128xf32, strided<[256, 2]>>, %w: memref<1x128x64xf32>,
                   %out: memref<?x64xf32>) {
  et.grouped_matmul none ins(%x, %w : memref<?x128xf32, strided<[256, 2]>>, memref<1x128x64xf32>)
    outs(%out : memref<?x64xf32>)
  return
}

// -----

// So are products of nothing, of which there is no view.

// CHECK-LABEL: func @no_depth
// CHECK:         et.grouped_matmul
func.func @no_depth(%x: memref<?x0xf32>, %w: memref<2x0x64xf32>, %offsets: memref<3xi32>, %out: memref<?x64xf32>) {
  et.grouped_matmul none ins(%x, %w : memref<?x0xf32>, memref<2x0x64xf32>) offsets(%offsets : memref<3xi32>)
    outs(%out : memref<?x64xf32>)
  return
}

// -----

// Also where only scales, or a gate's weights, are known to be nothing.

// CHECK-LABEL: func @no_scales
// CHECK:         et.grouped_matmul
func.func @no_scales(%x: memref<?x?xf32>, %w: memref<2x?x?xf8E4M3FN>, %scales: memref<2x0x?xf32>, %offsets: memref<3xi32>, %out: memref<?x64xf32>) {
  et.grouped_matmul none ins(%x, %w : memref<?x?xf32>, memref<2x?x?xf8E4M3FN>) offsets(%offsets : memref<3xi32>)
    scales(%scales : memref<2x0x?xf32>) outs(%out : memref<?x64xf32>)
  return
}

// CHECK-LABEL: func @no_gate
// CHECK:         et.grouped_matmul
func.func @no_gate(%x: memref<?x?xf32>, %w: memref<2x?x?xf32>, %gate: memref<2x0x64xf32>, %offsets: memref<3xi32>, %out: memref<?x64xf32>) {
  et.grouped_matmul none ins(%x, %w : memref<?x?xf32>, memref<2x?x?xf32>) offsets(%offsets : memref<3xi32>)
    gate(%gate : memref<2x0x64xf32>) outs(%out : memref<?x64xf32>)
  return
}
