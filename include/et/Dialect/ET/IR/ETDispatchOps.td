//===- ETDispatchOps.td - From selected pairs to rows and back -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_IR_ETDISPATCHOPS
#define ET_DIALECT_ET_IR_ETDISPATCHOPS

include "et/Dialect/ET/IR/ETOpBase.td"

def ET_OffsetsOp : ET_DpsOp<"offsets", 1> {
  let summary = "prefix sum of the experts' loads";
  let description = [{
    offsets[0] = 0 and offsets[e + 1] = offsets[e] + popcount(mask[e, :]), so
    offsets[E] = S. T * E must be below 2^31.

    Shapes: mask `[E, W]`, offsets `[E + 1]`.

    ```mlir
    %offsets = et.offsets ins(%mask : tensor<16x?xi32>) outs(%init : tensor<17xi32>)
    ```
  }];
  let hasCanonicalizer = 1;
  let arguments = (ins ET_I32x2D:$mask, ET_I32x1D:$offsets);
  let assemblyFormat = [{
    `ins` `(` $mask `:` type($mask) `)` `outs` `(` $offsets `:` type($offsets) `)`
    `` custom<DpsResults>(ref(type($offsets)), type($results)) attr-dict
  }];
}

def ET_TokenListOp : ET_DpsOp<"token_list", 1, 1> {
  let summary = "the token of every selected pair, by expert";
  let description = [{
    tokens[offsets[e] + i] is the i-th token of expert e, ascending. Entries at
    and beyond offsets[E] keep what they held. tokens has P >= S entries; the
    behavior is undefined if there are fewer.

    Shapes: mask `[E, W]`, offsets `[E + 1]`, tokens `[P]`.

    ```mlir
    %tokens = et.token_list ins(%mask, %offsets : tensor<16x?xi32>, tensor<17xi32>)
                            outs(%init : tensor<?xi32>)
    ```
  }];
  let hasCanonicalizer = 1;
  let arguments = (ins ET_I32x2D:$mask, ET_I32x1D:$offsets, ET_I32x1D:$tokens);
  let assemblyFormat = [{
    `ins` `(` $mask `,` $offsets `:` type($mask) `,` type($offsets) `)`
    `outs` `(` $tokens `:` type($tokens) `)`
    `` custom<DpsResults>(ref(type($tokens)), type($results)) attr-dict
  }];
}

def ET_GatherOp : ET_DpsOp<"gather", 1, 1> {
  let summary = "rows of the selected tokens, by expert";
  let description = [{
    out[p, :] = x[tokens[p], :] for p < offsets[E]; later rows keep what they
    held.

    Shapes: x `[T, D]`, tokens `[P]`, offsets `[E + 1]`, out `[P, D]`.
  }];
  let hasCanonicalizer = 1;
  let arguments = (ins ET_Storage2D:$x, ET_I32x1D:$tokens, ET_I32x1D:$offsets,
                       ET_Storage2D:$out);
  let assemblyFormat = [{
    `ins` `(` $x `,` $tokens `,` $offsets `:` type($x) `,` type($tokens) `,` type($offsets) `)`
    `outs` `(` $out `:` type($out) `)`
    `` custom<DpsResults>(ref(type($out)), type($results)) attr-dict
  }];
}

def ET_CombineOp : ET_DpsOp<"combine", 1> {
  let summary = "weighted sum of each token's expert outputs";
  let description = [{
    out[t, :] = shared[t, :] (0 without it) + sum over the experts e that took
    token t, in ascending order, of gates[t, e] * pairs[row(t, e), :], where
    row(t, e) = offsets[e] + the number of bits set in mask[e, :] before t.
    Products and sums are f32, rounded once to out's type. A token that no expert
    took gets shared[t, :], else exactly 0.

    Shapes: pairs `[P, D]`, gates `[T, E]`, mask `[E, ceil(T / 32)]`, offsets
    `[E + 1]`, shared `[T, D]`, out `[T, D]`.

    ```mlir
    %y = et.combine ins(%pairs, %gates, %mask, %offsets
      : tensor<?x768xf32>, tensor<?x16xf32>, tensor<16x?xi32>, tensor<17xi32>)
      shared(%s : tensor<?x768xf32>) outs(%init : tensor<?x768xbf16>)
    ```
  }];
  let hasCanonicalizer = 1;
  let arguments = (ins ET_Storage2D:$pairs, ET_F32x2D:$gates, ET_I32x2D:$mask,
                       ET_I32x1D:$offsets, Optional<ET_Storage2D>:$shared,
                       ET_Storage2D:$out);
  let assemblyFormat = [{
    `ins` `(` $pairs `,` $gates `,` $mask `,` $offsets `:`
              type($pairs) `,` type($gates) `,` type($mask) `,` type($offsets) `)`
    (`shared` `(` $shared^ `:` type($shared) `)`)?
    `outs` `(` $out `:` type($out) `)`
    `` custom<DpsResults>(ref(type($out)), type($results)) attr-dict
  }];
}

#endif // ET_DIALECT_ET_IR_ETDISPATCHOPS
