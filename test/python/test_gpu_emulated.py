# ===- test_gpu_emulated.py - GPU code on the emulator ----------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""The kernels of every op and of random layers, run by the emulator against NumPy.

The host code is the one that drives a GPU; the emulator stands in for the
driver. Each module is compiled for one of the chips and runs under all three
schedules with every check on. A failure prints its seeds.
"""

import re
import zlib

import numpy as np
import pytest

import et_emulated
import test_ops
import test_pack
import test_state
from et_bounds import gamma, matrix_gamma
from et_cases import cover, short_form
from et_compare import check_layer
from et_emulated import CHIPS
from et_layers import (
    ACTIVATIONS,
    SPECIALS,
    features,
    module,
    random_layer,
    random_matrix_layer,
)
from et_reference import STORAGE
from et_tools import ROOT
from test_layers import run_batch

# Multiplications a layer: an emulated one takes about a thousand times as long.
WORK = 1e6


def on_each_chip(seeds, shown=lambda seed: (), core=None):
    """The seeds, each on one of the chips in turn. The short form has every chip, and
    every feature that `shown` finds in the seeds; or the seeds of `core`."""
    cases = [(seed, CHIPS[k % len(CHIPS)]) for k, seed in enumerate(seeds)]
    if core is None:
        chosen = cover(cases, lambda case: {case[1], *shown(case[0])})
    else:
        chosen = [case for case in cases if case[0] in core]
    return pytest.mark.parametrize(("seed", "chip"), short_form(cases, chosen))


def check_one(layer, chip, seed):
    """The layer's results, found right."""
    results = run_batch([layer], chip)[0]
    sums = gamma if layer.storage == "f32" else matrix_gamma
    check_layer(layer, results, sums, f"seed {seed}, {chip}")
    return results


def run_output(layer, chip):
    """The layer's output where nothing else is returned, so that more is fused."""
    text = module([layer], outputs_only=True)
    return et_emulated.run(text, layer.arrays.values(), chip)[0]


def layer_of(seed, **how):
    rng = np.random.default_rng(seed)
    sizes = {"T": int(rng.integers(0, 131)), "E": int(rng.integers(1, 20))}
    return random_layer(rng, work=WORK, **sizes | how)


@on_each_chip(range(1000, 1056), lambda seed: features(layer_of(seed, arrays=False)))
def test_layer_matches_numpy(seed, chip):
    check_one(layer_of(seed), chip, seed)


# Sizes around those of a warp, of a mask's word and of a block's tile.
SIZES = [
    {"T": 0, "E": 5, "D": 8, "F": 16},
    {"T": 1, "E": 1, "D": 1, "F": 1},
    {"T": 33, "E": 9, "D": 17, "F": 7},
    {"T": 64, "E": 2, "D": 64, "F": 64},
    {"T": 65, "E": 2, "D": 65, "F": 33},
    {"T": 130, "E": 3, "D": 32, "F": 40},
    {"T": 3, "E": 2, "D": 1030, "F": 3},
    {"T": 1100, "E": 2, "D": 3, "F": 2},
]


def edge_layer(storage, special, sizes, **how):
    seed = zlib.crc32(f"{storage} {special} {sizes}".encode())
    how |= {"special": special, "storage": storage, "G": sizes["F"]}
    return random_layer(np.random.default_rng(seed), **sizes | how)


EDGES = [("plain", sizes) for sizes in SIZES]
EDGES += [(special, SIZES[2 + k % 2]) for k, special in enumerate(SPECIALS[1:])]
# Each type meets each chip: the edges in turn, shifted by the type. So they do in the
# short form, which has each edge with one type.
EDGE_CASES = [
    [(kind, *edge, CHIPS[(i + k) % 3]) for k, edge in enumerate(EDGES)]
    for i, kind in enumerate(STORAGE)
]


@pytest.mark.parametrize(
    ("storage", "special", "sizes", "chip"),
    short_form(
        sum(EDGE_CASES, []), [EDGE_CASES[k // 3 % 3][k] for k in range(len(EDGES))]
    ),
)
def test_edge_case(storage, special, sizes, chip):
    check_one(edge_layer(storage, special, sizes), chip, f"{storage} {special} {sizes}")


@on_each_chip(test_ops.SEEDS, core=test_ops.CORE)
def test_dispatch(seed, chip):
    test_ops.test_dispatch(seed, chip)


@on_each_chip(test_ops.SEEDS, core=test_ops.CORE)
def test_products(seed, chip):
    test_ops.test_products(seed, chip)


@on_each_chip(range(6))
def test_packed_weights(seed, chip):
    """By loops: kernels take weights in rows."""
    test_pack.test_pack(seed, chip)
    test_pack.test_products(seed, chip)


@on_each_chip(test_ops.SEEDS, core=test_ops.CORE)
def test_waves(seed, chip):
    test_ops.test_waves(seed, chip)


@on_each_chip(test_state.SEEDS, core=test_state.CORE)
def test_statistics(seed, chip):
    test_state.test_statistics(seed, chip)


@on_each_chip(test_state.SEEDS[:6])
def test_moving_averages(seed, chip):
    test_state.test_moving_averages(seed, chip)


@on_each_chip(test_state.SEEDS[:6])
def test_routing_stats(seed, chip):
    test_state.test_routing_stats(seed, chip)


def test_every_kernel_is_run(monkeypatch):
    """Every kernel that a lowering makes is among those that the tests above launch."""
    monkeypatch.setattr(et_emulated, "launched", [])
    for seed in range(3):
        check_one(random_layer(np.random.default_rng(seed), work=1e5), "sm_80", seed)
        test_ops.test_dispatch(seed, "sm_80")
        test_ops.test_products(seed, "sm_80")
        test_ops.test_waves(seed, "sm_80")
        test_state.test_statistics(seed, "sm_80")
        test_state.test_moving_averages(seed, "sm_80")
        test_state.test_routing_stats(seed, "sm_80")
    # Hopper has a product kernel of its own.
    check_one(random_matrix_layer(np.random.default_rng(0)), "sm_90a", 0)
    sizes = {"T": 4, "D": 16, "E": 8, "F": 16, "G": 16}
    few = random_layer(
        np.random.default_rng(3), special="all pairs", storage="bf16", **sizes
    )
    few.static, few.schedule = "TDEFG", "one_launch"
    check_one(few, "sm_80", 3)
    run = "\n".join(et_emulated.launched)
    sources = (ROOT / "lib" / "Conversion" / "ETToGPU").glob("*.cpp")
    text = "".join(path.read_text() for path in sources)
    made = set(re.findall(r'launch\(\s*"(\w+)"', text))
    assert len(made) > 5, "the lowerings name their kernels in another way"
    # A name ends in the step, and an activation and a number if it needs them.
    end = rf"(_({'|'.join(ACTIVATIONS)}))?(_\d+)?$"
    steps = {step for step in made if re.search(f"_{step}{end}", run, re.MULTILINE)}
    assert steps == made, f"never launched: {sorted(made - steps)}"
