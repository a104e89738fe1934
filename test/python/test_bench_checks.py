# ===- test_bench_checks.py - what the CPU benchmark takes for equal -----------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Layers in NumPy's f32, in any order of summation and with peers' roundings, pass the
benchmark's comparison; small mistakes do not. Shares of the limits are those of each
round. What is measured while others work is not judged."""

import os
import subprocess
import sys
import time
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks" / "cpu"))
import others
import table
from checks import (
    OUR_ROUNDINGS,
    PEERS_ROUNDINGS,
    Checked,
    WrongError,
    compare,
    score_margin,
    tolerance,
)

STORAGE = {"f32": np.float32, "bf16": ml_dtypes.bfloat16}


class Layer:
    """A random layer, some tokens of which have no expert, and its exact output."""

    def __init__(self, rng, kind):
        self.tokens, self.experts = int(rng.integers(1, 40)), int(rng.integers(1, 9))
        self.width, self.hidden = (int(n) for n in rng.integers(64, 400, 2))
        self.kind, self.rng = kind, rng

        def normal(*shape, scale=1.0):
            return (rng.standard_normal(shape) * scale).astype(STORAGE[kind])

        d, f, e = self.width, self.hidden, self.experts
        self.x = normal(self.tokens, d)
        self.router = normal(d, e, scale=d**-0.5)
        self.w1 = normal(e, d, f, scale=d**-0.5)
        self.w2 = normal(e, f, d, scale=f**-0.5)
        self.mask = rng.random((self.tokens, e)) < 0.5
        self.expected = self.output(np.float64, lambda a: a, lambda a: a)

    def sum_in(self, dtype, a, b):
        """a b with all sums in dtype, its terms in a random order."""
        order = self.rng.permutation(a.shape[1])
        if dtype == np.float64:
            return a.astype(dtype) @ b.astype(dtype)
        total = np.zeros((a.shape[0], b.shape[1]), dtype)
        for k in order:
            total += a[:, k, None].astype(dtype) * b[None, k].astype(dtype)
        return total

    def output(self, dtype, product, store):
        """`product` rounds what a library's product gives, `store` what is kept."""
        scores = self.sum_in(dtype, self.x, self.router)
        gates = 1 / (1 + np.exp(-scores))
        out = np.zeros(self.x.shape, dtype)
        for e in range(self.experts):
            rows = np.flatnonzero(self.mask[:, e])
            a = product(self.sum_in(dtype, self.x[rows], self.w1[e]))
            h = store(np.square(np.maximum(a.astype(dtype), 0)))
            y = product(self.sum_in(dtype, h, self.w2[e])).astype(dtype)
            out[rows] += gates[rows, e, None] * y
        return store(out)

    def limit(self, roundings):
        return tolerance(self.width, self.hidden, self.experts, self.kind, roundings)


def layers(kind):
    for seed in range(8):
        print("seed", seed)
        yield Layer(np.random.default_rng(seed), kind)


@pytest.mark.parametrize("kind", list(STORAGE))
def test_sums_in_f32_pass(kind):
    def rounded(a):
        return a.astype(STORAGE[kind])

    for layer in layers(kind):
        ours = layer.output(np.float32, lambda a: a, rounded)
        theirs = layer.output(np.float32, rounded, rounded)
        for name, y, roundings in (
            ("ours", ours, OUR_ROUNDINGS),
            ("theirs", theirs, PEERS_ROUNDINGS),
        ):
            error = compare(
                name, y.astype(np.float64), layer.expected, layer.limit(roundings)
            )
            assert error <= layer.limit(roundings)
            assert error > 0


def spoil_nan(y, row):
    y[row, 0] = np.nan


def spoil_element(y, row):
    y[row, -1] += np.linalg.norm(y[row]) / 4 + 1


def spoil_row(y, row):
    y[row] = -y[row] + 1


def spoil_zero(y, row):
    y[row] = 0


@pytest.mark.parametrize("spoil", [spoil_nan, spoil_element, spoil_row, spoil_zero])
@pytest.mark.parametrize("kind", list(STORAGE))
def test_mistakes_in_one_row_are_found(kind, spoil):
    found = 0
    for layer in layers(kind):
        some = np.flatnonzero(layer.mask.any(1))
        if not len(some):
            continue
        y = layer.expected.copy()
        row = int(some[-1])
        spoil(y, row)
        with pytest.raises(WrongError, match=f"token {row}"):
            compare("it", y, layer.expected, layer.limit(PEERS_ROUNDINGS))
        found += 1
    assert found


def test_f32_must_be_f32():
    """Neither weights rounded to bf16 nor a missing term of a sum pass for f32."""
    for layer in layers("f32"):
        if not layer.mask.any():
            continue
        limit = layer.limit(OUR_ROUNDINGS)
        w1 = layer.w1.copy()
        layer.w1 = w1.astype(ml_dtypes.bfloat16).astype(np.float32)
        rounded = layer.output(np.float64, lambda a: a, lambda a: a)
        layer.w1 = w1.copy()
        layer.w1[:, 0] = 0
        short = layer.output(np.float64, lambda a: a, lambda a: a)
        for wrong in (rounded, short):
            with pytest.raises(WrongError):
                compare("it", wrong, layer.expected, limit)


def test_a_token_without_an_expert_gives_zero():
    expected = np.zeros((3, 4))
    assert compare("it", expected, expected, 1.0) == 0
    with pytest.raises(WrongError, match="token 2"):
        compare("it", np.eye(4)[:3][::-1] * [1e-30, 0, 0, 0], expected, 1.0)


def test_shapes_are_compared():
    with pytest.raises(WrongError, match="gives"):
        compare("it", np.zeros((2, 3)), np.zeros((3, 2)), 1.0)
    assert compare("it", np.zeros((0, 3)), np.zeros((0, 3)), 1.0) == 0


def test_what_is_timed_was_compared():
    class Result:
        def to_numpy(self):
            return np.ones((1, 2))

    calls = []

    def function(x):
        calls.append(x)
        return Result()

    side = Checked("it", function, "x", np.ones((1, 2)), 1e-6)
    side()
    side.prepare()
    assert calls == ["x", "x", ""]
    with pytest.raises(WrongError):
        Checked("it", function, "x", np.zeros((1, 2)), 1e-6)


def test_scores_err_by_less_than_the_margin():
    for seed in range(8):
        print("seed", seed)
        rng = np.random.default_rng(seed)
        width = int(rng.integers(64, 4096))
        x = rng.standard_normal((256, width)).astype(np.float32)
        w = (rng.standard_normal((width, 16)) * width**-0.5).astype(np.float32)
        one_by_one = np.zeros((256, 16), np.float32)
        for k in range(width):
            one_by_one += x[:, k, None] * w[None, k]
        exact = x.astype(np.float64) @ w.astype(np.float64)
        assert np.abs(one_by_one - exact).max() < score_margin(width)


def test_shares_are_of_each_round():
    """A machine that is slow in some rounds slows layers and limits alike."""
    slow = [1.0, 3.0, 1.0, 7.0, 1.0]
    samples = [
        {"flops_per_second": 100 / s, "read": 2 * s, "layer": 4 * s, "peer": 6 * s}
        for s in slow
    ]
    # A peer that is called less often is compared with the rounds in which it was.
    del samples[3]["peer"], samples[4]["peer"]
    samples[0]["peer"] = 8.0
    case = {"flops": 200, "bytes": 30, "read_bytes": 20, "others": 0.0}
    row = table.make_row(case, {"layer": 0.0, "peer": 0.0}, samples)
    assert row["share_of_peak"] == pytest.approx(200 / 4 / 100)
    assert row["share_of_bandwidth"] == pytest.approx(30 / 4 / (20 / 2))
    assert row["share_of_limit"] == row["share_of_bandwidth"]
    assert (row["peak"], row["bandwidth"]) == (100, 10)
    assert row["sides"]["peer"]["ratio"] == pytest.approx([1.5, 1.5, 2.0])
    assert row["sides"]["peer"]["calls"] == 3


def row_with(peer=None, others=0.0, top_k=1.5):
    """A row of 8 tokens, in which a peer takes so many times ours."""
    ratios = {"layer": 1, "top_k": top_k, "around": 0.02, "route_combine": 0.01}
    if peer:
        ratios["torch_eager"] = peer
    case = {"tokens": 8, "shape": "64 64 4 1", "type": "f32", "loads": "even"}
    sides = {name: {"ratio": [r, r, r], "calls": 3} for name, r in ratios.items()}
    for side in sides.values():
        side["seconds"] = 1e-3
    shares = dict.fromkeys(
        ("share_of_peak", "share_of_bandwidth", "share_of_limit"), 0.5
    )
    counts = {"pairs": 8, "experts": 4, "others": others}
    return case | counts | shares | {"sides": sides}


def test_only_rows_with_peers_are_compared():
    below = table.findings([row_with(peer=1.1), row_with(peer=2.0), row_with()])
    assert "with a peer: 1 of 2\n" in below
    assert "torch_eager=1.10" in below
    assert "with a peer: none of 1\n" in table.findings(
        [row_with(peer=2.0), row_with()]
    )
    # Without peers nothing is ahead of them.
    assert "with a peer: not judged" in table.findings([row_with(), row_with()])


def test_a_busy_machine_is_not_judged():
    busy = row_with(peer=1.0, others=0.3, top_k=0.5)
    assert table.line(busy).endswith("not judged: others use 30%")
    assert "not judged" not in table.line(row_with(peer=1.0))
    said = table.findings([busy, busy])
    assert said.startswith("no row is judged: others used more than 5% of the cores")
    assert "fastest peer" not in said
    said = table.findings([busy, row_with(peer=2.0)])
    assert "with a peer: none of 1\n" in said
    assert "takes less time: none of 1\n" in said
    assert said.endswith("of the cores: 1 of 2")


def test_others_are_all_that_is_not_own():
    ticks = os.sysconf("SC_CLK_TCK")

    def moment(wall, own, *cores):
        rows = [
            f"cpu{i} {busy * ticks} 0 0 {10**6 * i} 7 0 0 {stolen * ticks} 99 99"
            for i, (busy, stolen) in enumerate(cores)
        ]
        text = "\n".join(["cpu 1 2 3 4 5 6 7 8 9 10", *rows, "intr 5 6", "ctxt 7"])
        return others.Moment(wall, own, others.worked(text))

    before = moment(5, 1, (3, 0), (4, 0), (0, 0), (0, 0))
    # In ten seconds: ours worked 8 on core 1, from which 1 was stolen; another did 6.
    after = moment(15, 9, (3, 0), (12, 1), (6, 0), (0, 0))
    assert others.share(before, after, {1}) == pytest.approx(7 / 40)
    assert others.share(before, after, {1, 2}) == pytest.approx(7 / 20)
    alone = moment(15, 9, (3, 0), (12, 0), (0, 0), (0, 0))
    assert others.share(before, alone, {1}) == 0


def test_another_process_is_seen():
    endless = [sys.executable, "-c", "while True: pass"]
    with subprocess.Popen(endless) as other:
        time.sleep(0.1)
        _, share = others.share_during(lambda: time.sleep(0.5))
        other.kill()
    assert share > 0.3 / os.cpu_count()


def test_the_summary_has_what_can_be_judged():
    rows = [row_with(peer=1.5), row_with(), row_with(others=0.5)]
    for row, tokens in zip(rows, (8, 64, 512), strict=True):
        row["tokens"] = tokens
    skewed = row_with(peer=9.0) | {"loads": "skewed"}
    assert table.summary([*rows, skewed]).splitlines()[1:] == [
        "| D F E K | type | 8 | 64 |",
        "|---|---|---|---|",
        "| 64 64 4 1 | f32 | 50%, 1.50 | 50% |",
    ]
    assert table.summary([rows[2]]) == ""
