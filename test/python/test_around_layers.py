# ===- test_around_layers.py - what models have beside layers ---------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Ops on tensors and linalg ops of all forms, in one function a target, against NumPy."""

import ml_dtypes
import numpy as np
import pytest

import et_tools

f32, f64, bf16 = np.float32, np.float64, ml_dtypes.bfloat16

MODULE = """
#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#transposed = affine_map<(i, j) -> (j, i)>
func.func @main(%x: tensor<?x37xf32>, %v: tensor<37xf32>, %h: tensor<3x?xbf16>,
                %i: tensor<?xi32>, %j: tensor<?xi32>, %s: tensor<f32>)
    -> (tensor<?x37xf32>, tensor<?x37xf32>, tensor<3x?xbf16>, tensor<3x?xbf16>, tensor<?xi32>,
        tensor<?xf32>, tensor<f32>, tensor<f32>, tensor<?x37xf32>, tensor<?x37xf32>,
        tensor<?x5x4x8xf32>, tensor<?x37xf32>, tensor<?x74xf32>, tensor<37x?xf32>, tensor<?x?xf32>,
        tensor<?x37xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x37xf32>
  %m = tensor.dim %h, %c1 : tensor<3x?xbf16>
  %k = tensor.dim %i, %c0 : tensor<?xi32>
  %xe = tensor.empty(%n) : tensor<?x37xf32>
  %he = tensor.empty(%m) : tensor<3x?xbf16>
  %se = tensor.empty() : tensor<f32>

  // Softmax along either dimension, and of 16 bits along many elements.
  %r0 = linalg.softmax dimension(1) ins(%x : tensor<?x37xf32>) outs(%xe : tensor<?x37xf32>) -> tensor<?x37xf32>
  %r1 = linalg.softmax dimension(0) ins(%x : tensor<?x37xf32>) outs(%xe : tensor<?x37xf32>) -> tensor<?x37xf32>
  %r2 = linalg.softmax dimension(1) ins(%h : tensor<3x?xbf16>) outs(%he : tensor<3x?xbf16>) -> tensor<3x?xbf16>

  // Arithmetic, comparisons and casts of whole tensors.
  %h1 = arith.addf %h, %h : tensor<3x?xbf16>
  %h2 = arith.mulf %h1, %h : tensor<3x?xbf16>
  %is_less = arith.cmpf olt, %h2, %h : tensor<3x?xbf16>
  %r3 = arith.select %is_less, %h2, %h : tensor<3x?xi1>, tensor<3x?xbf16>
  %one = arith.constant 1 : i32
  %ones = tensor.splat %one[%k] : tensor<?xi32>
  %odd = arith.ori %j, %ones : tensor<?xi32>
  %q = arith.divsi %i, %odd : tensor<?xi32>
  %r4 = arith.remsi %q, %odd : tensor<?xi32>
  %r5 = arith.sitofp %r4 : tensor<?xi32> to tensor<?xf32>

  // Rank 0, and a sum over everything.
  %root = math.sqrt %s : tensor<f32>
  %r6 = arith.addf %root, %s : tensor<f32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<f32>) -> tensor<f32>
  %r7 = linalg.reduce { arith.addf } ins(%v : tensor<37xf32>) outs(%s0 : tensor<f32>) dimensions = [0]

  // A norm of rows, scaled by a number of the host.
  %re = tensor.empty(%n) : tensor<?xf32>
  %rz = linalg.fill ins(%zero : f32) outs(%re : tensor<?xf32>) -> tensor<?xf32>
  %squares = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x37xf32>) outs(%rz : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %aa = arith.mulf %a, %a : f32
    %sum = arith.addf %aa, %o : f32
    linalg.yield %sum : f32
  } -> tensor<?xf32>
  %count = arith.index_cast %n : index to i32
  %tokens = arith.uitofp %count : i32 to f32
  %scale = math.rsqrt %tokens : f32
  %r8 = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %squares : tensor<?x37xf32>, tensor<?xf32>) outs(%xe : tensor<?x37xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %norm = math.rsqrt %b : f32
    %p = arith.mulf %a, %norm : f32
    %r = arith.mulf %p, %scale : f32
    linalg.yield %r : f32
  } -> tensor<?x37xf32>

  // Ops with names.
  %t0 = linalg.exp ins(%x : tensor<?x37xf32>) outs(%xe : tensor<?x37xf32>) -> tensor<?x37xf32>
  %t1 = linalg.elementwise kind=#linalg.elementwise_kind<add> ins(%t0, %x : tensor<?x37xf32>, tensor<?x37xf32>)
      outs(%xe : tensor<?x37xf32>) -> tensor<?x37xf32>
  %t2 = linalg.broadcast ins(%v : tensor<37xf32>) outs(%xe : tensor<?x37xf32>) dimensions = [0]
  %r9 = linalg.map { arith.mulf } ins(%t1, %t2 : tensor<?x37xf32>, tensor<?x37xf32>) outs(%xe : tensor<?x37xf32>)
  %blocks = arith.ceildivui %n, %four : index
  %pe = tensor.empty(%blocks) : tensor<?x5x4x8xf32>
  %r10 = linalg.pack %x padding_value(%zero : f32) inner_dims_pos = [0, 1] inner_tiles = [4, 8]
      into %pe : tensor<?x37xf32> -> tensor<?x5x4x8xf32>
  %r11 = linalg.unpack %r10 inner_dims_pos = [0, 1] inner_tiles = [4, 8]
      into %xe : tensor<?x5x4x8xf32> -> tensor<?x37xf32>
  %r12 = tensor.concat dim(1) %x, %r9 : (tensor<?x37xf32>, tensor<?x37xf32>) -> tensor<?x74xf32>
  %te = tensor.empty(%n) : tensor<37x?xf32>
  %r13 = linalg.transpose ins(%x : tensor<?x37xf32>) outs(%te : tensor<37x?xf32>) permutation = [1, 0]
  %ce = tensor.empty(%n, %n) : tensor<?x?xf32>
  %cz = linalg.fill ins(%zero : f32) outs(%ce : tensor<?x?xf32>) -> tensor<?x?xf32>
  %r14 = linalg.contract indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>,
                                          affine_map<(i, j, k) -> (i, j)>]
      ins(%x, %x : tensor<?x37xf32>, tensor<?x37xf32>) outs(%cz : tensor<?x?xf32>) -> tensor<?x?xf32>

  // Places of elements, along rows and across them.
  %r15 = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel"]}
      outs(%xe : tensor<?x37xf32>) {
  ^bb0(%o: f32):
    %a = linalg.index 0 : index
    %b = linalg.index 1 : index
    %ab = arith.muli %a, %b : index
    %ab32 = arith.index_cast %ab : index to i32
    %f = arith.sitofp %ab32 : i32 to f32
    linalg.yield %f : f32
  } -> tensor<?x37xf32>
  return %r0, %r1, %r2, %r3, %r4, %r5, %r6, %r7, %r8, %r9, %r10, %r11, %r12, %r13, %r14, %r15
    : tensor<?x37xf32>, tensor<?x37xf32>, tensor<3x?xbf16>, tensor<3x?xbf16>, tensor<?xi32>,
      tensor<?xf32>, tensor<f32>, tensor<f32>, tensor<?x37xf32>, tensor<?x37xf32>,
      tensor<?x5x4x8xf32>, tensor<?x37xf32>, tensor<?x74xf32>, tensor<37x?xf32>, tensor<?x?xf32>,
      tensor<?x37xf32>
}
"""  # fmt: skip
MODULE = MODULE.replace(
    "  %blocks =", "  %four = arith.constant 4 : index\n  %blocks ="
)


def softmax(x, axis):
    x = x.astype(f64)
    with np.errstate(invalid="ignore"):
        e = np.exp(x - x.max(axis, keepdims=True))
        return e / e.sum(axis, keepdims=True)


@pytest.mark.parametrize("target", ["reference", "cpu", "sm_80"])
def test_ops_beside_layers(target):
    rng = np.random.default_rng(7)
    n = 11
    x = rng.standard_normal((n, 37)).astype(f32)
    x[2, 5], x[3, 36], x[4], x[5, 0] = np.nan, np.inf, -np.inf, 200
    v = rng.standard_normal(37).astype(f32)
    h = rng.standard_normal((3, 1000)).astype(bf16)
    i = rng.integers(-1000, 1000, 21).astype(np.int32)
    j = rng.integers(-9, 9, 21).astype(np.int32)
    s = np.array(2.5, f32)
    kinds = ["f32"] * 2 + ["bf16"] * 2 + ["i32"] + ["f32"] * 11
    found = et_tools.run(MODULE, [x, v, h, i, j, s], kinds, target)

    quotient = (i.astype(f64) / (j | 1)).astype(int)
    remainder = np.fmod(quotient, j | 1)
    twice = (h + h) * h
    rows = x.astype(f64)
    with np.errstate(all="ignore"):
        named = ((np.exp(rows) + rows) * v).astype(f32)
        norm = rows / np.sqrt((rows**2).sum(1, keepdims=True) * n)
        product = rows @ rows.T
    padded = np.zeros((12, 40), f32)
    padded[:n, :37] = x
    expected = [
        softmax(x, 1), softmax(x, 0), softmax(h, 1), np.where(twice < h, twice, h),
        remainder, remainder, np.sqrt(2.5) + 2.5, v.astype(f64).sum(), norm, named,
        padded.reshape(3, 4, 5, 8).transpose(0, 2, 1, 3), x, np.hstack([x, named]),
        x.T, product, np.outer(np.arange(n), np.arange(37)),
    ]  # fmt: skip
    for k, (a, b) in enumerate(zip(found, expected, strict=True)):
        tolerance = 2.0**-8 if kinds[k] == "bf16" else 1e-5
        assert a.shape == np.shape(b)
        np.testing.assert_allclose(
            a.astype(f64),
            np.asarray(b, f64),
            rtol=tolerance,
            atol=1e-6,
            err_msg=f"%r{k}",
        )
