// RUN: et-opt %s -split-input-file -verify-diagnostics

//===----------------------------------------------------------------------===//
// et.grouped_matmul
//===----------------------------------------------------------------------===//

func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x8x16xbf16>, %o: tensor<5xi32>, %out: tensor<?x16xf32>) {
  // expected-error@+1 {{'et.grouped_matmul' op operand 'rhs' has element type 'bf16', but 'lhs' has 'f32' [C3]}}
  %0 = et.grouped_matmul none ins(%x, %w : tensor<?x8xf32>, tensor<4x8x16xbf16>) offsets(%o : tensor<5xi32>)
    outs(%out : tensor<?x16xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xbf16>, %w: tensor<4x8x16xbf16>, %o: tensor<5xi32>, %b: tensor<4x16xf32>, %out: tensor<?x16xf32>) {
  // expected-error@+1 {{'et.grouped_matmul' op operand 'bias' has element type 'f32', but 'lhs' has 'bf16' [C3]}}
  %0 = et.grouped_matmul none ins(%x, %w : tensor<?x8xbf16>, tensor<4x8x16xbf16>) offsets(%o : tensor<5xi32>)
    bias(%b : tensor<4x16xf32>) outs(%out : tensor<?x16xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xbf16>, %w: tensor<4x8x16xbf16>, %o: tensor<5xi32>, %out: tensor<?x16xf16>) {
  // expected-error@+1 {{'et.grouped_matmul' op operand 'out' has element type 'f16', expected f32 or 'bf16' [C4]}}
  %0 = et.grouped_matmul none ins(%x, %w : tensor<?x8xbf16>, tensor<4x8x16xbf16>) offsets(%o : tensor<5xi32>)
    outs(%out : tensor<?x16xf16>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x8x16xf32>, %o: tensor<5xi32>, %b: tensor<4x16xf32>, %out: tensor<?x16xf32>) {
  // expected-error@+1 {{'et.grouped_matmul' op has operand 'gate_bias' without 'gate' [C5]}}
  %0 = et.grouped_matmul silu ins(%x, %w : tensor<?x8xf32>, tensor<4x8x16xf32>) offsets(%o : tensor<5xi32>)
    gate_bias(%b : tensor<4x16xf32>) outs(%out : tensor<?x16xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x8x16xf32>, %out: tensor<?x16xf32>) {
  // expected-error@+1 {{'et.grouped_matmul' op needs operand 'offsets' unless E is 1 [C6]}}
  %0 = et.grouped_matmul silu ins(%x, %w : tensor<?x8xf32>, tensor<4x8x16xf32>) outs(%out : tensor<?x16xf32>)
  return
}

// -----

func.func @f(%x: memref<?x8xf32>, %w: memref<?x8x16xf32>, %out: memref<?x16xf32>) {
  // expected-error@+1 {{'et.grouped_matmul' op needs operand 'offsets' unless E is 1 [C6]}}
  et.grouped_matmul silu ins(%x, %w : memref<?x8xf32>, memref<?x8x16xf32>) outs(%out : memref<?x16xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<0x8x16xf32>, %out: tensor<?x16xf32>) {
  // expected-error@+1 {{needs operand 'offsets' unless E is 1 [C6]}}
  %0 = et.grouped_matmul silu ins(%x, %w : tensor<?x8xf32>, tensor<0x8x16xf32>) outs(%out : tensor<?x16xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<1x8x16xf32>, %out: tensor<?x16xf32>) {
  // expected-error@+1 {{unknown activation 'swish'; expected one of: none, relu, relu_squared, gelu, gelu_tanh, silu}}
  %0 = et.grouped_matmul swish ins(%x, %w : tensor<?x8xf32>, tensor<1x8x16xf32>) outs(%out : tensor<?x16xf32>)
  return
}

// -----

//===----------------------------------------------------------------------===//
// et.expert_ffn
//===----------------------------------------------------------------------===//

func.func @f(%x: tensor<?x8xf16>, %w1: tensor<4x8x16xf16>, %w2: tensor<4x16x8xf32>, %o: tensor<5xi32>, %out: tensor<?x8xf32>) {
  // expected-error@+1 {{'et.expert_ffn' op operand 'w2' has element type 'f32', but 'x' has 'f16' [C3]}}
  %0 = et.expert_ffn relu ins(%x, %w1, %w2 : tensor<?x8xf16>, tensor<4x8x16xf16>, tensor<4x16x8xf32>)
    offsets(%o : tensor<5xi32>) outs(%out : tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf16>, %w1: tensor<4x8x16xf16>, %w2: tensor<4x16x8xf16>, %o: tensor<5xi32>, %out: tensor<?x8xbf16>) {
  // expected-error@+1 {{'et.expert_ffn' op operand 'out' has element type 'bf16', expected f32 or 'f16' [C4]}}
  %0 = et.expert_ffn relu ins(%x, %w1, %w2 : tensor<?x8xf16>, tensor<4x8x16xf16>, tensor<4x16x8xf16>)
    offsets(%o : tensor<5xi32>) outs(%out : tensor<?x8xbf16>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>, %o: tensor<5xi32>, %b: tensor<4x16xf32>, %out: tensor<?x8xf32>) {
  // expected-error@+1 {{'et.expert_ffn' op has operand 'gate_bias' without 'gate' [C5]}}
  %0 = et.expert_ffn silu ins(%x, %w1, %w2 : tensor<?x8xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    offsets(%o : tensor<5xi32>) gate_bias(%b : tensor<4x16xf32>) outs(%out : tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: memref<?x8xf32>, %w1: memref<4x8x16xf32>, %w2: memref<4x16x8xf32>, %t: memref<?xi32>, %out: memref<?x8xf32>) {
  // expected-error@+1 {{'et.expert_ffn' op needs operand 'offsets' unless E is 1 [C6]}}
  et.expert_ffn relu ins(%x, %w1, %w2 : memref<?x8xf32>, memref<4x8x16xf32>, memref<4x16x8xf32>)
    tokens(%t : memref<?xi32>) outs(%out : memref<?x8xf32>)
  return
}

// -----

//===----------------------------------------------------------------------===//
// et.combine_waves
//===----------------------------------------------------------------------===//

func.func @f(%g: memref<?x4xf32>, %m: memref<4x?xi32>, %o: memref<5xi32>, %x: memref<?x8xbf16>, %w1: memref<4x8x16xbf16>, %w2: memref<4x16x8xbf16>,
             %h: memref<?x16xf32>, %p: memref<?x8xbf16>, %out: memref<?x8xbf16>) {
  // expected-error@+1 {{'et.combine_waves' op operand 'hidden' has element type 'f32', but 'x' has 'bf16' [C3]}}
  et.combine_waves relu ins(%g, %m, %o, %x, %w1, %w2 : memref<?x4xf32>, memref<4x?xi32>, memref<5xi32>, memref<?x8xbf16>, memref<4x8x16xbf16>, memref<4x16x8xbf16>)
    outs(%h, %p, %out : memref<?x16xf32>, memref<?x8xbf16>, memref<?x8xbf16>)
  return
}

// -----

func.func @f(%g: memref<?x4xf32>, %m: memref<4x?xi32>, %o: memref<5xi32>, %x: memref<?x8xbf16>, %w1: memref<4x8x16xbf16>, %w2: memref<4x16x8xbf16>,
             %h: memref<?x16xbf16>, %p: memref<?x8xbf16>, %out: memref<?x8xbf16>, %b: memref<4x8xf16>) {
  // expected-error@+1 {{'et.combine_waves' op operand 'b2' has element type 'f16', but 'x' has 'bf16' [C3]}}
  et.combine_waves relu ins(%g, %m, %o, %x, %w1, %w2 : memref<?x4xf32>, memref<4x?xi32>, memref<5xi32>, memref<?x8xbf16>, memref<4x8x16xbf16>, memref<4x16x8xbf16>)
    b2(%b : memref<4x8xf16>) outs(%h, %p, %out : memref<?x16xbf16>, memref<?x8xbf16>, memref<?x8xbf16>)
  return
}

// -----

func.func @f(%g: memref<?x4xf32>, %m: memref<4x?xi32>, %o: memref<5xi32>, %x: memref<?x8xbf16>, %w1: memref<4x8x16xbf16>, %w2: memref<4x16x8xbf16>,
             %h: memref<?x16xbf16>, %p: memref<?x8xbf16>, %out: memref<?x8xf16>) {
  // expected-error@+1 {{'et.combine_waves' op operand 'out' has element type 'f16', expected f32 or 'bf16' [C4]}}
  et.combine_waves relu ins(%g, %m, %o, %x, %w1, %w2 : memref<?x4xf32>, memref<4x?xi32>, memref<5xi32>, memref<?x8xbf16>, memref<4x8x16xbf16>, memref<4x16x8xbf16>)
    outs(%h, %p, %out : memref<?x16xbf16>, memref<?x8xbf16>, memref<?x8xf16>)
  return
}

// -----

func.func @f(%g: memref<?x4xf32>, %m: memref<4x?xi32>, %o: memref<5xi32>, %x: memref<?x8xbf16>, %w1: memref<4x8x16xbf16>, %w2: memref<4x16x8xbf16>,
             %h: memref<?x16xbf16>, %p: memref<?x8xbf16>, %out: memref<?x8xbf16>, %b: memref<4x16xbf16>) {
  // expected-error@+1 {{'et.combine_waves' op has operand 'gate_bias' without 'gate' [C5]}}
  et.combine_waves relu ins(%g, %m, %o, %x, %w1, %w2 : memref<?x4xf32>, memref<4x?xi32>, memref<5xi32>, memref<?x8xbf16>, memref<4x8x16xbf16>, memref<4x16x8xbf16>)
    gate_bias(%b : memref<4x16xbf16>) outs(%h, %p, %out : memref<?x16xbf16>, memref<?x8xbf16>, memref<?x8xbf16>)
  return
}

// -----

func.func @f(%g: memref<?x4xf32>, %m: memref<4x?xi32>, %o: memref<5xi32>, %x: memref<?x8xbf16>, %w1: memref<4x8x16xbf16>, %w2: memref<4x16x8xbf16>,
             %h: memref<5x16xbf16>, %p: memref<6x8xbf16>, %out: memref<?x8xbf16>) {
  // expected-error@+1 {{'et.combine_waves' op operand 'pairs' has size 6 in dimension 0, expected P = 5 by 'hidden' [C1]}}
  et.combine_waves relu ins(%g, %m, %o, %x, %w1, %w2 : memref<?x4xf32>, memref<4x?xi32>, memref<5xi32>, memref<?x8xbf16>, memref<4x8x16xbf16>, memref<4x16x8xbf16>)
    outs(%h, %p, %out : memref<5x16xbf16>, memref<6x8xbf16>, memref<?x8xbf16>)
  return
}

// -----

//===----------------------------------------------------------------------===//
// et.moe
//===----------------------------------------------------------------------===//

func.func @f(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>, %out: tensor<?x8xf32>) {
  // expected-error@+1 {{'et.moe' op needs operand 'theta' with #et.threshold<gate = binary> [C3]}}
  %0 = et.moe cosine #et.threshold<gate = binary> relu
    ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    outs(%out : tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %theta: tensor<4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>, %out: tensor<?x8xf32>) {
  // expected-error@+1 {{'et.moe' op takes no operand 'theta' with #et.expert_choice<rate = 2.500000e-01> [C3]}}
  %0 = et.moe linear #et.expert_choice<rate = 0.25> relu
    ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    theta(%theta : tensor<4xf32>) outs(%out : tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %bias: tensor<4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>, %out: tensor<?x8xf32>) {
  // expected-error@+1 {{'et.moe' op takes no operand 'bias' with #et.expert_choice<rate = 2.500000e-01> [C4]}}
  %0 = et.moe linear #et.expert_choice<rate = 0.25> relu
    ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    bias(%bias : tensor<4xf32>) outs(%out : tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>, %out: tensor<?x8xf32>) {
  // expected-error@+1 {{'et.moe' op #et.top_k<k = 3, groups = 2> takes k = 3 of only 2 experts [A5]}}
  %0 = et.moe linear #et.top_k<k = 3, groups = 2> relu
    ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    outs(%out : tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %router: tensor<8x4xf16>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>, %out: tensor<?x8xf32>) {
  // expected-error@+1 {{'et.moe' op operand 'router' has element type 'f16', but 'x' has 'f32' [C5]}}
  %0 = et.moe linear #et.top_k<k = 1> relu
    ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf16>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    outs(%out : tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>, %out: tensor<?x8xf16>) {
  // expected-error@+1 {{'et.moe' op operand 'out' has element type 'f16', expected f32 or 'f32' [C6]}}
  %0 = et.moe linear #et.top_k<k = 1> relu
    ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    outs(%out : tensor<?x8xf16>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>, %b: tensor<4x16xf32>, %out: tensor<?x8xf32>) {
  // expected-error@+1 {{'et.moe' op has operand 'gate_bias' without 'gate' [C7]}}
  %0 = et.moe linear #et.top_k<k = 1> relu
    ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    gate_bias(%b : tensor<4x16xf32>) outs(%out : tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>,
             %s1: tensor<8x24xf32>, %s2: tensor<24x8xf32>, %out: tensor<?x8xf32>) {
  // expected-error@+1 {{'et.moe' op has a gated expert form but no operand 'shared_gate' for its shared expert [C9]}}
  %0 = et.moe linear #et.top_k<k = 1> silu
    ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    gate(%w1 : tensor<4x8x16xf32>) shared(%s1, %s2 : tensor<8x24xf32>, tensor<24x8xf32>) outs(%out : tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>,
             %s1: tensor<8x24xf32>, %s2: tensor<24x8xf32>, %out: tensor<?x8xf32>) {
  // expected-error@+1 {{'et.moe' op has operand 'shared_gate' without 'shared' and 'gate' [C9]}}
  %0 = et.moe linear #et.top_k<k = 1> silu
    ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    shared(%s1, %s2 : tensor<8x24xf32>, tensor<24x8xf32>) shared_gate(%s1 : tensor<8x24xf32>) outs(%out : tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>,
             %s1: tensor<8x24xf32>, %out: tensor<?x8xf32>) {
  // expected-error@+1 {{'et.moe' op has operand 'shared_gate' without 'shared' and 'gate' [C9]}}
  %0 = et.moe linear #et.top_k<k = 1> silu
    ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    gate(%w1 : tensor<4x8x16xf32>) shared_gate(%s1 : tensor<8x24xf32>) outs(%out : tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>,
             %s1: tensor<8x24xf32>, %out: tensor<?x8xf32>) {
  // One half of a shared expert, which the custom form cannot say.
  // expected-error@+1 {{'et.moe' op needs operands 'shared_w1' and 'shared_w2' together [C8]}}
  %0 = "et.moe"(%x, %router, %w1, %w2, %s1, %out) <{activation = #et<activation silu>,
    operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1>,
    routing = #et.top_k<k = 1>, score = #et<score_kind linear>}>
    : (tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>, tensor<8x24xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>,
             %s1: tensor<8x24xf32>, %s2: tensor<24x9xf32>, %out: tensor<?x8xf32>) {
  // expected-error@+1 {{'et.moe' op operand 'shared_w2' has size 9 in dimension 1, expected D = 8 by 'x' [C1]}}
  %0 = et.moe linear #et.top_k<k = 1> silu
    ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    shared(%s1, %s2 : tensor<8x24xf32>, tensor<24x9xf32>) outs(%out : tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<64x8xf32>, %w: tensor<4x8x16xf32>, %o: tensor<5xi32>, %l: tensor<?xi32>, %m: tensor<4x2xi32>, %out: tensor<?x16xf32>) {
  // expected-error@+1 {{'et.grouped_matmul' op has operands 'tokens' and 'mask' [C7]}}
  %0 = et.grouped_matmul silu ins(%x, %w : tensor<64x8xf32>, tensor<4x8x16xf32>) offsets(%o : tensor<5xi32>)
    tokens(%l : tensor<?xi32>) mask(%m : tensor<4x2xi32>) outs(%out : tensor<?x16xf32>)
  return
}

// -----

func.func @f(%x: tensor<64x8xf32>, %w: tensor<1x8x16xf32>, %m: tensor<1x2xi32>, %out: tensor<?x16xf32>) {
  // expected-error@+1 {{'et.grouped_matmul' op needs operand 'offsets' with 'mask' [C8]}}
  %0 = et.grouped_matmul silu ins(%x, %w : tensor<64x8xf32>, tensor<1x8x16xf32>) mask(%m : tensor<1x2xi32>)
    outs(%out : tensor<?x16xf32>)
  return
}

// -----

func.func @f(%x: tensor<64x8xf32>, %w: tensor<4x8x16xf32>, %o: tensor<5xi32>, %m: tensor<4x3xi32>, %out: tensor<?x16xf32>) {
  // expected-error@+1 {{'et.grouped_matmul' op operand 'mask' has size 3 in dimension 1, expected T/32 = 2 [C2]}}
  %0 = et.grouped_matmul silu ins(%x, %w : tensor<64x8xf32>, tensor<4x8x16xf32>) offsets(%o : tensor<5xi32>)
    mask(%m : tensor<4x3xi32>) outs(%out : tensor<?x16xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>, %out: tensor<?x8xf32>) {
  // expected-error@+1 {{expected a routing, one of: #et.threshold, #et.bounded_threshold, #et.top_k, #et.expert_choice, #et.top_p}}
  %0 = et.moe linear relu ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    outs(%out : tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>, %out: tensor<?x8xf32>) {
  // expected-error@+1 {{expected score, one of: linear, cosine, given}}
  %0 = et.moe #et.top_k<k = 1> relu ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    outs(%out : tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<1x1x8x16xf32>, %out: tensor<?x16xf32>) {
  // expected-error@+1 {{'et.grouped_matmul' op needs operand 'rhs' of rank 3 without 'panels' [C9]}}
  %0 = et.grouped_matmul silu ins(%x, %w : tensor<?x8xf32>, tensor<1x1x8x16xf32>) outs(%out : tensor<?x16xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<1x8x16xf32>, %p: tensor<1x1x8x16xf32>, %out: tensor<?x16xf32>) {
  // expected-error@+1 {{'et.grouped_matmul' op needs operand 'gate' of rank 4 with 'panels' [C9]}}
  %0 = et.grouped_matmul silu ins(%x, %p : tensor<?x8xf32>, tensor<1x1x8x16xf32>) panels(#et.panels<columns = 16>)
    gate(%w : tensor<1x8x16xf32>) outs(%out : tensor<?x16xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %p: tensor<1x2x8x16xf32>, %out: tensor<?x16xf32>) {
  // expected-error@+1 {{'et.grouped_matmul' op operand 'rhs' has size 2 in dimension 1, expected N/16 = 1 [C2]}}
  %0 = et.grouped_matmul silu ins(%x, %p : tensor<?x8xf32>, tensor<1x2x8x16xf32>) panels(#et.panels<columns = 16>)
    outs(%out : tensor<?x16xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x40xbf16>, %p: tensor<1x1x20x32xbf16>, %out: tensor<?x16xf32>) {
  // expected-error@+1 {{'et.grouped_matmul' op operand 'rhs' has size 20 in dimension 2, expected K/32*16 = 32 [C2]}}
  %0 = et.grouped_matmul silu ins(%x, %p : tensor<?x40xbf16>, tensor<1x1x20x32xbf16>)
    panels(#et.panels<columns = 16, interleave = 2, step = 32>) outs(%out : tensor<?x16xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %p: tensor<1x1x8x16xf32>, %out: tensor<?x16xf32>) {
  // expected-error@+1 {{expected attribute value}}
  %0 = et.grouped_matmul silu ins(%x, %p : tensor<?x8xf32>, tensor<1x1x8x16xf32>) panels(<columns = 16>)
    outs(%out : tensor<?x16xf32>)
  return
}

// -----

//===----------------------------------------------------------------------===//
// et.pack
//===----------------------------------------------------------------------===//

func.func @f(%w: tensor<4x8x100xf32>, %p: tensor<4x2x8x64xbf16>) {
  // expected-error@+1 {{'et.pack' op operand 'out' has element type 'bf16', but 'w' has 'f32' [C3]}}
  %0 = et.pack #et.panels<columns = 64> ins(%w : tensor<4x8x100xf32>) outs(%p : tensor<4x2x8x64xbf16>)
  return
}

// -----

func.func @f(%w: tensor<4x8x100xf32>, %p: tensor<4x2x8x60xf32>) {
  // expected-error@+1 {{'et.pack' op operand 'out' has size 60 in dimension 3, expected 64 [C2]}}
  %0 = et.pack #et.panels<columns = 64> ins(%w : tensor<4x8x100xf32>) outs(%p : tensor<4x2x8x60xf32>)
  return
}

// -----

func.func @f(%w: tensor<4x8x100xf32>, %p: tensor<3x2x8x64xf32>) {
  // expected-error@+1 {{'et.pack' op operand 'out' has size 3 in dimension 0, expected E = 4 by 'w' [C1]}}
  %0 = et.pack #et.panels<columns = 64> ins(%w : tensor<4x8x100xf32>) outs(%p : tensor<3x2x8x64xf32>)
  return
}

// -----

func.func @f(%w: tensor<4x8x100xf32>, %p: memref<4x2x8x64xf32>) {
  // expected-error@+1 {{'et.pack' op mixes tensor and memref operands [C0]}}
  et.pack #et.panels<columns = 64> ins(%w : tensor<4x8x100xf32>) outs(%p : memref<4x2x8x64xf32>)
  return
}

// -----

func.func @f(%x: tensor<64x200xbf16>, %w: tensor<1x200x300xf8E4M3FN>, %b: tensor<1x200x300xbf16>, %s: tensor<1x2x3xf32>, %out: tensor<64x300xbf16>) {
  // expected-error@+1 {{'et.grouped_matmul' op needs operand 'scales' with weights of 'f8E4M3FN' [C10]}}
  %0 = et.grouped_matmul silu ins(%x, %w : tensor<64x200xbf16>, tensor<1x200x300xf8E4M3FN>) 
    outs(%out : tensor<64x300xbf16>)
  return
}

// -----

func.func @f(%x: tensor<64x200xbf16>, %w: tensor<1x200x300xf8E4M3FN>, %b: tensor<1x200x300xbf16>, %s: tensor<1x2x3xf32>, %out: tensor<64x300xbf16>) {
  // expected-error@+1 {{'et.grouped_matmul' op has operand 'scales' without weights of 'f8E4M3FN' [C10]}}
  %0 = et.grouped_matmul silu ins(%x, %b : tensor<64x200xbf16>, tensor<1x200x300xbf16>) scales(%s : tensor<1x2x3xf32>)
    outs(%out : tensor<64x300xbf16>)
  return
}

// -----

func.func @f(%x: tensor<64x200xbf16>, %w: tensor<1x200x300xf8E4M3FN>, %b: tensor<1x200x300xbf16>, %s: tensor<1x2x3xf32>, %out: tensor<64x300xbf16>) {
  // expected-error@+1 {{'et.grouped_matmul' op has operand 'gate_scales' without weights of 'f8E4M3FN' [C10]}}
  %0 = et.grouped_matmul silu ins(%x, %w : tensor<64x200xbf16>, tensor<1x200x300xf8E4M3FN>) scales(%s : tensor<1x2x3xf32>) gate_scales(%s : tensor<1x2x3xf32>)
    outs(%out : tensor<64x300xbf16>)
  return
}

// -----

func.func @f(%x: tensor<64x200xbf16>, %w: tensor<1x200x300xf8E4M3FN>, %b: tensor<1x200x300xbf16>, %s: tensor<1x2x3xf32>, %out: tensor<64x300xbf16>) {
  // expected-error@+1 {{'et.grouped_matmul' op needs operand 'gate_scales' with weights of 'f8E4M3FN' [C10]}}
  %0 = et.grouped_matmul silu ins(%x, %w : tensor<64x200xbf16>, tensor<1x200x300xf8E4M3FN>) gate(%w : tensor<1x200x300xf8E4M3FN>) scales(%s : tensor<1x2x3xf32>)
    outs(%out : tensor<64x300xbf16>)
  return
}

// -----

func.func @f(%x: tensor<64x200xbf16>, %w: tensor<1x200x300xf8E4M3FN>, %b: tensor<1x200x300xbf16>, %s: tensor<1x2x3xf32>, %out: tensor<64x300xbf16>) {
  // expected-error@+1 {{'et.grouped_matmul' op operand 'gate' has element type 'bf16', but 'rhs' has 'f8E4M3FN' [C3]}}
  %0 = et.grouped_matmul silu ins(%x, %w : tensor<64x200xbf16>, tensor<1x200x300xf8E4M3FN>) gate(%b : tensor<1x200x300xbf16>) scales(%s : tensor<1x2x3xf32>)
    outs(%out : tensor<64x300xbf16>)
  return
}

// -----

func.func @f(%x: tensor<64x200xbf16>, %w: tensor<1x200x300xf8E4M3FN>, %b: tensor<1x200x300xbf16>, %s: tensor<1x2x3xf32>, %out: tensor<64x300xbf16>) {
  // expected-error@+1 {{'et.grouped_matmul' op operand 'gate' has element type 'f8E4M3FN', but 'lhs' has 'bf16' [C3]}}
  %0 = et.grouped_matmul silu ins(%x, %b : tensor<64x200xbf16>, tensor<1x200x300xbf16>) gate(%w : tensor<1x200x300xf8E4M3FN>) gate_scales(%s : tensor<1x2x3xf32>)
    outs(%out : tensor<64x300xbf16>)
  return
}

// -----

func.func @f(%x: tensor<64x200xbf16>, %w: tensor<1x200x300xf8E4M3FN>, %b: tensor<1x200x300xbf16>, %s: tensor<1x2x2xf32>, %out: tensor<64x300xbf16>) {
  // expected-error@+1 {{'et.grouped_matmul' op operand 'scales' has size 2 in dimension 2, expected N/128 = 3 [C2]}}
  %0 = et.grouped_matmul silu ins(%x, %w : tensor<64x200xbf16>, tensor<1x200x300xf8E4M3FN>) scales(%s : tensor<1x2x2xf32>)
    outs(%out : tensor<64x300xbf16>)
  return
}

// -----

func.func @f(%x: tensor<64x200xbf16>, %w: tensor<1x200x300xf8E4M3FN>, %b: tensor<1x200x300xbf16>, %s: tensor<1x1x3xf32>, %out: tensor<64x300xbf16>) {
  // expected-error@+1 {{'et.grouped_matmul' op operand 'scales' has size 1 in dimension 1, expected K/128 = 2 [C2]}}
  %0 = et.grouped_matmul silu ins(%x, %w : tensor<64x200xbf16>, tensor<1x200x300xf8E4M3FN>) scales(%s : tensor<1x1x3xf32>)
    outs(%out : tensor<64x300xbf16>)
  return
}

// -----

func.func @f(%x: tensor<64x200xf8E4M3FN>, %w: tensor<1x200x300xf8E4M3FN>, %s: tensor<1x2x3xf32>, %out: tensor<64x300xf32>) {
  // expected-error@+1 {{'et.grouped_matmul' op operand #0 must be 2-D tensor or memref of f32, f16 or bf16, but got 'tensor<64x200xf8E4M3FN>'}}
  %0 = et.grouped_matmul silu ins(%x, %w : tensor<64x200xf8E4M3FN>, tensor<1x200x300xf8E4M3FN>) scales(%s : tensor<1x2x3xf32>)
    outs(%out : tensor<64x300xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf16>, %w1: tensor<1x8x16xf8E4M3FN>, %w2: tensor<1x16x8xf8E4M3FN>, %v2: tensor<1x16x8xf16>, %s: tensor<1x1x1xf32>, %out: tensor<?x8xf32>) {
  // expected-error@+1 {{'et.expert_ffn' op needs operand 'w2_scales' with weights of 'f8E4M3FN' [C7]}}
  %0 = et.expert_ffn silu ins(%x, %w1, %w2 : tensor<?x8xf16>, tensor<1x8x16xf8E4M3FN>, tensor<1x16x8xf8E4M3FN>)
    w1_scales(%s : tensor<1x1x1xf32>) outs(%out : tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf16>, %w1: tensor<1x8x16xf8E4M3FN>, %w2: tensor<1x16x8xf8E4M3FN>, %v2: tensor<1x16x8xf16>, %s: tensor<1x1x1xf32>, %out: tensor<?x8xf32>) {
  // expected-error@+1 {{'et.expert_ffn' op operand 'w2' has element type 'f16', but 'w1' has 'f8E4M3FN' [C3]}}
  %0 = et.expert_ffn silu ins(%x, %w1, %v2 : tensor<?x8xf16>, tensor<1x8x16xf8E4M3FN>, tensor<1x16x8xf16>)
    w1_scales(%s : tensor<1x1x1xf32>) outs(%out : tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %w1: tensor<4x8x16xf8E4M3FN>, %w2: tensor<4x16x8xf8E4M3FN>, %s: tensor<4x1x1xf32>, %s1: tensor<8x24xf8E4M3FN>, %out: tensor<?x8xf32>) {
  // expected-error@+1 {{'et.moe' op needs operand 'w1_scales' with weights of 'f8E4M3FN' [C10]}}
  %0 = et.moe linear #et.top_k<k = 1> silu
    ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf8E4M3FN>, tensor<4x16x8xf8E4M3FN>)
    w2_scales(%s : tensor<4x1x1xf32>) outs(%out : tensor<?x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %w1: tensor<4x8x16xf8E4M3FN>, %w2: tensor<4x16x8xf8E4M3FN>, %s: tensor<4x1x1xf32>, %s1: tensor<8x24xf8E4M3FN>, %out: tensor<?x8xf32>) {
  // expected-error@+1 {{'et.moe' op has operand 'gate_scales' without weights of 'f8E4M3FN' [C10]}}
  %0 = et.moe linear #et.top_k<k = 1> silu
    ins(%x, %router, %w1, %w2 : tensor<?x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf8E4M3FN>, tensor<4x16x8xf8E4M3FN>)
    w1_scales(%s : tensor<4x1x1xf32>) w2_scales(%s : tensor<4x1x1xf32>)
    gate_scales(%s : tensor<4x1x1xf32>) outs(%out : tensor<?x8xf32>)
  return
}

// -----

//===----------------------------------------------------------------------===//
// Activations and epilogues
//===----------------------------------------------------------------------===//

// -----

func.func @f(%x: memref<?x8xf32>, %w: memref<1x8x16xf32>, %out: memref<?x16xf32>) {
  // expected-error@+1 {{'et.grouped_matmul' op has the activation 'clamped_swiglu', which is not there without operand 'gate' [C11]}}
  et.grouped_matmul clamped_swiglu<limit = 7.0> ins(%x, %w : memref<?x8xf32>, memref<1x8x16xf32>)
    outs(%out : memref<?x16xf32>)
  return
}

// -----

func.func @f(%x: memref<?x8xf32>, %w1: memref<1x8x16xf32>, %w2: memref<1x16x8xf32>, %out: memref<?x8xf32>) {
  // expected-error@+1 {{'et.expert_ffn' op has the activation 'swiglu_oss', which is not there without operand 'gate' [C8]}}
  et.expert_ffn swiglu_oss<alpha = 1.0, limit = 1.0> ins(%x, %w1, %w2 : memref<?x8xf32>, memref<1x8x16xf32>, memref<1x16x8xf32>)
    outs(%out : memref<?x8xf32>)
  return
}

// -----

func.func @f(%g: memref<?x4xf32>, %m: memref<4x?xi32>, %o: memref<5xi32>, %x: memref<?x8xf32>, %w1: memref<4x8x16xf32>,
             %w2: memref<4x16x8xf32>, %h: memref<?x16xf32>, %p: memref<?x8xf32>, %out: memref<?x8xf32>) {
  // expected-error@+1 {{'et.combine_waves' op has the activation 'swiglu_oss', which is not there without operand 'gate' [C6]}}
  et.combine_waves swiglu_oss<alpha = 1.0, limit = 1.0>
    ins(%g, %m, %o, %x, %w1, %w2 : memref<?x4xf32>, memref<4x?xi32>, memref<5xi32>, memref<?x8xf32>, memref<4x8x16xf32>, memref<4x16x8xf32>)
    outs(%h, %p, %out : memref<?x16xf32>, memref<?x8xf32>, memref<?x8xf32>)
  return
}

// -----

func.func @f(%x: memref<?x8xf32>, %router: memref<8x4xf32>, %w1: memref<4x8x16xf32>, %w2: memref<4x16x8xf32>, %out: memref<?x8xf32>) {
  // expected-error@+1 {{'et.moe' op has the activation 'clamped_swiglu', which is not there without operand 'gate' [C11]}}
  et.moe linear #et.top_k<k = 1> clamped_swiglu<limit = 1.0>
    ins(%x, %router, %w1, %w2 : memref<?x8xf32>, memref<8x4xf32>, memref<4x8x16xf32>, memref<4x16x8xf32>)
    outs(%out : memref<?x8xf32>)
  return
}

// -----

func.func @f(%x: memref<?x8xf32>, %w: memref<1x8x16xf32>, %out: memref<?x16xf32>) {
  // expected-error@+1 {{expected '<'; #et.clamped_swiglu takes limit}}
  et.grouped_matmul clamped_swiglu ins(%x, %w : memref<?x8xf32>, memref<1x8x16xf32>)
    gate(%w : memref<1x8x16xf32>) outs(%out : memref<?x16xf32>)
  return
}

// -----

func.func @f(%x: memref<?x8xf32>, %w: memref<1x8x16xf32>, %out: memref<?x16xf32>) {
  // expected-error@+1 {{expected ','; #et.swiglu_oss takes alpha, limit}}
  et.grouped_matmul swiglu_oss<alpha = 1.0> ins(%x, %w : memref<?x8xf32>, memref<1x8x16xf32>)
    gate(%w : memref<1x8x16xf32>) outs(%out : memref<?x16xf32>)
  return
}

// -----

func.func @f(%x: memref<?x8xf32>, %w: memref<1x8x16xf32>, %out: memref<?x16xf32>) {
  // expected-error@+1 {{unknown struct parameter name: bound; #et.clamped_swiglu takes limit}}
  et.grouped_matmul clamped_swiglu<bound = 1.0> ins(%x, %w : memref<?x8xf32>, memref<1x8x16xf32>)
    gate(%w : memref<1x8x16xf32>) outs(%out : memref<?x16xf32>)
  return
}

// -----

func.func @f(%x: memref<?x8xf32>, %w: memref<1x8x16xf32>, %out: memref<?x16xf32>) {
  // expected-error@+1 {{expected 'ins'}}
  et.grouped_matmul silu<beta = 1.0> ins(%x, %w : memref<?x8xf32>, memref<1x8x16xf32>)
    gate(%w : memref<1x8x16xf32>) outs(%out : memref<?x16xf32>)
  return
}

// -----

func.func @f(%x: memref<?x8xf32>, %w: memref<1x8x16xf32>, %out: memref<?x16xf32>) {
  // expected-error@+1 {{expected activation, one of: none, relu, relu_squared, gelu, gelu_tanh, silu, clamped_swiglu, swiglu_oss}}
  et.grouped_matmul 7 ins(%x, %w : memref<?x8xf32>, memref<1x8x16xf32>)
    outs(%out : memref<?x16xf32>)
  return
}

// -----

func.func @f(%x: memref<?x8xf32>, %w: memref<1x8x16xf32>, %out: memref<?x16xf32>) {
  // expected-error@+1 {{expected activation, one of: none,}}
  et.grouped_matmul #et.top_k<k = 1> ins(%x, %w : memref<?x8xf32>, memref<1x8x16xf32>)
    outs(%out : memref<?x16xf32>)
  return
}

// -----

func.func @f(%x: memref<?x8xf32>, %w: memref<1x8x16xf32>, %out: memref<?x16xf32>) {
  // expected-error@+1 {{'et.grouped_matmul' op has 'arith.remsi' in its epilogue, which takes elementwise ops of arith and math without integer division, and constants, alone [C12]}}
  et.grouped_matmul relu ins(%x, %w : memref<?x8xf32>, memref<1x8x16xf32>)
    outs(%out : memref<?x16xf32>) epilogue(%v) {
    %bits = arith.bitcast %v : f32 to i32
    %rest = arith.remsi %bits, %bits : i32
    %f = arith.sitofp %rest : i32 to f32
    et.yield %f
  }
  return
}

// -----

func.func @f(%x: memref<?x8xf32>, %w: memref<1x8x16xf32>, %out: memref<?x16xf32>) {
  // expected-error@+1 {{'et.grouped_matmul' op has 'memref.alloc' in its epilogue, which takes elementwise ops of arith and math without integer division, and constants, alone [C12]}}
  et.grouped_matmul relu ins(%x, %w : memref<?x8xf32>, memref<1x8x16xf32>)
    outs(%out : memref<?x16xf32>) epilogue(%v) {
    %m = memref.alloc() : memref<4xf32>
    et.yield %v
  }
  return
}

// -----

func.func @f(%x: memref<?x8xf32>, %w: memref<1x8x16xf32>, %out: memref<?x16xf32>) {
  // expected-error@+1 {{'et.grouped_matmul' op needs one epilogue at most, with an argument of f32 and an 'et.yield' [C12]}}
  "et.grouped_matmul"(%x, %w, %out) <{activation = #et.relu, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1>}> ({
  ^bb0(%v: f16):
    %f = arith.extf %v : f16 to f32
    et.yield %f
  }) : (memref<?x8xf32>, memref<1x8x16xf32>, memref<?x16xf32>) -> ()
  return
}

// -----

func.func @f(%x: memref<?x8xf32>, %w: memref<1x8x16xf32>, %out: memref<?x16xf32>) {
  // expected-error@+1 {{'et.grouped_matmul' op needs one epilogue at most, with an argument of f32 and an 'et.yield' [C12]}}
  "et.grouped_matmul"(%x, %w, %out) <{activation = #et.relu, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1>}> ({
  ^bb0(%v: f32):
    et.yield %v
  }, {
  ^bb0(%v: f32):
    et.yield %v
  }) : (memref<?x8xf32>, memref<1x8x16xf32>, memref<?x16xf32>) -> ()
  return
}

// -----

func.func @f(%v: f32) {
  // expected-error@+1 {{'et.yield' op expects parent op 'et.grouped_matmul'}}
  et.yield %v
}

// -----

func.func @f(%x: tensor<9x8xf32>, %router: tensor<8x4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>, %out: tensor<9x8xf32>) {
  // expected-error@+1 {{'et.moe' op has 9 tokens, more than max_tokens = 8 of its lowering_config [C12]}}
  %0 = et.moe linear #et.top_k<k = 1> silu
    ins(%x, %router, %w1, %w2 : tensor<9x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    outs(%out : tensor<9x8xf32>) {lowering_config = #et.lowering_config<max_tokens = 8>}
  return
}

// -----

func.func @f(%x: tensor<9x8xbf16>, %scores: tensor<9x4xbf16>, %w1: tensor<4x8x16xbf16>, %w2: tensor<4x16x8xbf16>, %out: tensor<9x8xbf16>) {
  // expected-error@+1 {{'et.moe' op has given scores of element type 'bf16', expected f32 [C13]}}
  %0 = et.moe given #et.top_k<k = 1> silu
    ins(%x, %scores, %w1, %w2 : tensor<9x8xbf16>, tensor<9x4xbf16>, tensor<4x8x16xbf16>, tensor<4x16x8xbf16>)
    outs(%out : tensor<9x8xbf16>)
  return
}

// -----

// The router has D rows, scores have T.
func.func @f(%x: tensor<9x8xf32>, %scores: tensor<8x4xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>, %out: tensor<9x8xf32>) {
  // expected-error@+1 {{'et.moe' op operand 'router' has size 8 in dimension 0, expected T = 9 by 'x' [C1]}}
  %0 = et.moe given #et.top_k<k = 1> silu
    ins(%x, %scores, %w1, %w2 : tensor<9x8xf32>, tensor<8x4xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
    outs(%out : tensor<9x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<64x200xbf16>, %w: tensor<1x200x300xbf16>, %out: tensor<64x300xbf16>) {
  // expected-error@+1 {{'et.grouped_matmul' op has 'format' without operand 'scales' [C13]}}
  %0 = et.grouped_matmul silu ins(%x, %w : tensor<64x200xbf16>, tensor<1x200x300xbf16>) format(#et.blocks)
    outs(%out : tensor<64x300xbf16>)
  return
}

// -----

func.func @f(%x: tensor<64x200xbf16>, %w: tensor<1x200x300xf8E4M3FN>, %s: tensor<1x2x3xf32>, %out: tensor<64x300xbf16>) {
  // expected-error@+1 {{'et.grouped_matmul' op operand 'scales' has size 3 in dimension 2, expected N = 300 by 'rhs' [C1]}}
  %0 = et.grouped_matmul silu ins(%x, %w : tensor<64x200xbf16>, tensor<1x200x300xf8E4M3FN>)
    format(#et.blocks<n = 1>) scales(%s : tensor<1x2x3xf32>) outs(%out : tensor<64x300xbf16>)
  return
}

// -----

func.func @f(%x: tensor<64x200xbf16>, %w: tensor<1x200x300xf8E4M3FN>, %s: tensor<1x2x300xf32>, %out: tensor<64x300xbf16>) {
  // expected-error@+1 {{'et.grouped_matmul' op operand 'scales' has size 2 in dimension 1, expected 1 [C2]}}
  %0 = et.grouped_matmul silu ins(%x, %w : tensor<64x200xbf16>, tensor<1x200x300xf8E4M3FN>)
    format(#et.blocks<k = all, n = 1>) scales(%s : tensor<1x2x300xf32>) outs(%out : tensor<64x300xbf16>)
  return
}

// -----

func.func @f(%x: tensor<64x200xbf16>, %w: tensor<1x200x300xf8E4M3FN>, %s: tensor<1x2x3xf32>, %out: tensor<64x300xbf16>) {
  // expected-error@+2 {{'et.grouped_matmul' expected a format of weights, one of: #et.blocks}}
  %0 = et.grouped_matmul silu ins(%x, %w : tensor<64x200xbf16>, tensor<1x200x300xf8E4M3FN>)
    format(#et.threshold) scales(%s : tensor<1x2x3xf32>) outs(%out : tensor<64x300xbf16>)
  return
}

// -----

func.func @f(%x: tensor<64x200xbf16>, %w: tensor<1x4x200x64xi8>, %s: tensor<1x1x256xf32>, %out: tensor<64x256xbf16>) {
  // expected-error@+1 {{'et.grouped_matmul' op has 'panels', but elements have several weights [C14]}}
  %0 = et.grouped_matmul silu ins(%x, %w : tensor<64x200xbf16>, tensor<1x4x200x64xi8>) panels(#et.panels<columns = 64>)
    format(#et.blocks<element = i4, k = all, n = 1>) scales(%s : tensor<1x1x256xf32>) outs(%out : tensor<64x256xbf16>)
  return
}

// -----

func.func @f(%x: tensor<64x200xbf16>, %w: tensor<1x200x300xi8>, %s: tensor<1x1x300xf32>, %out: tensor<64x300xbf16>) {
  // expected-error@+1 {{'et.grouped_matmul' op operand 'rhs' has size 300 in dimension 2, expected N/2 = 150 [C2]}}
  %0 = et.grouped_matmul silu ins(%x, %w : tensor<64x200xbf16>, tensor<1x200x300xi8>)
    format(#et.blocks<element = f4E2M1FN, k = all, n = 1>) scales(%s : tensor<1x1x300xf32>) outs(%out : tensor<64x300xbf16>)
  return
}

// -----

func.func @f(%w: tensor<4x8x100xi8>, %s: tensor<4x1x100xf32>, %out: tensor<4x8x100xf32>) {
  // expected-error@+1 {{'et.dequantize' op operand 'w' has element type 'i8', but the format has 'f8E4M3FN' [C3]}}
  %0 = et.dequantize #et.blocks<k = all, n = 1> ins(%w, %s : tensor<4x8x100xi8>, tensor<4x1x100xf32>) outs(%out : tensor<4x8x100xf32>)
  return
}

// -----

func.func @f(%w: tensor<4x8x50xi8>, %s: tensor<4x8x100xf32>, %z: tensor<4x1x100xf32>, %out: tensor<4x8x100xf32>) {
  // expected-error@+1 {{'et.dequantize' op operand 'zero_points' has size 1 in dimension 1, expected K = 8 by 'w' [C1]}}
  %0 = et.dequantize #et.blocks<element = i4, k = 1, n = 1> ins(%w, %s : tensor<4x8x50xi8>, tensor<4x8x100xf32>)
    zero_points(%z : tensor<4x1x100xf32>) outs(%out : tensor<4x8x100xf32>)
  return
}

// -----

func.func @f(%w: tensor<4x8x100xi8>, %s: tensor<4x1x100xf32>, %out: memref<4x8x100xf32>) {
  // expected-error@+1 {{'et.dequantize' op mixes tensor and memref operands [C0]}}
  et.dequantize #et.blocks<element = i8, k = all, n = 1> ins(%w, %s : tensor<4x8x100xi8>, tensor<4x1x100xf32>) outs(%out : memref<4x8x100xf32>)
  return
}
