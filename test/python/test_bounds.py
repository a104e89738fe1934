# ===- test_bounds.py - sizes and places that only a call shows -------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Ops beside layers: what fits is computed as NumPy does, what does not is an error.

All functions are in one module, which is compiled once a target.
"""

import functools
import re
import subprocess

import numpy as np
from et_library import Error

import et_emulated
from et_compiled import BUILD, compiled, tool

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
            ((floats(5, 4), floats(3, 4)), "arith.addf: sizes of its operands differ"),
            ((floats(3, 4), floats(0, 4)), "arith.addf: sizes of its operands differ"),
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
            ((floats(3, 4), floats(2, 4)), "linalg.softmax: sizes of its operands differ"),
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
            ((floats(2, 1), floats(1, 3)), "tensor.concat: sizes of its operands differ"),
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

BODIES = [
    # Places that are data: all threads run on, and read nothing.
    (
        "embedding",
        """(%ids: tensor<?xi32>, %table: tensor<?x4xf32>) -> tensor<?x4xf32> {
          %c0 = arith.constant 0 : index
          %n = tensor.dim %ids, %c0 : tensor<?xi32>
          %e = tensor.empty(%n) : tensor<?x4xf32>
          %r = linalg.generic {
              indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
              iterator_types = ["parallel", "parallel"]}
              ins(%ids : tensor<?xi32>) outs(%e : tensor<?x4xf32>) {
          ^bb0(%id: i32, %o: f32):
            %at = arith.index_cast %id : i32 to index
            %j = linalg.index 1 : index
            %v = tensor.extract %table[%at, %j] : tensor<?x4xf32>
            linalg.yield %v : f32
          } -> tensor<?x4xf32>
          return %r : tensor<?x4xf32>
        }""",
        [
            ((ids(2, 0, 2), floats(3, 4)), floats(3, 4)[[2, 0, 2]]),
            ((ids(), floats(0, 4)), floats(0, 4)),
            ((ids(2, 3, 0), floats(3, 4)), "tensor.extract: index 0 is beyond"),
            ((ids(2, 1, -1), floats(3, 4)), "tensor.extract: index 0 is beyond"),
            ((ids(0), floats(0, 4)), "tensor.extract: index 0 is beyond"),
        ],
    ),
    # A condition of the body's own is respected.
    (
        "guarded",
        """(%x: tensor<?xf32>, %n: index) -> tensor<?xf32> {
          %c0 = arith.constant 0 : index
          %zero = arith.constant 0.0 : f32
          %m = tensor.dim %x, %c0 : tensor<?xf32>
          %r = tensor.generate %n {
          ^bb0(%i: index):
            %in = arith.cmpi slt, %i, %m : index
            %e = scf.if %in -> f32 {
              %v = tensor.extract %x[%i] : tensor<?xf32>
              scf.yield %v : f32
            } else {
              scf.yield %zero : f32
            }
            tensor.yield %e : f32
          } : tensor<?xf32>
          return %r : tensor<?xf32>
        }""",
        [((floats(2), number(4)), np.array([0.5, 1.5, 0, 0], f32))],
    ),
]  # fmt: skip


# Functions on memrefs write to their arguments. On a GPU, the host does not touch elements.
MEMREFS = [
    (
        "load",
        """(%x: memref<?x4xf32>, %i: index) -> f32 {
          %c0 = arith.constant 0 : index
          %r = memref.load %x[%i, %c0] : memref<?x4xf32>
          return %r : f32
        }""",
        [
            ((floats(2, 4), number(1)), f32(4.5)),
            ((floats(2, 4), number(2)), "memref.load: index 0 is beyond"),
        ],
    ),
    (
        "stores",
        """(%x: memref<?xf32>) -> f32 {
          %c0 = arith.constant 0 : index
          %v = arith.constant 3.0 : f32
          affine.for %i = 0 to 3 {
            affine.store %v, %x[%i + 1] : memref<?xf32>
          }
          %r = memref.load %x[%c0] : memref<?xf32>
          return %r : f32
        }""",
        [
            ((floats(4),), f32(0.5)),
            ((floats(3),), "affine.store: index 0 is beyond"),
        ],
    ),
    (
        "parallel",
        """(%x: memref<?xf32>, %y: memref<?xf32>, %n: index) -> f32 {
          %c0 = arith.constant 0 : index
          %c1 = arith.constant 1 : index
          scf.parallel (%i) = (%c0) to (%n) step (%c1) {
            %v = memref.load %x[%i] : memref<?xf32>
            memref.store %v, %y[%i] : memref<?xf32>
          }
          %r = memref.load %y[%c1] : memref<?xf32>
          return %r : f32
        }""",
        [
            ((floats(3), -floats(2), number(2)), f32(1.5)),
            ((floats(2), -floats(3), number(3)), "memref.load: index 0 is beyond"),
            ((floats(3), -floats(2), number(3)), "memref.store: index 0 is beyond"),
        ],
    ),
    (
        "casted",
        """(%x: memref<?xf32>) -> f32 {
          %c3 = arith.constant 3 : index
          %y = memref.cast %x : memref<?xf32> to memref<4xf32>
          %r = memref.load %y[%c3] : memref<4xf32>
          return %r : f32
        }""",
        [
            ((floats(4),), f32(3.5)),
            ((floats(3),), "memref.cast: size mismatch of dim 0"),
        ],
    ),
    (
        "view",
        """(%x: memref<?xf32>, %n: index, %v: f32) -> f32 {
          %c1 = arith.constant 1 : index
          %y = memref.subview %x[1] [%n] [1] : memref<?xf32> to memref<?xf32, strided<[1], offset: 1>>
          linalg.fill ins(%v : f32) outs(%y : memref<?xf32, strided<[1], offset: 1>>)
          %r = memref.load %x[%c1] : memref<?xf32>
          return %r : f32
        }""",
        [
            ((floats(3), number(2), f32(7)), f32(7)),
            ((floats(3), number(3), f32(7)), "memref.subview: the slice is not inside"),
        ],
    ),
    (
        "sum",
        """(%x: memref<?xf32>, %y: memref<?xf32>) -> f32 {
          %c0 = arith.constant 0 : index
          linalg.add ins(%x, %x : memref<?xf32>, memref<?xf32>) outs(%y : memref<?xf32>)
          %r = memref.load %y[%c0] : memref<?xf32>
          return %r : f32
        }""",
        [
            ((floats(3), floats(3)), f32(1)),
            ((floats(3), floats(2)), "linalg.add: the size of operand 2 in dimension 0"),
        ],
    ),
    (
        "vector",
        """(%x: memref<?xf32>, %i: index) -> f32 {
          %zero = arith.constant 0.0 : f32
          %v = vector.transfer_read %x[%i], %zero {in_bounds = [true]} : memref<?xf32>, vector<4xf32>
          %r = vector.reduction <add>, %v : vector<4xf32> into f32
          return %r : f32
        }""",
        [
            ((floats(5), number(1)), f32(12)),
            ((floats(5), number(2)), "vector.transfer_read: the slice is not inside"),
        ],
    ),
    (
        "tail",
        """(%x: tensor<?xf32>, %i: index) -> f32 {
          %zero = arith.constant 0.0 : f32
          %v = vector.transfer_read %x[%i], %zero : tensor<?xf32>, vector<4xf32>
          %r = vector.reduction <add>, %v : vector<4xf32> into f32
          return %r : f32
        }""",
        [
            ((floats(5), number(3)), f32(8)),
            ((floats(5), number(9)), f32(0)),
            ((floats(5), number(-1)), "vector.transfer_read: index 0 is negative"),
        ],
    ),
]  # fmt: skip


def module(cases):
    return "\n".join(f"func.func @{name}{text}" for name, text, _ in cases)


def check(outcome, name, expected):
    """The outcome of a call is a result, or the message of an error."""
    if not isinstance(expected, str):
        assert not isinstance(outcome, str), f"{name}: {outcome}"
        assert outcome.shape == expected.shape, name
        np.testing.assert_array_equal(outcome, expected, err_msg=name)
        return
    assert isinstance(outcome, str), f"{name} returns {outcome}, not: {expected}"
    assert expected in outcome
    # It says where the op is.
    assert re.search(r"module\.mlir:\d+:\d+: ", outcome), outcome


def outcomes(library, cases):
    """What all calls come to."""
    found = []
    for name, _, calls in cases:
        for arguments, _ in calls:
            try:
                found.append(library.call(name, *arguments)[0])
            except Error as error:
                found.append(str(error))
    return found


def check_all(found, cases):
    calls = [(name, value) for name, _, calls in cases for _, value in calls]
    for outcome, (name, value) in zip(found, calls, strict=True):
        check(outcome, name, value)


def test_cpu():
    cases = CASES + ELEMENTS + BODIES + MEMREFS
    library = compiled(module(cases), "--march=native").library
    check_all(outcomes(library, cases), cases)


def test_random_slices():
    """A slice is refused if, and only if, one of its places is none."""
    rng = np.random.default_rng(3)
    library = compiled(module(CASES + ELEMENTS + BODIES + MEMREFS), "--march=native")
    accepted = 0
    for _ in range(400):
        n, at, count = (int(v) for v in rng.integers((0, -1, -1), (8, 9, 6)))
        step = int(rng.integers(-3, 4))
        places = [at + i * step for i in range(count)]
        fits = 0 <= at <= n and count >= 0 and all(0 <= p < n for p in places)
        sizes = [number(v) for v in (at, count, step)]
        try:
            (result,) = library.library.call("steps", floats(n), *sizes)
        except Error as error:
            assert not fits, (n, at, count, step, error)
            continue
        assert fits, (n, at, count, step)
        np.testing.assert_array_equal(result, floats(n)[places])
        accepted += 1
    assert 50 < accepted < 350


def test_emulated_gpu():
    library = compiled(module(CASES + BODIES), "--target=cuda", "--chip=sm_80")
    settings = {
        "ET_CUDA_DRIVER": str(BUILD / "lib" / "libet_cuda_emu.so"),
        "ET_EMU_CHECK": "all",
        "ET_EMU_THREADS": "1",
    }
    # An element that is none ends the kernel, and with it all work of the process.
    fits = [
        (name, text, [call for call in calls if not isinstance(call[1], str)])
        for name, text, calls in BODIES
    ]
    name, text, calls = BODIES[0]
    cases = [*CASES, *fits, (name, text, calls[2:3])]
    call = functools.partial(outcomes, cases=cases)
    *found, last = et_emulated.in_child(settings, library.path, call)
    check_all(found, cases[:-1])
    assert "CUDA_ERROR_ASSERT" in last


def test_reference(tmp_path):
    """One call of each kind: it compiles for each."""
    cases = CASES + ELEMENTS + BODIES + MEMREFS
    command = [tool("et-run"), tmp_path / "module.mlir", "--target=reference"]
    command += ["--threads=1", f"--out={tmp_path}/out.npy"]
    for case in cases:
        name, _, calls = case
        (tmp_path / "module.mlir").write_text(module([case]))
        for arguments, expected in (calls[0], calls[-1]):
            files = []
            for i, array in enumerate(arguments):
                np.save(tmp_path / f"{i}.npy", array)
                files.append(f"--arg={tmp_path}/{i}.npy")
            done = subprocess.run(
                [*command, f"--entry={name}", *files], capture_output=True, text=True
            )
            ended = done.stderr if done.returncode else np.load(tmp_path / "out.npy")
            check(ended, name, expected)
