//===- Passes.td - Passes that make one op of several -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_TRANSFORMS_FUSION_PASSES
#define ET_DIALECT_ET_TRANSFORMS_FUSION_PASSES

include "mlir/Pass/PassBase.td"

def FuseGather : Pass<"et-fuse-gather"> {
  let summary = "let grouped products read gathered rows in place";
  let description = [{
    An `et.gather` that feeds the rows of an `et.grouped_matmul` or
    `et.expert_ffn` of the same plan becomes the consumer's `tokens` operand, so
    that rows are gathered as the product loads them and no copy is made.

    ```mlir
    func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x8x16xf32>,
                 %offsets: tensor<5xi32>, %tokens: tensor<?xi32>,
                 %rows: tensor<?x8xf32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
      %gathered = et.gather
          ins(%x, %tokens, %offsets : tensor<?x8xf32>, tensor<?xi32>, tensor<5xi32>)
          outs(%rows : tensor<?x8xf32>)
      %product = et.grouped_matmul relu
          ins(%gathered, %w : tensor<?x8xf32>, tensor<4x8x16xf32>)
          offsets(%offsets : tensor<5xi32>) outs(%out : tensor<?x16xf32>)
      return %product : tensor<?x16xf32>
    }
    ```

    becomes

    ```mlir
    func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x8x16xf32>,
                 %offsets: tensor<5xi32>, %tokens: tensor<?xi32>,
                 %rows: tensor<?x8xf32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
      %product = et.grouped_matmul relu
          ins(%x, %w : tensor<?x8xf32>, tensor<4x8x16xf32>)
          offsets(%offsets : tensor<5xi32>) tokens(%tokens : tensor<?xi32>)
          outs(%out : tensor<?x16xf32>)
      return %product : tensor<?x16xf32>
    }
    ```
  }];
}

def FuseDequantize : Pass<"et-fuse-dequantize"> {
  let summary = "let grouped products read weights as they are stored";
  let description = [{
    An `et.dequantize` that makes the weights of an `et.grouped_matmul` becomes the
    product's scales and format: no wide weights are made. The product takes the
    values before they are rounded to its type. All of its weights must be stored
    in one format, without zero points. Remarks say which weights are made ahead, wide
    or in another order.

    ```mlir
    func.func @f(%x: tensor<?x8xbf16>, %q: tensor<1x8x16xi8>, %s: tensor<1x1x16xf32>,
                 %out: tensor<?x16xbf16>) -> tensor<?x16xbf16> {
      %init = tensor.empty() : tensor<1x8x16xbf16>
      %w = et.dequantize #et.blocks<element = i8, k = all, n = 1>
          ins(%q, %s : tensor<1x8x16xi8>, tensor<1x1x16xf32>) outs(%init : tensor<1x8x16xbf16>)
      %y = et.grouped_matmul relu ins(%x, %w : tensor<?x8xbf16>, tensor<1x8x16xbf16>)
          outs(%out : tensor<?x16xbf16>)
      return %y : tensor<?x16xbf16>
    }
    ```

    becomes

    ```mlir
    func.func @f(%x: tensor<?x8xbf16>, %q: tensor<1x8x16xi8>, %s: tensor<1x1x16xf32>,
                 %out: tensor<?x16xbf16>) -> tensor<?x16xbf16> {
      %y = et.grouped_matmul relu ins(%x, %q : tensor<?x8xbf16>, tensor<1x8x16xi8>)
          format(#et.blocks<element = i8, k = all, n = 1>) scales(%s : tensor<1x1x16xf32>)
          outs(%out : tensor<?x16xbf16>)
      return %y : tensor<?x16xbf16>
    }
    ```
  }];
}

def FuseEpilogues : Pass<"et-fuse-epilogues"> {
  let summary = "let products do what elementwise ops do to their results";
  let description = [{
    An elementwise op of arith, math or linalg that alone uses the result of an
    `et.grouped_matmul`, and reads nothing else but constants, moves into the
    product's epilogue, and so does the next one. What was rounded on the way
    still is, so that results keep their bits.

    Rows of no expert keep what the destination holds. So a product with a plan
    must write to a `tensor.empty`, whose elements have no value.

    ```mlir
    func.func @f(%x: tensor<64x8xf32>, %w: tensor<1x8x16xf32>) -> tensor<64x16xf32> {
      %init = tensor.empty() : tensor<64x16xf32>
      %product = et.grouped_matmul none
          ins(%x, %w : tensor<64x8xf32>, tensor<1x8x16xf32>) outs(%init : tensor<64x16xf32>)
      %half = arith.constant dense<5.000000e-01> : tensor<64x16xf32>
      %scaled = arith.mulf %product, %half : tensor<64x16xf32>
      %y = math.tanh %scaled : tensor<64x16xf32>
      return %y : tensor<64x16xf32>
    }
    ```

    becomes

    ```mlir
    func.func @f(%x: tensor<64x8xf32>, %w: tensor<1x8x16xf32>) -> tensor<64x16xf32> {
      %init = tensor.empty() : tensor<64x16xf32>
      %y = et.grouped_matmul none
          ins(%x, %w : tensor<64x8xf32>, tensor<1x8x16xf32>) outs(%init : tensor<64x16xf32>) epilogue(%v) {
        %half = arith.constant 5.000000e-01 : f32
        %scaled = arith.mulf %v, %half : f32
        %activated = math.tanh %scaled : f32
        et.yield %activated
      }
      return %y : tensor<64x16xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

def FuseTokenList : Pass<"et-fuse-token-list"> {
  let summary = "let grouped products find their tokens in the mask";
  let description = [{
    The mask of a plan already says which tokens a tile of rows has, so the
    `et.token_list` that feeds an `et.grouped_matmul` of the same plan gives way
    to the product's `mask` operand: no list is written and none is read. The mask must
    be known to be of all rows of x, by sizes or by what made it.

    ```mlir
    func.func @f(%x: tensor<64x8xf32>, %w: tensor<4x8x16xf32>, %mask: tensor<4x2xi32>,
                 %offsets: tensor<5xi32>, %list: tensor<?xi32>,
                 %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
      %tokens = et.token_list ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>)
          outs(%list : tensor<?xi32>)
      %product = et.grouped_matmul relu
          ins(%x, %w : tensor<64x8xf32>, tensor<4x8x16xf32>)
          offsets(%offsets : tensor<5xi32>) tokens(%tokens : tensor<?xi32>)
          outs(%out : tensor<?x16xf32>)
      return %product : tensor<?x16xf32>
    }
    ```

    becomes

    ```mlir
    func.func @f(%x: tensor<64x8xf32>, %w: tensor<4x8x16xf32>, %mask: tensor<4x2xi32>,
                 %offsets: tensor<5xi32>, %list: tensor<?xi32>,
                 %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
      %product = et.grouped_matmul relu
          ins(%x, %w : tensor<64x8xf32>, tensor<4x8x16xf32>)
          offsets(%offsets : tensor<5xi32>) mask(%mask : tensor<4x2xi32>)
          outs(%out : tensor<?x16xf32>)
      return %product : tensor<?x16xf32>
    }
    ```
  }];
}

def PairProducts : Pass<"et-pair-products"> {
  let summary = "move independent products side by side";
  let description = [{
    A layer's shared expert depends on nothing that its other experts compute. So
    each `et.grouped_matmul` on tensors, with what its operands are computed from,
    moves behind the first one that it does not depend on and that has no partner
    yet: the two first products of the experts stand together, then the two second
    ones. `convert-et-to-gpu` makes one launch of two that stand together and have
    tiles of one shape.

    ```mlir
    func.func @f(%x: tensor<64x8xf16>, %w1: tensor<1x8x16xf16>, %w2: tensor<1x16x8xf16>,
                 %s1: tensor<1x8x24xf16>, %h: tensor<64x16xf16>, %g: tensor<64x24xf16>,
                 %out: tensor<64x8xf16>) -> (tensor<64x8xf16>, tensor<64x24xf16>) {
      %0 = et.grouped_matmul relu ins(%x, %w1 : tensor<64x8xf16>, tensor<1x8x16xf16>)
          outs(%h : tensor<64x16xf16>)
      %1 = et.grouped_matmul none ins(%0, %w2 : tensor<64x16xf16>, tensor<1x16x8xf16>)
          outs(%out : tensor<64x8xf16>)
      %2 = et.grouped_matmul relu ins(%x, %s1 : tensor<64x8xf16>, tensor<1x8x24xf16>)
          outs(%g : tensor<64x24xf16>)
      return %1, %2 : tensor<64x8xf16>, tensor<64x24xf16>
    }
    ```

    becomes

    ```mlir
    func.func @f(%x: tensor<64x8xf16>, %w1: tensor<1x8x16xf16>, %w2: tensor<1x16x8xf16>,
                 %s1: tensor<1x8x24xf16>, %h: tensor<64x16xf16>, %g: tensor<64x24xf16>,
                 %out: tensor<64x8xf16>) -> (tensor<64x8xf16>, tensor<64x24xf16>) {
      %0 = et.grouped_matmul relu ins(%x, %w1 : tensor<64x8xf16>, tensor<1x8x16xf16>)
          outs(%h : tensor<64x16xf16>)
      %2 = et.grouped_matmul relu ins(%x, %s1 : tensor<64x8xf16>, tensor<1x8x24xf16>)
          outs(%g : tensor<64x24xf16>)
      %1 = et.grouped_matmul none ins(%0, %w2 : tensor<64x16xf16>, tensor<1x16x8xf16>)
          outs(%out : tensor<64x8xf16>)
      return %1, %2 : tensor<64x8xf16>, tensor<64x24xf16>
    }
    ```
  }];
}

def FuseGating : Pass<"et-fuse-gating"> {
  let summary = "merge the scores, the threshold gate and the offsets of a plan";
  let description = [{
    An `et.gate` with the rule `#et.threshold` decides a pair by its own score
    alone. So where only it reads the scores, `et.scores`, `et.gate` and
    `et.offsets` become one `et.route`, which never writes the scores to memory.
    Other rules compare the scores of a token or of an expert with each other, and
    are left as they are.

    ```mlir
    func.func @plan(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %theta: tensor<4xf32>,
                    %r: tensor<?x4xf32>, %m: tensor<4x?xi32>, %g: tensor<?x4xf32>,
                    %o: tensor<5xi32>) -> (tensor<4x?xi32>, tensor<?x4xf32>, tensor<5xi32>) {
      %scores = et.scores linear
          ins(%x, %router : tensor<?x8xf32>, tensor<8x4xf32>) outs(%r : tensor<?x4xf32>)
      %mask, %gates = et.gate #et.threshold
          ins(%scores : tensor<?x4xf32>) theta(%theta : tensor<4xf32>)
          outs(%m, %g : tensor<4x?xi32>, tensor<?x4xf32>)
      %offsets = et.offsets ins(%mask : tensor<4x?xi32>) outs(%o : tensor<5xi32>)
      return %mask, %gates, %offsets : tensor<4x?xi32>, tensor<?x4xf32>, tensor<5xi32>
    }
    ```

    becomes

    ```mlir
    func.func @plan(%x: tensor<?x8xf32>, %router: tensor<8x4xf32>, %theta: tensor<4xf32>,
                    %r: tensor<?x4xf32>, %m: tensor<4x?xi32>, %g: tensor<?x4xf32>,
                    %o: tensor<5xi32>) -> (tensor<4x?xi32>, tensor<?x4xf32>, tensor<5xi32>) {
      %mask, %gates, %offsets = et.route linear #et.threshold
          ins(%x, %router : tensor<?x8xf32>, tensor<8x4xf32>) theta(%theta : tensor<4xf32>)
          outs(%m, %g, %o : tensor<4x?xi32>, tensor<?x4xf32>, tensor<5xi32>)
      return %mask, %gates, %offsets : tensor<4x?xi32>, tensor<?x4xf32>, tensor<5xi32>
    }
    ```
  }];
}

#endif // ET_DIALECT_ET_TRANSFORMS_FUSION_PASSES
