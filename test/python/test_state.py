# ===- test_state.py - threshold state against NumPy ------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Every statistic, moving average and routing figure, compiled, against NumPy."""

import numpy as np
import pytest

import et_reference as ref
from et_bounds import U, violations
from et_cases import short_form
from et_compare import check
from et_program import Program
from et_tools import run

SEEDS = range(12)
CORE = range(6)
LO, HI = -1.25, 1.5


def random_scores(rng):
    tokens = int(rng.choice([0, 1, 2, 3, 32, 257, int(rng.integers(4, 500))]))
    experts = int(rng.integers(1, 20))
    # An offset as large as 100 deviations: a one-pass variance would lose it.
    r = rng.standard_normal((tokens, experts)) + rng.choice([0.0, 1.0, 100.0])
    r = r.astype(np.float32)
    if tokens and rng.random() < 0.5:
        r[rng.integers(tokens), rng.integers(experts)] = np.nan
    if tokens and rng.random() < 0.3:
        r[rng.integers(tokens), rng.integers(experts)] = np.inf
    if tokens and rng.random() < 0.3:
        r[:, rng.integers(experts)] = r[0, 0]
    return r


def number(value):
    return f"{value:.17e}"


def check_value(actual, value, what, relative=2 * U):
    """A value that is computed in f64 and rounded once errs by u; one more for ours."""
    with np.errstate(invalid="ignore"):
        bad = violations(actual, value, relative * np.abs(value) + 2.0**-149)
    check(bad, actual, value, what)


@pytest.mark.parametrize("target", ["reference", "cpu"])
@pytest.mark.parametrize("seed", short_form(SEEDS, CORE))
def test_statistics(seed, target):
    rng = np.random.default_rng(seed)
    r = random_scores(rng)
    tokens, experts = r.shape
    rate, q = (
        float(rng.uniform(0, 1)),
        float(rng.choice([0.0, 0.5, rng.uniform(), 1.0])),
    )
    bins = int(rng.integers(1, 40))
    counts = rng.integers(0, 5, (experts, bins)).astype(np.int32)
    counts[rng.integers(experts)] = 0

    p = Program(rng)
    out = np.zeros(experts, np.float32)
    ins = f"ins({p.operands(r)})"
    p.op(f"et.statistic #et.mean_minus_std {ins}", out)
    p.op(f"et.statistic #et.kth_largest<rate = {number(rate)}> {ins}", out)
    p.op(f"et.statistic #et.quantile<q = {number(q)}> {ins}", out)
    bounds = f"range({number(LO)}, {number(HI)})"
    p.op(f"et.histogram {bounds} {ins}", np.zeros((experts, bins), np.int32))
    p.op(f"et.histogram_quantile {number(q)} {bounds} ins({p.operands(counts)})", out)
    mean_std, kth, quantile, histogram, histogram_quantile = run(
        p.module(), p.arrays, p.results, target
    )

    where = f"seed {seed}, {tokens} tokens, {experts} experts: "
    with np.errstate(invalid="ignore"):
        # Sums of f64: their error, T 2^-53 of the largest score, is far below u.
        check_value(mean_std, ref.mean_minus_std(r), where + "mean_minus_std", 4 * U)
        expected = ref.kth_largest(r, rate)
        check(
            violations(kth, expected, 0.0), kth, expected, where + f"kth_largest {rate}"
        )
        check_value(quantile, ref.quantile(r, q), where + f"quantile {q}", 4 * U)
    expected = ref.histogram(r, LO, HI, bins)
    check(histogram != expected, histogram, expected, where + "histogram")
    expected = ref.histogram_quantile(counts, q, LO, HI)
    slack = 2 * U * max(abs(LO), abs(HI))
    bad = violations(histogram_quantile, expected, slack)
    check(bad, histogram_quantile, expected, where + f"histogram_quantile {q}")


@pytest.mark.parametrize("target", ["reference", "cpu"])
@pytest.mark.parametrize("seed", short_form(SEEDS[:8], CORE))
def test_moving_averages(seed, target):
    rng = np.random.default_rng(1000 + seed)
    experts = int(rng.integers(1, 40))
    beta = float(rng.choice([0.0, 0.9, 0.999, rng.uniform()]))
    m, theta, raw = rng.standard_normal((3, experts)).astype(np.float32)
    m[rng.random(experts) < 0.3] = np.nan
    steps = rng.choice([0, 0, 1, 5, 10**6], experts)
    raw[steps == 0] = 0

    p = Program(rng)
    p.op(f"et.ema_update beta = {number(beta)} ins({p.operands(m)})", theta)
    p.op(
        f"et.ema_update_corrected beta = {number(beta)} ins({p.operands(m)})",
        raw, steps, np.zeros(experts, np.float32),
    )  # fmt: skip
    next_theta, next_raw, next_steps, corrected = run(
        p.module(), p.arrays, p.results, target
    )

    where = f"seed {seed}, beta {beta}: "

    def average_error(old):
        # Two products, a sum, and two constants that are rounded to f32.
        terms = np.abs(beta * ref.f64(old)) + np.abs((1 - beta) * np.nan_to_num(m))
        return np.where(np.isnan(m), 0.0, 4 * U * terms)

    expected = ref.ema_update(beta, m, theta)
    bad = violations(next_theta, expected, average_error(theta))
    check(bad, next_theta, expected, where + "ema_update")
    expected, expected_steps, _ = ref.ema_update_corrected(beta, m, raw, steps)
    check(
        violations(next_raw, expected, average_error(raw)),
        next_raw,
        expected,
        where + "raw",
    )
    check(next_steps != expected_steps, next_steps, expected_steps, where + "steps")
    # theta is made from the raw that the implementation stored.
    nothing = np.full(experts, np.nan, np.float32)
    _, _, expected = ref.ema_update_corrected(beta, nothing, next_raw, next_steps)
    check_value(corrected, expected, where + "theta of the corrected form")


@pytest.mark.parametrize("target", ["reference", "cpu"])
@pytest.mark.parametrize("seed", short_form(SEEDS[:8], CORE))
def test_routing_stats(seed, target):
    rng = np.random.default_rng(2000 + seed)
    tokens, experts = int(rng.choice([0, 1, 31, 32, 300])), int(rng.integers(1, 40))
    chosen = rng.random((tokens, experts)) < rng.choice([0.0, 0.1, 0.5, 1.0])

    p = Program(rng)
    given = ref.with_stray_bits(rng, ref.pack_mask(chosen), tokens)
    mask, kind = p.argument(given)
    x, x_kind = p.argument(np.zeros((tokens, 1), np.float32))
    p.body += ["%c0 = arith.constant 0 : index", f"%t = tensor.dim {x}, %c0 : {x_kind}"]
    p.op(
        f"et.routing_stats ins({mask}, %t : {kind}, index)",
        np.zeros(experts, np.int32), np.zeros(experts + 1, np.int32),
        np.zeros(4, np.float32),
    )  # fmt: skip
    loads, fan_out, figures = run(p.module(), p.arrays, p.results, target)

    where = f"seed {seed}, {tokens} tokens, {experts} experts: "
    expected = ref.routing_stats(chosen)
    check(loads != expected[0], loads, expected[0], where + "loads")
    check(fan_out != expected[1], fan_out, expected[1], where + "fan-out")
    # A sum of E terms of one sign, each rounded a few times, and a division.
    check_value(figures, expected[2], where + "figures", (experts + 6) * U)
