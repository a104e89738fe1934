//===- ETStateOps.td - Thresholds and what they are estimated from -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_IR_ETSTATEOPS
#define ET_DIALECT_ET_IR_ETSTATEOPS

include "et/Dialect/ET/IR/ETOpBase.td"

def ET_StatisticOp : ET_DpsOp<"statistic", 1> {
  let summary = "statistic of each expert's scores over a batch";
  let description = [{
    out[e] is `#et.mean_minus_std`, `#et.kth_largest` or `#et.quantile` of
    scores[:, e]. It is NaN where the statistic has no value for this T and where
    a score of the expert is NaN; the update ops leave such an expert's state as
    it was. Used alone with `#et.quantile<q = 1 - rate>` it calibrates thresholds
    for a target rate.

    Shapes: scores `[T, E]`, out `[E]`.

    ```mlir
    %m = et.statistic #et.quantile<q = 0.9375> ins(%r : tensor<?x16xf32>)
                                               outs(%init : tensor<16xf32>)
    ```
  }];
  let arguments = (ins ET_StatisticAttrInterface:$statistic, ET_F32x2D:$scores,
                       ET_F32x1D:$out);
  let hasCanonicalizer = 1;
  let assemblyFormat = [{
    custom<Statistic>($statistic) `ins` `(` $scores `:` type($scores) `)`
    `outs` `(` $out `:` type($out) `)`
    `` custom<DpsResults>(ref(type($out)), type($results)) attr-dict
  }];
}

def ET_HistogramOp : ET_DpsOp<"histogram", 1> {
  let summary = "counts of each expert's scores in equal bins";
  let description = [{
    Bin b of B counts the scores with floor((r - lo) / ((hi - lo) / B)) = b, in
    f32; scores below lo count in the first bin, at or above hi in the last. NaN
    is not counted. Counts of several ranks are summed before
    `et.histogram_quantile`: one integer all-reduce.

    Shapes: scores `[T, E]`, counts `[E, B]`.
  }];
  let arguments = (ins F64Attr:$lo, F64Attr:$hi, ET_F32x2D:$scores, ET_I32x2D:$counts);
  let hasCanonicalizer = 1;
  let assemblyFormat = [{
    `range` `(` $lo `,` $hi `)` `ins` `(` $scores `:` type($scores) `)`
    `outs` `(` $counts `:` type($counts) `)`
    `` custom<DpsResults>(ref(type($counts)), type($results)) attr-dict
  }];
}

def ET_HistogramQuantileOp : ET_DpsOp<"histogram_quantile", 1> {
  let summary = "quantile of each expert's scores from its histogram";
  let description = [{
    With n = sum of counts[e, :], the rank q (n - 1) falls into the first bin b
    whose cumulated count C exceeds it; out[e] = lo + (b + (q (n - 1) - C_before
    + 0.5) / counts[e, b]) (hi - lo) / B, held inside the bin. It is within one
    bin width of the quantile of the scores where they lie in [lo, hi). NaN when
    n = 0.

    Shapes: counts `[E, B]`, out `[E]`.
  }];
  let arguments = (ins F64Attr:$q, F64Attr:$lo, F64Attr:$hi, ET_I32x2D:$counts,
                       ET_F32x1D:$out);
  let hasCanonicalizer = 1;
  let assemblyFormat = [{
    $q `range` `(` $lo `,` $hi `)` `ins` `(` $counts `:` type($counts) `)`
    `outs` `(` $out `:` type($out) `)`
    `` custom<DpsResults>(ref(type($out)), type($results)) attr-dict
  }];
}

def ET_EmaUpdateOp : ET_DpsOp<"ema_update", 1, 1> {
  let summary = "moving average of the thresholds";
  let description = [{
    theta[e] <- beta theta[e] + (1 - beta) m[e]; theta[e] stays as it was where
    m[e] is NaN, and with beta = 1 whatever m[e] is. Route with theta from before the update. With several
    micro-batches average their statistics and update once a step.

    Shapes: m and theta `[E]`.

    ```mlir
    %next = et.ema_update beta = 0.999 ins(%m : tensor<16xf32>) outs(%theta : tensor<16xf32>)
    ```
  }];
  let arguments = (ins DefaultValuedAttr<F64Attr, "0.999">:$beta, ET_F32x1D:$m,
                       ET_F32x1D:$theta);
  let assemblyFormat = [{
    (`beta` `=` $beta^)? `ins` `(` $m `:` type($m) `)`
    `outs` `(` $theta `:` type($theta) `)`
    `` custom<DpsResults>(ref(type($theta)), type($results)) attr-dict
  }];
  let hasCanonicalizer = 1;
}

def ET_EmaUpdateCorrectedOp : ET_DpsOp<"ema_update_corrected", 3, 3> {
  let summary = "bias-corrected moving average of the thresholds";
  let description = [{
    Where m[e] is not NaN: raw[e] <- beta raw[e] + (1 - beta) m[e] and
    steps[e] <- steps[e] + 1. Then theta[e] = raw[e] / (1 - beta^steps[e]), and
    theta[e] = raw[e] while steps[e] = 0. raw (from 0) and steps are the state
    that a checkpoint keeps; theta is written whole.

    Shapes: m, raw, theta `[E]` of f32, steps `[E]` of i64.
  }];
  let arguments = (ins DefaultValuedAttr<F64Attr, "0.999">:$beta, ET_F32x1D:$m,
                       ET_F32x1D:$raw, ET_I64x1D:$steps, ET_F32x1D:$theta);
  let assemblyFormat = [{
    (`beta` `=` $beta^)? `ins` `(` $m `:` type($m) `)`
    `outs` `(` $raw `,` $steps `,` $theta `:` type($raw) `,` type($steps) `,` type($theta) `)`
    `` custom<DpsResults>(ref(type($raw)), ref(type($steps)), ref(type($theta)), type($results))
    attr-dict
  }];
}

def ET_RoutingStatsOp : ET_DpsOp<"routing_stats", 3> {
  let summary = "loads, fan-out and summary figures of a routing";
  let description = [{
    loads[e] counts the tokens of expert e; fan_out[n] the tokens sent to exactly
    n experts, n from 0 to E; figures holds the mean load, the load variance
    (population: mean of squared deviations), the share of tokens with no expert
    (0 where there are no tokens) and the share of experts with no token. Tokens
    are those below the token count; other bits of the mask count nowhere.

    Shapes: mask `[E, ceil(T / 32)]`, loads `[E]`, fan_out `[E + 1]`, figures `[4]`.

    ```mlir
    %loads, %fan_out, %figures = et.routing_stats ins(%mask, %t : tensor<16x?xi32>, index)
      outs(%l, %f, %s : tensor<16xi32>, tensor<17xi32>, tensor<4xf32>)
    ```
  }];
  let arguments = (ins ET_I32x2D:$mask, Index:$tokenCount, ET_I32x1D:$loads,
                       ET_I32x1D:$fanOut, ET_F32x1D:$figures);
  let assemblyFormat = [{
    `ins` `(` $mask `,` $tokenCount `:` type($mask) `,` type($tokenCount) `)`
    `outs` `(` $loads `,` $fanOut `,` $figures `:`
               type($loads) `,` type($fanOut) `,` type($figures) `)`
    `` custom<DpsResults>(ref(type($loads)), ref(type($fanOut)), ref(type($figures)),
                       type($results)) attr-dict
  }];
}

#endif // ET_DIALECT_ET_IR_ETSTATEOPS
