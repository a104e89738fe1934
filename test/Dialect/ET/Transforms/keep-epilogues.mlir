// Whatever makes a product anew keeps its epilogue.

// RUN: et-opt %s --et-fuse-gather | FileCheck %s --check-prefixes=CHECK,GATHER
// RUN: et-opt %s --et-fuse-gather --et-fuse-token-list | FileCheck %s --check-prefixes=CHECK,MASK
// RUN: et-opt %s --et-pair-products | FileCheck %s --check-prefixes=CHECK
// RUN: et-opt %s --et-set-cpu-target=march=x86-64-v4 --et-pack-weights | FileCheck %s --check-prefixes=CHECK,PACKED
// RUN: et-opt %s --canonicalize --cse | FileCheck %s
// RUN: et-opt %s --one-shot-bufferize | FileCheck %s --check-prefixes=CHECK,BUFFERS
// RUN: et-opt %s --et-fuse-gather --et-fuse-token-list --one-shot-bufferize="bufferize-function-boundaries" --convert-et-to-scf | FileCheck %s --check-prefix=LOOPS

// CHECK-LABEL: func @gathered
// GATHER:      et.grouped_matmul relu {{.*}} tokens(
// MASK:        et.grouped_matmul relu {{.*}} mask(
// PACKED:      et.grouped_matmul relu {{.*}} panels(
// BUFFERS:     et.grouped_matmul relu {{.*}} memref<?x16xf32>
// CHECK:       epilogue(%[[V:.*]]) {
// CHECK-NEXT:    %[[ROOT:.*]] = math.sqrt %[[V]] : f32
// CHECK-NEXT:    et.yield %[[ROOT]]
// CHECK-NEXT:  }
// LOOPS-LABEL: func @gathered
// LOOPS:         %[[ROOT:.*]] = math.sqrt %{{.*}} : f32
// LOOPS:         memref.store %[[ROOT]]
func.func @gathered(%x: tensor<64x8xf32>, %w: tensor<4x8x16xf32> {et.weight = "w"}, %m: tensor<4x2xi32>, %o: tensor<5xi32>, %l: tensor<?xi32>, %rows: tensor<?x8xf32>,
                    %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %t = et.token_list ins(%m, %o : tensor<4x2xi32>, tensor<5xi32>) outs(%l : tensor<?xi32>)
  %g = et.gather ins(%x, %t, %o : tensor<64x8xf32>, tensor<?xi32>, tensor<5xi32>) outs(%rows : tensor<?x8xf32>)
  %y = et.grouped_matmul relu ins(%g, %w : tensor<?x8xf32>, tensor<4x8x16xf32>) offsets(%o : tensor<5xi32>) outs(%out : tensor<?x16xf32>) epilogue(%v) {
    %root = math.sqrt %v : f32
    et.yield %root
  }
  return %y : tensor<?x16xf32>
}

// Products that differ in their epilogues alone are two, and keep their own.
// CHECK-LABEL: func @two
// CHECK:       et.grouped_matmul none {{.*}} epilogue(%[[V:.*]]) {
// CHECK:         %[[A1:.*]] = arith.subf %[[V]], %{{.*}} : f32
// CHECK-NEXT:    et.yield %[[A1]]
// CHECK:       et.grouped_matmul none {{.*}} epilogue(%[[V:.*]]) {
// CHECK:         %[[B1:.*]] = arith.subf %{{.*}}, %[[V]] : f32
// CHECK-NEXT:    et.yield %[[B1]]
func.func @two(%x: tensor<4x8xf32>, %w: tensor<1x8x16xf32>, %out: tensor<4x16xf32>) -> (tensor<4x16xf32>, tensor<4x16xf32>) {
  %a = et.grouped_matmul none ins(%x, %w : tensor<4x8xf32>, tensor<1x8x16xf32>) outs(%out : tensor<4x16xf32>) epilogue(%v) {
    %one = arith.constant 1.0 : f32
    %d = arith.subf %v, %one : f32
    et.yield %d
  }
  %b = et.grouped_matmul none ins(%x, %w : tensor<4x8xf32>, tensor<1x8x16xf32>) outs(%out : tensor<4x16xf32>) epilogue(%v) {
    %one = arith.constant 1.0 : f32
    %d = arith.subf %one, %v : f32
    et.yield %d
  }
  return %a, %b : tensor<4x16xf32>, tensor<4x16xf32>
}
