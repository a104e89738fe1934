# ===- test_pack.py - packed weights against NumPy --------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""et.pack bit by bit, and products of packed weights within their bounds.

Layouts are those that vectors fit, and odd ones.
"""

import numpy as np
import pytest

import et_reference as ref
from et_bounds import matmul_with_error
from et_compare import check
from et_layers import ACTIVATIONS
from et_program import Program
from et_reference import STORAGE
from et_tools import run
from test_ops import check_rows, normal, random_case

LAYOUTS = [
    (64, 1, 1),
    (32, 1, 1),
    (32, 2, 2),
    (64, 2, 32),
    (128, 2, 32),
    (16, 4, 8),
    (5, 3, 6),
    (1, 1, 4),
]


def attribute(layout):
    columns, interleave, step = layout
    return f"#et.panels<columns = {columns}, interleave = {interleave}, step = {step}>"


@pytest.mark.parametrize("target", ["reference", "cpu"])
@pytest.mark.parametrize("seed", range(16))
def test_pack(seed, target):
    rng = np.random.default_rng(7000 + seed)
    layout = LAYOUTS[seed % len(LAYOUTS)]
    storage = STORAGE[str(rng.choice(list(STORAGE)))]
    experts, depth = int(rng.integers(1, 5)), int(rng.integers(0, 50))
    width = int(rng.choice([0, 1, 64, 256, int(rng.integers(2, 300))]))
    w = normal(rng, (experts, depth, width), storage)
    w[rng.random(w.shape) < 0.02] = np.inf
    expected = ref.pack(w, *layout)

    p = Program(rng)
    garbage = normal(rng, expected.shape, storage)
    p.op(f"et.pack {attribute(layout)} ins({p.operands(w)})", garbage)
    (packed,) = run(p.module(), p.arrays, p.results, target, threads=2)
    where = f"seed {seed}, {layout}, {w.shape}, {w.dtype}"
    assert packed.shape == expected.shape, where
    check(packed.view(f"u{w.itemsize}") != expected.view(f"u{w.itemsize}"), packed,
          expected, where)  # fmt: skip


@pytest.mark.parametrize("target", ["reference", "cpu"])
@pytest.mark.parametrize("seed", range(16))
def test_products(seed, target):
    rng = np.random.default_rng(7100 + seed)
    chosen, plan, rows = random_case(rng)
    tokens, experts = chosen.shape
    layout = LAYOUTS[seed % len(LAYOUTS)]
    storage = STORAGE[str(rng.choice(list(STORAGE)))]
    d, f = int(rng.integers(1, 80)), int(rng.integers(1, 150))
    act = str(rng.choice(ACTIVATIONS))
    offsets = ref.offsets(chosen)
    x = normal(rng, (tokens, d), storage)

    def maybe(*shape):
        return normal(rng, (experts, *shape), storage) if rng.random() < 0.5 else None

    w = normal(rng, (experts, d, f), storage, d**-0.5)
    wg = normal(rng, w.shape, storage, d**-0.5) if rng.random() < 0.5 else None
    bias, gate_bias = maybe(f), maybe(f) if wg is not None else None
    initial = normal(rng, (len(plan), f), np.float32)

    p = Program(rng)
    gate = None if wg is None else ref.pack(wg, *layout)
    p.op(
        f"et.grouped_matmul {act} ins({p.operands(x, ref.pack(w, *layout))}) "
        f"panels({attribute(layout)}) "
        f"offsets({p.operands(offsets)}) tokens({p.operands(plan)}) "
        f"{p.clause('bias', bias)} {p.clause('gate', gate)} "
        f"{p.clause('gate_bias', gate_bias)}",
        initial,
    )
    (result,) = run(p.module(), p.arrays, p.results, target, threads=2)
    parts = []
    for e in range(experts):
        one = [None if a is None else a[e] for a in (w, bias, wg, gate_bias)]
        own = x[plan[offsets[e] : offsets[e + 1]]]
        parts.append(matmul_with_error(act, own, *one))
    value, error = (np.concatenate(part) for part in zip(*parts, strict=True))
    where = (
        f"seed {seed}, {layout}, {act}, {tokens} tokens, {experts} experts, {d} x {f}"
    )
    check_rows(result, value, error, initial, where)
