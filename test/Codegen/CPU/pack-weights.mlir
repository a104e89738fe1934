// RUN: et-opt %s -split-input-file --et-set-cpu-target=march=x86-64-v4 --et-pack-weights --cse | FileCheck %s --check-prefixes=CHECK,AVX512
// RUN: et-opt %s -split-input-file --et-set-cpu-target=march=x86-64-v3 --et-pack-weights --cse | FileCheck %s --check-prefixes=CHECK,AVX2
// RUN: et-opt %s -split-input-file --et-set-cpu-target=march=sapphirerapids --et-pack-weights --cse | FileCheck %s --check-prefixes=CHECK,AMX
// RUN: et-opt %s -split-input-file --et-set-cpu-target=march=znver5 --et-pack-weights --cse | FileCheck %s --check-prefixes=CHECK,PAIRS
// RUN: et-opt %s -split-input-file --et-set-cpu-target=march=cooperlake --et-pack-weights --cse | FileCheck %s --check-prefixes=CHECK,NO-TABLES
// RUN: et-opt %s -split-input-file --et-set-cpu-target=march=x86-64-v4 --et-pack-weights --remarks-filter=et-pack-weights --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// The layout is that of the kernel's tile, which is narrower for two products.
// CHECK-LABEL: func @f32
// AVX512-DAG: et.pack #et.panels<columns = 64> ins(%arg1
// AVX512-DAG: et.pack #et.panels<columns = 32> ins(%arg2
// AVX512-DAG: et.pack #et.panels<columns = 32> ins(%arg3
// AVX2-DAG: et.pack #et.panels<columns = 16> ins(%arg1
// AVX2-DAG: et.pack #et.panels<columns = 8> ins(%arg2
// AVX2-DAG: et.pack #et.panels<columns = 8> ins(%arg3
// AMX: et.pack #et.panels<columns = 64> ins(%arg1 : {{.*}} outs(%{{.*}} : tensor<4x2x40x64xf32>)
// AVX512: et.grouped_matmul relu {{.*}} panels(#et.panels<columns = 64>)
// AVX512: et.grouped_matmul silu {{.*}} panels(#et.panels<columns = 32>)
// REMARK: remark: [Passed] packing | Category:et-pack-weights | Function=f32 | Remark="packed: w"
// REMARK: remark: [Passed] packing | Category:et-pack-weights | Function=f32 | Remark="packed: u, g"
func.func @f32(%x: tensor<?x40xf32>, %w: tensor<4x40x100xf32> {et.weight = "w"}, %u: tensor<4x40x100xf32> {et.weight = "u"},
               %g: tensor<4x40x100xf32> {et.weight = "g"}, %o: tensor<5xi32>, %init: tensor<?x100xf32>)
    -> (tensor<?x100xf32>, tensor<?x100xf32>) {
  %0 = et.grouped_matmul relu ins(%x, %w : tensor<?x40xf32>, tensor<4x40x100xf32>) offsets(%o : tensor<5xi32>)
    outs(%init : tensor<?x100xf32>)
  %1 = et.grouped_matmul silu ins(%x, %u : tensor<?x40xf32>, tensor<4x40x100xf32>) offsets(%o : tensor<5xi32>)
    gate(%g : tensor<4x40x100xf32>) outs(%init : tensor<?x100xf32>)
  return %0, %1 : tensor<?x100xf32>, tensor<?x100xf32>
}

// -----

// bf16 lies in pairs of steps, for products of pairs or to be widened; matrix registers
// take a depth that is a multiple of 32.
// CHECK-LABEL: func @bf16
// AMX: et.pack #et.panels<columns = 64, interleave = 2, step = 32> ins(%arg1 : tensor<4x40x100xbf16>) outs(%{{.*}} : tensor<4x2x32x128xbf16>)
// PAIRS: et.pack #et.panels<columns = 64, interleave = 2, step = 2> ins(%arg1 : tensor<4x40x100xbf16>) outs(%{{.*}} : tensor<4x2x20x128xbf16>)
// AVX512: et.pack #et.panels<columns = 64, interleave = 2, step = 2> ins(%arg1 : tensor<4x40x100xbf16>)
func.func @bf16(%x: tensor<?x40xbf16>, %w: tensor<4x40x100xbf16> {et.weight = "w"}, %o: tensor<5xi32>, %init: tensor<?x100xbf16>)
    -> tensor<?x100xbf16> {
  %0 = et.grouped_matmul none ins(%x, %w : tensor<?x40xbf16>, tensor<4x40x100xbf16>) offsets(%o : tensor<5xi32>)
    outs(%init : tensor<?x100xbf16>)
  return %0 : tensor<?x100xbf16>
}

// -----

// One packing for two products; what is a weight but for its shape is one too.
// CHECK-LABEL: func @shared
// CHECK-COUNT-1: et.pack
// CHECK-NOT: et.pack
// CHECK: %[[Y:.*]] = et.grouped_matmul
// CHECK: et.grouped_matmul none ins(%[[Y]]
func.func @shared(%x: tensor<?x64xf32>, %w: tensor<64x64xf32> {et.weight = "w"}, %init: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %one = tensor.expand_shape %w [[0, 1], [2]] output_shape [1, 64, 64] : tensor<64x64xf32> into tensor<1x64x64xf32>
  %0 = et.grouped_matmul relu ins(%x, %one : tensor<?x64xf32>, tensor<1x64x64xf32>) outs(%init : tensor<?x64xf32>)
  %1 = et.grouped_matmul none ins(%0, %one : tensor<?x64xf32>, tensor<1x64x64xf32>) outs(%init : tensor<?x64xf32>)
  return %1 : tensor<?x64xf32>
}

// -----

// Constants are weights.
// CHECK-LABEL: func @constant
// CHECK: et.pack
func.func @constant(%x: tensor<?x2xf32>, %init: tensor<?x1xf32>) -> tensor<?x1xf32> {
  %w = arith.constant dense<[[[1.0], [2.0]]]> : tensor<1x2x1xf32>
  %0 = et.grouped_matmul relu ins(%x, %w : tensor<?x2xf32>, tensor<1x2x1xf32>) outs(%init : tensor<?x1xf32>)
  return %0 : tensor<?x1xf32>
}

// -----

// Arguments that are not weights, and weights of no known size, stay.
// CHECK-LABEL: func @no_weights
// CHECK-NOT: et.pack
// CHECK: return
// REMARK: remark: [Missed] packing | Category:et-pack-weights | Function=no_weights | Reason="it reads values that are neither arguments with an et.weight attribute nor constants", Remark="in rows: weights without a name"
// REMARK: remark: [Missed] packing | {{.*}} | Reason="its weights have sizes that are not known, or are empty", Remark="in rows: d"
func.func @no_weights(%x: tensor<?x8xf32>, %k: tensor<1x8x16xf32> {et.name = "keys"}, %d: tensor<1x8x?xf32> {et.weight = "d"},
                      %init: tensor<?x16xf32>, %wide: tensor<?x?xf32>) -> (tensor<?x16xf32>, tensor<?x?xf32>) {
  %0 = et.grouped_matmul none ins(%x, %k : tensor<?x8xf32>, tensor<1x8x16xf32>) outs(%init : tensor<?x16xf32>)
  %1 = et.grouped_matmul none ins(%x, %d : tensor<?x8xf32>, tensor<1x8x?xf32>) outs(%wide : tensor<?x?xf32>)
  return %0, %1 : tensor<?x16xf32>, tensor<?x?xf32>
}

// -----

// Nor are those of a function with callers packed, nor a second time.
// CHECK-LABEL: func @callee
// CHECK-NOT: et.pack
// CHECK-LABEL: func @caller
func.func @callee(%x: tensor<?x8xf32>, %w: tensor<1x8x16xf32> {et.weight = "w"}, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %0 = et.grouped_matmul none ins(%x, %w : tensor<?x8xf32>, tensor<1x8x16xf32>) outs(%init : tensor<?x16xf32>)
  return %0 : tensor<?x16xf32>
}
func.func @caller(%x: tensor<?x8xf32>, %w: tensor<1x8x16xf32> {et.weight = "w"}, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %0 = call @callee(%x, %w, %init) : (tensor<?x8xf32>, tensor<1x8x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}
// CHECK-LABEL: func @packed
// CHECK-NOT: et.pack
// CHECK: panels(#et.panels<columns = 4>)
func.func @packed(%x: tensor<?x8xf32>, %p: tensor<1x4x8x4xf32> {et.weight = "p"}, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %0 = et.grouped_matmul none ins(%x, %p : tensor<?x8xf32>, tensor<1x4x8x4xf32>) panels(#et.panels<columns = 4>)
    outs(%init : tensor<?x16xf32>)
  return %0 : tensor<?x16xf32>
}

// -----

// Weights of 8 bits have panels of one step of K, whose columns have one scale.
// CHECK-LABEL: func @scaled
// CHECK: et.pack #et.panels<columns = {{64|16}}> ins(%{{.*}} : tensor<1x40x100xf8E4M3FN>)
// CHECK: et.grouped_matmul relu ins(%{{.*}} : tensor<?x40xf32>, tensor<1x{{2x40x64|7x40x16}}xf8E4M3FN>)
// REMARK: remark: [Passed] packing | Category:et-pack-weights | Function=scaled | Remark="packed: w"
func.func @scaled(%x: tensor<?x40xf32>, %w: tensor<1x40x100xf8E4M3FN> {et.weight = "w"}, %s: tensor<1x1x1xf32>, %init: tensor<?x100xf32>)
    -> tensor<?x100xf32> {
  %0 = et.grouped_matmul relu ins(%x, %w : tensor<?x40xf32>, tensor<1x40x100xf8E4M3FN>) scales(%s : tensor<1x1x1xf32>)
    outs(%init : tensor<?x100xf32>)
  return %0 : tensor<?x100xf32>
}

// -----

// Rows of bf16 meet them as pairs, where bytes can be looked up and pairs multiplied.
// CHECK-LABEL: func @scaled_pairs
// PAIRS: et.pack #et.panels<columns = 64, interleave = 2, step = 2> ins(%{{.*}} : tensor<1x40x100xf8E4M3FN>)
// AMX: et.pack #et.panels<columns = 64, interleave = 2, step = 2> ins(%{{.*}} : tensor<1x40x100xf8E4M3FN>)
// AVX512: et.pack #et.panels<columns = 64> ins(%{{.*}} : tensor<1x40x100xf8E4M3FN>)
// NO-TABLES: et.pack #et.panels<columns = 64> ins(%{{.*}} : tensor<1x40x100xf8E4M3FN>)
// AVX2: et.pack #et.panels<columns = 16> ins(%{{.*}} : tensor<1x40x100xf8E4M3FN>)
func.func @scaled_pairs(%x: tensor<?x40xbf16>, %w: tensor<1x40x100xf8E4M3FN> {et.weight = "w"}, %s: tensor<1x1x1xf32>, %init: tensor<?x100xf32>)
    -> tensor<?x100xf32> {
  %0 = et.grouped_matmul relu ins(%x, %w : tensor<?x40xbf16>, tensor<1x40x100xf8E4M3FN>) scales(%s : tensor<1x1x1xf32>)
    outs(%init : tensor<?x100xf32>)
  return %0 : tensor<?x100xf32>
}

// -----

// What has a weight's elements in another order, or a part of them, is packed too; two a
// byte are not.
// CHECK-LABEL: func @rearranged
// CHECK: %[[T:.*]] = linalg.transpose ins(%arg1 :
// CHECK: et.pack {{.*}} ins(%[[T]] :
// CHECK: %[[S:.*]] = tensor.extract_slice %arg2
// CHECK: et.pack {{.*}} ins(%[[S]] :
// REMARK: remark: [Passed] packing | Category:et-pack-weights | Function=rearranged | Remark="packed: w, gu"
// REMARK: remark: [Missed] packing | {{.*}} | Function=rearranged | Reason="its weights are several an element", Remark="in rows: h"
func.func @rearranged(%x: tensor<?x40xf32>, %w: tensor<1x64x40xf32> {et.weight = "w"}, %gu: tensor<1x40x128xf32> {et.weight = "gu"},
                      %h: tensor<1x40x32xi8> {et.weight = "h"}, %s: tensor<1x1x64xf32>, %init: tensor<?x64xf32>)
    -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %e = tensor.empty() : tensor<1x40x64xf32>
  %t = linalg.transpose ins(%w : tensor<1x64x40xf32>) outs(%e : tensor<1x40x64xf32>) permutation = [0, 2, 1]
  %g = tensor.extract_slice %gu[0, 0, 1] [1, 40, 64] [1, 1, 2] : tensor<1x40x128xf32> to tensor<1x40x64xf32>
  %0 = et.grouped_matmul silu ins(%x, %t : tensor<?x40xf32>, tensor<1x40x64xf32>) gate(%g : tensor<1x40x64xf32>)
    outs(%init : tensor<?x64xf32>)
  %1 = et.grouped_matmul silu ins(%x, %h : tensor<?x40xf32>, tensor<1x40x32xi8>)
    format(#et.blocks<element = i4, k = all, n = 1>) scales(%s : tensor<1x1x64xf32>) outs(%init : tensor<?x64xf32>)
  return %0, %1 : tensor<?x64xf32>, tensor<?x64xf32>
}
