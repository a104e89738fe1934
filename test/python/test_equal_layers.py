# ===- test_equal_layers.py - layers that share their code ------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Equal layers in one function compute what each computes in a module of its own."""

import numpy as np
import pytest

import et_emulated
from et_reference import STORAGE
from et_tools import run

TOKENS, WIDTH, HIDDEN, EXPERTS = 45, 16, 24, 3
X = f"tensor<?x{WIDTH}xbf16>"
TYPES = {
    "router": f"tensor<{WIDTH}x{EXPERTS}xbf16>",
    "w1": f"tensor<{EXPERTS}x{WIDTH}x{HIDDEN}xbf16>",
    "w2": f"tensor<{EXPERTS}x{HIDDEN}x{WIDTH}xbf16>",
    "theta": f"tensor<{EXPERTS}xf32>",
    "s1": f"tensor<{WIDTH}x{HIDDEN}xbf16>",
    "s2": f"tensor<{HIDDEN}x{WIDTH}xbf16>",
}


def module(layers):
    """So many layers, each of the tokens that the one before it returns."""
    arguments, body, last = [f"%x: {X}"], [], "%x"
    for i in range(layers):
        arguments += [f"%{name}{i}: {kind}" for name, kind in TYPES.items()]
        inputs = f"{last}, %router{i}, %w1{i}, %w2{i}"
        kinds = f"{X}, {TYPES['router']}, {TYPES['w1']}, {TYPES['w2']}"
        body.append(
            f"%y{i} = et.moe linear #et.threshold<gate = sigmoid> silu ins({inputs} : {kinds})"
            f" theta(%theta{i} : {TYPES['theta']})"
            f" shared(%s1{i}, %s2{i} : {TYPES['s1']}, {TYPES['s2']}) outs(%init : {X})"
        )
        last = f"%y{i}"
    return (
        f"func.func @main({', '.join(arguments)}) -> {X} {{\n"
        f"%c0 = arith.constant 0 : index\n"
        f"%tokens = tensor.dim %x, %c0 : {X}\n"
        f"%init = tensor.empty(%tokens) : {X}\n"
        + "\n".join(body)
        + f"\nreturn {last} : {X}\n}}\n"
    )


def weights(rng):
    """A layer's weights, which keep the size of the tokens about as it is."""
    arrays = []
    for kind in TYPES.values():
        *shape, element = kind.removeprefix("tensor<").removesuffix(">").split("x")
        shape = [int(n) for n in shape]
        scale = shape[-2] ** -0.5 if len(shape) > 1 else 0.1
        arrays.append((scale * rng.standard_normal(shape)).astype(STORAGE[element]))
    return arrays


@pytest.mark.parametrize("target", ["reference", "cpu", "sm_80", "sm_90a"])
def test_equal_layers(target, monkeypatch):
    rng = np.random.default_rng(7)
    x = rng.standard_normal((TOKENS, WIDTH)).astype(STORAGE["bf16"])
    layers = [weights(rng) for _ in range(3)]
    launches = []
    monkeypatch.setattr(et_emulated, "launched", launches)
    expected = x
    for layer in layers[:2]:
        launches.clear()
        (expected,) = run(module(1), [expected, *layer], ["bf16"], target)
        expected = expected.view(STORAGE["bf16"])
    launches_of_one = list(launches)
    launches.clear()
    arguments = [array for layer in layers[:2] for array in layer]
    (y,) = run(module(2), [x, *arguments], ["bf16"], target)
    assert y.tobytes() == expected.tobytes()
    assert len(launches) == 2 * len(launches_of_one)
    assert np.isfinite(y.view(STORAGE["bf16"]).astype(np.float32)).all()
    assert y.tobytes() != x.tobytes()
