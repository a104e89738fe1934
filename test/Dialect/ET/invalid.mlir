// RUN: et-opt %s -split-input-file -verify-diagnostics

// What all ops have in common: destination style [C0], sizes that agree [C1]
// and derived sizes [C2]. Rules of single ops are in the other *-invalid.mlir.

//===----------------------------------------------------------------------===//
// Tensors or memrefs
//===----------------------------------------------------------------------===//

func.func @f(%x: memref<?x8xf32>, %router: tensor<8x4xf32>, %out: tensor<?x4xf32>) {
  // expected-error@+1 {{'et.scores' op mixes tensor and memref operands [C0]}}
  %0 = et.scores linear ins(%x, %router : memref<?x8xf32>, tensor<8x4xf32>) outs(%out : tensor<?x4xf32>)
  return
}

// -----

func.func @f(%r: tensor<64x4xf32>, %theta: tensor<4xf32>, %m: tensor<4x2xi32>, %g: memref<64x4xf32>) {
  // expected-error@+1 {{'et.gate' op mixes tensor and memref operands [C0]}}
  %0 = et.gate #et.threshold ins(%r : tensor<64x4xf32>) theta(%theta : tensor<4xf32>)
    outs(%m, %g : tensor<4x2xi32>, memref<64x4xf32>)
  return
}

// -----

func.func @f(%pairs: memref<?x8xf32>, %gates: memref<?x4xf32>, %mask: memref<4x?xi32>, %offsets: memref<5xi32>,
             %shared: tensor<?x8xf32>, %out: memref<?x8xf32>) {
  // expected-error@+1 {{'et.combine' op mixes tensor and memref operands [C0]}}
  et.combine ins(%pairs, %gates, %mask, %offsets : memref<?x8xf32>, memref<?x4xf32>, memref<4x?xi32>, memref<5xi32>)
    shared(%shared : tensor<?x8xf32>) outs(%out : memref<?x8xf32>)
  return
}

// -----

func.func @f(%m: tensor<4xf32>, %theta: tensor<4xf32>) {
  // expected-error@+1 {{'et.ema_update' op expected the number of tensor results (0) to be equal to the number of output tensors (1)}}
  "et.ema_update"(%m, %theta) : (tensor<4xf32>, tensor<4xf32>) -> ()
  return
}

// -----

func.func @f(%m: tensor<4xf32>, %theta: tensor<4xf32>) {
  // expected-error@+1 {{'et.ema_update' op expected type of operand #1 ('tensor<4xf32>') to match type of corresponding result ('tensor<?xf32>')}}
  %0 = "et.ema_update"(%m, %theta) : (tensor<4xf32>, tensor<4xf32>) -> tensor<?xf32>
  return
}

// -----

func.func @f(%m: memref<4xf32>, %theta: memref<4xf32>) {
  // expected-error@+1 {{'et.ema_update' op expected the number of tensor results (1) to be equal to the number of output tensors (0)}}
  %0 = "et.ema_update"(%m, %theta) : (memref<4xf32>, memref<4xf32>) -> tensor<4xf32>
  return
}

// -----

//===----------------------------------------------------------------------===//
// Ranks and element types
//===----------------------------------------------------------------------===//

func.func @f(%m: tensor<*xf32>, %theta: tensor<4xf32>) {
  // expected-error@+1 {{'et.ema_update' op operand #0 must be 1-D tensor or memref of f32, but got 'tensor<*xf32>'}}
  %0 = et.ema_update ins(%m : tensor<*xf32>) outs(%theta : tensor<4xf32>)
  return
}

// -----

func.func @f(%m: tensor<4xf32>, %theta: tensor<*xf32>) {
  // expected-error@+1 {{'et.ema_update' op operand #1 must be 1-D tensor or memref of f32}}
  %0 = et.ema_update ins(%m : tensor<4xf32>) outs(%theta : tensor<*xf32>)
  return
}

// -----

func.func @f(%m: memref<*xf32>, %theta: memref<4xf32>) {
  // expected-error@+1 {{operand #0 must be 1-D tensor or memref of f32, but got 'memref<*xf32>'}}
  et.ema_update ins(%m : memref<*xf32>) outs(%theta : memref<4xf32>)
  return
}

// -----

func.func @f(%m: f32, %theta: tensor<4xf32>) {
  // expected-error@+1 {{operand #0 must be 1-D tensor or memref of f32, but got 'f32'}}
  %0 = et.ema_update ins(%m : f32) outs(%theta : tensor<4xf32>)
  return
}

// -----

func.func @f(%x: vector<4x8xf32>, %router: tensor<8x4xf32>, %out: tensor<4x4xf32>) {
  // expected-error@+1 {{operand #0 must be 2-D tensor or memref of f32, f16 or bf16, but got 'vector<4x8xf32>'}}
  %0 = et.scores linear ins(%x, %router : vector<4x8xf32>, tensor<8x4xf32>) outs(%out : tensor<4x4xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf64>, %router: tensor<8x4xf64>, %out: tensor<?x4xf32>) {
  // expected-error@+1 {{operand #0 must be 2-D tensor or memref of f32, f16 or bf16, but got 'tensor<?x8xf64>'}}
  %0 = et.scores linear ins(%x, %router : tensor<?x8xf64>, tensor<8x4xf64>) outs(%out : tensor<?x4xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xbf16>, %router: tensor<8x4xbf16>, %out: tensor<?x4xbf16>) {
  // Scores are compared in f32, so they are not stored in less.
  // expected-error@+1 {{operand #2 must be 2-D tensor or memref of f32, but got 'tensor<?x4xbf16>'}}
  %0 = et.scores linear ins(%x, %router : tensor<?x8xbf16>, tensor<8x4xbf16>) outs(%out : tensor<?x4xbf16>)
  return
}

// -----

func.func @f(%r: tensor<64x4xf32>, %m: tensor<4x2xi64>, %g: tensor<64x4xf32>) {
  // expected-error@+1 {{operand #1 must be 2-D tensor or memref of i32, but got 'tensor<4x2xi64>'}}
  %0:2 = et.gate #et.top_k<k = 1> ins(%r : tensor<64x4xf32>) outs(%m, %g : tensor<4x2xi64>, tensor<64x4xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<8x16xf32>, %out: tensor<?x16xf32>) {
  // expected-error@+1 {{operand #1 must be 3-D or (packed) 4-D tensor or memref of f32, f16, bf16, f8E4M3FN or i8, but got 'tensor<8x16xf32>'}}
  %0 = et.grouped_matmul none ins(%x, %w : tensor<?x8xf32>, tensor<8x16xf32>) outs(%out : tensor<?x16xf32>)
  return
}

// -----

//===----------------------------------------------------------------------===//
// Generic form
//===----------------------------------------------------------------------===//

func.func @f() {
  // expected-error@+1 {{expected 3 operands, but found 0}}
  "et.scores"() <{kind = #et<score_kind linear>}> : () -> ()
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %out: tensor<?x4xf32>) {
  // expected-error@+1 {{'et.scores' op requires attribute 'kind'}}
  %0 = "et.scores"(%x, %router, %out) : (tensor<?x8xf32>, tensor<8x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %out: tensor<?x4xf32>) {
  // expected-error@+1 {{Invalid attribute `kind` in property conversion: "linear"}}
  %0 = "et.scores"(%x, %router, %out) <{kind = "linear"}> : (tensor<?x8xf32>, tensor<8x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @f(%r: tensor<64x4xf32>, %m: tensor<4x2xi32>, %g: tensor<64x4xf32>) {
  // expected-error@+1 {{Invalid attribute `routing` in property conversion: #et.mean_minus_std}}
  %0:2 = "et.gate"(%r, %m, %g) <{operandSegmentSizes = array<i32: 1, 0, 0, 1, 1>, routing = #et.mean_minus_std}>
    : (tensor<64x4xf32>, tensor<4x2xi32>, tensor<64x4xf32>) -> (tensor<4x2xi32>, tensor<64x4xf32>)
  return
}

// -----

func.func @f(%r: tensor<64x4xf32>, %m: tensor<4x2xi32>, %g: tensor<64x4xf32>) {
  // expected-error@+1 {{operand count (3) does not match with the total size (4) specified in attribute 'operandSegmentSizes'}}
  %0:2 = "et.gate"(%r, %m, %g) <{operandSegmentSizes = array<i32: 1, 1, 0, 1, 1>, routing = #et.top_k<k = 1>}>
    : (tensor<64x4xf32>, tensor<4x2xi32>, tensor<64x4xf32>) -> (tensor<4x2xi32>, tensor<64x4xf32>)
  return
}

// -----

func.func @f(%r: tensor<64x4xf32>, %m: tensor<4x2xi32>, %g: tensor<64x4xf32>) {
  // expected-error@+1 {{'operandSegmentSizes' attribute cannot have negative elements}}
  %0:2 = "et.gate"(%r, %m, %g) <{operandSegmentSizes = array<i32: 3, -1, -1, 1, 1>, routing = #et.top_k<k = 1>}>
    : (tensor<64x4xf32>, tensor<4x2xi32>, tensor<64x4xf32>) -> (tensor<4x2xi32>, tensor<64x4xf32>)
  return
}

// -----

//===----------------------------------------------------------------------===//
// Sizes of the same name agree
//===----------------------------------------------------------------------===//

func.func @f(%x: tensor<?x8xf32>, %router: tensor<9x4xf32>, %out: tensor<?x4xf32>) {
  // expected-error@+1 {{'et.scores' op operand 'router' has size 9 in dimension 0, expected D = 8 by 'x' [C1]}}
  %0 = et.scores linear ins(%x, %router : tensor<?x8xf32>, tensor<9x4xf32>) outs(%out : tensor<?x4xf32>)
  return
}

// -----

func.func @f(%x: memref<64x8xf32>, %router: memref<8x4xf32>, %out: memref<63x4xf32>) {
  // expected-error@+1 {{'et.scores' op operand 'out' has size 63 in dimension 0, expected T = 64 by 'x' [C1]}}
  et.scores linear ins(%x, %router : memref<64x8xf32>, memref<8x4xf32>) outs(%out : memref<63x4xf32>)
  return
}

// -----

func.func @f(%r: tensor<64x4xf32>, %theta: tensor<5xf32>, %m: tensor<4x2xi32>, %g: tensor<64x4xf32>) {
  // expected-error@+1 {{'et.gate' op operand 'theta' has size 5 in dimension 0, expected E = 4 by 'scores' [C1]}}
  %0:2 = et.gate #et.threshold ins(%r : tensor<64x4xf32>) theta(%theta : tensor<5xf32>)
    outs(%m, %g : tensor<4x2xi32>, tensor<64x4xf32>)
  return
}

// -----

func.func @f(%r: tensor<64x4xf32>, %theta: tensor<4xf32>, %m: tensor<4x3xi32>, %g: tensor<64x4xf32>) {
  // expected-error@+1 {{'et.gate' op operand 'mask' has size 3 in dimension 1, expected T/32 = 2 [C2]}}
  %0:2 = et.gate #et.threshold ins(%r : tensor<64x4xf32>) theta(%theta : tensor<4xf32>)
    outs(%m, %g : tensor<4x3xi32>, tensor<64x4xf32>)
  return
}

// -----

func.func @f(%r: tensor<65x?xf32>, %theta: tensor<?xf32>, %m: tensor<?x2xi32>, %g: tensor<?x?xf32>) {
  // 65 tokens need a third word.
  // expected-error@+1 {{operand 'mask' has size 2 in dimension 1, expected T/32 = 3 [C2]}}
  %0:2 = et.gate #et.threshold ins(%r : tensor<65x?xf32>) theta(%theta : tensor<?xf32>)
    outs(%m, %g : tensor<?x2xi32>, tensor<?x?xf32>)
  return
}

// -----

func.func @f(%r: tensor<?x4xf32>, %out: tensor<5xf32>) {
  // expected-error@+1 {{'et.statistic' op operand 'out' has size 5 in dimension 0, expected E = 4 by 'scores' [C1]}}
  %0 = et.statistic #et.mean_minus_std ins(%r : tensor<?x4xf32>) outs(%out : tensor<5xf32>)
  return
}

// -----

func.func @f(%r: tensor<?x4xf32>, %counts: tensor<3x256xi32>) {
  // expected-error@+1 {{'et.histogram' op operand 'counts' has size 3 in dimension 0, expected E = 4 by 'scores' [C1]}}
  %0 = et.histogram range(0.0, 1.0) ins(%r : tensor<?x4xf32>) outs(%counts : tensor<3x256xi32>)
  return
}

// -----

func.func @f(%counts: memref<3x256xi32>, %out: memref<4xf32>) {
  // expected-error@+1 {{'et.histogram_quantile' op operand 'out' has size 4 in dimension 0, expected E = 3 by 'counts' [C1]}}
  et.histogram_quantile 0.5 range(0.0, 1.0) ins(%counts : memref<3x256xi32>) outs(%out : memref<4xf32>)
  return
}

// -----

func.func @f(%m: tensor<4xf32>, %theta: tensor<0xf32>) {
  // expected-error@+1 {{'et.ema_update' op operand 'theta' has size 0 in dimension 0, expected E = 4 by 'm' [C1]}}
  %0 = et.ema_update ins(%m : tensor<4xf32>) outs(%theta : tensor<0xf32>)
  return
}

// -----

func.func @f(%m: tensor<4xf32>, %raw: tensor<4xf32>, %steps: tensor<1xi64>, %theta: tensor<4xf32>) {
  // expected-error@+1 {{'et.ema_update_corrected' op operand 'steps' has size 1 in dimension 0, expected E = 4 by 'm' [C1]}}
  %0:3 = et.ema_update_corrected ins(%m : tensor<4xf32>)
    outs(%raw, %steps, %theta : tensor<4xf32>, tensor<1xi64>, tensor<4xf32>)
  return
}

// -----

func.func @f(%mask: tensor<4x?xi32>, %t: index, %l: tensor<5xi32>, %f: tensor<5xi32>, %s: tensor<4xf32>) {
  // expected-error@+1 {{'et.routing_stats' op operand 'loads' has size 5 in dimension 0, expected E = 4 by 'mask' [C1]}}
  %0:3 = et.routing_stats ins(%mask, %t : tensor<4x?xi32>, index) outs(%l, %f, %s : tensor<5xi32>, tensor<5xi32>, tensor<4xf32>)
  return
}

// -----

func.func @f(%mask: tensor<4x?xi32>, %t: index, %l: tensor<4xi32>, %f: tensor<4xi32>, %s: tensor<4xf32>) {
  // expected-error@+1 {{'et.routing_stats' op operand 'fan_out' has size 4 in dimension 0, expected E+1 = 5 [C2]}}
  %0:3 = et.routing_stats ins(%mask, %t : tensor<4x?xi32>, index) outs(%l, %f, %s : tensor<4xi32>, tensor<4xi32>, tensor<4xf32>)
  return
}

// -----

func.func @f(%mask: tensor<4x?xi32>, %t: index, %l: tensor<4xi32>, %f: tensor<5xi32>, %s: tensor<3xf32>) {
  // expected-error@+1 {{'et.routing_stats' op operand 'figures' has size 3 in dimension 0, expected 4 [C2]}}
  %0:3 = et.routing_stats ins(%mask, %t : tensor<4x?xi32>, index) outs(%l, %f, %s : tensor<4xi32>, tensor<5xi32>, tensor<3xf32>)
  return
}

// -----

func.func @f(%mask: tensor<4x?xi32>, %offsets: tensor<4xi32>) {
  // expected-error@+1 {{'et.offsets' op operand 'offsets' has size 4 in dimension 0, expected E+1 = 5 [C2]}}
  %0 = et.offsets ins(%mask : tensor<4x?xi32>) outs(%offsets : tensor<4xi32>)
  return
}

// -----

func.func @f(%mask: memref<4x?xi32>, %offsets: memref<6xi32>, %tokens: memref<?xi32>) {
  // expected-error@+1 {{'et.token_list' op operand 'offsets' has size 6 in dimension 0, expected E+1 = 5 [C2]}}
  et.token_list ins(%mask, %offsets : memref<4x?xi32>, memref<6xi32>) outs(%tokens : memref<?xi32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %tokens: tensor<10xi32>, %offsets: tensor<5xi32>, %out: tensor<11x8xf32>) {
  // expected-error@+1 {{'et.gather' op operand 'out' has size 11 in dimension 0, expected P = 10 by 'tokens' [C1]}}
  %0 = et.gather ins(%x, %tokens, %offsets : tensor<?x8xf32>, tensor<10xi32>, tensor<5xi32>) outs(%out : tensor<11x8xf32>)
  return
}

// -----

func.func @f(%pairs: tensor<?x8xf32>, %gates: tensor<33x4xf32>, %mask: tensor<4x1xi32>, %offsets: tensor<5xi32>, %out: tensor<33x8xf32>) {
  // expected-error@+1 {{'et.combine' op operand 'mask' has size 1 in dimension 1, expected T/32 = 2 [C2]}}
  %0 = et.combine ins(%pairs, %gates, %mask, %offsets : tensor<?x8xf32>, tensor<33x4xf32>, tensor<4x1xi32>, tensor<5xi32>)
    outs(%out : tensor<33x8xf32>)
  return
}

// -----

func.func @f(%pairs: tensor<?x8xf32>, %gates: tensor<?x4xf32>, %mask: tensor<4x?xi32>, %offsets: tensor<5xi32>,
             %shared: tensor<?x16xf32>, %out: tensor<?x8xf32>) {
  // expected-error@+1 {{'et.combine' op operand 'shared' has size 16 in dimension 1, expected D = 8 by 'pairs' [C1]}}
  %0 = et.combine ins(%pairs, %gates, %mask, %offsets : tensor<?x8xf32>, tensor<?x4xf32>, tensor<4x?xi32>, tensor<5xi32>)
    shared(%shared : tensor<?x16xf32>) outs(%out : tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<9x8xf32>, %w: tensor<4x8x16xf32>, %o: tensor<5xi32>, %out: tensor<10x16xf32>) {
  // Without a token list, row p of the input makes row p of the output.
  // expected-error@+1 {{'et.grouped_matmul' op operand 'out' has size 10 in dimension 0, expected P = 9 by 'lhs' [C1]}}
  %0 = et.grouped_matmul none ins(%x, %w : tensor<9x8xf32>, tensor<4x8x16xf32>) offsets(%o : tensor<5xi32>)
    outs(%out : tensor<10x16xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x8x16xf32>, %o: tensor<4xi32>, %out: tensor<?x16xf32>) {
  // expected-error@+1 {{'et.grouped_matmul' op operand 'offsets' has size 4 in dimension 0, expected E+1 = 5 [C2]}}
  %0 = et.grouped_matmul none ins(%x, %w : tensor<?x8xf32>, tensor<4x8x16xf32>) offsets(%o : tensor<4xi32>)
    outs(%out : tensor<?x16xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x8x16xf32>, %o: tensor<5xi32>, %out: tensor<?x8xf32>) {
  // w2 must lead back from F to D.
  // expected-error@+1 {{'et.expert_ffn' op operand 'w2' has size 8 in dimension 1, expected F = 16 by 'w1' [C1]}}
  %0 = et.expert_ffn relu ins(%x, %w1, %w2 : tensor<?x8xf32>, tensor<4x8x16xf32>, tensor<4x8x16xf32>) offsets(%o : tensor<5xi32>)
    outs(%out : tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>, %o: tensor<9223372036854775807xi32>, %out: tensor<?x8xf32>) {
  // expected-error@+1 {{'et.expert_ffn' op operand 'offsets' has size 9223372036854775807 in dimension 0, expected E+1 = 5 [C2]}}
  %0 = et.expert_ffn relu ins(%x, %w1, %w2 : tensor<?x8xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    offsets(%o : tensor<9223372036854775807xi32>) outs(%out : tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %theta: tensor<4xf32>, %w1: tensor<3x8x16xf32>, %w2: tensor<4x16x8xf32>, %out: tensor<?x8xf32>) {
  // expected-error@+1 {{'et.moe' op operand 'w1' has size 3 in dimension 0, expected E = 4 by 'router' [C1]}}
  %0 = et.moe linear #et.threshold relu
    ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<3x8x16xf32>, tensor<4x16x8xf32>)
    theta(%theta : tensor<4xf32>) outs(%out : tensor<?x8xf32>)
  return
}
