# ===- test_views.py - views and copies around layers, against NumPy ------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""What models do to tensors between layers: other shapes, slices, pads, transposes.

Each is a function of x (? x 8) and of sizes that are known at run time alone. They are
results of one module, which is compiled once a target.
"""

import numpy as np
import pytest

from et_tools import run

B, S, LO, STEP = 2, 3, 1, 2
X = np.arange(48, dtype=np.float32).reshape(6, 8)
SCALAR = np.array(5.0, np.float32)

# Name, type, ops that make %NAME, value.
CASES = [
    (
        "batches",
        "tensor<?x?x8xf32>",
        """%batches = tensor.expand_shape %x [[0, 1], [2]] output_shape [%b, %s, 8]
          : tensor<?x8xf32> into tensor<?x?x8xf32>""",
        X.reshape(B, S, 8),
    ),
    (
        "three",
        "tensor<?x?x?x8xf32>",
        """%three = tensor.expand_shape %x [[0, 1, 2], [3]] output_shape [%b, %c1, %s, 8]
          : tensor<?x8xf32> into tensor<?x?x?x8xf32>""",
        X.reshape(B, 1, S, 8),
    ),
    (
        "both",
        "tensor<?x?x?x?xf32>",
        """%both.x = tensor.cast %x : tensor<?x8xf32> to tensor<?x?xf32>
        %both = tensor.expand_shape %both.x [[0, 1], [2, 3]] output_shape [%s, %b, %c4, %b]
          : tensor<?x?xf32> into tensor<?x?x?x?xf32>""",
        X.reshape(S, B, 4, B),
    ),
    (
        "one",
        "tensor<?x3x8xf32>",
        """%one = tensor.expand_shape %x [[0, 1], [2]] output_shape [%b, 3, 8]
          : tensor<?x8xf32> into tensor<?x3x8xf32>""",
        X.reshape(B, 3, 8),
    ),
    (
        "sliced",
        "tensor<?x?x4xf32>",
        """%sliced.x = tensor.extract_slice %x[0, 2] [%t, 4] [1, 1]
          : tensor<?x8xf32> to tensor<?x4xf32>
        %sliced = tensor.expand_shape %sliced.x [[0, 1], [2]] output_shape [%b, %s, 4]
          : tensor<?x4xf32> into tensor<?x?x4xf32>""",
        X[:, 2:6].reshape(B, S, 4),
    ),
    (
        "strided",
        "tensor<?x?x?xf32>",
        """%strided.x = tensor.extract_slice %x[0, %lo] [%t, %s] [1, %step]
          : tensor<?x8xf32> to tensor<?x?xf32>
        %strided = tensor.expand_shape %strided.x [[0, 1], [2]] output_shape [%s, %b, %s]
          : tensor<?x?xf32> into tensor<?x?x?xf32>""",
        X[:, 1:6:2].reshape(S, B, S),
    ),
    (
        "flat",
        "tensor<?xf32>",
        """%flat = tensor.collapse_shape %x [[0, 1]] : tensor<?x8xf32> into tensor<?xf32>""",
        X.reshape(-1),
    ),
    (
        "flatsliced",
        "tensor<?xf32>",
        """%flatsliced.x = tensor.extract_slice %x[%lo, 2] [%s, 4] [%step, 1]
          : tensor<?x8xf32> to tensor<?x4xf32>
        %flatsliced = tensor.collapse_shape %flatsliced.x [[0, 1]]
          : tensor<?x4xf32> into tensor<?xf32>""",
        X[1:6:2, 2:6].reshape(-1),
    ),
    (
        "there",
        "tensor<?x8xf32>",
        """%there.x = tensor.expand_shape %x [[0, 1], [2]] output_shape [%b, %s, 8]
          : tensor<?x8xf32> into tensor<?x?x8xf32>
        %there.e = tensor.empty(%s, %b) : tensor<?x?x8xf32>
        %there.t = linalg.transpose ins(%there.x : tensor<?x?x8xf32>)
          outs(%there.e : tensor<?x?x8xf32>) permutation = [1, 0, 2]
        %there = tensor.collapse_shape %there.t [[0, 1], [2]]
          : tensor<?x?x8xf32> into tensor<?x8xf32>""",
        X.reshape(B, S, 8).transpose(1, 0, 2).reshape(6, 8),
    ),
    (
        "inserted",
        "tensor<?x8xf32>",
        """%inserted.x = tensor.extract_slice %x[0, 0] [%s, %s] [1, 1]
          : tensor<?x8xf32> to tensor<?x?xf32>
        %inserted = tensor.insert_slice %inserted.x into %x[%lo, %lo] [%s, %s] [%step, %step]
          : tensor<?x?xf32> into tensor<?x8xf32>""",
        None,
    ),
    (
        "padded",
        "tensor<?x?xf32>",
        """%padded = tensor.pad %x low[%lo, 0] high[0, %step] {
        ^bb0(%padded.i: index, %padded.j: index):
          tensor.yield %scalar : f32
        } : tensor<?x8xf32> to tensor<?x?xf32>""",
        np.pad(X, ((LO, 0), (0, STEP)), constant_values=5.0),
    ),
    (
        "joined",
        "tensor<?x8xf32>",
        """%joined = tensor.concat dim(0) %x, %x
          : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>""",
        np.concatenate([X, X]),
    ),
    (
        "transposed",
        "tensor<8x?xf32>",
        """%transposed.e = tensor.empty(%t) : tensor<8x?xf32>
        %transposed = linalg.transpose ins(%x : tensor<?x8xf32>)
          outs(%transposed.e : tensor<8x?xf32>) permutation = [1, 0]""",
        X.T,
    ),
    (
        "nothing",
        "tensor<?x?x8xf32>",
        """%nothing.x = tensor.extract_slice %x[0, 0] [%c0, 8] [1, 1]
          : tensor<?x8xf32> to tensor<?x8xf32>
        %nothing = tensor.expand_shape %nothing.x [[0, 1], [2]] output_shape [%c0, %s, 8]
          : tensor<?x8xf32> into tensor<?x?x8xf32>""",
        np.zeros((0, S, 8), np.float32),
    ),
    (
        "point",
        "tensor<1x1xf32>",
        """%point = tensor.expand_shape %r0 [] output_shape [1, 1]
          : tensor<f32> into tensor<1x1xf32>""",
        np.full((1, 1), 5.0, np.float32),
    ),
]


def inserted():
    y = X.copy()
    y[LO : LO + S * STEP : STEP, LO : LO + S * STEP : STEP] = X[:S, :S]
    return y


@pytest.mark.parametrize("target", ["reference", "cpu", "sm_80"])
def test_views(target):
    body = "\n".join("  " + ops for _, _, ops, _ in CASES)
    names = ", ".join(f"%{name}" for name, _, _, _ in CASES)
    types = ", ".join(kind for _, kind, _, _ in CASES)
    module = f"""func.func @main(%x: tensor<?x8xf32>, %r0: tensor<f32>, %scalar: f32,
    %b: index, %s: index, %lo: index, %step: index) -> ({types}) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %t = tensor.dim %x, %c0 : tensor<?x8xf32>
{body}
  return {names} : {types}
}}
"""
    sizes = [np.array(n, np.int64) for n in (B, S, LO, STEP)]
    results = run(module, [X, SCALAR, SCALAR, *sizes], ["f32"] * len(CASES), target)
    for (name, _, _, value), result in zip(CASES, results, strict=True):
        value = inserted() if value is None else value
        assert result.shape == value.shape, name
        np.testing.assert_array_equal(result, value, err_msg=f"{name} {target}")


CONTROL = """
func.func private @double(%x: tensor<?x8xf32>, %n: index) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %t = tensor.dim %x, %c0 : tensor<?x8xf32>
  %done = arith.cmpi eq, %n, %c0 : index
  %r = scf.if %done -> tensor<?x8xf32> {
    scf.yield %x : tensor<?x8xf32>
  } else {
    %less = arith.subi %n, %c1 : index
    %e = tensor.empty(%t) : tensor<?x8xf32>
    %d = linalg.add ins(%x, %x : tensor<?x8xf32>, tensor<?x8xf32>)
      outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
    %y = func.call @double(%d, %less) : (tensor<?x8xf32>, index) -> tensor<?x8xf32>
    scf.yield %y : tensor<?x8xf32>
  }
  return %r : tensor<?x8xf32>
}
func.func @main(%x: tensor<?x8xf32>, %n: index, %more: i1) -> tensor<?x8xf32> {
  %y = call @double(%x, %n) : (tensor<?x8xf32>, index) -> tensor<?x8xf32>
  cf.cond_br %more, ^again, ^end
^again:
  %z = call @double(%y, %n) : (tensor<?x8xf32>, index) -> tensor<?x8xf32>
  return %z : tensor<?x8xf32>
^end:
  return %y : tensor<?x8xf32>
}
"""


@pytest.mark.parametrize("target", ["reference", "cpu", "sm_80"])
def test_calls_and_returns(target):
    """A function that calls itself, and one with several returns."""
    arguments = [X, np.array(3, np.int64), np.array(True)]
    (result,) = run(CONTROL, arguments, ["f32"], target)
    np.testing.assert_array_equal(result, X * 2**6)
