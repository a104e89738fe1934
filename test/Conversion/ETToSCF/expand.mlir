// RUN: et-opt %s --convert-et-to-scf | FileCheck %s
// RUN: et-opt %s --convert-et-to-vector | FileCheck %s --check-prefix=VECTOR

// What a fused op keeps to itself gets a buffer, freed behind the last reader.
// CHECK-LABEL: func @route
// CHECK:       %[[SCORES:.*]] = memref.alloc(%{{.*}}) : memref<?x4xf32>
// CHECK:       memref.store %{{.*}}, %[[SCORES]]
// CHECK:       memref.load %[[SCORES]]
// CHECK:       memref.store %{{.*}}, %arg5
// CHECK:       memref.dealloc %[[SCORES]]
// VECTOR-LABEL: func @route
// VECTOR-NOT:  et.route
// VECTOR-NOT:  et.scores
// VECTOR:      et.offsets
func.func @route(%x: memref<?x8xf32>, %router: memref<8x4xf32>, %theta: memref<4xf32>, %m: memref<4x?xi32>, %g: memref<?x4xf32>, %o: memref<5xi32>) {
  et.route linear #et.threshold ins(%x, %router : memref<?x8xf32>, memref<8x4xf32>) theta(%theta : memref<4xf32>)
    outs(%m, %g, %o : memref<4x?xi32>, memref<?x4xf32>, memref<5xi32>)
  return
}

// CHECK-LABEL: func @product_by_mask
// CHECK:       %[[TOKENS:.*]] = memref.alloc(%{{.*}}) : memref<?xi32>
// CHECK:       memref.store %{{.*}}, %[[TOKENS]]
// CHECK:       %[[ROWS:.*]] = memref.subview %[[TOKENS]]
// CHECK:       memref.load %[[ROWS]]
// CHECK:       memref.dealloc %[[TOKENS]]
// VECTOR-LABEL: func @product_by_mask
// VECTOR:      et.token_list
// VECTOR:      call @et_panel
func.func @product_by_mask(%x: memref<?x8xf32>, %w: memref<4x8x16xf32>, %offsets: memref<5xi32>, %mask: memref<4x?xi32>, %out: memref<?x16xf32>) {
  et.grouped_matmul relu ins(%x, %w : memref<?x8xf32>, memref<4x8x16xf32>)
    offsets(%offsets : memref<5xi32>) mask(%mask : memref<4x?xi32>) outs(%out : memref<?x16xf32>)
  return
}
