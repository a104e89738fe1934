// RUN: et-opt %s --et-spread-rows --split-input-file | FileCheck %s
// RUN: et-opt %s --convert-et-to-vector --split-input-file | FileCheck %s --check-prefix=COPY
// RUN: et-opt %s --et-spread-rows --convert-et-to-vector --split-input-file | FileCheck %s --check-prefix=BOTH
// RUN: et-opt %s --et-set-cpu-target="target=#et.cpu_target<vector_bits=1024>" --convert-et-to-vector --split-input-file | FileCheck %s --check-prefix=WIDE

// Hidden units of 4 KB a row get rows of an odd number of lines, and are not copied
// then. Without the pass they are, and so are the function's own rows of 8 KB, for the
// first product, if an expert has more rows than a tile and the tokens are not twice as
// many as the pairs.

// CHECK-LABEL: func.func @layer
// CHECK:         %[[PAIRS:.*]] = memref.dim
// CHECK:         %[[SOME:.*]] = arith.maxui %[[PAIRS]], %c1 : index
// CHECK:         %[[ALL:.*]] = memref.alloc(%[[SOME]]) {alignment = 64 : i64} : memref<?x1040xf32>
// CHECK-NEXT:    %[[HIDDEN:.*]] = memref.subview %[[ALL]][0, 0] [%[[PAIRS]], 1024] [1, 1]
// CHECK:         et.grouped_matmul relu {{.*}} outs(%[[HIDDEN]] : memref<?x1024xf32, strided<[1040, 1]>>)
// CHECK-NEXT:    et.grouped_matmul none ins(%[[HIDDEN]],
// CHECK-NEXT:    memref.dealloc %[[ALL]] : memref<?x1040xf32>

// COPY-LABEL: func.func @layer
// COPY:         %[[TOKENS:.*]] = memref.dim %arg0, %c0
// COPY:         %[[REUSED:.*]] = arith.cmpi ugt, %{{.*}}, %c6 : index
// COPY:         %[[TWICE:.*]] = arith.muli %{{.*}}, %c2 : index
// COPY:         %[[TAKEN:.*]] = arith.cmpi ule, %[[TOKENS]], %[[TWICE]] : index
// COPY:         %[[PAYS:.*]] = arith.andi %[[REUSED]], %[[TAKEN]] : i1
// COPY:         %[[ROWS:.*]] = arith.select %[[PAYS]], %[[TOKENS]], %c0 : index
// COPY:         %[[SOME:.*]] = arith.maxui %[[ROWS]], %c1 : index
// COPY:         %[[X:.*]] = memref.alloc(%[[SOME]], %c2064) {{.*}} : memref<?x?xf32>
// COPY-NEXT:    scf.if %[[PAYS]]
// COPY-NEXT:      scf.parallel (%[[T:.*]]) =
// COPY-NEXT:        scf.for %[[K:.*]] = %c0 to %c2048 step %c16
// COPY-NEXT:          %[[V:.*]] = vector.transfer_read %arg0[%[[T]], %[[K]]]
// COPY-NEXT:          vector.transfer_write %[[V]], %[[X]][%[[T]], %[[K]]]
// COPY:         arith.select %[[PAYS]], %{{.*}}, %{{.*}} : memref<?x?xf32, strided<[?, 1], offset: ?>>
// COPY:         omp.parallel
// COPY:         memref.dealloc %[[X]]
// COPY:         %[[H:.*]] = memref.alloc(%{{.*}}, %c1040) {{.*}} : memref<?x?xf32>
// COPY:         omp.parallel
// COPY:         memref.dealloc %[[H]]

// BOTH-LABEL: func.func @layer
// BOTH:         memref.alloc(%{{.*}}, %c2064)
// BOTH:         memref.dealloc %{{.*}} : memref<?x?xf32>
// BOTH-NOT:     memref<?x?xf32>
// BOTH:         omp.parallel
func.func @layer(%x: memref<?x2048xf32>, %w1: memref<4x2048x1024xf32>, %w2: memref<4x1024x2048xf32>,
                 %offsets: memref<5xi32>, %tokens: memref<?xi32>, %out: memref<?x2048xf32>) {
  %c0 = arith.constant 0 : index
  %pairs = memref.dim %tokens, %c0 : memref<?xi32>
  %hidden = memref.alloc(%pairs) {alignment = 64 : i64} : memref<?x1024xf32>
  et.grouped_matmul relu ins(%x, %w1 : memref<?x2048xf32>, memref<4x2048x1024xf32>)
    offsets(%offsets : memref<5xi32>) tokens(%tokens : memref<?xi32>) outs(%hidden : memref<?x1024xf32>)
  et.grouped_matmul none ins(%hidden, %w2 : memref<?x1024xf32>, memref<4x1024x2048xf32>)
    offsets(%offsets : memref<5xi32>) outs(%out : memref<?x2048xf32>)
  memref.dealloc %hidden : memref<?x1024xf32>
  return
}

// -----

// A line of bf16 has 32 of them. Rows of 6 KB lie in different sets as they are; what
// other ops use, and what no product multiplies, stays.

// CHECK-LABEL: func.func @others
// CHECK-DAG:     memref.alloc() : memref<8x2080xbf16>
// CHECK-DAG:     memref.alloc() : memref<8x1536xf32>
// CHECK-DAG:     memref.alloc() : memref<8x1024xf32>
// CHECK-DAG:     memref.alloc() : memref<8x2048xf32>
// CHECK-DAG:     memref.alloc() : memref<8x512xindex>
// CHECK-DAG:     memref.alloc() : memref<8x512xcomplex<f32>>
func.func @others(%x: memref<8x32xbf16>, %v: memref<8x32xf32>, %w1: memref<1x32x2048xbf16>,
                  %w2: memref<1x2048x32xbf16>, %w3: memref<1x32x1536xf32>, %w4: memref<1x1536x1024xf32>,
                  %w5: memref<1x1024x2048xf32>, %out: memref<8x32xbf16>) -> memref<8x1024xf32> {
  %small = memref.alloc() : memref<8x2048xbf16>
  et.grouped_matmul relu ins(%x, %w1 : memref<8x32xbf16>, memref<1x32x2048xbf16>)
    outs(%small : memref<8x2048xbf16>)
  et.grouped_matmul none ins(%small, %w2 : memref<8x2048xbf16>, memref<1x2048x32xbf16>)
    outs(%out : memref<8x32xbf16>)
  %narrow = memref.alloc() : memref<8x1536xf32>
  et.grouped_matmul relu ins(%v, %w3 : memref<8x32xf32>, memref<1x32x1536xf32>)
    outs(%narrow : memref<8x1536xf32>)
  %returned = memref.alloc() : memref<8x1024xf32>
  et.grouped_matmul none ins(%narrow, %w4 : memref<8x1536xf32>, memref<1x1536x1024xf32>)
    outs(%returned : memref<8x1024xf32>)
  %last = memref.alloc() : memref<8x2048xf32>
  et.grouped_matmul none ins(%returned, %w5 : memref<8x1024xf32>, memref<1x1024x2048xf32>)
    outs(%last : memref<8x2048xf32>)
  %indices = memref.alloc() : memref<8x512xindex>
  %complex = memref.alloc() : memref<8x512xcomplex<f32>>
  memref.dealloc %indices : memref<8x512xindex>
  memref.dealloc %complex : memref<8x512xcomplex<f32>>
  memref.dealloc %small : memref<8x2048xbf16>
  memref.dealloc %narrow : memref<8x1536xf32>
  memref.dealloc %last : memref<8x2048xf32>
  return %returned : memref<8x1024xf32>
}

// -----

// Nothing has no rows to spread, and the rows of a copy of nothing have no place.

// CHECK-LABEL: func.func @nothing
// CHECK:         memref.alloc() : memref<0x1024xf32>
// CHECK-NOT:     memref.alloc
// BOTH-LABEL: func.func @nothing
// BOTH:         memref.alloc(%{{.*}}, %c1040)
func.func @nothing(%x: memref<0x16xf32>, %w1: memref<1x16x1024xf32>, %w2: memref<1x1024x256xf32>,
                   %out: memref<0x256xf32>) {
  %hidden = memref.alloc() : memref<0x1024xf32>
  et.grouped_matmul relu ins(%x, %w1 : memref<0x16xf32>, memref<1x16x1024xf32>)
    outs(%hidden : memref<0x1024xf32>)
  et.grouped_matmul none ins(%hidden, %w2 : memref<0x1024xf32>, memref<1x1024x256xf32>)
    outs(%out : memref<0x256xf32>)
  memref.dealloc %hidden : memref<0x1024xf32>
  return
}

// -----

// A copy is not worth 255 columns.

// COPY-LABEL: func.func @few_columns
// COPY-NOT:     memref.alloc({{.*}} : memref<?x?xf32>
// COPY:         omp.parallel
func.func @few_columns(%x: memref<?x1024xf32>, %w: memref<1x1024x255xf32>, %out: memref<?x255xf32>) {
  et.grouped_matmul none ins(%x, %w : memref<?x1024xf32>, memref<1x1024x255xf32>)
    outs(%out : memref<?x255xf32>)
  return
}

// -----

// Vectors longer than a line are written whole, too.

// WIDE-LABEL: func.func @long_vectors
// WIDE:         memref.alloc(%{{.*}}, %c80) {{.*}} : memref<?x?xf32>
// WIDE:         scf.for %{{.*}} = %c0 to %c40 step %c32
func.func @long_vectors(%x: memref<?x40xbf16>, %w: memref<1x40x64xbf16>, %out: memref<?x64xbf16>) {
  et.grouped_matmul none ins(%x, %w : memref<?x40xbf16>, memref<1x40x64xbf16>)
    outs(%out : memref<?x64xbf16>)
  return
}
