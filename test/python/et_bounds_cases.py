# ===- et_bounds_cases.py - sizes and places of single ops ----------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Functions whose sizes and places fit or do not, for test_bounds.py."""

import numpy as np

f32 = np.float32


def floats(*shape):
    return np.arange(np.prod(shape), dtype=f32).reshape(shape) + f32(0.5)


def number(value):
    return np.array(value, np.int64)


def ids(*values):
    return np.array(values, np.int32)


MOST = 2**63 - 1

# Name, the function's text behind that, then calls: arguments, and the value or a part of
# the message.
CASES = [
    (
        "add",
        """(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>) -> tensor<?x4xf32> {
          %a = math.absf %x : tensor<?x4xf32>
          %r = arith.addf %a, %y : tensor<?x4xf32>
          return %r : tensor<?x4xf32>
        }""",
        [
            ((floats(5, 4), floats(5, 4)), 2 * floats(5, 4)),
            ((floats(0, 4), floats(0, 4)), floats(0, 4)),
            ((floats(5, 4), floats(3, 4)), "arith.addf: sizes of operand 0 and operand 1 differ in dimension 0"),
            ((floats(3, 4), floats(0, 4)), "arith.addf: sizes of operand 0 and operand 1 differ in dimension 0"),
        ],
    ),
    (
        "matmul",
        """(%a: tensor<?x?xf32>, %b: tensor<?x?xf32>, %c: tensor<?x?xf32>) -> tensor<?x?xf32> {
          %r = linalg.matmul ins(%a, %b : tensor<?x?xf32>, tensor<?x?xf32>)
            outs(%c : tensor<?x?xf32>) -> tensor<?x?xf32>
          return %r : tensor<?x?xf32>
        }""",
        [
            ((floats(2, 3), floats(3, 4), np.zeros((2, 4), f32)), floats(2, 3) @ floats(3, 4)),
            ((floats(2, 0), floats(0, 4), floats(2, 4)), floats(2, 4)),
            ((floats(2, 3), floats(2, 4), floats(2, 4)), "operand 1 in dimension 0 does not fit"),
            ((floats(2, 3), floats(3, 4), floats(2, 3)), "operand 2 in dimension 1 does not fit"),
        ],
    ),
    (
        "window",
        """(%x: tensor<1x?x2xf32>, %y: tensor<1x?x1xf32>) -> tensor<1x?x1xf32> {
          %w = arith.constant dense<1.0> : tensor<3x2x1xf32>
          %r = linalg.conv_1d_nwc_wcf {strides = dense<2> : tensor<1xi64>}
            ins(%x, %w : tensor<1x?x2xf32>, tensor<3x2x1xf32>)
            outs(%y : tensor<1x?x1xf32>) -> tensor<1x?x1xf32>
          return %r : tensor<1x?x1xf32>
        }""",
        [
            ((floats(1, 5, 2), np.zeros((1, 2, 1), f32)), np.array([[[18], [42]]], f32)),
            ((floats(1, 0, 2), floats(1, 0, 1)), floats(1, 0, 1)),
            ((floats(1, 4, 2), floats(1, 2, 1)), "operand 0 in dimension 1 is too small"),
            ((floats(1, 0, 2), floats(1, 1, 1)), "operand 0 in dimension 1 is too small"),
        ],
    ),
    (
        "softmax",
        """(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>) -> tensor<?x4xf32> {
          %r = linalg.softmax dimension(1) ins(%x : tensor<?x4xf32>)
            outs(%y : tensor<?x4xf32>) -> tensor<?x4xf32>
          return %r : tensor<?x4xf32>
        }""",
        [
            ((np.zeros((3, 4), f32), floats(3, 4)), np.full((3, 4), 0.25, f32)),
            ((floats(3, 4), floats(2, 4)), "linalg.softmax: sizes of operand 0 and operand 1 differ"),
        ],
    ),
    (
        "pack",
        """(%x: tensor<?x4xf32>, %y: tensor<?x2x3x2xf32>) -> tensor<?x2x3x2xf32> {
          %r = linalg.pack %x inner_dims_pos = [0, 1] inner_tiles = [3, 2] into %y
            : tensor<?x4xf32> -> tensor<?x2x3x2xf32>
          return %r : tensor<?x2x3x2xf32>
        }""",
        [
            (
                (floats(6, 4), floats(2, 2, 3, 2)),
                floats(6, 4).reshape(2, 3, 2, 2).transpose(0, 2, 1, 3),
            ),
            ((floats(6, 4), floats(3, 2, 3, 2)), "packed operand in dimension 0 does not fit"),
            ((floats(5, 4), floats(2, 2, 3, 2)), "tiles do not divide dimension 0"),
        ],
    ),
    (
        "unpack",
        """(%x: tensor<?x3xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
          %r = linalg.unpack %x inner_dims_pos = [0] inner_tiles = [3] into %y
            : tensor<?x3xf32> -> tensor<?xf32>
          return %r : tensor<?xf32>
        }""",
        [
            ((floats(2, 3), floats(5)), floats(5)),
            ((floats(2, 3), floats(7)), "linalg.unpack: the size of the packed operand"),
            ((floats(2, 3), floats(3)), "linalg.unpack: the size of the packed operand"),
        ],
    ),
    (
        "concat",
        """(%x: tensor<?x?xf32>, %y: tensor<?x?xf32>) -> tensor<?x4xf32> {
          %r = tensor.concat dim(1) %x, %y : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x4xf32>
          return %r : tensor<?x4xf32>
        }""",
        [
            ((floats(2, 1), floats(2, 3)), np.concatenate([floats(2, 1), floats(2, 3)], 1)),
            ((floats(2, 1), floats(1, 3)), "tensor.concat: sizes of operand 0 and operand 1 differ"),
            ((floats(2, 2), floats(2, 3)), "tensor.concat: the size of the result in dimension 1"),
        ],
    ),
    (
        "cast",
        """(%x: tensor<?x3xf32>) -> tensor<2x3xf32> {
          %r = tensor.cast %x : tensor<?x3xf32> to tensor<2x3xf32>
          return %r : tensor<2x3xf32>
        }""",
        [
            ((floats(2, 3),), floats(2, 3)),
            ((floats(1, 3),), "tensor.cast: the size of dimension 0 is not 2"),
        ],
    ),
    (
        "slice",
        """(%x: tensor<?x4xf32>, %at: index, %n: index) -> tensor<?x2xf32> {
          %r = tensor.extract_slice %x[%at, 1] [%n, 2] [1, 1] : tensor<?x4xf32> to tensor<?x2xf32>
          return %r : tensor<?x2xf32>
        }""",
        [
            ((floats(5, 4), number(2), number(3)), floats(5, 4)[2:, 1:3]),
            ((floats(5, 4), number(5), number(0)), floats(0, 2)),
            ((floats(5, 4), number(3), number(3)), "tensor.extract_slice: the slice is not inside"),
            ((floats(5, 4), number(-1), number(2)), "tensor.extract_slice: the slice is not"),
            ((floats(5, 4), number(2), number(-1)), "tensor.extract_slice: the slice is not"),
            ((floats(5, 4), number(2), number(MOST)), "tensor.extract_slice: the slice is not"),
        ],
    ),
    (
        "steps",
        """(%x: tensor<?xf32>, %at: index, %n: index, %s: index) -> tensor<?xf32> {
          %r = tensor.extract_slice %x[%at] [%n] [%s] : tensor<?xf32> to tensor<?xf32>
          return %r : tensor<?xf32>
        }""",
        [
            ((floats(7), number(0), number(4), number(2)), floats(7)[::2]),
            ((floats(7), number(1), number(3), number(2)), floats(7)[1::2]),
            ((floats(7), number(6), number(1), number(MOST)), floats(7)[6:]),
            ((floats(7), number(1), number(4), number(2)), "the slice is not inside the tensor"),
            ((floats(7), number(1), number(3), number(2**62)), "the slice is not inside"),
            ((floats(7), number(1), number(2**62 + 1), number(4)), "the slice is not inside"),
            ((floats(7), number(1), number(3), number(-1)), "the slice is not inside"),
            ((floats(7), number(7), number(1), number(1)), "the slice is not inside"),
        ],
    ),
    (
        "insert",
        """(%x: tensor<?xf32>, %y: tensor<?xf32>, %at: index, %n: index) -> tensor<?xf32> {
          %r = tensor.insert_slice %y into %x[%at] [%n] [1] : tensor<?xf32> into tensor<?xf32>
          return %r : tensor<?xf32>
        }""",
        [
            ((floats(3), -floats(2), number(1), number(2)), np.array([0.5, -0.5, -1.5], f32)),
            ((floats(3), floats(2), number(2), number(2)), "tensor.insert_slice: the slice is not"),
            ((floats(5), floats(2), number(1), number(3)), "the size of the source in dimension 0"),
        ],
    ),
    (
        "pad",
        """(%x: tensor<?xf32>, %low: index, %high: index) -> tensor<?xf32> {
          %zero = arith.constant 0.0 : f32
          %r = tensor.pad %x low[%low] high[%high] {
          ^bb0(%i: index):
            tensor.yield %zero : f32
          } : tensor<?xf32> to tensor<?xf32>
          return %r : tensor<?xf32>
        }""",
        [
            ((floats(2), number(1), number(2)), np.array([0, 0.5, 1.5, 0, 0], f32)),
            ((floats(2), number(-1), number(2)), "tensor.pad: the padding of dimension 0"),
            ((floats(5), number(1), number(-1)), "tensor.pad: the padding of dimension 0"),
            ((floats(3), number(MOST), number(MOST)), "tensor.pad: the padding of dimension 0"),
        ],
    ),
    (
        "loop",
        """(%x: tensor<?xf32>, %s: index) -> tensor<?xf32> {
          %c0 = arith.constant 0 : index
          %n = tensor.dim %x, %c0 : tensor<?xf32>
          %r = scf.for %i = %c0 to %n step %s iter_args(%v = %x) -> tensor<?xf32> {
            %w = arith.addf %v, %x : tensor<?xf32>
            scf.yield %w : tensor<?xf32>
          }
          return %r : tensor<?xf32>
        }""",
        [
            ((floats(3), number(1)), 4 * floats(3)),
            ((floats(3), number(2)), 3 * floats(3)),
            ((floats(3), number(0)), "scf.for: the step is not positive"),
            ((floats(3), number(-1)), "scf.for: the step is not positive"),
            ((floats(3), number(MOST)), "scf.for: the upper bound and a step"),
        ],
    ),
    # What wraps around to a tensor of 4 elements.
    (
        "wrapped",
        """(%x: tensor<4xf32>, %n: index) -> tensor<?xf32> {
          %c0 = arith.constant 0 : index
          %c1 = arith.constant 1 : index
          %c4 = arith.constant 4 : index
          %m = arith.muli %n, %c4 : index
          %e = tensor.empty(%m) : tensor<?xf32>
          %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %e) -> tensor<?xf32> {
            %o = arith.muli %i, %c4 : index
            %b = tensor.insert_slice %x into %a[%o] [4] [1] : tensor<4xf32> into tensor<?xf32>
            scf.yield %b : tensor<?xf32>
          }
          return %r : tensor<?xf32>
        }""",
        [
            ((floats(4), number(2)), np.tile(floats(4), 2)),
            ((floats(4), number(2**62 + 1)), "tensor.insert_slice: the slice is not inside"),
        ],
    ),
    # An index that wraps around to 0 in the ninth run.
    (
        "far",
        """(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
          %r = linalg.generic {indexing_maps = [affine_map<(i) -> (i * 2305843009213693952)>,
                                                affine_map<(i) -> (i)>],
                               iterator_types = ["parallel"]}
              ins(%x : tensor<?xf32>) outs(%y : tensor<?xf32>) {
          ^bb0(%a: f32, %o: f32):
            linalg.yield %a : f32
          } -> tensor<?xf32>
          return %r : tensor<?xf32>
        }""",
        [
            ((floats(2), floats(1)), floats(1)),
            ((floats(2), floats(9)), "the size of operand 0 in dimension 0 is too small"),
        ],
    ),
    # A step of 0 reads one element again, and is no place to write to.
    (
        "still",
        """(%x: tensor<?xf32>, %n: index, %s: index) -> tensor<?xf32> {
          %a = tensor.extract_slice %x[1] [%n] [0] : tensor<?xf32> to tensor<?xf32>
          %r = tensor.insert_slice %a into %x[1] [%n] [%s] : tensor<?xf32> into tensor<?xf32>
          return %r : tensor<?xf32>
        }""",
        [
            ((floats(4), number(2), number(2)), np.array([0.5, 1.5, 2.5, 1.5], f32)),
            ((floats(4), number(1), number(0)), floats(4)),
            ((floats(4), number(2), number(0)), "tensor.insert_slice: the step of dimension 0 is 0"),
        ],
    ),
    # Elements read inside other ops. What these count through is checked before.
    (
        "generate",
        """(%x: tensor<?xf32>, %n: index) -> tensor<?xf32> {
          %r = tensor.generate %n {
          ^bb0(%i: index):
            %e = tensor.extract %x[%i] : tensor<?xf32>
            tensor.yield %e : f32
          } : tensor<?xf32>
          return %r : tensor<?xf32>
        }""",
        [
            ((floats(5), number(3)), floats(3)),
            ((floats(5), number(0)), floats(0)),
            ((floats(5), number(6)), "tensor.extract: index 0 is beyond"),
        ],
    ),
    (
        "diagonal",
        """(%x: tensor<?x?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
          %r = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
              outs(%y : tensor<?xf32>) {
          ^bb0(%o: f32):
            %i = linalg.index 0 : index
            %e = tensor.extract %x[%i, %i] : tensor<?x?xf32>
            linalg.yield %e : f32
          } -> tensor<?xf32>
          return %r : tensor<?xf32>
        }""",
        [
            ((floats(3, 4), floats(3)), np.diag(floats(3, 4))),
            ((floats(0, 4), floats(0)), floats(0)),
            ((floats(3, 4), floats(4)), "tensor.extract: index 0 is beyond"),
            ((floats(4, 3), floats(4)), "tensor.extract: index 1 is beyond"),
        ],
    ),
]  # fmt: skip

# On a GPU the host does not read elements.
ELEMENTS = [
    (
        "element",
        """(%x: tensor<?x4xf32>, %i: index, %j: index) -> tensor<?x4xf32> {
          %e = tensor.extract %x[%i, %j] : tensor<?x4xf32>
          %two = arith.addf %e, %e : f32
          %r = tensor.insert %two into %x[%j, %i] : tensor<?x4xf32>
          return %r : tensor<?x4xf32>
        }""",
        [
            ((np.ones((2, 4), f32), number(1), number(1)), np.array([[1] * 4, [1, 2, 1, 1]], f32)),
            ((floats(2, 4), number(2), number(1)), "tensor.extract: index 0 is beyond"),
            ((floats(2, 4), number(1), number(4)), "tensor.extract: index 1 is beyond"),
            ((floats(2, 4), number(-1), number(1)), "tensor.extract: index 0 is beyond"),
            ((floats(2, 4), number(1), number(2)), "tensor.insert: index 0 is beyond"),
        ],
    ),
    (
        "reshape",
        """(%x: tensor<?x4xf32>, %shape: tensor<2xi64>) -> tensor<?x?xf32> {
          %r = tensor.reshape %x(%shape) : (tensor<?x4xf32>, tensor<2xi64>) -> tensor<?x?xf32>
          return %r : tensor<?x?xf32>
        }""",
        [
            ((floats(3, 4), number([6, 2])), floats(6, 2)),
            ((floats(0, 4), number([0, 9])), floats(0, 9)),
            ((floats(3, 4), number([4, 4])), "another number of elements"),
            ((floats(3, 4), number([0, 4])), "another number of elements"),
            ((floats(4, 4), number([2**62, 4])), "another number of elements"),
        ],
    ),
]  # fmt: skip
