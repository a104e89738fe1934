//===- ETWeights.td - Formats of weights -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What their elements stand for is in ETWeights.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_IR_ETWEIGHTS
#define ET_DIALECT_ET_IR_ETWEIGHTS

include "et/Dialect/ET/IR/ETAttrs.td"

def ET_BlocksAttr : ET_Attr<"Blocks", "blocks",
    [DeclareAttrInterfaceMethods<ET_WeightFormatAttrInterface, ["getCount", "hasByteTables", "hasRegisterForm", "widenRegister"]>]> {
  let summary = "weights in narrow elements, with a scale for each block of them";
  let description = [{
    Weights `[E, K, N]` are of type `element`: f8E4M3FN, i8, i4 or f4E2M1FN. Those of
    four bits are stored as i8 `[E, K, ceil(N / 2)]`, an even column in the lower
    half. Each `k` by `n`
    elements of an expert share a scale, which is an f32; `all` is for as many as
    there are. By default they are as DeepSeek-V3 stores its experts.

    ```mlir
    #et.blocks<element = i8, k = all, n = 1>
    ```
  }];
  let parameters = (ins
    DefaultValuedParameter<"::mlir::Type", "::mlir::Float8E4M3FNType::get($_ctxt)">:$element,
    DefaultValuedParameter<"int64_t", "128">:$k,
    DefaultValuedParameter<"int64_t", "128">:$n);
  let assemblyFormat = [{
    (`<` struct(custom<Element>($element), custom<Extent>($k), custom<Extent>($n))^ `>`)?
  }];
  let genVerifyDecl = 1;
  let declarations = [{
    /// The format that scales have where none is named.
    static BlocksAttr getDefault(::mlir::MLIRContext *context);
  }];
}

#endif // ET_DIALECT_ET_IR_ETWEIGHTS
