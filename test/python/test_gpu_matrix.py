# ===- test_gpu_matrix.py - layers by the GPU's matrix units ----------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Random layers whose products run on the matrix units, on the emulator.

Elements have 16 bits and widths are multiples of 8: tiles are whole, cut by the width,
cut by the depth, or smaller than one instruction. Where nothing but the output is
returned, scores, gate and offsets are one kernel; it must select what the separate
ones do, so the outputs must be equal in every bit. A layer of thresholds is at most four
launches, whatever else it has. A failure prints the seed.
"""

import numpy as np
import pytest

import et_emulated
from et_layers import module, random_layer, random_matrix_layer
from et_reference import Threshold
from test_gpu_emulated import WORK, check_one, on_each_chip


@pytest.fixture(autouse=True)
def launched(monkeypatch):
    monkeypatch.setattr(et_emulated, "launched", [])
    monkeypatch.setattr(et_emulated, "counted", [])


def check_conflicts(where):
    """Kernels by the matrix units pass over the banks of shared memory as seldom as
    their loads allow: for each half of a warp that loads 8 bytes, and so on, once."""
    kernels = zip(et_emulated.launched, et_emulated.counted, strict=True)
    for name, counters in kernels:
        if counters["matrix.macs"] and counters["shared.load.conflicts"]:
            pytest.fail(f"{where}: {name} loads with conflicts: {counters}")


def check_fused(layer, chip, seed):
    results = check_one(layer, chip, seed)
    text = module([layer], outputs_only=True)
    et_emulated.launched.clear()
    et_emulated.counted.clear()
    fused = et_emulated.run(text, list(layer.arrays.values()), [layer.storage], chip)[0]
    launches = len(et_emulated.launched) // len(et_emulated.SCHEDULES)
    if isinstance(layer.routing, Threshold) and launches > 4:
        pytest.fail(f"seed {seed}, {chip}: {et_emulated.launched}\n  {layer}")
    check_conflicts(f"seed {seed}, {chip}")
    bits = np.dtype(f"i{fused.itemsize}")
    different = np.argwhere(fused.view(bits) != results[0].view(bits))
    if different.size:
        pytest.fail(f"seed {seed}, {chip}: fused differs at {different[0]}\n  {layer}")


@on_each_chip(range(2000, 2040))
def test_layer_matches_numpy(seed, chip):
    check_fused(random_matrix_layer(np.random.default_rng(seed)), chip, seed)


# Fewer tokens than a tile's slices, and depths of less than a stage.
SMALL = [(t, d) for t in (1, 5, 16, 33, 65) for d in (8, 16, 32)]


@on_each_chip(range(len(SMALL)))
def test_small_threshold_layer(seed, chip):
    tokens, width = SMALL[seed]
    rng = np.random.default_rng(seed)
    layer = random_matrix_layer(rng)
    while not isinstance(layer.routing, Threshold) or layer.score != "linear":
        layer = random_matrix_layer(rng, T=tokens, D=width)
    check_fused(layer, chip, seed)


@pytest.mark.parametrize("seed", range(4))
def test_blocks_that_take_several_tiles(seed, monkeypatch):
    """Hopper's products have a block a multiprocessor: tiles of several experts,
    columns and products, wide enough for some that the width cuts."""
    rng = np.random.default_rng(seed)
    monkeypatch.setenv("ET_EMU_PROCESSORS", str(int(rng.integers(1, 4))))
    widths = {k: 8 * int(rng.integers(20, 70)) for k in "DF"}
    layer = random_matrix_layer(rng, T=int(rng.integers(100, 200)), E=3, **widths)
    check_fused(layer, "sm_90a", seed)


@on_each_chip(range(3000, 3009))
def test_fused_in_f32(seed, chip):
    """Routing in one kernel and tokens from the mask, by plain multiply-adds."""
    rng = np.random.default_rng(seed)
    layer = random_layer(rng, WORK, storage="f32")
    while not isinstance(layer.routing, Threshold):
        layer = random_layer(rng, WORK, storage="f32")
    check_fused(layer, chip, seed)
