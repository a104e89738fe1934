// RUN: et-opt %s --et-set-cpu-target="target=#et.cpu_target<instructions=[avx512_bf16,avx512_vbmi]>" --convert-et-to-vector --split-input-file | FileCheck %s
// RUN: et-opt %s --et-set-cpu-target="target=#et.cpu_target<instructions=[avx512_bf16]>" --convert-et-to-vector --split-input-file | FileCheck %s --check-prefix=NEITHER

// Rows of bf16 meet packed weights of f8E4M3FN as pairs of bf16, which the tables give:
// 64 bytes are 16 columns twice. A block of scales is 64 rows of pairs. Experts of all
// loads read the weights where they are.

// CHECK-LABEL: func.func private @et_tiles_6x64_bf16_f8E4M3FN_dotx2_k32_by128
// CHECK:         default
// CHECK:           %[[BYTES:.*]] = vector.transfer_read %{{.*}} {in_bounds = [true]} : memref<8x128xf8E4M3FN, {{.*}}>, vector<64xf8E4M3FN>
// CHECK:           vector.shuffle %{{.*}}, %{{.*}} [0, 1, 2, 3, 4, 5, 6, 7, 32, 33, 34, 35, 36, 37, 38, 39, 8, {{.*}}] : vector<64xi8>, vector<64xi8>
// CHECK-COUNT-2:   llvm.call_intrinsic "llvm.x86.avx512.vpermi2var.qi.512"
// CHECK-COUNT-2:   vector.bitcast %{{.*}} : vector<64xi8> to vector<32xbf16>
// CHECK-COUNT-24:  llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
// CHECK:           scf.yield
// The scale of a block is that of its first step of K.
// CHECK:           %[[STEP:.*]] = arith.muli %{{.*}}, %c2 : index
// CHECK:           %[[BLOCK:.*]] = arith.divui %[[STEP]], %c128 : index
// CHECK:           memref.load %{{.*}}[%[[BLOCK]], %{{.*}}] : memref<?x?xf32, strided<[?, 1], offset: ?>>
// CHECK-LABEL: func.func private @et_panel_6x64_bf16_f8E4M3FN_bf16_tokens_whole_dot_k32_by128
// CHECK:         scf.for %{{.*}} = %c0 to %{{.*}} step %c64
// CHECK:           func.call @et_tiles_6x64_bf16_f8E4M3FN_dotx2_k32_by128(
// CHECK-LABEL: func.func @pairs
// CHECK-NOT:     @et_widen
// CHECK:         func.call @et_panel_6x64_bf16_f8E4M3FN_bf16_tokens_whole_dot_k32
// CHECK-NOT:     func.call

// NEITHER:     et.grouped_matmul
func.func @pairs(%x: memref<?x256xbf16>, %w: memref<4x4x128x128xf8E4M3FN>, %s: memref<4x2x2xf32>,
                 %offsets: memref<5xi32>, %tokens: memref<?xi32>, %out: memref<?x256xbf16>) {
  et.grouped_matmul none ins(%x, %w : memref<?x256xbf16>, memref<4x4x128x128xf8E4M3FN>)
    panels(#et.panels<columns = 64, interleave = 2, step = 2>) offsets(%offsets : memref<5xi32>)
    tokens(%tokens : memref<?xi32>) scales(%s : memref<4x2x2xf32>) outs(%out : memref<?x256xbf16>)
  return
}

// -----

// Rows of f32 have no pairs.

// CHECK-LABEL: func.func @f32_rows
// CHECK:         et.grouped_matmul
func.func @f32_rows(%x: memref<?x256xf32>, %w: memref<4x4x128x128xf8E4M3FN>, %s: memref<4x2x2xf32>,
                    %offsets: memref<5xi32>, %out: memref<?x256xf32>) {
  et.grouped_matmul none ins(%x, %w : memref<?x256xf32>, memref<4x4x128x128xf8E4M3FN>)
    panels(#et.panels<columns = 64, interleave = 2, step = 2>) offsets(%offsets : memref<5xi32>)
    scales(%s : memref<4x2x2xf32>) outs(%out : memref<?x256xf32>)
  return
}
