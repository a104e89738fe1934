//===- Passes.td - Transformations within the et dialect -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_DIALECT_ET_TRANSFORMS_PASSES
#define ET_DIALECT_ET_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"
include "et/Dialect/ET/Transforms/Fusion/Passes.td"

def FlattenModules : Pass<"et-flatten-modules", "::mlir::ModuleOp"> {
  let summary = "move the functions of nested modules to the outermost";
  let description = [{
    A function of a nested module gets the names of its modules before its own, which
    is how callers outside find it. Symbols of modules without a name keep theirs;
    those of private modules become private.

    ```mlir
    module {
      module @block {
        func.func @norm(%x: tensor<4xf32>) -> tensor<4xf32> {
          return %x : tensor<4xf32>
        }
        func.func @layer(%x: tensor<4xf32>) -> tensor<4xf32> {
          %y = call @norm(%x) : (tensor<4xf32>) -> tensor<4xf32>
          return %y : tensor<4xf32>
        }
      }
    }
    ```

    becomes

    ```mlir
    func.func @block.norm(%x: tensor<4xf32>) -> tensor<4xf32> {
      return %x : tensor<4xf32>
    }
    func.func @block.layer(%x: tensor<4xf32>) -> tensor<4xf32> {
      %y = call @block.norm(%x) : (tensor<4xf32>) -> tensor<4xf32>
      return %y : tensor<4xf32>
    }
    ```
  }];
}

def CheckModel : Pass<"et-check-model", "::mlir::ModuleOp"> {
  let summary = "refuse what no target can compile, before anything is lowered";
  let description = [{
    An error, at its place, for the first use of a function without a body, the
    first function that never returns, the first value without a rank, with an
    encoding, or of floats other than f16, bf16, f32, f64 and f8E4M3FN, and the first
    op of a model that is bufferized or lowered already.

    <!-- test: ! et-opt --et-check-model 2>&1 -->
    ```mlir
    func.func private @norm(tensor<4xf32>) -> tensor<4xf32>
    func.func @layer(%x: tensor<4xf32>) -> tensor<4xf32> {
      %y = call @norm(%x) : (tensor<4xf32>) -> tensor<4xf32>
      return %y : tensor<4xf32>
    }
    ```

    ends in

    ```mlir
    ...
    error: 'func.call' op calls 'norm', which has no body; put it into this model, since compiled code binds to no function outside of it
    ...
    ```
  }];
}

def CheckTensorOps : Pass<"et-check-tensor-ops"> {
  let summary = "refuse ops on tensors that bufferization does not know";
  let description = [{
    Runs before one-shot bufferization, and says of the first such op what can be
    done about it.

    <!-- test: ! et-opt --et-check-tensor-ops 2>&1 -->
    ```mlir
    func.func @layer(%x: tensor<4xf32>) -> tensor<4xf32> {
      %y = tosa.abs %x : (tensor<4xf32>) -> tensor<4xf32>
      return %y : tensor<4xf32>
    }
    ```

    ends in

    ```mlir
    ...
    error: 'tosa.abs' op works on tensors and has no lowering here; turn it into ops of linalg, tensor and arith before
    ...
    ```
  }];
}

def CheckShapes : Pass<"et-check-shapes"> {
  let summary = "assert at run time that dynamic sizes of the same name agree";
  let description = [{
    What verifiers check of static sizes becomes a `cf.assert` for dynamic ones,
    so that a call with unfitting tensors ends in an error instead of reading
    beyond them. Tokens, and pairs of a token and an expert, are numbered in 32
    bits: that there are fewer than 2^31 is asserted as well. `et-check-bounds`
    does the same for ops of other dialects.

    ```mlir
    func.func @gather(%x: tensor<?x?xf32>, %tokens: tensor<?xi32>,
                      %offsets: tensor<5xi32>, %rows: tensor<?x8xf32>) -> tensor<?x8xf32> {
      %gathered = et.gather
          ins(%x, %tokens, %offsets : tensor<?x?xf32>, tensor<?xi32>, tensor<5xi32>)
          outs(%rows : tensor<?x8xf32>)
      return %gathered : tensor<?x8xf32>
    }
    ```

    becomes

    ```mlir
    func.func @gather(%x: tensor<?x?xf32>, %tokens: tensor<?xi32>, ...
      %fit = arith.cmpi eq, %capacity, %pairs : index
      cf.assert %fit, "et.gather: the size of operand 'out' in dimension 0 is not P of the other operands"
      ...
      %same = arith.cmpi eq, %c8, %width : index
      cf.assert %same, "et.gather: the size of operand 'out' in dimension 1 is not D of the other operands"
      %gathered = et.gather ...
    ```
  }];
  let dependentDialects = [
    "affine::AffineDialect", "arith::ArithDialect", "cf::ControlFlowDialect",
    "memref::MemRefDialect", "tensor::TensorDialect"
  ];
}

def CheckBounds : Pass<"et-check-bounds"> {
  let summary = "assert at run time that ops beside layers stay in bounds";
  let description = [{
    An op on tensors trusts that its dynamic sizes agree and that the places which
    it reads and writes exist. What cannot be shown of these becomes a `cf.assert`
    before the op: of elementwise ops, structured ops of `linalg`, `linalg.softmax`,
    `pack` and `unpack`; of `tensor.cast`, `concat`, `pad`, `reshape` and
    `expand_shape`; of elements and slices that are read or written; and that the
    step of a loop is positive. Memrefs are treated alike.

    Sizes are followed to where they come from: the result of an elementwise op has
    the sizes of its operands, that of an op with a destination those of the
    destination, and a loop's value those of its first value if the loop keeps
    them. So the ops of a chain on one tensor have no check, and others check the
    sizes of the function's arguments. What was checked once holds for all ops
    behind. Indices are compared by `ValueBoundsOpInterface`, which knows the bounds
    of loops, if nothing that they are computed from can wrap around. What constants
    show to be wrong in each call is an error.

    An element that the body of an op reads at the place that it makes is checked
    once, before the op. At other places the body checks it, and reads nothing, or
    another slice, if there is none: its `cf.assert` has the attribute `et.runs_on`.
    So do functions that such a body calls.

    ```mlir
    func.func @f(%x: tensor<?xf32>, %y: tensor<?xf32>, %i: index) -> (tensor<?xf32>, f32) {
      %sum = arith.addf %x, %y : tensor<?xf32>
      %root = math.sqrt %sum : tensor<?xf32>
      %z = arith.mulf %root, %y : tensor<?xf32>
      %e = tensor.extract %z[%i] : tensor<?xf32>
      return %z, %e : tensor<?xf32>, f32
    }
    ```

    becomes

    ```mlir
    func.func @f(%x: tensor<?xf32>, %y: tensor<?xf32>, %i: index) -> (tensor<?xf32>, f32) {
      ...
      %fit = arith.cmpi eq, %dim_x, %dim_y : index
      cf.assert %fit, "arith.addf: sizes of operand 0 and operand 1 differ in dimension 0"
      %sum = arith.addf %x, %y : tensor<?xf32>
      %root = math.sqrt %sum : tensor<?xf32>
      %z = arith.mulf %root, %y : tensor<?xf32>
      ...
      %inside = arith.cmpi ult, %i, %dim : index
      cf.assert %inside, "tensor.extract: index 0 is beyond the tensor"
      %e = tensor.extract %z[%i] : tensor<?xf32>
      return %z, %e : tensor<?xf32>, f32
    }
    ```
  }];
  let dependentDialects = [
    "arith::ArithDialect", "cf::ControlFlowDialect", "memref::MemRefDialect",
    "scf::SCFDialect", "tensor::TensorDialect"
  ];
}

def CheckSizes : Pass<"et-check-sizes"> {
  let summary = "refuse static sizes that no memory has";
  let description = [{
    A tensor or memref whose static sizes alone say more than 2^63 - 1 bytes is an
    error. All that follows computes with the product of such sizes, which would
    wrap. Sizes that are 0 or dynamic count as 1 here; `et-check-allocations` is
    for those that only a call shows.

    <!-- test: ! et-opt --et-check-sizes 2>&1 -->
    ```mlir
    func.func @f(%n: index) -> (tensor<?x1099511627776xf32>, tensor<4194304x1099511627776xf32>) {
      %rows_of_4_TiB = tensor.empty(%n) : tensor<?x1099511627776xf32>
      %too_many = tensor.empty() : tensor<4194304x1099511627776xf32>
      return %rows_of_4_TiB, %too_many : tensor<?x1099511627776xf32>, tensor<4194304x1099511627776xf32>
    }
    ```

    ends in

    ```mlir
    ...
    error: a buffer of type 'tensor<4194304x1099511627776xf32>' would have more than 2^63 - 1 bytes; use smaller sizes
    ...
    ```
  }];
}

def HoistChecks : Pass<"et-hoist-checks", "func::FuncOp"> {
  let summary = "check sizes before any work";
  let description = [{
    Moves a function's assertions to its beginning, with the arithmetic of sizes
    that they need, and drops those that say the same again, also ahead of stores
    that others see. A call that is bound
    to fail then does so before it computes anything, and a device's work is one
    chain that the host does not interrupt. Assertions about what the function
    computes, and those within its loops and branches, stay.

    ```mlir
    func.func @f(%x: tensor<?x8xf32>, %n: index, %r: tensor<8x4xf32>, %a: tensor<?x4xf32>) -> tensor<?x4xf32> {
      %c0 = arith.constant 0 : index
      %scores = et.scores linear ins(%x, %r : tensor<?x8xf32>, tensor<8x4xf32>)
        outs(%a : tensor<?x4xf32>)
      %rows = tensor.dim %x, %c0 : tensor<?x8xf32>
      %fit = arith.cmpi eq, %rows, %n : index
      cf.assert %fit, "not n rows"
      return %scores : tensor<?x4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @f(%x: tensor<?x8xf32>, %n: index, %r: tensor<8x4xf32>, %a: tensor<?x4xf32>) -> tensor<?x4xf32> {
      %c0 = arith.constant 0 : index
      %rows = tensor.dim %x, %c0 : tensor<?x8xf32>
      %fit = arith.cmpi eq, %rows, %n : index
      cf.assert %fit, "not n rows"
      %scores = et.scores linear ins(%x, %r : tensor<?x8xf32>, tensor<8x4xf32>)
        outs(%a : tensor<?x4xf32>)
      return %scores : tensor<?x4xf32>
    }
    ```
  }];
}

def DecomposeLinalg : Pass<"et-decompose-linalg", "func::FuncOp"> {
  let summary = "write linalg ops of several steps as structured ops";
  let description = [{
    `linalg.softmax` becomes the maximum of each row, powers of e, their sum, and
    the quotient; of f16 and bf16 all of it is computed in f32. `linalg.pack` and
    `linalg.unpack` become pads, reshapes and transposes, Winograd transforms of
    static sizes products of matrices, and `tensor.concat` insertions. What has no
    such form is an error.

    ```mlir
    func.func @f(%x: tensor<4x8xbf16>, %init: tensor<4x8xbf16>) -> tensor<4x8xbf16> {
      %y = linalg.softmax dimension(1) ins(%x : tensor<4x8xbf16>) outs(%init : tensor<4x8xbf16>) -> tensor<4x8xbf16>
      return %y : tensor<4x8xbf16>
    }
    ```

    ```mlir
    ...
      %sum = linalg.generic {indexing_maps = [#map, #map1], iterator_types = ["parallel", "reduction"]} ins(%powers : tensor<4x8xf32>) outs(%zeros : tensor<4xf32>) {
    ...
    ```
  }];
  let dependentDialects = [
    "arith::ArithDialect", "linalg::LinalgDialect", "math::MathDialect",
    "tensor::TensorDialect"
  ];
}

def ProtectArguments : Pass<"et-protect-arguments", "func::FuncOp"> {
  let summary = "keep bufferization from writing to tensor arguments";
  let description = [{
    Marks the tensor arguments of a public function `bufferization.writable =
    false`, unless they say otherwise: a caller's tensor is a value, and weights
    may lie in read-only memory.

    ```mlir
    func.func @offsets(%mask: tensor<4x2xi32>, %out: tensor<5xi32>) -> tensor<5xi32> {
      %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%out : tensor<5xi32>)
      return %offsets : tensor<5xi32>
    }
    ```

    becomes

    ```mlir
    func.func @offsets(%mask: tensor<4x2xi32> {bufferization.writable = false},
                       %out: tensor<5xi32> {bufferization.writable = false}) -> tensor<5xi32> {
      %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%out : tensor<5xi32>)
      return %offsets : tensor<5xi32>
    }
    ```
  }];
}

def KeepDestinations : Pass<"et-keep-destinations", "func::FuncOp"> {
  let summary = "let what a linalg op does not write be what was there";
  let description = [{
    A linalg op whose body does not read its destination may get memory with
    anything in it, for it seems to write all of it. It does not if a loop of it has
    no iterations and no dimension of the destination, as in a reduction over no
    elements, or if it has no iteration for some element. Then the elements are
    those of the destination, so this is copied first.

    ```mlir
    func.func @last(%x: tensor<4x?xf32>, %init: tensor<4xf32>) -> tensor<4xf32> {
      %last = linalg.reduce ins(%x : tensor<4x?xf32>) outs(%init : tensor<4xf32>) dimensions = [1]
        (%element: f32, %before: f32) {
          linalg.yield %element : f32
        }
      return %last : tensor<4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @last(%x: tensor<4x?xf32>, %init: tensor<4xf32>) -> tensor<4xf32> {
      %kept = bufferization.alloc_tensor() copy(%init) : tensor<4xf32>
      %last = linalg.reduce ins(%x : tensor<4x?xf32>) outs(%kept : tensor<4xf32>) dimensions = [1]
        (%element: f32, %before: f32) {
          linalg.yield %element : f32
        }
      return %last : tensor<4xf32>
    }
    ```
  }];
  let dependentDialects = ["bufferization::BufferizationDialect"];
}

def SeparateResults : Pass<"et-separate-results", "::mlir::ModuleOp"> {
  let summary = "let no two results of a call share memory";
  let description = [{
    One-shot bufferization takes the results of a call for buffers of their own, and
    lets the caller write to each while it reads the others. So where a function that
    is called returns a tensor twice, or a tensor and a part or another shape of it, it
    returns copies. What shares memory is what the analysis of one-shot bufferization
    says; loops and branches need no copies, for there it keeps track of results.

    ```mlir
    func.func private @twice(%x: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>) {
      return %x, %x : tensor<?xf32>, tensor<?xf32>
    }
    func.func @caller(%x: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>) {
      %a, %b = call @twice(%x) : (tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>)
      return %a, %b : tensor<?xf32>, tensor<?xf32>
    }
    ```

    becomes

    ```mlir
    func.func private @twice(%x: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>) {
      %copy = bufferization.alloc_tensor() copy(%x) : tensor<?xf32>
      return %x, %copy : tensor<?xf32>, tensor<?xf32>
    }
    func.func @caller(%x: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>) {
      %a:2 = call @twice(%x) : (tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>)
      return %a#0, %a#1 : tensor<?xf32>, tensor<?xf32>
    }
    ```
  }];
  let dependentDialects = ["bufferization::BufferizationDialect"];
}

def RaiseMoe : Pass<"et-raise-moe"> {
  let summary = "turn the steps of a layer into et.moe";
  let description = [{
    The way back from `et-decompose-moe`: an `et.combine`, with the steps that it needs,
    becomes the `et.moe` that they are, so that a layer written as steps has the schedule of
    one written as a layer. The plan may come from `et.scores`, `et.gate` and `et.offsets` or
    from `et.route`; the experts may be an `et.expert_ffn` or two products, with a list of
    tokens, a mask, or rows that are gathered ahead. A shared expert is what computes the
    rows that the combine has as `shared`. All of it must be in one block, in the layer's
    types, and used by nothing else. Results keep their bits. Scores that are made in another
    way, of other rows, or for someone else as well are `given` to the layer, if they are known
    to be of as many tokens as the experts have rows.

    An expert beside, whose rows are added to the layer's result, becomes its shared expert
    if the addition has `fastmath<reassoc>`, since a layer's sum begins with the shared row.
    Where the result is rounded to 16 bits before the addition, `contract` is needed too.

    ```mlir
    func.func @layer(%x: tensor<64x8xf32>, %router: tensor<8x4xf32>, %theta: tensor<4xf32>,
                     %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>,
                     %out: tensor<64x8xf32>) -> tensor<64x8xf32> {
      %0 = tensor.empty() : tensor<64x4xf32>
      %scores = et.scores linear
          ins(%x, %router : tensor<64x8xf32>, tensor<8x4xf32>) outs(%0 : tensor<64x4xf32>)
      %1 = tensor.empty() : tensor<4x2xi32>
      %mask, %gates = et.gate #et.threshold
          ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>)
          outs(%1, %0 : tensor<4x2xi32>, tensor<64x4xf32>)
      %2 = tensor.empty() : tensor<5xi32>
      %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%2 : tensor<5xi32>)
      %3 = tensor.empty() : tensor<256xi32>
      %tokens = et.token_list
          ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%3 : tensor<256xi32>)
      %4 = tensor.empty() : tensor<256x16xf32>
      %hidden = et.grouped_matmul silu
          ins(%x, %w1 : tensor<64x8xf32>, tensor<4x8x16xf32>) offsets(%offsets : tensor<5xi32>)
          tokens(%tokens : tensor<256xi32>) outs(%4 : tensor<256x16xf32>)
      %5 = tensor.empty() : tensor<256x8xf32>
      %rows = et.grouped_matmul none
          ins(%hidden, %w2 : tensor<256x16xf32>, tensor<4x16x8xf32>)
          offsets(%offsets : tensor<5xi32>) outs(%5 : tensor<256x8xf32>)
      %y = et.combine
          ins(%rows, %gates, %mask, %offsets :
              tensor<256x8xf32>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>)
          outs(%out : tensor<64x8xf32>)
      return %y : tensor<64x8xf32>
    }
    ```

    becomes

    ```mlir
    func.func @layer(%x: tensor<64x8xf32>, %router: tensor<8x4xf32>, %theta: tensor<4xf32>,
                     %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>,
                     %out: tensor<64x8xf32>) -> tensor<64x8xf32> {
      %y = et.moe linear #et.threshold silu
          ins(%x, %router, %w1, %w2 : tensor<64x8xf32>, tensor<8x4xf32>,
              tensor<4x8x16xf32>, tensor<4x16x8xf32>)
          theta(%theta : tensor<4xf32>) outs(%out : tensor<64x8xf32>)
      return %y : tensor<64x8xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

def DecomposeMoe : Pass<"et-decompose-moe"> {
  let summary = "turn et.moe into the steps it is made of";
  let description = [{
    Scores, gate, plan, expert feed-forward and combine become ops of their own;
    a shared expert becomes an `et.expert_ffn` of one expert over all tokens.

    Buffers that hold one row a selected pair have a size known only when the
    routing is. `exact` reads the number of pairs from the plan, so memory follows
    the pairs; `bound` takes the most that the routing allows (T times the most
    experts a token), so nothing waits for the plan: the choice for a device whose
    memory the host should not read. With a rate in the layer's
    `#et.lowering_config`, and no bound in the rule, `bound` takes room for that
    rate, and `et.combine_waves` computes what a call selects beyond it.

    A layer that is configured to run in one launch (`#et.lowering_config`) is left
    alone with `keep-one-launch`, which is for targets that have such a kernel.

    ```mlir
    func.func @layer(%x: tensor<64x8xf32>, %router: tensor<8x4xf32>,
                     %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>,
                     %theta: tensor<4xf32>, %out: tensor<64x8xf32>) -> tensor<64x8xf32> {
      %y = et.moe linear #et.threshold<gate = sigmoid> gelu
          ins(%x, %router, %w1, %w2 : tensor<64x8xf32>, tensor<8x4xf32>,
              tensor<4x8x16xf32>, tensor<4x16x8xf32>)
          theta(%theta : tensor<4xf32>) outs(%out : tensor<64x8xf32>)
      return %y : tensor<64x8xf32>
    }
    ```

    becomes

    ```mlir
    func.func @layer(%x: tensor<64x8xf32>, %router: tensor<8x4xf32>,
                     %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>,
                     %theta: tensor<4xf32>, %out: tensor<64x8xf32>) -> tensor<64x8xf32> {
      %c4 = arith.constant 4 : index
      %0 = tensor.empty() : tensor<64x4xf32>
      %scores = et.scores linear
          ins(%x, %router : tensor<64x8xf32>, tensor<8x4xf32>) outs(%0 : tensor<64x4xf32>)
      %1 = tensor.empty() : tensor<4x2xi32>
      %2 = tensor.empty() : tensor<64x4xf32>
      %mask, %gates = et.gate #et.threshold
          ins(%scores : tensor<64x4xf32>) theta(%theta : tensor<4xf32>)
          outs(%1, %2 : tensor<4x2xi32>, tensor<64x4xf32>)
      %3 = tensor.empty() : tensor<5xi32>
      %offsets = et.offsets ins(%mask : tensor<4x2xi32>) outs(%3 : tensor<5xi32>)
      %pairs = tensor.extract %offsets[%c4] : tensor<5xi32>
      %rows = arith.index_cast %pairs : i32 to index
      %4 = tensor.empty(%rows) : tensor<?xi32>
      %tokens = et.token_list
          ins(%mask, %offsets : tensor<4x2xi32>, tensor<5xi32>) outs(%4 : tensor<?xi32>)
      %5 = tensor.empty(%rows) : tensor<?x8xf32>
      %experts = et.expert_ffn gelu
          ins(%x, %w1, %w2 : tensor<64x8xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
          offsets(%offsets : tensor<5xi32>) tokens(%tokens : tensor<?xi32>)
          outs(%5 : tensor<?x8xf32>)
      %y = et.combine
          ins(%experts, %gates, %mask, %offsets :
              tensor<?x8xf32>, tensor<64x4xf32>, tensor<4x2xi32>, tensor<5xi32>)
          outs(%out : tensor<64x8xf32>)
      return %y : tensor<64x8xf32>
    }
    ```
  }];
  let options = [
    Option<"pairBuffers", "pair-buffers", "::mlir::et::PairBuffers",
           "::mlir::et::PairBuffers::Exact", "How buffers of selected pairs are sized",
           [{::llvm::cl::values(
             clEnumValN(::mlir::et::PairBuffers::Exact, "exact", "the number of selected pairs"),
             clEnumValN(::mlir::et::PairBuffers::Bound, "bound",
                        "the most the routing allows, or the room that the layer's rate asks for"))}]>,
    Option<"keepsOneLaunch", "keep-one-launch", "bool", "false",
           "Leave layers whose #et.lowering_config has schedule = one_launch">
  ];
  let dependentDialects = [
    "affine::AffineDialect", "arith::ArithDialect", "memref::MemRefDialect",
    "tensor::TensorDialect"
  ];
}

def DecomposeExpertFfn : Pass<"et-decompose-expert-ffn"> {
  let summary = "turn et.expert_ffn into two grouped matrix products";
  let description = [{
    Biases, activation and the gated product become epilogues of the first
    product, whose destination holds the hidden units of the selected pairs.

    ```mlir
    func.func @ffn(%x: tensor<?x8xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>,
                   %offsets: tensor<5xi32>, %tokens: tensor<?xi32>,
                   %pairs: tensor<?x8xf32>) -> tensor<?x8xf32> {
      %y = et.expert_ffn gelu
          ins(%x, %w1, %w2 : tensor<?x8xf32>, tensor<4x8x16xf32>, tensor<4x16x8xf32>)
          offsets(%offsets : tensor<5xi32>) tokens(%tokens : tensor<?xi32>)
          outs(%pairs : tensor<?x8xf32>)
      return %y : tensor<?x8xf32>
    }
    ```

    becomes

    ```mlir
    func.func @ffn(%x: tensor<?x8xf32>, %w1: tensor<4x8x16xf32>, %w2: tensor<4x16x8xf32>,
                   %offsets: tensor<5xi32>, %tokens: tensor<?xi32>,
                   %pairs: tensor<?x8xf32>) -> tensor<?x8xf32> {
      %c0 = arith.constant 0 : index
      %rows = tensor.dim %pairs, %c0 : tensor<?x8xf32>
      %empty = tensor.empty(%rows) : tensor<?x16xf32>
      %hidden = et.grouped_matmul gelu
          ins(%x, %w1 : tensor<?x8xf32>, tensor<4x8x16xf32>)
          offsets(%offsets : tensor<5xi32>) tokens(%tokens : tensor<?xi32>)
          outs(%empty : tensor<?x16xf32>)
      %y = et.grouped_matmul none
          ins(%hidden, %w2 : tensor<?x16xf32>, tensor<4x16x8xf32>)
          offsets(%offsets : tensor<5xi32>) outs(%pairs : tensor<?x8xf32>)
      return %y : tensor<?x8xf32>
    }
    ```
  }];
  let dependentDialects = ["memref::MemRefDialect", "tensor::TensorDialect"];
}

def SplitDeallocations : Pass<"et-split-deallocations", "func::FuncOp"> {
  let summary = "keep the bookkeeping of buffers' ownership out of memory";
  let description = [{
    A `bufferization.dealloc` of several buffers becomes one for each, whose
    condition says that the buffer is owned and not the same as one freed before
    it. Upstream lowers such a deallocation to comparisons of values; one of
    several buffers it lowers to a function that compares lists in memory, which
    a function whose memory is a device's cannot have.

    ```mlir
    func.func @free(%a: memref<4xf32>, %b: memref<4xf32>, %own_a: i1, %own_b: i1,
                    %kept: memref<4xf32>) -> i1 {
      %own = bufferization.dealloc (%a, %b : memref<4xf32>, memref<4xf32>)
        if (%own_a, %own_b) retain (%kept : memref<4xf32>)
      return %own : i1
    }
    ```

    becomes

    ```mlir
    func.func @free(%a: memref<4xf32>, %b: memref<4xf32>, %own_a: i1, %own_b: i1,
                    %kept: memref<4xf32>) -> i1 {
      %true = arith.constant true
      %at_a = memref.extract_aligned_pointer_as_index %a : memref<4xf32> -> index
      %at_b = memref.extract_aligned_pointer_as_index %b : memref<4xf32> -> index
      %first = bufferization.dealloc (%a : memref<4xf32>) if (%own_a) retain (%kept : memref<4xf32>)
      %differ = arith.cmpi ne, %at_b, %at_a : index
      %not_a = arith.xori %own_a, %true : i1
      %free = arith.ori %differ, %not_a : i1
      %free_b = arith.andi %own_b, %free : i1
      %second = bufferization.dealloc (%b : memref<4xf32>) if (%free_b) retain (%kept : memref<4xf32>)
      %own = arith.ori %first, %second : i1
      return %own : i1
    }
    ```
  }];
  let dependentDialects = [
    "arith::ArithDialect", "bufferization::BufferizationDialect",
    "memref::MemRefDialect"
  ];
}

def AppendRoutingStats : Pass<"et-append-routing-stats", "::mlir::ModuleOp"> {
  let summary = "let a function return the statistics of its gates";
  let description = [{
    Adds two results to `entry` for every `et.gate` and `et.route` on tensors in
    its body: the loads and the fan-out of `et.routing_stats`, with the roles
    `routing.loads` and `routing.fan_out`. Of a gate in `scf.for`, `scf.if` or
    `scf.while` they are sums over all times that it ran, in 64 bits; its number
    of experts must be static. A gate that cannot be counted is an error. The
    function must have no caller in the module. Runs after `inline`, which brings
    the gates of callees here, and `et-decompose-moe`, which shows those of
    layers; `et-run --stats` does all three.

    <!-- test: et-opt --et-append-routing-stats=entry=route -->
    ```mlir
    func.func @route(%r: tensor<64x8xf32>, %theta: tensor<8xf32>,
                     %m: tensor<8x2xi32>, %g: tensor<64x8xf32>) -> tensor<8x2xi32> {
      %mask, %gates = et.gate #et.threshold<gate = binary> ins(%r : tensor<64x8xf32>)
        theta(%theta : tensor<8xf32>) outs(%m, %g : tensor<8x2xi32>, tensor<64x8xf32>)
      return %mask : tensor<8x2xi32>
    }
    ```

    becomes

    ```mlir
    func.func @route(%r: tensor<64x8xf32>, %theta: tensor<8xf32>,
                     %m: tensor<8x2xi32>, %g: tensor<64x8xf32>)
        -> (tensor<8x2xi32>, tensor<8xi32> {et.role = "routing.loads"},
            tensor<9xi32> {et.role = "routing.fan_out"}) {
      %mask, %gates = et.gate #et.threshold<gate = binary> ins(%r : tensor<64x8xf32>)
        theta(%theta : tensor<8xf32>) outs(%m, %g : tensor<8x2xi32>, tensor<64x8xf32>)
      %c64 = arith.constant 64 : index
      %l = tensor.empty() : tensor<8xi32>
      %f = tensor.empty() : tensor<9xi32>
      %s = tensor.empty() : tensor<4xf32>
      %loads, %fan_out, %figures = et.routing_stats ins(%mask, %c64 : tensor<8x2xi32>, index)
        outs(%l, %f, %s : tensor<8xi32>, tensor<9xi32>, tensor<4xf32>)
      return %mask, %loads, %fan_out : tensor<8x2xi32>, tensor<8xi32>, tensor<9xi32>
    }
    ```
  }];
  let options = [
    Option<"entry", "entry", "std::string", "", "The function to extend">
  ];
  let dependentDialects = [
    "arith::ArithDialect", "linalg::LinalgDialect", "scf::SCFDialect",
    "tensor::TensorDialect"
  ];
}

def OutlineLayers : Pass<"et-outline-layers", "::mlir::ModuleOp"> {
  let summary = "make one function of equal layers";
  let description = [{
    Layers of a module that differ in nothing but their operands become calls of one
    private function, so that all further work on them is done once, and their code
    is there once. A layer is an `et.moe`, or an `et.expert_ffn` without a plan. What
    makes its weights by `et.dequantize` moves with it.

    A layer stays where it is if it reads a part of a tensor, or writes one: a
    function takes whole tensors, so there would be a copy. With `keep-pairs` it also
    does if another product stands in the same block of which it is independent:
    `et-pair-products` may make a pair of theirs.

    ```mlir
    func.func @layers(%x: tensor<8x8xf32>, %v1: tensor<1x8x16xf32>, %v2: tensor<1x16x8xf32>,
                      %w1: tensor<1x8x16xf32>, %w2: tensor<1x16x8xf32>) -> tensor<8x8xf32> {
      %init = tensor.empty() : tensor<8x8xf32>
      %h = et.expert_ffn relu ins(%x, %v1, %v2 : tensor<8x8xf32>, tensor<1x8x16xf32>, tensor<1x16x8xf32>)
        outs(%init : tensor<8x8xf32>)
      %y = et.expert_ffn relu ins(%h, %w1, %w2 : tensor<8x8xf32>, tensor<1x8x16xf32>, tensor<1x16x8xf32>)
        outs(%init : tensor<8x8xf32>)
      return %y : tensor<8x8xf32>
    }
    ```

    becomes

    ```mlir
    func.func @layers(%x: tensor<8x8xf32>, %v1: tensor<1x8x16xf32>, %v2: tensor<1x16x8xf32>,
                      %w1: tensor<1x8x16xf32>, %w2: tensor<1x16x8xf32>) -> tensor<8x8xf32> {
      %init = tensor.empty() : tensor<8x8xf32>
      %h = call @et_layer(%x, %v1, %v2, %init)
        : (tensor<8x8xf32>, tensor<1x8x16xf32>, tensor<1x16x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
      %y = call @et_layer(%h, %w1, %w2, %init)
        : (tensor<8x8xf32>, tensor<1x8x16xf32>, tensor<1x16x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
      return %y : tensor<8x8xf32>
    }
    func.func private @et_layer(%x: tensor<8x8xf32>, %w1: tensor<1x8x16xf32>, %w2: tensor<1x16x8xf32>,
                                %out: tensor<8x8xf32>) -> tensor<8x8xf32> {
      %y = et.expert_ffn relu ins(%x, %w1, %w2 : tensor<8x8xf32>, tensor<1x8x16xf32>, tensor<1x16x8xf32>)
        outs(%out : tensor<8x8xf32>)
      return %y : tensor<8x8xf32>
    }
    ```
  }];
  let options = [
    Option<"keepPairs", "keep-pairs", "bool", "false",
           "Leave layers whose products may run beside others">
  ];
}

def OutlinePacking : Pass<"et-outline-packing", "::mlir::ModuleOp"> {
  let summary = "pack weights in a function of its own";
  let description = [{
    Takes the packing of a public function's weights out of it. The function gets
    packed weights as its arguments, in the places of those in rows (behind them, if
    something else reads these), and a new function `NAME_pack` makes them: it takes
    the weights in rows and returns the packed ones, in the order of the arguments
    that they become. Such an argument says so in `et.packed_by`, and its `et.weight`
    names the layout too, since a file may hold a weight in several.

    ```mlir
    func.func @layer(%x: tensor<?x8xf32>, %w: tensor<1x8x12xf32> {et.name = "w", et.weight = "layer.w"},
                     %init: tensor<?x12xf32>) -> tensor<?x12xf32> {
      %empty = tensor.empty() : tensor<1x2x8x8xf32>
      %packed = et.pack #et.panels<columns = 8> ins(%w : tensor<1x8x12xf32>)
        outs(%empty : tensor<1x2x8x8xf32>)
      %y = et.grouped_matmul relu ins(%x, %packed : tensor<?x8xf32>, tensor<1x2x8x8xf32>)
        panels(#et.panels<columns = 8>) outs(%init : tensor<?x12xf32>)
      return %y : tensor<?x12xf32>
    }
    ```

    becomes

    ```mlir
    func.func @layer(%x: tensor<?x8xf32>, %packed: tensor<1x2x8x8xf32>
                       {et.name = "w", et.packed_by = "layer_pack", et.weight = "layer.w.panels_8_1_1"},
                     %init: tensor<?x12xf32>) -> tensor<?x12xf32> {
      %y = et.grouped_matmul relu ins(%x, %packed : tensor<?x8xf32>, tensor<1x2x8x8xf32>)
        panels(#et.panels<columns = 8>) outs(%init : tensor<?x12xf32>)
      return %y : tensor<?x12xf32>
    }
    func.func @layer_pack(%w: tensor<1x8x12xf32> {et.name = "w", et.weight = "layer.w"})
        -> (tensor<1x2x8x8xf32> {et.name = "w"}) {
      %empty = tensor.empty() : tensor<1x2x8x8xf32>
      %packed = et.pack #et.panels<columns = 8> ins(%w : tensor<1x8x12xf32>)
        outs(%empty : tensor<1x2x8x8xf32>)
      return %packed : tensor<1x2x8x8xf32>
    }
    ```
  }];
}

#endif // ET_DIALECT_ET_TRANSFORMS_PASSES
