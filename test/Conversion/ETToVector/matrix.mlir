// RUN: et-opt %s --et-set-cpu-target="target=#et.cpu_target<instructions=[amx_bf16]>" --convert-et-to-vector --split-input-file | FileCheck %s
// RUN: et-opt %s --et-lower-to-cpu-pipeline="march=sapphirerapids" --split-input-file | mlir-translate --mlir-to-llvmir --split-input-file | FileCheck %s --check-prefix=LLVM

// LLVM: call x86_amx @llvm.x86.tdpbf16ps.internal(i16 16, i16 64, i16 64,

// Rows of tokens are gathered first, then 128 columns are copied in pairs of rows,
// and 16 rows of 64 columns at a time are multiplied: four sums of 16 x 16. An
// expert of at most 6 rows takes vector registers.

// CHECK-LABEL:  func.func private @et_panel_16x64_bf16_bf16_bf16_relu_whole_matrix_copied_k32
// A block is 32 KB of a panel at most; blocks have even sizes, in steps of 16.
// CHECK:          %[[MOST:.*]] = arith.constant 128 : index
// CHECK:          %[[BLOCKS:.*]] = arith.ceildivui %{{.*}}, %[[MOST]] : index
// CHECK-NEXT:     %[[ROWS:.*]] = arith.ceildivui %{{.*}}, %[[BLOCKS]] : index
// CHECK-NEXT:     %[[STEPS:.*]] = arith.ceildivui %[[ROWS]], %c16 : index
// CHECK-NEXT:     %[[BLOCK:.*]] = arith.muli %[[STEPS]], %c16 : index
// CHECK-NEXT:     scf.for %{{.*}} = %{{.*}} to %{{.*}} step %[[BLOCK]]
// Rows near the end are copied.
// CHECK:          scf.if
// The first block starts with zeros.
// CHECK:          scf.if
// CHECK-COUNT-4:    llvm.call_intrinsic "llvm.x86.tilezero.internal"
// CHECK-NOT:        tilezero
// CHECK:            scf.for {{.*}} -> (!llvm.x86_amx, !llvm.x86_amx, !llvm.x86_amx, !llvm.x86_amx)
// A step always asks for all lines that it gets to.
// CHECK-NOT:          llvm.intr.expect
// CHECK:              scf.for
// CHECK:                scf.for %[[ROW:[a-z0-9]+]] =
// CHECK-NEXT:             memref.prefetch %{{.*}}[%[[ROW]], %{{.*}}], read
// CHECK:              "llvm.intr.prefetch"(%{{.*}}) <{cache = 1 : i32, hint = 3 : i32, rw = 1 : i32}>
// The rows' register, then each column's before its product.
// CHECK:              %[[ROWS:.*]] = llvm.call_intrinsic "llvm.x86.tileloadd64.internal"
// CHECK:              %[[COLUMNS:.*]] = llvm.call_intrinsic "llvm.x86.tileloadd64.internal"
// CHECK-NEXT:         llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"({{.*}}, %[[ROWS]], %[[COLUMNS]])
// CHECK-COUNT-3:      llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"({{.*}}, %[[ROWS]],
// CHECK-NOT:          tdpbf16ps
// CHECK-COUNT-4:    llvm.call_intrinsic "llvm.x86.tilestored64.internal"
// The others go on where the last one ended.
// CHECK:          else
// CHECK-NOT:        tilezero
// CHECK-COUNT-4:    llvm.call_intrinsic "llvm.x86.tileloadd64.internal"
// CHECK:            scf.for {{.*}} -> (!llvm.x86_amx, !llvm.x86_amx, !llvm.x86_amx, !llvm.x86_amx)
// CHECK-COUNT-4:    llvm.call_intrinsic "llvm.x86.tilestored64.internal"
// CHECK:          arith.maximumf {{.*}} vector<16xf32>
// CHECK:          vector.transfer_write

// CHECK-LABEL:  func.func private @et_copy_128_bf16_bf16_pairs_whole
// CHECK:          scf.for %[[PAIR:[a-z0-9]+]] =
// CHECK:            vector.transfer_read {{.*}} vector<32xbf16>
// CHECK:            vector.transfer_read {{.*}} vector<32xbf16>
// CHECK:            vector.interleave {{.*}} : vector<32xbf16> -> vector<64xbf16>
// CHECK-NEXT:       vector.transfer_write %{{.*}}, %{{.*}}[%[[PAIR]],

// CHECK-LABEL:  func.func @gathered
// CHECK:          llvm.call @et_use_matrices
// CHECK:          %[[ROWS:.*]] = memref.alloc({{.*}} : memref<?x?xbf16>
// CHECK:          scf.parallel
// CHECK:            memref.load %{{.*}} : memref<?xi32>
// CHECK:            vector.transfer_write {{.*}} vector<32xbf16>
// CHECK:          omp.parallel
// CHECK:            func.call @et_panel_6x64_bf16_bf16_bf16_relu_tokens_whole_k32
// CHECK:            func.call @et_panel_6x64_bf16_f32_bf16_relu_tokens_whole_copied_bf16_k32
// CHECK:            func.call @et_copy_128_bf16_bf16_pairs_whole
// CHECK:            func.call @et_panel_16x64
// CHECK:          memref.dealloc %[[ROWS]]
func.func @gathered(%x: memref<?x128xbf16>, %w: memref<4x128x256xbf16>, %offsets: memref<5xi32>,
                    %tokens: memref<?xi32>, %out: memref<?x256xbf16>) {
  et.grouped_matmul relu ins(%x, %w : memref<?x128xbf16>, memref<4x128x256xbf16>)
    offsets(%offsets : memref<5xi32>) tokens(%tokens : memref<?xi32>)
    outs(%out : memref<?x256xbf16>)
  return
}

// -----

// LLVM: call x86_amx @llvm.x86.tdpbf16ps.internal

// Rows that are whole already stay where they are.

// CHECK-LABEL: func.func @in_place
// CHECK-COUNT-1: memref.alloc
// CHECK-NOT:     memref.alloc
func.func @in_place(%x: memref<?x128xbf16>, %w: memref<1x128x256xbf16>, %out: memref<?x256xf32>) {
  et.grouped_matmul none ins(%x, %w : memref<?x128xbf16>, memref<1x128x256xbf16>)
    outs(%out : memref<?x256xf32>)
  return
}

// -----

// Other types are multiplied in vector registers.

// CHECK-LABEL: func.func private @et_panel_6x64_f32_f32_f32_whole_copied_f16_k32
// CHECK-LABEL: func.func @other_types
func.func @other_types(%x: memref<?x128xf16>, %w: memref<1x128x256xf16>, %out: memref<?x256xf32>) {
  et.grouped_matmul none ins(%x, %w : memref<?x128xf16>, memref<1x128x256xf16>)
    outs(%out : memref<?x256xf32>)
  return
}
