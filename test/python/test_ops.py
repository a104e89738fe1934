# ===- test_ops.py - single ops against NumPy -------------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""The plan, gather, products and combine as single ops, compiled, against NumPy.

Pair buffers are longer than the pairs, and hold what must be kept beyond them.
"""

from itertools import product

import numpy as np
import pytest

import et_reference as ref
from et_bounds import (
    ffn_with_error,
    gamma,
    matmul_with_error,
    stored_with_error,
    violations,
)
from et_cases import short_form
from et_compare import check
from et_layers import ACTIVATIONS, in_turn
from et_program import Program
from et_reference import STORAGE
from et_tools import run

SEEDS = range(12)
CORE = range(6)  # every type and activation


def random_case(rng):
    """Sizes, a selection and its plan, with rows to spare."""
    tokens = int(rng.choice([0, 1, 33, int(rng.integers(2, 80))]))
    experts = int(rng.integers(1, 10))
    chosen = rng.random((tokens, experts)) < rng.choice([0.0, 0.3, 1.0])
    spare = int(rng.integers(0, 4))
    listed = ref.token_list(chosen)
    kept = np.full(spare, -7, np.int32)
    return chosen, np.concatenate([listed, kept]).astype(np.int32), len(listed)


def normal(rng, shape, dtype, scale=1.0):
    return (rng.standard_normal(shape) * scale).astype(dtype)


def check_rows(actual, expected_rows, error, initial, what):
    """Rows of pairs within their bound, the others as they were."""
    rows = len(expected_rows)
    bad = violations(actual[:rows], expected_rows, error, actual.dtype)
    check(bad, actual, expected_rows, what)
    assert actual[rows:].tobytes() == initial[rows:].tobytes(), (
        f"{what}: rows overwritten"
    )


@pytest.mark.parametrize("target", ["reference", "cpu"])
@pytest.mark.parametrize("seed", short_form(SEEDS, CORE))
def test_dispatch(seed, target):
    rng = np.random.default_rng(3000 + seed)
    chosen, plan, rows = random_case(rng)
    tokens, experts = chosen.shape
    storage = in_turn(STORAGE.values(), seed)
    width = int(rng.integers(1, 40))
    offsets, mask = ref.offsets(chosen), ref.pack_mask(chosen)
    x = normal(rng, (tokens, width), storage)
    buffer = normal(rng, (len(plan), width), storage)
    pairs = normal(rng, (len(plan), width), np.float32)
    gates = np.where(chosen, normal(rng, chosen.shape, np.float32), np.float32(0))
    shared = normal(rng, x.shape, np.float32) if rng.random() < 0.5 else None

    p = Program(rng)
    p.op(f"et.offsets ins({p.operands(mask)})", np.zeros_like(offsets))
    garbage = np.full_like(plan, -7)
    p.op(f"et.token_list ins({p.operands(mask, offsets)})", garbage)
    p.op(f"et.gather ins({p.operands(x, plan, offsets)})", buffer)
    combined = ref.with_stray_bits(rng, mask, tokens)
    p.op(
        f"et.combine ins({p.operands(pairs, gates, combined, offsets)}) "
        f"{p.clause('shared', shared)}",
        np.zeros_like(x),
    )
    results = run(p.module(), p.arrays, p.results, target)

    where = f"seed {seed}, {tokens} tokens, {experts} experts: "
    check(results[0] != offsets, results[0], offsets, where + "offsets")
    check(results[1] != plan, results[1], plan, where + "token_list")
    gathered = buffer.copy()
    gathered[:rows] = x[plan[:rows]]
    assert results[2].tobytes() == gathered.tobytes(), where + "gather"
    expected = ref.combine(pairs, gates, chosen, shared)
    magnitude = ref.combine(
        np.abs(pairs), np.abs(gates), chosen, None if shared is None else np.abs(shared)
    )
    error = gamma(experts + 1) * magnitude
    check(violations(results[3], expected, error, storage), results[3], expected,
          where + "combine")  # fmt: skip


@pytest.mark.parametrize("target", ["reference", "cpu"])
@pytest.mark.parametrize("seed", short_form(SEEDS, CORE))
def test_products(seed, target):
    rng = np.random.default_rng(4000 + seed)
    chosen, plan, rows = random_case(rng)
    tokens, experts = chosen.shape
    storage = in_turn(STORAGE.values(), seed)
    d, f = (int(n) for n in rng.integers(1, 50, 2))
    act = in_turn(ACTIVATIONS, seed)
    offsets = ref.offsets(chosen)
    listed, gated = in_turn(product((False, True), repeat=2), seed)
    x = normal(rng, (tokens if listed else len(plan), d), storage)
    a = x[plan[:rows]] if listed else x[:rows]

    def weight(*shape):
        return normal(rng, (experts, *shape), storage, shape[0] ** -0.5)

    def maybe(*shape):
        return normal(rng, (experts, *shape), storage) if rng.random() < 0.5 else None

    w1, w2, b1, b2 = weight(d, f), weight(f, d), maybe(f), maybe(d)
    wg = weight(d, f) if gated else None
    bg = maybe(f) if gated else None
    hidden_type = storage if rng.random() < 0.5 else np.float32
    hidden = normal(rng, (len(plan), f), hidden_type)
    y = normal(rng, (len(plan), d), np.float32)

    p = Program(rng)
    tokens_clause = p.clause("tokens", plan if listed else None)
    gated = f"{p.clause('gate', wg)} {p.clause('gate_bias', bg)}"
    at = f"offsets({p.operands(offsets)}) {tokens_clause}"
    p.op(
        f"et.grouped_matmul {act} ins({p.operands(x, w1)}) {at} "
        f"{p.clause('bias', b1)} {gated}",
        hidden,
    )
    p.op(
        f"et.expert_ffn {act} ins({p.operands(x, w1, w2)}) {at} "
        f"{p.clause('b1', b1)} {p.clause('b2', b2)} {gated}",
        y,
    )
    results = run(p.module(), p.arrays, p.results, target)

    products, networks = [], []
    for e in range(experts):
        own = a[offsets[e] : offsets[e + 1]]
        one = ref.expert_arguments(e, w1, w2, b1, b2, wg, bg)
        products.append(matmul_with_error(act, own, one[0], one[2], one[4], one[5]))
        networks.append(ffn_with_error(act, own, *one))
    where = f"seed {seed}, {act}, {tokens} tokens, {experts} experts, {d} x {f}: "
    for result, parts, initial, name in (
        (results[0], products, hidden, "grouped_matmul"),
        (results[1], networks, y, "expert_ffn"),
    ):
        value, error = (np.concatenate(part) for part in zip(*parts, strict=True))
        check_rows(result, value, error, initial, where + name)


@pytest.mark.parametrize("target", ["reference", "cpu"])
@pytest.mark.parametrize("seed", short_form(SEEDS, CORE))
def test_waves(seed, target):
    """Rows for fewer pairs than there are: a product leaves out the others, and
    et.combine_waves makes them. The rows it is given are no outputs of experts."""
    rng = np.random.default_rng(5000 + seed)
    chosen, _, count = random_case(rng)
    (tokens, experts), rows = chosen.shape, int(rng.integers(1, count + 4))
    storage = in_turn(STORAGE.values(), seed)
    d, f = (int(n) for n in rng.integers(1, 50, 2))
    act = in_turn(ACTIVATIONS, seed)
    offsets, mask = ref.offsets(chosen), ref.pack_mask(chosen)
    x = normal(rng, (tokens, d), storage)
    gates = np.where(chosen, normal(rng, chosen.shape, np.float32), np.float32(0))
    shared = normal(rng, x.shape, np.float32) if rng.random() < 0.5 else None

    def weight(*shape):
        return normal(rng, (experts, *shape), storage, shape[0] ** -0.5)

    def maybe(*shape):
        return normal(rng, (experts, *shape), storage) if rng.random() < 0.5 else None

    w1, w2, b1, b2 = weight(d, f), weight(f, d), maybe(f), maybe(d)
    wg = weight(d, f) if in_turn((False, True), seed) else None
    bg = maybe(f) if wg is not None else None
    hidden = normal(rng, (rows, f), storage)
    pairs = normal(rng, (rows, d), storage)

    p = Program(rng)
    gated = f"{p.clause('gate', wg)} {p.clause('gate_bias', bg)}"
    p.op(
        f"et.grouped_matmul {act} ins({p.operands(x, w1)}) "
        f"offsets({p.operands(offsets)}) {p.clause('mask', mask)} "
        f"{p.clause('bias', b1)} {gated}",
        hidden,
    )
    p.op(
        f"et.combine_waves {act} "
        f"ins({p.operands(gates, mask, offsets, x, w1, w2)}) "
        f"{p.clause('b1', b1)} {p.clause('b2', b2)} {gated} "
        f"{p.clause('shared', shared)}",
        np.zeros_like(hidden), pairs, np.zeros_like(x),
    )  # fmt: skip
    product, _, _, y = run(p.module(), p.arrays, p.results, target)

    where = f"seed {seed}, {count} pairs, {rows} rows, {act}, {d} x {f}: "
    parts, networks = [], []
    for e in range(experts):
        own = x[np.flatnonzero(chosen[:, e])]
        one = ref.expert_arguments(e, w1, w2, b1, b2, wg, bg)
        parts.append(matmul_with_error(act, own, one[0], one[2], one[4], one[5]))
        value, error = ffn_with_error(act, own, *one)
        networks.append(stored_with_error(value, error, storage))
    value, error = (np.concatenate(part)[:rows] for part in zip(*parts, strict=True))
    check_rows(product, value, error, hidden, where + "grouped_matmul")
    value, error = (np.concatenate(part) for part in zip(*networks, strict=True))
    given = min(rows, count)
    value[:given], error[:given] = pairs[:given], 0
    expected = ref.combine(value, gates, chosen, shared)
    bound = ref.combine(error, np.abs(gates), chosen)
    magnitude = ref.combine(
        np.abs(value) + error, np.abs(gates), chosen,
        None if shared is None else np.abs(shared),
    )  # fmt: skip
    bound += gamma(experts + 1) * magnitude
    check(violations(y, expected, bound, storage), y, expected, where + "combine_waves")
