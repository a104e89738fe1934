# ===- test_reference.py - the reference itself -----------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""The reference itself, against a second formulation and against closed forms.

The second formulation also shows that the error bounds mean something: its f32
results pass, and the same results with one deliberate fault do not.
"""

import math
import statistics

import numpy as np
import pytest

import et_reference as ref
from et_bounds import possible_tokens, uncertain_pairs
from et_compare import check_layer
from et_layers import random_layer
from f32_layer import F32Layer

SEEDS = range(1000, 1120)


def layer_for(seed):
    return random_layer(np.random.default_rng(seed), work=2e6)


@pytest.mark.parametrize("seed", SEEDS)
def test_second_formulation_agrees(seed):
    layer = layer_for(seed)
    check_layer(layer, F32Layer(layer, np.random.default_rng(seed + 1)).results())


def faulty(seed, mutation):
    layer = layer_for(seed)
    try:
        check_layer(
            layer, F32Layer(layer, np.random.default_rng(seed), mutation).results()
        )
    except AssertionError:
        return True
    return False


def random_choice(rng):
    """Scores of a few experts, often close, and a rule that ranks them."""
    experts = int(rng.choice([2, 4, 6, 12]))
    r = rng.standard_normal((50, experts)).astype(np.float32)
    close = rng.random(50) < 0.3
    steps = rng.permuted(np.tile(np.arange(experts), (50, 1)), axis=1)
    r[close] = (1 + steps[close] * 2.0**-23).astype(np.float32)
    if rng.random() < 0.3:
        return r, None, ref.TopP(float(rng.uniform(0.1, 0.9)), False)
    groups = int(rng.choice([g for g in (1, 2, 3) if experts % g == 0]))
    limit = int(rng.integers(1, groups + 1))
    k = int(rng.integers(1, experts // groups * limit + 1))
    scoring = str(rng.choice(list(ref.SCORING)))
    bias = rng.standard_normal(experts).astype(np.float32) * np.float32(0.1)
    bias = bias if rng.random() < 0.5 else None
    return r, bias, ref.TopK(k, scoring, False, groups, limit)


@pytest.mark.parametrize("seed", range(60))
def test_possible_choices(seed):
    """The exact choice is possible; one that differs on a clear token is not."""
    rng = np.random.default_rng(6000 + seed)
    r, bias, routing = random_choice(rng)
    chosen = ref.select(routing, r, bias=bias)
    assert possible_tokens(routing, r, bias, chosen).all(), f"seed {seed}: {routing}"
    clear = ~uncertain_pairs(routing, r, bias, chosen).any(axis=1)
    swapped = chosen.copy()
    for t in np.flatnonzero(clear & ~chosen.all(axis=1)):
        swapped[t, rng.choice(np.flatnonzero(chosen[t]))] = False
        swapped[t, rng.choice(np.flatnonzero(~chosen[t]))] = True
    changed = (swapped != chosen).any(axis=1)
    assert changed.any() or not (clear & ~chosen.all(axis=1)).any()
    wrong = possible_tokens(routing, r, bias, swapped) & changed
    assert not wrong.any(), f"seed {seed}: {routing}, tokens {np.flatnonzero(wrong)}"


# Each fault with the layers that it shows in. A fault that changes nothing there
# (a sum of one term, a pair whose output is zero) may pass; most must not.
FAULTS = {
    "16-bit accumulation": lambda layer: layer.sizes["D"] > 8,
    "no normalization": lambda layer: layer.score == "cosine",
    "b2 dropped": lambda layer: "b2" in layer.arrays,
    "gate ignored": lambda layer: getattr(layer.routing, "gate", "") != "binary",
    "one pair dropped": lambda _: True,
    "H not rounded": lambda layer: layer.storage == "bf16" and layer.sizes["F"] > 8,
    "Y not rounded": lambda layer: layer.storage == "bf16" and layer.sizes["D"] > 8,
}


@pytest.mark.parametrize("mutation", FAULTS)
def test_faults_are_found(mutation):
    applies = [
        seed
        for seed in SEEDS
        if FAULTS[mutation](layer_for(seed))
        and layer_for(seed).special == "plain"
        and layer_for(seed).sizes["T"] > 8
    ]
    found = [seed for seed in applies if faulty(seed, mutation)]
    assert len(applies) >= 5
    assert len(found) >= 0.8 * len(applies), (
        f"seeds missed: {set(applies) - set(found)}"
    )


def test_comparison_at_the_threshold():
    r = np.array([[1.0, 2.0]], np.float32)
    assert not ref.select(ref.Threshold("gt"), r, r[0]).any()
    assert ref.select(ref.Threshold("ge"), r, r[0]).all()


# phi(1) and the like, from tables.
@pytest.mark.parametrize(
    ("kind", "at", "value"),
    [
        ("gelu", 1.0, 0.8413447460685429),
        ("gelu", -1.0, -0.15865525393145707),
        ("gelu_tanh", 1.0, 0.8411919906082768),
        ("silu", 1.0, 0.7310585786300049),
        ("silu", -2.0, -0.2384058440442351),
        ("relu_squared", 3.0, 9.0),
        ("relu", -3.0, 0.0),
        ("none", -3.0, -3.0),
    ],
)
def test_activations(kind, at, value):
    assert math.isclose(ref.activation(kind, np.array([at]))[0], value, rel_tol=1e-12)


def test_statistics():
    rng = np.random.default_rng(7)
    r = rng.standard_normal((101, 3)).astype(np.float32)
    for e, column in enumerate(r.T.astype(float).tolist()):
        mean, std = statistics.fmean(column), statistics.stdev(column)
        assert math.isclose(ref.mean_minus_std(r)[e], mean - std, rel_tol=1e-12)
        # 100 equal parts of 101 scores: the inclusive method is the linear one.
        hundredths = statistics.quantiles(column, n=100, method="inclusive")
        assert math.isclose(ref.quantile(r, 0.37)[e], hundredths[36], rel_tol=1e-6)
        assert ref.kth_largest(r, 0.1)[e] == sorted(column, reverse=True)[9]


def test_statistics_without_value():
    empty, one = np.zeros((0, 2), np.float32), np.ones((1, 2), np.float32)
    assert (
        np.isnan(ref.mean_minus_std(one)).all()
        and np.isnan(ref.quantile(empty, 0.5)).all()
    )
    assert np.isnan(ref.kth_largest(one, 0.9)).all()
    assert (ref.quantile(one, 0.9) == 1).all()


def test_ema_corrected_of_a_constant_is_that_constant():
    raw, steps = np.zeros(1, np.float32), np.zeros(1, np.int64)
    for _ in range(20):
        raw, steps, theta = ref.ema_update_corrected(0.9, np.array([3.0]), raw, steps)
        assert math.isclose(theta[0], 3.0, rel_tol=1e-6)
    assert steps[0] == 20


def test_histogram_quantile_is_within_one_bin():
    rng = np.random.default_rng(8)
    r = rng.uniform(-1, 1, (500, 4)).astype(np.float32)
    counts = ref.histogram(r, -1.0, 1.0, 50)
    assert (counts.sum(axis=1) == 500).all()
    for q in (0.0, 0.3, 0.5, 0.97, 1.0):
        difference = ref.histogram_quantile(counts, q, -1.0, 1.0) - np.quantile(
            r, q, axis=0
        )
        assert (np.abs(difference) <= 2.0 / 50).all()


def test_mask_round_trip():
    rng = np.random.default_rng(9)
    for tokens in (0, 1, 31, 32, 33, 100):
        chosen = rng.random((tokens, 5)) < 0.4
        assert (ref.unpack_mask(ref.pack_mask(chosen), tokens) == chosen).all()


def test_routing_stats_by_hand():
    chosen = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0]], bool)
    loads, fan_out, figures = ref.routing_stats(chosen)
    assert loads.tolist() == [2, 1, 0] and fan_out.tolist() == [1, 1, 1, 0]
    assert np.allclose(figures, [1, 2 / 3, 1 / 3, 1 / 3])
