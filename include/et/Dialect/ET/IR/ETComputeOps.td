//===- ETComputeOps.td - Products, feed-forward and the whole layer -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_IR_ETCOMPUTEOPS
#define ET_DIALECT_ET_IR_ETCOMPUTEOPS

include "et/Dialect/ET/IR/ETOpBase.td"

def ET_PackOp : ET_DpsOp<"pack", 1> {
  let summary = "weights in the layout that a kernel reads best";
  let description = [{
    out = w in the layout `panels`: see `#et.panels`. Where w has no element, out
    is 0.

    Shapes: w `[E, K, N]`, out
    `[E, ceil(N / columns), roundUp(K, step) / interleave, columns * interleave]`.

    ```mlir
    %p = et.pack #et.panels<columns = 64> ins(%w : tensor<16x768x1500xf32>)
      outs(%init : tensor<16x24x768x64xf32>)
    ```
  }];
  let hasCanonicalizer = 1;
  let arguments = (ins ET_PanelsAttr:$panels, ET_ProductWeights3D:$w, ET_ProductWeights4D:$out);
  let assemblyFormat = [{
    qualified($panels) `ins` `(` $w `:` type($w) `)` `outs` `(` $out `:` type($out) `)`
    `` custom<DpsResults>(ref(type($out)), type($results)) attr-dict
  }];
}

def ET_DequantizeOp : ET_DpsOp<"dequantize", 1> {
  let summary = "weights as the values that they stand for";
  let description = [{
    out = (value(w) - zero_points) scales, rounded once to out's type, where w is
    stored in `format`, and scales and zero points are of its blocks. Absent zero
    points are 0.

    A layer or a product with such weights reads w itself, if
    `--et-fuse-dequantize` can have it do so. It then takes the values of f32,
    before they are rounded.

    Shapes: w `[E, K, N]`, or with fewer columns if elements have several weights,
    out `[E, K, N]`, scales and zero_points `[E, ceil(K / k), ceil(N / n)]` for a
    format's block of k x n.

    ```mlir
    %w = et.dequantize #et.blocks<element = i8, k = all, n = 1>
      ins(%q, %scales : tensor<16x768x1536xi8>, tensor<16x1x1536xf32>)
      outs(%init : tensor<16x768x1536xbf16>)
    ```
  }];
  let arguments = (ins ET_WeightFormatAttrInterface:$format, ET_StoredWeights3D:$w, ET_F32x3D:$scales,
                       Optional<ET_F32x3D>:$zeroPoints, ET_Storage3D:$out);
  let assemblyFormat = [{
    custom<WeightFormat>($format) `ins` `(` $w `,` $scales `:` type($w) `,` type($scales) `)`
    (`zero_points` `(` $zeroPoints^ `:` type($zeroPoints) `)`)?
    `outs` `(` $out `:` type($out) `)`
    `` custom<DpsResults>(ref(type($out)), type($results)) attr-dict
  }];
}

def ET_GroupedMatmulOp : ET_DpsOp<"grouped_matmul", 1, 1, [AttrSizedOperandSegments, IsolatedFromAbove]> {
  let summary = "one matrix product an expert over its own rows, with an epilogue";
  let description = [{
    For every expert e and every row p with offsets[e] <= p < offsets[e + 1]:

        a         = lhs[tokens[p], :]  (lhs[p, :] without tokens and mask)
        out[p, :] = act(a rhs[e] + bias[e])                               without gate
        out[p, :] = act(a gate[e] + gate_bias[e]) * (a rhs[e] + bias[e])  with gate

    Some activations are functions of both products at once, and are there only
    with a gate. An `epilogue` turns each such value into the one that is stored,
    both f32: elementwise ops of arith and math, and constants.

    With a mask in place of tokens, the i-th row of expert e takes the token of the
    i-th bit that is set in mask[e, :]. Without offsets there is one expert (E = 1)
    and every row is its own. Products,
    sums, biases and the activation are f32, rounded once to out's type. Rows
    outside all experts keep what they held.

    Where there are more pairs than out has rows, those at and beyond P are
    left out.

    Shapes: lhs `[R, K]` (R = T with tokens or mask, else P), rhs and gate
    `[E, K, N]`, offsets `[E + 1]`, tokens `[P]`, mask `[E, ceil(T / 32)]`, biases `[E, N]`, out `[P, N]`. lhs, rhs, gate
    and biases share one storage type; out has that type or f32. With `panels`,
    rhs and gate are packed in that layout, as by `et.pack`.

    rhs and gate may be stored in a `format` instead, which is #et.blocks if none
    is named: f8E4M3FN. Each block of k x n of their elements then has a scale that
    multiplies them, in scales and gate_scales `[E, ceil(K / k), ceil(N / n)]`.

    ```mlir
    %h = et.grouped_matmul relu_squared
      ins(%x, %w1 : tensor<?x768xbf16>, tensor<16x768x1536xbf16>)
      offsets(%offsets : tensor<17xi32>) tokens(%tokens : tensor<?xi32>)
      outs(%init : tensor<?x1536xbf16>) epilogue(%v) {
        %half = arith.constant 5.000000e-01 : f32
        %scaled = arith.mulf %v, %half : f32
        et.yield %scaled
      }
    ```
  }];
  let hasCanonicalizer = 1;
  let regions = (region VariadicRegion<SizedRegion<1>>:$epilogue);
  let arguments = (ins ET_ActivationAttrInterface:$activation, ET_Storage2D:$lhs, ET_ProductWeights:$rhs,
                       Optional<ET_I32x1D>:$offsets, Optional<ET_I32x1D>:$tokens,
                       Optional<ET_I32x2D>:$mask, Optional<ET_Storage2D>:$bias,
                       Optional<ET_ProductWeights>:$gate, Optional<ET_Storage2D>:$gateBias,
                       Optional<ET_F32x3D>:$scales, Optional<ET_F32x3D>:$gateScales,
                       OptionalAttr<ET_PanelsAttr>:$panels,
                       OptionalAttr<ET_WeightFormatAttrInterface>:$format, ET_Storage2D:$out);
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::mlir::TypeRange":$results, "::mlir::et::ActivationAttrInterface":$activation,
    "const ::mlir::et::GroupedMatmulOperands &":$operands, "::mlir::Value":$out)>];
  let declarations = [{
    /// How rhs and gate are stored; null for a storage type.
    ::mlir::et::WeightFormatAttrInterface getWeightFormat();
  }];
  let assemblyFormat = [{
    custom<Activation>($activation) `ins` `(` $lhs `,` $rhs `:` type($lhs) `,` type($rhs) `)`
    (`panels` `(` qualified($panels)^ `)`)?
    (`offsets` `(` $offsets^ `:` type($offsets) `)`)?
    (`tokens` `(` $tokens^ `:` type($tokens) `)`)?
    (`mask` `(` $mask^ `:` type($mask) `)`)?
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`gate` `(` $gate^ `:` type($gate) `)`)?
    (`gate_bias` `(` $gateBias^ `:` type($gateBias) `)`)?
    (`format` `(` custom<WeightFormat>($format)^ `)`)?
    (`scales` `(` $scales^ `:` type($scales) `)`)?
    (`gate_scales` `(` $gateScales^ `:` type($gateScales) `)`)?
    `outs` `(` $out `:` type($out) `)`
    `` custom<DpsResults>(ref(type($out)), type($results)) attr-dict `` custom<Epilogue>($epilogue)
  }];
}

def ET_YieldOp : ET_Op<"yield", [Pure, Terminator, HasParent<"GroupedMatmulOp">]> {
  let summary = "the value that an epilogue stores";
  let description = [{ Ends the epilogue of an `et.grouped_matmul`. }];
  let arguments = (ins F32:$value);
  let assemblyFormat = "$value attr-dict";
}

def ET_ExpertFfnOp : ET_DpsOp<"expert_ffn", 1, 1, [AttrSizedOperandSegments]> {
  let summary = "the experts' feed-forward network over the selected pairs";
  let description = [{
    For every expert e and each of its rows p, with a = x[tokens[p], :]
    (x[p, :] without tokens):

        h         = act(a w1[e] + b1[e])                                 without gate
        h         = act(a gate[e] + gate_bias[e]) * (a w1[e] + b1[e])    with gate
        out[p, :] = h w2[e] + b2[e]

    Without offsets there is one expert (E = 1) and every row is its own: a dense
    feed-forward layer. silu with a gate is SwiGLU, gelu with a gate is GeGLU. h is rounded to x's
    type; everything else is f32, rounded once to out's type.

    Shapes: x `[R, D]`, offsets `[E + 1]`, w1 and gate `[E, D, F]`, w2 `[E, F, D]`,
    tokens `[P]`, b1 and gate_bias `[E, F]`, b2 `[E, D]`, out `[P, D]`. Weights of
    f8E4M3FN have scales, as in `et.grouped_matmul`: w1_scales and gate_scales
    `[E, ceil(D / 128), ceil(F / 128)]`, w2_scales `[E, ceil(F / 128), ceil(D / 128)]`.

    ```mlir
    %y = et.expert_ffn silu
      ins(%x, %w1, %w2
        : tensor<?x768xbf16>, tensor<16x768x1536xbf16>, tensor<16x1536x768xbf16>)
      offsets(%offsets : tensor<17xi32>) tokens(%tokens : tensor<?xi32>) gate(%wg : tensor<16x768x1536xbf16>)
      outs(%init : tensor<?x768xf32>)
    ```
  }];
  let hasCanonicalizer = 1;
  let arguments = (ins ET_ActivationAttrInterface:$activation, ET_Storage2D:$x, ET_Weights3D:$w1,
                       ET_Weights3D:$w2, Optional<ET_I32x1D>:$offsets, Optional<ET_I32x1D>:$tokens,
                       Optional<ET_Storage2D>:$b1, Optional<ET_Storage2D>:$b2,
                       Optional<ET_Weights3D>:$gate, Optional<ET_Storage2D>:$gateBias,
                       Optional<ET_F32x3D>:$w1Scales, Optional<ET_F32x3D>:$w2Scales,
                       Optional<ET_F32x3D>:$gateScales, ET_Storage2D:$out);
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::mlir::TypeRange":$results, "::mlir::et::ActivationAttrInterface":$activation,
    "const ::mlir::et::ExpertFfnOperands &":$operands, "::mlir::Value":$out)>];
  let assemblyFormat = [{
    custom<Activation>($activation) `ins` `(` $x `,` $w1 `,` $w2 `:` type($x) `,` type($w1) `,` type($w2) `)`
    (`offsets` `(` $offsets^ `:` type($offsets) `)`)?
    (`tokens` `(` $tokens^ `:` type($tokens) `)`)?
    (`b1` `(` $b1^ `:` type($b1) `)`)?
    (`b2` `(` $b2^ `:` type($b2) `)`)?
    (`gate` `(` $gate^ `:` type($gate) `)`)?
    (`gate_bias` `(` $gateBias^ `:` type($gateBias) `)`)?
    (`w1_scales` `(` $w1Scales^ `:` type($w1Scales) `)`)?
    (`w2_scales` `(` $w2Scales^ `:` type($w2Scales) `)`)?
    (`gate_scales` `(` $gateScales^ `:` type($gateScales) `)`)?
    `outs` `(` $out `:` type($out) `)`
    `` custom<DpsResults>(ref(type($out)), type($results)) attr-dict
  }];
}

def ET_CombineWavesOp : ET_DpsOp<"combine_waves", 3, 2, [AttrSizedOperandSegments]> {
  let summary = "et.combine, after the pairs that the pair buffers had no room for";
  let description = [{
    What `et.combine` computes of all pairs, where `pairs` holds the experts'
    outputs of the first P alone. Of a later pair of expert e and token t the
    output is made here, with a = x[t, :], as `et.expert_ffn` makes it:

        h   = act(a w1[e] + b1[e])                                 without gate
        h   = act(a gate[e] + gate_bias[e]) * (a w1[e] + b1[e])    with gate
        row = h w2[e] + b2[e]

    h and row are rounded to their buffers' type. That is done for P pairs at a
    time, a wave, in the buffers `hidden` and `pairs`; what these hold afterwards
    is not defined. P may be 0 only where there is no pair.

    Shapes: gates `[T, E]`, mask `[E, ceil(T / 32)]`, offsets `[E + 1]`, x
    `[T, D]`, w1 and gate `[E, D, F]`, w2 `[E, F, D]`, b1 and gate_bias `[E, F]`,
    b2 `[E, D]`, shared `[T, D]`, hidden `[P, F]`, pairs `[P, D]`, out `[T, D]`.

    ```mlir
    %h, %p, %y = et.combine_waves relu
      ins(%gates, %mask, %offsets, %x, %w1, %w2
        : tensor<?x16xf32>, tensor<16x?xi32>, tensor<17xi32>, tensor<?x768xbf16>,
          tensor<16x768x1536xbf16>, tensor<16x1536x768xbf16>)
      outs(%hidden, %pairs, %init
        : tensor<?x1536xbf16>, tensor<?x768xbf16>, tensor<?x768xbf16>)
    ```
  }];
  let arguments = (ins ET_ActivationAttrInterface:$activation, ET_F32x2D:$gates, ET_I32x2D:$mask,
                       ET_I32x1D:$offsets, ET_Storage2D:$x, ET_Storage3D:$w1, ET_Storage3D:$w2,
                       Optional<ET_Storage2D>:$b1, Optional<ET_Storage2D>:$b2,
                       Optional<ET_Storage3D>:$gate, Optional<ET_Storage2D>:$gateBias,
                       Optional<ET_Storage2D>:$shared, ET_Storage2D:$hidden,
                       ET_Storage2D:$pairs, ET_Storage2D:$out);
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::mlir::TypeRange":$results, "::mlir::et::ActivationAttrInterface":$activation,
    "const ::mlir::et::CombineWavesOperands &":$operands, "::mlir::Value":$hidden,
    "::mlir::Value":$pairs, "::mlir::Value":$out)>];
  let assemblyFormat = [{
    custom<Activation>($activation)
    `ins` `(` $gates `,` $mask `,` $offsets `,` $x `,` $w1 `,` $w2 `:` type($gates) `,` type($mask) `,`
              type($offsets) `,` type($x) `,` type($w1) `,` type($w2) `)`
    (`b1` `(` $b1^ `:` type($b1) `)`)?
    (`b2` `(` $b2^ `:` type($b2) `)`)?
    (`gate` `(` $gate^ `:` type($gate) `)`)?
    (`gate_bias` `(` $gateBias^ `:` type($gateBias) `)`)?
    (`shared` `(` $shared^ `:` type($shared) `)`)?
    `outs` `(` $hidden `,` $pairs `,` $out `:` type($hidden) `,` type($pairs) `,` type($out) `)`
    `` custom<DpsResults>(ref(type($hidden)), ref(type($pairs)), ref(type($out)),
                          type($results)) attr-dict
  }];
}

def ET_MoeOp : ET_DpsOp<"moe", 1, 0, [AttrSizedOperandSegments]> {
  let summary = "a mixture-of-experts layer";
  let description = [{
    y = shared(x) + sum over the selected experts of gate * expert_e(x), exactly
    as the ops that `--et-decompose-moe` turns it into: `et.scores`, `et.gate`,
    `et.offsets`, `et.token_list`, `et.expert_ffn`, `et.combine`. The shared
    expert has the same activation and form, no bias, and is always used.

    The score `given` says that the scores are there: they stand in the router's
    place.

    Shapes: x and out `[T, D]`, router `[D, E]`, or scores `[T, E]` of f32, w1 and
    gate `[E, D, F]`, w2 `[E, F, D]`, theta and bias `[E]`, b1 and gate_bias `[E, F]`, b2 `[E, D]`,
    shared_w1 and shared_gate `[D, G]`, shared_w2 `[G, D]`. w1, w2 and gate may be
    f8E4M3FN with scales, as in `et.expert_ffn`; the shared expert's weights may not.

    The paper form, and the tutorial form:

    ```mlir
    %y = et.moe linear #et.threshold<gate = sigmoid> relu_squared
      ins(%x, %router, %w1, %w2 : tensor<?x768xf32>, tensor<768x16xf32>,
          tensor<16x768x1536xf32>, tensor<16x1536x768xf32>)
      theta(%theta : tensor<16xf32>)
      shared(%s1, %s2 : tensor<768x1536xf32>, tensor<1536x768xf32>)
      outs(%init : tensor<?x768xf32>)
    %z = et.moe cosine #et.threshold<gate = binary> relu
      ins(%x, %router, %w1, %w2 : tensor<?x768xf32>, tensor<768x16xf32>,
          tensor<16x768x1536xf32>, tensor<16x1536x768xf32>)
      theta(%theta : tensor<16xf32>) b1(%b1 : tensor<16x1536xf32>) b2(%b2 : tensor<16x768xf32>)
      outs(%init : tensor<?x768xf32>)
    ```
  }];
  let arguments = (ins ET_ScoreKindAttr:$score, ET_RoutingAttrInterface:$routing,
                       ET_ActivationAttrInterface:$activation, ET_Storage2D:$x,
                       ET_Storage2D:$router, ET_Weights3D:$w1, ET_Weights3D:$w2,
                       Optional<ET_F32x1D>:$theta, Optional<ET_F32x1D>:$bias,
                       Optional<ET_Storage2D>:$b1, Optional<ET_Storage2D>:$b2,
                       Optional<ET_Weights3D>:$gate, Optional<ET_Storage2D>:$gateBias,
                       Optional<ET_F32x3D>:$w1Scales, Optional<ET_F32x3D>:$w2Scales,
                       Optional<ET_F32x3D>:$gateScales,
                       Optional<ET_Storage2D>:$sharedW1, Optional<ET_Storage2D>:$sharedW2,
                       Optional<ET_Storage2D>:$sharedGate, ET_Storage2D:$out,
                       OptionalAttr<ET_LoweringConfigAttr>:$lowering_config);
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::mlir::TypeRange":$results, "::mlir::et::ScoreKind":$score,
    "::mlir::et::RoutingAttrInterface":$routing, "::mlir::et::ActivationAttrInterface":$activation,
    "const ::mlir::et::MoeOperands &":$operands, "::mlir::Value":$out)>];
  let assemblyFormat = [{
    custom<Word>($score) custom<Routing>($routing) custom<Activation>($activation)
    `ins` `(` $x `,` $router `,` $w1 `,` $w2 `:`
              type($x) `,` type($router) `,` type($w1) `,` type($w2) `)`
    (`theta` `(` $theta^ `:` type($theta) `)`)?
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`b1` `(` $b1^ `:` type($b1) `)`)?
    (`b2` `(` $b2^ `:` type($b2) `)`)?
    (`gate` `(` $gate^ `:` type($gate) `)`)?
    (`gate_bias` `(` $gateBias^ `:` type($gateBias) `)`)?
    (`w1_scales` `(` $w1Scales^ `:` type($w1Scales) `)`)?
    (`w2_scales` `(` $w2Scales^ `:` type($w2Scales) `)`)?
    (`gate_scales` `(` $gateScales^ `:` type($gateScales) `)`)?
    (`shared` `(` $sharedW1^ `,` $sharedW2 `:` type($sharedW1) `,` type($sharedW2) `)`)?
    (`shared_gate` `(` $sharedGate^ `:` type($sharedGate) `)`)?
    `outs` `(` $out `:` type($out) `)`
    `` custom<DpsResults>(ref(type($out)), type($results)) attr-dict
  }];
}

#endif // ET_DIALECT_ET_IR_ETCOMPUTEOPS
