//===- Passes.td - Conversions from the et dialect -*- tablegen -*-===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ET_CONVERSION_PASSES
#define ET_CONVERSION_PASSES

include "mlir/Pass/PassBase.td"

def ConvertETToSCF : Pass<"convert-et-to-scf"> {
  let summary = "lower bufferized et ops to plain loops";
  let description = [{
    The executable meaning of each op, written for reading: `scf.parallel` over
    what is independent, `scf.for` inside, one memory access at a time. Storage
    types are widened to f32 at each load and rounded at each store. Targets use
    the same patterns for the ops that they have no better lowering for.

    `et.moe` and `et.expert_ffn` are decomposed, and tensors bufferized, before.

    <!-- test: et-opt --convert-et-to-scf --canonicalize -->
    ```mlir
    func.func @gather(%x: memref<64x8xf32>, %tokens: memref<?xi32>,
                      %offsets: memref<5xi32>, %rows: memref<?x8xf32>) {
      et.gather ins(%x, %tokens, %offsets : memref<64x8xf32>, memref<?xi32>, memref<5xi32>)
                outs(%rows : memref<?x8xf32>)
      return
    }
    ```

    becomes, canonicalized,

    ```mlir
    func.func @gather(%x: memref<64x8xf32>, %tokens: memref<?xi32>,
                      %offsets: memref<5xi32>, %rows: memref<?x8xf32>) {
      %c8 = arith.constant 8 : index
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      %capacity = memref.dim %rows, %c0 : memref<?x8xf32>
      scf.parallel (%p, %d) = (%c0, %c0) to (%capacity, %c8) step (%c1, %c1) {
        %last = memref.load %offsets[%c4] : memref<5xi32>
        %pairs = arith.index_cast %last : i32 to index
        %selected = arith.cmpi ult, %p, %pairs : index
        scf.if %selected {
          %token = memref.load %tokens[%p] : memref<?xi32>
          %t = arith.index_cast %token : i32 to index
          %value = memref.load %x[%t, %d] : memref<64x8xf32>
          memref.store %value, %rows[%p, %d] : memref<?x8xf32>
        }
        scf.reduce
      }
      return
    }
    ```
  }];
  let dependentDialects = [
    "arith::ArithDialect", "math::MathDialect", "memref::MemRefDialect",
    "scf::SCFDialect"
  ];
}

def ExpandCopies : Pass<"et-expand-copies"> {
  let summary = "copy between strided buffers by loops";
  let description = [{
    Upstream lowers a `memref.copy` to or from a buffer with gaps to a call of its
    own runtime library, which compiled models do not have. Such copies come from
    tiled ops and from a model's own slices. Copies of contiguous buffers become
    `memcpy` and are left alone.

    <!-- test: et-opt --et-expand-copies --canonicalize -->
    ```mlir
    func.func @columns(%from: memref<4x8xf32>, %to: memref<4x8xf32, strided<[16, 1]>>) {
      memref.copy %from, %to : memref<4x8xf32> to memref<4x8xf32, strided<[16, 1]>>
      return
    }
    ```

    becomes, canonicalized,

    ```mlir
    func.func @columns(%from: memref<4x8xf32>, %to: memref<4x8xf32, strided<[16, 1]>>) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      %c8 = arith.constant 8 : index
      scf.for %i = %c0 to %c4 step %c1 {
        scf.for %j = %c0 to %c8 step %c1 {
          %element = memref.load %from[%i, %j] : memref<4x8xf32>
          memref.store %element, %to[%i, %j] : memref<4x8xf32, strided<[16, 1]>>
        }
      }
      return
    }
    ```
  }];
  let dependentDialects = [
    "arith::ArithDialect", "memref::MemRefDialect", "scf::SCFDialect"
  ];
}

def ExpandViews : Pass<"et-expand-views"> {
  let summary = "compute the offsets, sizes and strides of views";
  let description = [{
    Does to views what upstream's `expand-strided-metadata` does to a whole function, by
    the same patterns: what is no view is most of a kernel, and is left alone.

    One pattern more: upstream of LLVM 22 computes the one unknown size of
    a group of `memref.expand_shape` from the others. It crashes where a group has
    several, as tokens `[B * S, D]` seen as `[B, S, D]` do, and divides by 0 where
    another is 0. The op names its sizes, so such a view is a
    `memref.reinterpret_cast` with strides computed from them.

    ```mlir
    func.func @batches(%x: memref<?x8xf32>, %b: index, %s: index) -> memref<?x?x8xf32> {
      %y = memref.expand_shape %x [[0, 1], [2]] output_shape [%b, %s, 8]
        : memref<?x8xf32> into memref<?x?x8xf32>
      return %y : memref<?x?x8xf32>
    }
    ```

    becomes

    ```mlir
    func.func @batches(%x: memref<?x8xf32>, %b: index, %s: index) -> memref<?x?x8xf32> {
      %c8 = arith.constant 8 : index
      ...
      %base, %offset, %sizes:2, %strides:2 = memref.extract_strided_metadata %x
        : memref<?x8xf32> -> memref<f32>, index, index, index, index, index
      %0 = arith.muli %c8, %s : index
      ...
      %y = memref.reinterpret_cast %base to offset: [0], sizes: [%b, %s, 8], strides: [%0, 8, 1]
        : memref<f32> to memref<?x?x8xf32>
      return %y : memref<?x?x8xf32>
    }
    ```
  }];
  let dependentDialects = [
    "affine::AffineDialect", "arith::ArithDialect", "memref::MemRefDialect"
  ];
}

def ConvertETToVector : Pass<"convert-et-to-vector", "::mlir::ModuleOp"> {
  let summary = "lower bufferized et ops to vector code and OpenMP";
  let description = [{
    What a CPU spends its time in becomes vector code, for the module's
    `#et.cpu_target`; every other op is left for `convert-et-to-scf`.

    * `et.grouped_matmul` calls panel kernels: private functions that hold a tile
      of results in registers (6 x 64 with 32 registers of 512 bits) over a block
      of K, read rows where they are and apply bias, activation and gate before
      the one store. Rows of 16 bits that are multiplied as f32 are widened
      before; rows of f32 that lie a multiple of 4096 bytes apart are copied
      before, if they are many and there are at least 256 columns. The threads of an OpenMP region take tasks in turn: an expert, a
      block of rows and panels of columns. Packed weights are read where they
      are, and so are weights in rows where few rows meet an expert. Where many
      do, each block of K is copied to contiguous memory before it is multiplied
      (with matrix registers, a task's panel), and so it is of packed weights of
      16 bits that are multiplied as f32. The order in which a result is summed
      does not depend on the number of threads; with matrix registers it depends
      on how many rows the expert has.
      Weights with scales become f32 in registers where few rows meet an expert,
      packed or not, and with the copy where many do; or in registers pairs of
      bf16, if rows are bf16, pairs can be multiplied and are packed together.
    * `et.scores` is such a product, with norms for `cosine`.
    * `et.gate` with `#et.threshold` compares a vector of experts at a time and
      collects mask words in registers.
    * `et.gather` copies rows a vector at a time.
    * `et.combine` adds the rows of a token in registers, experts ascending.

    Operands with a strided last dimension are left for `convert-et-to-scf` too.

    ```mlir
    func.func @product(%x: memref<?x8xf32>, %w: memref<4x8x64xf32>, %offsets: memref<5xi32>,
                       %out: memref<?x64xf32>) {
      et.grouped_matmul relu ins(%x, %w : memref<?x8xf32>, memref<4x8x64xf32>)
          offsets(%offsets : memref<5xi32>) outs(%out : memref<?x64xf32>)
      return
    }
    ```

    becomes

    ```mlir
    func.func private @et_tiles_6x64_...
      vector.fma ... : vector<16xf32>
      ...
    func.func private @et_panel_6x64_f32_f32_f32_relu_whole...
      func.call @et_tiles_6x64_...
      arith.maximumf ... : vector<16xf32>
      ...
    func.func @product(%x: memref<?x8xf32>, %w: memref<4x8x64xf32>, ...
      omp.parallel {
        ...
        scf.while : () -> index {
          ...
          func.call @et_panel_6x64_f32_f32_f32_relu_whole...
          ...
      omp.terminator
    ```
  }];
  let dependentDialects = [
    "::mlir::et::ETDialect", "arith::ArithDialect", "func::FuncDialect", "LLVM::LLVMDialect", "math::MathDialect",
    "memref::MemRefDialect", "omp::OpenMPDialect", "scf::SCFDialect",
    "vector::VectorDialect"
  ];
}

def SpreadRows : Pass<"et-spread-rows"> {
  let summary = "keep rows that products multiply from colliding in a cache";
  let description = [{
    A product reads several rows of its left side at once. If they lie a multiple
    of 4096 bytes apart, as those of 1024 units of f32 do, they share the sets of
    a first-level cache, whose ways hold a page, and drive out the weights that
    the product keeps there. Matrices that a function allocates, and that only
    products use, get rows which lie a cache line further apart: the hidden units
    of a layer. What comes from elsewhere is left alone; `convert-et-to-vector`
    copies it where that pays.

    <!-- test: et-opt --et-spread-rows -->
    ```mlir
    func.func @ffn(%x: memref<8x16xf32>, %w1: memref<1x16x1024xf32>,
                   %w2: memref<1x1024x16xf32>, %out: memref<8x16xf32>) {
      %hidden = memref.alloc() {alignment = 64 : i64} : memref<8x1024xf32>
      et.grouped_matmul relu ins(%x, %w1 : memref<8x16xf32>, memref<1x16x1024xf32>)
          outs(%hidden : memref<8x1024xf32>)
      et.grouped_matmul none ins(%hidden, %w2 : memref<8x1024xf32>, memref<1x1024x16xf32>)
          outs(%out : memref<8x16xf32>)
      memref.dealloc %hidden : memref<8x1024xf32>
      return
    }
    ```

    becomes

    ```mlir
    func.func @ffn(%x: memref<8x16xf32>, %w1: memref<1x16x1024xf32>,
                   %w2: memref<1x1024x16xf32>, %out: memref<8x16xf32>) {
      %hidden = memref.alloc() {alignment = 64 : i64} : memref<8x1040xf32>
      %rows = memref.subview %hidden[0, 0] [8, 1024] [1, 1]
          : memref<8x1040xf32> to memref<8x1024xf32, strided<[1040, 1]>>
      et.grouped_matmul relu ins(%x, %w1 : memref<8x16xf32>, memref<1x16x1024xf32>)
          outs(%rows : memref<8x1024xf32, strided<[1040, 1]>>)
      et.grouped_matmul none ins(%rows, %w2 : memref<8x1024xf32, strided<[1040, 1]>>, memref<1x1024x16xf32>)
          outs(%out : memref<8x16xf32>)
      memref.dealloc %hidden : memref<8x1040xf32>
      return
    }
    ```
  }];
  let dependentDialects = ["arith::ArithDialect", "memref::MemRefDialect"];
}

def VectorizeElementwise : Pass<"et-vectorize-elementwise"> {
  let summary = "run elementwise linalg ops on vectors";
  let description = [{
    A linalg op on memrefs whose loops are all parallel, and whose body computes
    lane by lane, becomes loops over vectors: whole ones, and one with a mask for
    what is left of a row. Threads share rows, and blocks of 4096 elements of a row.
    Operands that the last loop does not go along are one element for all lanes. If
    every operand has all elements in the order of the loops, they are one row.

    Left as they are: reductions, transposed and strided operands, memory of `i1`
    and of floats of 8 bits, and bodies that divide integers, which must not meet
    lanes that no one asked for.

    <!-- test: et-opt --et-vectorize-elementwise --canonicalize -->
    ```mlir
    func.func @f(%x: memref<4x32xf32>, %row: memref<4xf32>, %y: memref<4x32xf32>) {
      linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>,
                                       affine_map<(i, j) -> (i, j)>],
                      iterator_types = ["parallel", "parallel"]}
          ins(%x, %row : memref<4x32xf32>, memref<4xf32>) outs(%y : memref<4x32xf32>) {
      ^bb0(%a: f32, %b: f32, %out: f32):
        %p = arith.mulf %a, %b : f32
        linalg.yield %p : f32
      }
      return
    }
    ```

    ```mlir
    func.func @f(%x: memref<4x32xf32>, %row: memref<4xf32>, %y: memref<4x32xf32>) {
      ...
      scf.parallel (%i) = (%c0) to (%c4) step (%c1) {
        scf.for %j = %c0 to %c32 step %c16 {
          %a = vector.transfer_read %x[%i, %j], %zero {in_bounds = [true]} : memref<4x32xf32>, vector<16xf32>
          %of_row = memref.load %row[%i] : memref<4xf32>
          %b = vector.broadcast %of_row : f32 to vector<16xf32>
          %p = arith.mulf %a, %b : vector<16xf32>
          vector.transfer_write %p, %y[%i, %j] {in_bounds = [true]} : vector<16xf32>, memref<4x32xf32>
        }
        scf.reduce
      }
    ...
    ```
  }];
  let dependentDialects = [
    "::mlir::et::ETDialect", "arith::ArithDialect", "memref::MemRefDialect", "scf::SCFDialect",
    "vector::VectorDialect"
  ];
}

def LegalizeMath : Pass<"et-legalize-math"> {
  let summary = "leave fewer math ops, on fewer types";
  let description = [{
    * What is of f16 or bf16 is computed in f32, and the result is rounded.
    * `absi`, `rsqrt`, `clampf`, `sincos`, `isfinite`, `isinf`, `isnan`, `isnormal`, and
      `expm1` and `fpowi` of f64 become other ops. `clampf` raises first, and NaN stays NaN.
    * `ipowi` becomes a loop over the bits of the exponent. Products wrap. To a
      negative exponent 1 and -1 have their inverses; all else is 0.
    * `truncf` of f64 to f16 or bf16 goes by f32, rounded so that the second rounding
      ends where one would: no processor and not every library has it. So do `sitofp` and
      `uitofp` of 25 to 64 bits; wider integers are rounded twice.

    Math ops of floats of 8 bits, and of more than 64, are an error, and so is all
    arithmetic of f8E4M3FN.

    ```mlir
    func.func @f(%x: vector<4xbf16>) -> vector<4xbf16> {
      %r = math.rsqrt %x : vector<4xbf16>
      return %r : vector<4xbf16>
    }
    ```

    ```mlir
    func.func @f(%x: vector<4xbf16>) -> vector<4xbf16> {
      %wide = arith.extf %x : vector<4xbf16> to vector<4xf32>
      %root = math.sqrt %wide : vector<4xf32>
      %one = arith.constant dense<1.000000e+00> : vector<4xf32>
      %inverse = arith.divf %one, %root : vector<4xf32>
      %r = arith.truncf %inverse : vector<4xf32> to vector<4xbf16>
      return %r : vector<4xbf16>
    }
    ```
  }];
  let dependentDialects = [
    "arith::ArithDialect", "math::MathDialect", "scf::SCFDialect"
  ];
}

def DefineDivision : Pass<"et-define-division"> {
  let summary = "give integer divisions without a quotient a result";
  let description = [{
    MLIR leaves a division of integers by zero, and that of the least number by -1,
    undefined; processors trap, or return what they like. Here all of `divsi`,
    `divui`, `ceildivsi`, `ceildivui` and `floordivsi` by zero are -1, which is all
    bits set, and `remsi` and `remui` by zero are the dividend. The least number by -1
    is itself, and its remainder is 0. Divisions by constants that are neither 0 nor
    -1 stay as they are.

    ```mlir
    func.func @f(%a: i32, %b: i32) -> i32 {
      %q = arith.divui %a, %b : i32
      return %q : i32
    }
    ```

    becomes

    ```mlir
    func.func @f(%a: i32, %b: i32) -> i32 {
      %zero = arith.constant 0 : i32
      %is_zero = arith.cmpi eq, %b, %zero : i32
      %one = arith.constant 1 : i32
      %divisor = arith.select %is_zero, %one, %b : i32
      %quotient = arith.divui %a, %divisor : i32
      %all = arith.constant -1 : i32
      %q = arith.select %is_zero, %all, %quotient : i32
      return %q : i32
    }
    ```
  }];
  let dependentDialects = ["arith::ArithDialect"];
}

def ExpandF8 : Pass<"et-expand-f8"> {
  let summary = "widen f8E4M3FN by its bits";
  let description = [{
    An `arith.extf` of f8E4M3FN becomes arithmetic on its bits, exact for every value,
    for no processor's own conversion is left for it. To another type than f32, f32 is
    converted.

    ```mlir
    func.func @f(%x: f8E4M3FN) -> f64 {
      %y = arith.extf %x : f8E4M3FN to f64
      return %y : f64
    }
    ```

    ```mlir
    func.func @f(%x: f8E4M3FN) -> f64 {
      ...
      %bits = arith.bitcast %x : f8E4M3FN to i8
      ...
      %r = arith.extf %f : f32 to f64
      return %r : f64
    }
    ```
  }];
  let dependentDialects = ["arith::ArithDialect"];
}

def ExpandMath : Pass<"et-expand-math"> {
  let summary = "compute the math functions of f32 by arithmetic";
  let description = [{
    The functions that a math library has, of scalars and of vectors, become
    `arith` ops and the `math` ops that processors have instructions for (`fma`,
    `sqrt`, `floor`, `trunc`, `absf`, `copysign`). So vectors stay vectors, GPU
    kernels need no device library, and both compute the same. How far results are
    off, over all of f32, [AroundLayers.md](AroundLayers.md#math) says. What C says of zeros, infinities, NaNs,
    subnormal numbers and of arguments without a result holds.

    `sin`, `cos` and `tan` reduce their argument exactly, however large.
    `powf`, `fpowi` and `erfc` are computed in f64 and rounded.

    With `only-vectors` scalars are left to the math library, except for `fpowi`
    and `expm1`, which upstream's conversions do not call.

    ```mlir
    func.func @f(%x: vector<4xf32>) -> vector<4xf32> {
      %v = math.exp %x : vector<4xf32>
      return %v : vector<4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @f(%x: vector<4xf32>) -> vector<4xf32> {
      ...
      %power = arith.bitcast %bits : vector<4xi32> to vector<4xf32>
      %v = arith.mulf %partly, %power : vector<4xf32>
      return %v : vector<4xf32>
    }
    ```
  }];
  let options = [
    Option<"onlyVectors", "only-vectors", "bool", "false", "Leave scalars to the math library">
  ];
  let dependentDialects = ["arith::ArithDialect", "math::MathDialect"];
}

def ConvertETToGPU : Pass<"convert-et-to-gpu"> {
  let summary = "lower bufferized et ops to GPU kernels";
  let description = [{
    Each op becomes one kernel, built with `gpu.launch`. Nothing waits for the
    host: grids are sized by shapes alone, and blocks that the plan leaves
    without work end at once.

    | op | kernel |
    |---|---|
    | `et.scores` | tiles of 32 tokens x 16 experts through shared memory; norms on the way; 32 x 64 by the matrix units for linear scores of 16-bit elements |
    | `et.route` by pair | scores as above, then ballots; the last block to finish makes offsets of all blocks' counts |
    | `et.gate` by pair | a block a mask word and 32 experts; mask words are warp ballots |
    | `et.gate` by token, at most 1024 experts, known | a block a mask word; a few lanes have a token's experts in registers; mask words are warp ballots |
    | `et.statistic` but `#et.mean_minus_std` | a block an expert; an order statistic is built bit by bit, counting the scores below |
    | `et.offsets` | one block; a warp counts an expert's bits, then warp scans |
    | `et.token_list` | a block an expert; popcounts, scans, then each thread lists a word |
    | `et.gather` | a block a row |
    | `et.grouped_matmul` | tiles of 64 x 64 through shared memory; gather in the load, bias, activation and gate at the end |
    | the same, 16-bit elements in widths that are known multiples of 8 | tiles of 128 x 128 by the matrix units, `mma.sync`, with copies several steps ahead |
    | the same, f32 in widths that are known multiples of 4, with `f32-products=3xtf32` | tiles of 64 x 128 likewise; operands are split into two tf32 numbers each |
    | 16-bit elements for sm_90a | tiles of 256 columns x 128 tokens by `wgmma`, weights by TMA; a block a multiprocessor takes tiles in turn |
    | weights of bytes with scales and 16-bit rows for sm_90a | the same with 64 tokens; weights are widened in registers |
    | `et.combine` | a block a token; warps find its pairs' rows by popcount |
    | `et.combine_waves` | the same where the buffers hold the plan; else blocks take tickets for small tiles and for tokens, wave by wave |
    | `et.moe` with `schedule = one_launch` | blocks take tickets for scores, tiles of hidden units, tiles of outputs; the last to add to some columns combines them |

    A grouped product has several kernels that could do it. Of those that fit, each
    chip of the module's `#et.gpu_target` gets the one with the least predicted time;
    a remark says which, and why no other. Where chips differ, the host launches that
    for its device's number. Without a target, kernels are for sm_80.

    A block of the grouped product finds its expert and rows by bisection of the
    offsets, so no loop runs over experts or pairs. The only atomics count, so no
    result depends on an order that differs between runs. Everything else (routings
    by expert, state) becomes the plain parallel loops of
    `--convert-et-to-scf`, which `--et-loops-to-kernels` maps.

    All memrefs are taken to lie in device memory.

    <!-- test: et-opt --convert-et-to-gpu --canonicalize -->
    ```mlir
    func.func @gather(%x: memref<?x8xf32>, %tokens: memref<?xi32>, %offsets: memref<5xi32>, %out: memref<?x8xf32>) {
      et.gather ins(%x, %tokens, %offsets : memref<?x8xf32>, memref<?xi32>, memref<5xi32>)
                outs(%out : memref<?x8xf32>)
      return
    }
    ```

    ```mlir
    ...
        gpu.launch blocks(%row, %b_1, %b_2) in (%bs = %blocks, %bs_1 = %c1, %bs_2 = %c1) threads(%t, %t_1, %t_2) in (%ts = %c128, %ts_1 = %c1, %ts_2 = %c1) module(@et_kernels) function(@et_gather) {
          %last = memref.load %offsets[%c4] : memref<5xi32>
          %pairs = arith.index_cast %last : i32 to index
          %end = arith.minui %pairs, %rows : index
          %is_pair = arith.cmpi ult, %row, %end : index
          scf.if %is_pair {
            %token_i32 = memref.load %tokens[%row] : memref<?xi32>
            %token = arith.index_cast %token_i32 : i32 to index
            scf.for %column = %t to %c8 step %c128 {
              %value = memref.load %x[%token, %column] : memref<?x8xf32>
              memref.store %value, %out[%row, %column] : memref<?x8xf32>
            }
          }
          gpu.terminator
        }
    ...
    ```
  }];
  let options = [
    Option<"f32Products", "f32-products", "::mlir::et::F32Products",
           "::mlir::et::F32Products::FMA", "How matrices of f32 are multiplied",
           [{::llvm::cl::values(
             clEnumValN(::mlir::et::F32Products::FMA, "fma", "by multiply-adds of f32"),
             clEnumValN(::mlir::et::F32Products::ThreeTF32, "3xtf32", "as three products of tf32, by the matrix units"))}]>
  ];
  let dependentDialects = [
    "::mlir::et::ETDialect", "arith::ArithDialect", "cf::ControlFlowDialect", "gpu::GPUDialect",
    "math::MathDialect", "LLVM::LLVMDialect", "memref::MemRefDialect",
    "NVVM::NVVMDialect", "scf::SCFDialect", "vector::VectorDialect"
  ];
}

#endif // ET_CONVERSION_PASSES
