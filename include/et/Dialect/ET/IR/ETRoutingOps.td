//===- ETRoutingOps.td - From token states to selected pairs -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_IR_ETROUTINGOPS
#define ET_DIALECT_ET_IR_ETROUTINGOPS

include "et/Dialect/ET/IR/ETOpBase.td"

def ET_ScoresOp : ET_DpsOp<"scores", 1> {
  let summary = "score of every token for every expert";
  let description = [{
    `linear`: r[t,e] = sum over d of x[t,d] router[d,e].
    `cosine`: the same sum over max(|x[t,:]|, 1e-12) max(|router[:,e]|, 1e-12),
    with Euclidean norms. Products and sums are f32 whatever the storage type.

    Shapes: x `[T, D]`, router `[D, E]`, out `[T, E]`.

    ```mlir
    %r = et.scores linear ins(%x, %router : tensor<?x768xbf16>, tensor<768x16xbf16>)
                          outs(%init : tensor<?x16xf32>)
    ```
  }];
  let arguments = (ins ET_ScoreKindAttr:$kind, ET_Storage2D:$x, ET_Storage2D:$router,
                       ET_F32x2D:$out);
  let assemblyFormat = [{
    custom<Word>($kind) `ins` `(` $x `,` $router `:` type($x) `,` type($router) `)`
    `outs` `(` $out `:` type($out) `)`
    `` custom<DpsResults>(ref(type($out)), type($results)) attr-dict
  }];
}

def ET_GateOp : ET_DpsOp<"gate", 2, 0, [AttrSizedOperandSegments]> {
  let summary = "selects (token, expert) pairs and weighs them";
  let description = [{
    The routing attribute is the rule: `#et.threshold`, `#et.bounded_threshold`,
    `#et.top_k`, `#et.expert_choice` or `#et.top_p`. Threshold rules take the
    thresholds `theta`; `#et.top_k` may take a selection `bias`. The mask and the
    gates are written whole: unselected pairs get gate 0, bits beyond T are 0.

    Shapes: scores `[T, E]`, theta and bias `[E]`, mask `[E, ceil(T / 32)]`,
    gates `[T, E]`.

    ```mlir
    %mask, %gates = et.gate #et.threshold<gate = sigmoid>
      ins(%r : tensor<?x16xf32>) theta(%theta : tensor<16xf32>)
      outs(%m, %g : tensor<16x?xi32>, tensor<?x16xf32>)
    ```
  }];
  let arguments = (ins ET_RoutingAttrInterface:$routing, ET_F32x2D:$scores,
                       Optional<ET_F32x1D>:$theta, Optional<ET_F32x1D>:$bias,
                       ET_I32x2D:$mask, ET_F32x2D:$gates);
  let assemblyFormat = [{
    custom<Routing>($routing) `ins` `(` $scores `:` type($scores) `)`
    (`theta` `(` $theta^ `:` type($theta) `)`)?
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    `outs` `(` $mask `,` $gates `:` type($mask) `,` type($gates) `)`
    `` custom<DpsResults>(ref(type($mask)), ref(type($gates)), type($results)) attr-dict
  }];
  let hasCanonicalizer = 1;
}

def ET_RouteOp : ET_DpsOp<"route", 3, 0, [AttrSizedOperandSegments]> {
  let summary = "from token states to the plan, in one op";
  let description = [{
    What `et.scores`, `et.gate` and `et.offsets` do one after another, without
    scores that anyone else sees: a target may do it all in one pass over x.
    `--et-fuse-gating` makes it of them.

    Shapes: x `[T, D]`, router `[D, E]`, theta and bias `[E]`, mask
    `[E, ceil(T / 32)]`, gates `[T, E]`, offsets `[E + 1]`.

    ```mlir
    %mask, %gates, %offsets = et.route linear #et.threshold
      ins(%x, %router : tensor<?x768xbf16>, tensor<768x16xbf16>)
      theta(%theta : tensor<16xf32>)
      outs(%m, %g, %o : tensor<16x?xi32>, tensor<?x16xf32>, tensor<17xi32>)
    ```
  }];
  let arguments = (ins ET_ScoreKindAttr:$score, ET_RoutingAttrInterface:$routing,
                       ET_Storage2D:$x, ET_Storage2D:$router,
                       Optional<ET_F32x1D>:$theta, Optional<ET_F32x1D>:$bias,
                       ET_I32x2D:$mask, ET_F32x2D:$gates, ET_I32x1D:$offsets);
  let assemblyFormat = [{
    custom<Word>($score) custom<Routing>($routing) `ins` `(` $x `,` $router `:` type($x) `,` type($router) `)`
    (`theta` `(` $theta^ `:` type($theta) `)`)?
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    `outs` `(` $mask `,` $gates `,` $offsets `:`
               type($mask) `,` type($gates) `,` type($offsets) `)`
    `` custom<DpsResults>(ref(type($mask)), ref(type($gates)), ref(type($offsets)),
                          type($results)) attr-dict
  }];
}

#endif // ET_DIALECT_ET_IR_ETROUTINGOPS
