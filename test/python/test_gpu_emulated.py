# ===- test_gpu_emulated.py - GPU code on the emulator ----------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""The PTX of random layers and of every op, run by the emulator against NumPy.

The host code is the one that drives a GPU; the emulator stands in for the
driver, with its checks for races, bounds and uninitialized memory on. A failure
prints the seed.
"""

import numpy as np
import pytest

import test_ops
import test_state
from et_compare import check_layer
from et_layers import random_layer
from et_tools import BUILD
from test_layers import identical, run_batch

DRIVER = BUILD / "lib" / "libet_cuda_emu.so"
SEEDS = range(1000, 1040)
# Multiplications a layer: an emulated one takes about a thousand times as long.
WORK = 1e6


@pytest.fixture(autouse=True)
def emulated(monkeypatch):
    if not DRIVER.exists():
        pytest.fail(f"{DRIVER}: build the emulator, or set ET_BUILD_DIR")
    monkeypatch.setenv("ET_CUDA_DRIVER", str(DRIVER))


def layer_of(seed):
    return random_layer(np.random.default_rng(seed), work=WORK)


@pytest.mark.parametrize("seed", SEEDS)
def test_layer_matches_numpy(seed):
    layer = layer_of(seed)
    try:
        check_layer(layer, run_batch([layer], "cuda")[0])
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}\n  {layer}") from error


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_runs_are_bit_identical(seed):
    layer = layer_of(seed)
    once, again = (run_batch([layer], "cuda")[0] for _ in range(2))
    assert identical(once, again), f"seed {seed}: two runs differ\n  {layer}"


@pytest.mark.parametrize("seed", test_ops.SEEDS[:12])
def test_dispatch(seed):
    test_ops.test_dispatch(seed, "cuda")


@pytest.mark.parametrize("seed", test_ops.SEEDS[:12])
def test_products(seed):
    test_ops.test_products(seed, "cuda")


@pytest.mark.parametrize("seed", test_state.SEEDS[:12])
def test_statistics(seed):
    test_state.test_statistics(seed, "cuda")


@pytest.mark.parametrize("seed", test_state.SEEDS[:4])
def test_moving_averages(seed):
    test_state.test_moving_averages(seed, "cuda")


@pytest.mark.parametrize("seed", test_state.SEEDS[:4])
def test_routing_stats(seed):
    test_state.test_routing_stats(seed, "cuda")
