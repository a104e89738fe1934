// The stock mlir-opt knows the dialect and its passes by the plugin alone. It
// was not built with the sanitizers, so that it cannot load code that was.
// UNSUPPORTED: asan
// RUN: not %mlir_opt %s 2>&1 | FileCheck %s --check-prefix=WITHOUT
// RUN: %mlir_opt %s --load-dialect-plugin=%et_plugin --load-pass-plugin=%et_plugin \
// RUN:   --pass-pipeline='builtin.module(et-decompose-expert-ffn, one-shot-bufferize{bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map}, convert-et-to-scf, canonicalize)' \
// RUN:   | FileCheck %s

// Loaded twice, or into a tool that has all of it, it changes nothing.
// RUN: %mlir_opt %s --load-dialect-plugin=%et_plugin --load-pass-plugin=%et_plugin \
// RUN:   --load-dialect-plugin=%et_plugin --load-pass-plugin=%et_plugin \
// RUN:   --pass-pipeline='builtin.module(et-decompose-expert-ffn)' > %t.mlir
// RUN: et-opt %s --load-dialect-plugin=%et_plugin --load-pass-plugin=%et_plugin \
// RUN:   --pass-pipeline='builtin.module(et-decompose-expert-ffn)' | cmp - %t.mlir

// WITHOUT: Dialect `et' not found

// CHECK-LABEL: func.func @ffn
// CHECK-NOT:     et.
// CHECK:         scf.for
// CHECK-NOT:     et.
// CHECK:         return
func.func @ffn(%x: tensor<?x8xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>,
               %offsets: tensor<5xi32>, %tokens: tensor<?xi32>,
               %pairs: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = et.expert_ffn gelu
      ins(%x, %w1, %w2 : tensor<?x8xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
      offsets(%offsets : tensor<5xi32>) tokens(%tokens : tensor<?xi32>)
      outs(%pairs : tensor<?x8xf32>)
  return %y : tensor<?x8xf32>
}
