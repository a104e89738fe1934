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
from et_cases import short_form
from et_layers import features, random_layer, random_matrix_layer
from et_reference import Threshold
from test_gpu_emulated import WORK, check_one, on_each_chip, run_output


def check_conflicts(where):
    """Kernels by the matrix units pass over the banks of shared memory as seldom as
    what they load and store allows: for each half of a warp with 8 bytes a lane, and so
    on, once."""
    kernels = zip(et_emulated.launched, et_emulated.counted, strict=True)
    for name, counters in kernels:
        conflicts = [counters[f"shared.{kind}.conflicts"] for kind in ("load", "store")]
        if counters["matrix.macs"] and any(conflicts):
            pytest.fail(f"{where}: {name} meets banks twice: {counters}")


@pytest.fixture(autouse=True)
def no_conflicts(monkeypatch, request):
    """Records what a test launches, and asks it of all that."""
    monkeypatch.setattr(et_emulated, "launched", [])
    monkeypatch.setattr(et_emulated, "counted", [])
    yield
    check_conflicts(request.node.name)


def check_fused(layer, chip, seed):
    results = check_one(layer, chip, seed)
    before = len(et_emulated.launched)
    fused = run_output(layer, chip)
    launched = et_emulated.launched[before:]
    launches = len(launched) // len(et_emulated.SCHEDULES)
    if isinstance(layer.routing, Threshold) and launches > 4:
        pytest.fail(f"seed {seed}, {chip}: {launched}\n  {layer}")
    bits = np.dtype(f"i{fused.itemsize}")
    different = np.argwhere(fused.view(bits) != results[0].view(bits))
    if different.size:
        pytest.fail(f"seed {seed}, {chip}: fused differs at {different[0]}\n  {layer}")


def layer_of(seed, **how):
    return random_matrix_layer(np.random.default_rng(seed), **how)


@on_each_chip(range(2000, 2040), lambda seed: features(layer_of(seed, arrays=False)))
def test_layer_matches_numpy(seed, chip):
    check_fused(layer_of(seed), chip, seed)


# Fewer tokens than a tile's slices, and depths of less than a stage.
SMALL = [(t, d) for t in (1, 5, 16, 33, 65) for d in (8, 16, 32)]


# Every number of tokens and every width, on every chip.
@on_each_chip(range(len(SMALL)), core=[0, 4, 8, 9, 13])
def test_small_threshold_layer(seed, chip):
    tokens, width = SMALL[seed]
    rng = np.random.default_rng(seed)
    layer = random_matrix_layer(rng)
    while not isinstance(layer.routing, Threshold) or layer.score != "linear":
        layer = random_matrix_layer(rng, T=tokens, D=width)
    check_fused(layer, chip, seed)


BY_MASK = """
func.func @main(%x: tensor<{tokens}x8xf16>, %w: tensor<2x8x8xf16>, %offsets: tensor<3xi32>,
                %mask: tensor<2x{words}xi32>) -> tensor<{pairs}x8xf16> {{
  %init = tensor.empty() : tensor<{pairs}x8xf16>
  %y = et.grouped_matmul none
      ins(%x, %w : tensor<{tokens}x8xf16>, tensor<2x8x8xf16>)
      offsets(%offsets : tensor<3xi32>) mask(%mask : tensor<2x{words}xi32>)
      outs(%init : tensor<{pairs}x8xf16>)
  return %y : tensor<{pairs}x8xf16>
}}
"""


@on_each_chip(range(3))
def test_more_mask_words_than_threads(seed, chip):
    """The tokens of a tile are in words of several warps and of a block's second turn, or
    in few full ones."""
    rng = np.random.default_rng(seed)
    tokens = 4200
    x = rng.integers(-8, 9, (tokens, 8)).astype(np.float16)
    chosen = rng.random((2, tokens)) < np.array([[0.02], [0.2]])
    chosen[0, 1000:1200] = True
    words = -(-tokens // 32)
    bits = np.zeros((2, words * 32), bool)
    bits[:, :tokens] = chosen
    mask = np.packbits(bits, axis=1, bitorder="little").view(np.int32)
    offsets = np.cumsum([0, *chosen.sum(axis=1)]).astype(np.int32)
    w = np.array([np.eye(8), 2 * np.eye(8)], np.float16)
    text = BY_MASK.format(tokens=tokens, words=words, pairs=offsets[-1])
    found = et_emulated.run(text, [x, w, offsets, mask], chip)[0]
    expected = np.concatenate([x[chosen[0]], 2 * x[chosen[1]]])
    assert np.array_equal(found, expected), f"seed {seed}, {chip}"


BY_DEPTH = """
func.func @main(%x: tensor<{rows}x{depth}xELT>, %w: tensor<1x{depth}x128xELT>)
    -> tensor<{rows}x128xf32> {{
  %init = tensor.empty() : tensor<{rows}x128xf32>
  %y = et.grouped_matmul none
      ins(%x, %w : tensor<{rows}x{depth}xELT>, tensor<1x{depth}x128xELT>)
      outs(%init : tensor<{rows}x128xf32>)
  return %y : tensor<{rows}x128xf32>
}}
"""


@pytest.mark.parametrize("chip", ["sm_80", "sm_120"])
@pytest.mark.parametrize("depth", [8, 24, 40, 56, 72])
def test_half_steps(depth, chip):
    """A depth that ends in half a step: no product is with zeros beyond it."""
    rng = np.random.default_rng(depth)
    rows = 48
    x = rng.integers(-8, 9, (rows, depth)).astype(np.float16)
    w = rng.integers(-8, 9, (1, depth, 128)).astype(np.float16)
    text = BY_DEPTH.format(rows=rows, depth=depth).replace("ELT", "f16")
    found = et_emulated.run(text, [x, w], chip)[0]
    assert np.array_equal(found, x.astype(np.float32) @ w[0].astype(np.float32))
    for counters in et_emulated.counted:
        assert counters["matrix.macs"] == rows * depth * 128


@pytest.mark.parametrize("seed", short_form(range(4), range(2)))
def test_blocks_that_take_several_tiles(seed, monkeypatch):
    """Hopper's products have a block a multiprocessor: tiles of several experts,
    columns and products, wide enough for some that the width cuts."""
    rng = np.random.default_rng(seed)
    monkeypatch.setenv("ET_EMU_PROCESSORS", str(int(rng.integers(1, 4))))
    widths = {k: 8 * int(rng.integers(20, 70)) for k in "DF"}
    layer = random_matrix_layer(rng, T=int(rng.integers(100, 200)), E=3, **widths)
    check_fused(layer, "sm_90a", seed)


# The first takes far more time than all others.
@on_each_chip(range(3000, 3009), core=range(3001, 3004))
def test_fused_in_f32(seed, chip):
    """Routing in one kernel and tokens from the mask, by plain multiply-adds."""
    rng = np.random.default_rng(seed)
    layer = random_layer(rng, WORK, storage="f32")
    while not isinstance(layer.routing, Threshold):
        layer = random_layer(rng, WORK, storage="f32")
    check_fused(layer, chip, seed)
