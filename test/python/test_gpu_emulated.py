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

import numpy as np
import pytest

import test_ops
import test_state
from et_compare import check_layer
from et_emulated import CHIPS
from et_layers import random_layer
from test_layers import run_batch

# Multiplications a layer: an emulated one takes about a thousand times as long.
WORK = 1e6


def on_each_chip(seeds):
    """The seeds, each on one of the chips in turn."""
    cases = [(seed, CHIPS[k % len(CHIPS)]) for k, seed in enumerate(seeds)]
    return pytest.mark.parametrize(("seed", "chip"), cases)


def check_one(layer, chip, seed):
    try:
        check_layer(layer, run_batch([layer], chip)[0])
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}\n  {layer}") from error


@on_each_chip(range(1000, 1042))
def test_layer_matches_numpy(seed, chip):
    check_one(random_layer(np.random.default_rng(seed), work=WORK), chip, seed)


@on_each_chip(test_ops.SEEDS)
def test_dispatch(seed, chip):
    test_ops.test_dispatch(seed, chip)


@on_each_chip(test_ops.SEEDS)
def test_products(seed, chip):
    test_ops.test_products(seed, chip)


@on_each_chip(test_state.SEEDS)
def test_statistics(seed, chip):
    test_state.test_statistics(seed, chip)


@on_each_chip(test_state.SEEDS[:6])
def test_moving_averages(seed, chip):
    test_state.test_moving_averages(seed, chip)


@on_each_chip(test_state.SEEDS[:6])
def test_routing_stats(seed, chip):
    test_state.test_routing_stats(seed, chip)
