// RUN: et-opt %s --et-set-cpu-target="target=#et.cpu_target<instructions=[avx512_bf16]>" --convert-et-to-vector --split-input-file | FileCheck %s --check-prefixes=CHECK,PAIRS
// RUN: et-opt %s --convert-et-to-vector --split-input-file | FileCheck %s --check-prefixes=CHECK,WIDEN
// RUN: et-opt %s --et-set-cpu-target="target=#et.cpu_target<instructions=[amx_bf16,avx512_bf16]>" --convert-et-to-vector --split-input-file | FileCheck %s --check-prefix=AMX

// Packed weights are read where they are, by one kernel for any number of rows. A
// kernel asks for the next block of its panel, or of the next one.

// CHECK-LABEL:  func.func private @et_panel_6x64_f32_f32_f32_tokens_whole_k32_by64
// CHECK:          %[[IS_LAST:.*]] = arith.cmpi eq
// CHECK:          %[[NEXT:.*]] = arith.select %[[IS_LAST]], %{{.*}}, %{{.*}} : memref<?x64xf32, strided<[64, 1], offset: ?>>
// CHECK:          %[[ROWS:.*]] = memref.subview %[[NEXT]]
// CHECK:          %[[ASKED:.*]] = memref.cast %[[ROWS]]
// CHECK:          func.call @et_tiles_6x64_f32_f32x4_k32_by64({{.*}}, %[[ASKED]],
// CHECK-LABEL:  func.func @rows
// CHECK:          %[[COLUMN:.*]] = arith.remui %{{.*}}, %c64
// CHECK:          memref.subview %{{.*}}[%{{.*}}, %{{.*}}, 0, %[[COLUMN]]] [1, 1, %{{.*}}, 64] [1, 1, 1, 1] : memref<4x4x128x64xf32>
// CHECK:          func.call @et_panel_6x64_f32_f32_f32_tokens_whole_k32
// CHECK-NOT:      func.call
func.func @rows(%x: memref<?x128xf32>, %w: memref<4x4x128x64xf32>, %offsets: memref<5xi32>,
                %tokens: memref<?xi32>, %out: memref<?x256xf32>) {
  et.grouped_matmul none ins(%x, %w : memref<?x128xf32>, memref<4x4x128x64xf32>)
    panels(#et.panels<columns = 64>) offsets(%offsets : memref<5xi32>)
    tokens(%tokens : memref<?xi32>) outs(%out : memref<?x256xf32>)
  return
}

// -----

// Pairs of bf16 are multiplied as such, or widened: of a pair either is the upper
// half of an f32. K = 129 leaves half a pair. Rows are widened once for all panels, to
// rows of 130 in an odd number of lines, and so is a panel that more than two tiles of
// rows read.

// PAIRS-LABEL:  func.func private @et_tiles_6x64_bf16_bf16_dotx4_by128
// PAIRS:          default
// PAIRS:          %[[TWO:.*]] = vector.load %{{.*}} : memref<16xbf16, strided<[1], offset: ?>>, vector<2xbf16>
// PAIRS:          vector.broadcast %{{.*}} : i32 to vector<16xi32>
// PAIRS-COUNT-192: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
// PAIRS:          scf.yield
// PAIRS:          memref.load %{{.*}} : memref<1xbf16, strided<[1], offset: ?>>
// PAIRS-NEXT:     arith.bitcast %{{.*}} : bf16 to i16
// PAIRS-NEXT:     arith.extui %{{.*}} : i16 to i32
// PAIRS-COUNT-24: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"

// WIDEN-LABEL:  func.func private @et_copy_64_bf16_f32_from_pairs_whole
// WIDEN:          vector.load %{{.*}} : memref<?x?xbf16, strided<[?, 1], offset: ?>>, vector<32xbf16>
// WIDEN:          arith.shli
// WIDEN:          vector.transfer_write
// WIDEN:          arith.andi
// WIDEN:          vector.transfer_write
// WIDEN-LABEL:  func.func private @et_panel_6x64_f32_f32_f32_copied_bf16_pairs
// WIDEN:          func.call @et_copy_64_bf16_f32_from_pairs_whole(
// WIDEN-LABEL:  func.func private @et_tiles_6x64_f32_bf16_pairsx4_by128
// WIDEN-NOT:      call_intrinsic
// WIDEN:          default
// WIDEN:          %[[WORDS:.*]] = vector.bitcast %{{.*}} : vector<32xbf16> to vector<16xi32>
// WIDEN:          arith.shli %[[WORDS]]
// WIDEN:          vector.fma
// WIDEN:          arith.andi %{{.*}} : vector<16xi32>
// WIDEN:          vector.fma
// CHECK-LABEL:  func.func @pairs
// WIDEN:          %[[ROWS:.*]] = memref.alloc(%{{.*}}, %c144) {{.*}} : memref<?x?xf32>
// WIDEN:          scf.parallel
// WIDEN:            scf.for %{{.*}} = %c0 to %c130 step %c16
// WIDEN:            arith.extf %{{.*}} : vector<16xbf16> to vector<16xf32>
// WIDEN:            vector.transfer_write %{{.*}}, %[[ROWS]]
// WIDEN:          omp.parallel
// WIDEN:            arith.cmpi ule, %{{.*}}, %c12
// WIDEN:            func.call @et_panel_6x64_f32_bf16_f32_pairs
// WIDEN:          else
// WIDEN:            func.call @et_panel_6x64_f32_f32_f32_copied_bf16_pairs
// WIDEN:          memref.dealloc %[[ROWS]]

// Neither is made for panels of a step of 2.
// AMX-LABEL:    func.func @pairs
// AMX-NOT:      tdpbf16ps
func.func @pairs(%x: memref<?x129xbf16>, %w: memref<1x4x65x128xbf16>, %out: memref<?x250xf32>) {
  et.grouped_matmul none ins(%x, %w : memref<?x129xbf16>, memref<1x4x65x128xbf16>)
    panels(#et.panels<columns = 64, interleave = 2, step = 2>) outs(%out : memref<?x250xf32>)
  return
}

// -----

// Matrix registers, and pairs for an expert of at most 2 rows.

// AMX-LABEL:  func.func private @et_panel_16x16_bf16_bf16_bf16_silu_gate_whole_matrix_k32
// AMX:          llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"
// AMX-LABEL:  func.func private @et_tiles_2x16_bf16_bf16_gate_dot_k32_by32
// AMX:          llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
// AMX-LABEL:  func.func @matrices
// AMX-NOT:      memref.alloc({{.*}} : memref<?x?xbf16>
// AMX:          func.call @et_panel_2x16_bf16_bf16_bf16_silu_gate_whole_dot_k32
// AMX:        else
// AMX:          func.call @et_panel_16x16_bf16_bf16_bf16_silu_gate_whole_matrix_k32
// CHECK-LABEL:  func.func @matrices
func.func @matrices(%x: memref<?x128xbf16>, %w: memref<4x16x64x32xbf16>, %g: memref<4x16x64x32xbf16>,
                    %offsets: memref<5xi32>, %out: memref<?x256xbf16>) {
  et.grouped_matmul silu ins(%x, %w : memref<?x128xbf16>, memref<4x16x64x32xbf16>)
    panels(#et.panels<columns = 16, interleave = 2, step = 32>) offsets(%offsets : memref<5xi32>)
    gate(%g : memref<4x16x64x32xbf16>) outs(%out : memref<?x256xbf16>)
  return
}

// -----

// Layouts that fit no vector are left for convert-et-to-scf.

// CHECK-LABEL:  func.func @odd
// CHECK:          et.grouped_matmul
func.func @odd(%x: memref<?x12xf32>, %w: memref<1x3x12x10xf32>, %out: memref<?x30xf32>) {
  et.grouped_matmul none ins(%x, %w : memref<?x12xf32>, memref<1x3x12x10xf32>)
    panels(#et.panels<columns = 10>) outs(%out : memref<?x30xf32>)
  return
}
