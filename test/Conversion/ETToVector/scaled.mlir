// RUN: et-opt %s --et-set-cpu-target="target=#et.cpu_target<instructions=[avx512_vbmi]>" --convert-et-to-vector --split-input-file | FileCheck %s --check-prefixes=CHECK,TABLES
// RUN: et-opt %s --convert-et-to-vector --split-input-file | FileCheck %s --check-prefixes=CHECK,WIDEN

// Weights of f8E4M3FN are widened in registers for experts with few rows: 64 bytes
// by two tables, or a vector at a time by arithmetic. A block of K is a block of
// scales, whose sums are added up apart. Experts with more rows have a copy in f32,
// of weights times their scales. All rows of the expert count, not those of a task.

// CHECK-LABEL: func.func private @et_widen_64_whole(
// CHECK-SAME:      %{{.*}}: memref<?x?xf8E4M3FN, strided<[?, 1], offset: ?>>, %[[SCALES:.*]]: memref<?x?xf32, strided<[?, 1], offset: ?>>
// CHECK:         scf.for %{{.*}} = %c0 to %{{.*}} step %c128
// CHECK-COUNT-4:   memref.load %[[SCALES]]
// CHECK:           scf.for
// CHECK-COUNT-4:     arith.mulf %{{.*}}, %{{.*}} : vector<16xf32>
// CHECK-LABEL: func.func private @et_panel_6x64_f32_f32_f32_tokens_whole_copied_f8E4M3FN_k32
// CHECK:         func.call @et_widen_64_whole(
// CHECK-NOT:     extsi
// CHECK-NOT:     call_intrinsic
// CHECK-LABEL: func.func private @et_tiles_6x64_f32_f8E4M3FN_k32_by256
// CHECK:         default
// TABLES:          %[[BYTES:.*]] = vector.transfer_read %{{.*}} {in_bounds = [true]} : memref<8x64xf8E4M3FN, {{.*}}>, vector<64xf8E4M3FN>
// TABLES:          vector.bitcast %[[BYTES]] : vector<64xf8E4M3FN> to vector<64xi8>
// TABLES:          %[[ORDERED:.*]] = vector.shuffle
// TABLES:          llvm.call_intrinsic "llvm.x86.avx512.vpermi2var.qi.512"(%{{.*}}, %[[ORDERED]], %{{.*}})
// TABLES:          llvm.call_intrinsic "llvm.x86.avx512.vpermi2var.qi.512"(%{{.*}}, %[[ORDERED]], %{{.*}})
// TABLES-COUNT-24: vector.fma
// WIDEN-NOT:       call_intrinsic
// WIDEN-COUNT-4:   arith.extsi %{{.*}} : vector<16xi8> to vector<16xi32>
// WIDEN-COUNT-24:  vector.fma
// CHECK:           scf.yield
// CHECK:           scf.if
// CHECK:             %[[SCALE:.*]] = memref.load %{{.*}} : memref<?x?xf32, strided<[?, 1], offset: ?>>
// CHECK:             %[[FACTOR:.*]] = vector.broadcast %[[SCALE]] : f32 to vector<16xf32>
// CHECK:             %[[BEFORE:.*]] = vector.transfer_read
// CHECK:             vector.fma %{{.*}}, %[[FACTOR]], %[[BEFORE]]
// CHECK-LABEL: func.func @rows
// CHECK:         %[[FIRST:.*]] = arith.minui
// CHECK:         %[[LAST:.*]] = arith.minui
// CHECK:         %[[ROWS:.*]] = arith.subi
// CHECK:         arith.cmpi ule, %{{.*}}, %c6
// CHECK:         func.call @et_panel_6x64_f32_f8E4M3FN_f32_tokens_whole_k32_by256
// CHECK:       else
// CHECK:         func.call @et_panel_6x64_f32_f32_f32_tokens_whole_copied_f8E4M3FN_k32
func.func @rows(%x: memref<?x256xf32>, %w: memref<4x256x256xf8E4M3FN>, %s: memref<4x2x2xf32>,
                %offsets: memref<5xi32>, %tokens: memref<?xi32>, %out: memref<?x256xf32>) {
  et.grouped_matmul none ins(%x, %w : memref<?x256xf32>, memref<4x256x256xf8E4M3FN>)
    offsets(%offsets : memref<5xi32>) tokens(%tokens : memref<?xi32>)
    scales(%s : memref<4x2x2xf32>) outs(%out : memref<?x256xf32>)
  return
}

// -----

// Two products share the tables. Rows of 16 bits are widened to f32 as well.

// CHECK-LABEL: func.func private @et_tiles_6x32_f32_f8E4M3FN_gate_k32_by32
// TABLES:        default
// TABLES-COUNT-2: vector.transfer_read %{{.*}} : memref<8x32xf8E4M3FN, {{.*}}>, vector<32xf8E4M3FN>
// TABLES:        vector.shuffle %{{.*}}, %{{.*}} {{.*}} : vector<32xi8>, vector<32xi8>
// TABLES-COUNT-2: llvm.call_intrinsic "llvm.x86.avx512.vpermi2var.qi.512"
// TABLES-NOT:    call_intrinsic
// TABLES-COUNT-24: vector.fma
// CHECK-LABEL: func.func @packed
func.func @packed(%x: memref<?x128xbf16>, %w: memref<4x7x128x32xf8E4M3FN>, %s: memref<4x1x2xf32>,
                  %g: memref<4x7x128x32xf8E4M3FN>, %t: memref<4x1x2xf32>, %offsets: memref<5xi32>, %out: memref<?x200xbf16>) {
  et.grouped_matmul silu ins(%x, %w : memref<?x128xbf16>, memref<4x7x128x32xf8E4M3FN>)
    panels(#et.panels<columns = 32>) offsets(%offsets : memref<5xi32>)
    gate(%g : memref<4x7x128x32xf8E4M3FN>) scales(%s : memref<4x1x2xf32>)
    gate_scales(%t : memref<4x1x2xf32>) outs(%out : memref<?x200xbf16>)
  return
}

// -----

// All columns of a tile have one scale: of a panel of 48 columns, 16. Less than 64
// bytes are widened by arithmetic.

// CHECK-LABEL: func.func private @et_tiles_6x16_f32_f8E4M3FN_k32_by48
// CHECK-NOT:     call_intrinsic
// CHECK-LABEL: func.func @narrow
func.func @narrow(%x: memref<?x128xf32>, %w: memref<1x5x128x48xf8E4M3FN>, %s: memref<1x1x2xf32>, %out: memref<?x200xf32>) {
  et.grouped_matmul none ins(%x, %w : memref<?x128xf32>, memref<1x5x128x48xf8E4M3FN>)
    panels(#et.panels<columns = 48>) scales(%s : memref<1x1x2xf32>) outs(%out : memref<?x200xf32>)
  return
}

// -----

// CHECK-LABEL: func.func @pack
// CHECK:         vector.transfer_read {{.*}} : memref<1x128x200xf8E4M3FN>, vector<64xf8E4M3FN>
// CHECK-NOT:     et.pack
func.func @pack(%w: memref<1x128x200xf8E4M3FN>, %p: memref<1x4x128x64xf8E4M3FN>) {
  et.pack #et.panels<columns = 64> ins(%w : memref<1x128x200xf8E4M3FN>) outs(%p : memref<1x4x128x64xf8E4M3FN>)
  return
}

// -----

// Rows of both types become f32, and what is added to them keeps its type: these are
// two kernels.

// CHECK-LABEL: func.func @biases
// CHECK:         func.call @et_panel_6x64_f32_f8E4M3FN_f32_bias_bf16_whole_k32
// CHECK:         func.call @et_panel_6x64_f32_f8E4M3FN_f32_bias_f16_whole_k32
func.func @biases(%x: memref<?x128xbf16>, %y: memref<?x128xf16>, %w: memref<1x128x64xf8E4M3FN>, %s: memref<1x1x1xf32>,
                  %b: memref<1x64xbf16>, %c: memref<1x64xf16>, %out: memref<?x64xf32>) {
  et.grouped_matmul none ins(%x, %w : memref<?x128xbf16>, memref<1x128x64xf8E4M3FN>) bias(%b : memref<1x64xbf16>)
    scales(%s : memref<1x1x1xf32>) outs(%out : memref<?x64xf32>)
  et.grouped_matmul none ins(%y, %w : memref<?x128xf16>, memref<1x128x64xf8E4M3FN>) bias(%c : memref<1x64xf16>)
    scales(%s : memref<1x1x1xf32>) outs(%out : memref<?x64xf32>)
  return
}
