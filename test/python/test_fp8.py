# ===- test_fp8.py - experts whose weights are f8E4M3FN ----------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Random layers with weights of f8E4M3FN and scales, on CPUs and the emulated GPU.

A failure prints the seed.
"""

import numpy as np
import pytest

import et_emulated
from et_bounds import gamma, matrix_gamma, scaled_gamma
from et_cases import batch_name, cover, in_batches, short_form
from et_compare import check_layer
from et_layers import (
    random_layer,
    random_matrix_layer,
    with_fp8_weights,
)
from et_reference import FP8, STORAGE, Threshold
from et_tools import run
from test_gpu_emulated import WORK, on_each_chip, run_output
from test_layers import check_threads, run_batch

LAYERS = range(48)


def layer_of(seed, rng=None, **how):
    """A layer yet without such weights. One in three has more width than a block of scales."""
    rng = rng or np.random.default_rng(7000 + seed)
    wide = {w: int(rng.integers(120, 300)) for w in "DF" if seed % 3 == 0}
    few = {"T": int(rng.integers(0, 40)), "E": int(rng.integers(1, 5))} if wide else {}
    return random_layer(rng, 2e6, **(few | wide | how))


def fp8_layer(seed):
    rng = np.random.default_rng(7000 + seed)
    return with_fp8_weights(rng, layer_of(seed, rng))


def of_experts(seed):
    """What a layer shows of its experts; the rest is test_layers.py's."""
    layer = layer_of(seed, arrays=False)
    gated = "gate" in layer.arrays
    return {(seed % 3 == 0, layer.storage), layer.activation, gated, *layer.arrays}


CORE = cover(LAYERS, of_experts)


def check_one(layer, results, where, sums=gamma):
    check_layer(layer, results, scaled_gamma(sums), where)


@pytest.mark.parametrize("target", ["reference", "cpu"])
@pytest.mark.parametrize("seeds", in_batches(LAYERS, CORE, 8), ids=batch_name)
def test_layers_match_numpy(seeds, target):
    layers = [fp8_layer(seed) for seed in seeds]
    results = run_batch(layers, target)
    for seed, layer, found in zip(seeds, layers, results, strict=True):
        check_one(layer, found, f"seed {seed}, {target}")
    if target == "cpu":
        check_threads(layers, results)


@pytest.mark.parametrize("storage", STORAGE)
@pytest.mark.parametrize("target", ["reference", "cpu", *et_emulated.CHIPS])
def test_every_value(target, storage, depth=8):
    """One token of a one and zeros, so that a result is a weight times its scale."""
    x = np.zeros((1, depth), STORAGE[storage])
    x[0, 0] = 1
    w = np.zeros((1, depth, 256), FP8)
    w[0, 0] = np.arange(256, dtype=np.uint8).view(FP8)
    scales = np.array([[[0.5, 2.0**-20]]], np.float32)
    text = f"""
func.func @main(%x: tensor<1x{depth}x{storage}>, %w: tensor<1x{depth}x256xf8E4M3FN>,
                %s: tensor<1x1x2xf32>) -> tensor<1x256xf32> {{
  %init = tensor.empty() : tensor<1x256xf32>
  %y = et.grouped_matmul none
    ins(%x, %w : tensor<1x{depth}x{storage}>, tensor<1x{depth}x256xf8E4M3FN>)
    scales(%s : tensor<1x1x2xf32>) outs(%init : tensor<1x256xf32>)
  return %y : tensor<1x256xf32>
}}
"""
    found = run(text, [x, w, scales], ["f32"], target)[0][0]
    expected = np.arange(256, dtype=np.uint8).view(FP8).astype(np.float32)
    expected *= np.repeat(scales[0, 0], 128)
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    assert same.all(), f"{target}, {storage}: {np.flatnonzero(~same)}"
    assert np.isnan(expected).sum() == 2


@on_each_chip(range(100, 124), core=range(100, 106))
def test_emulated_layer(seed, chip):
    fixed = {"T": seed % 5 * 13, "E": 1 + seed % 4}
    rng = np.random.default_rng(seed)
    layer = with_fp8_weights(rng, random_layer(rng, WORK, **fixed))
    sums = gamma if layer.storage == "f32" else matrix_gamma
    check_one(layer, run_batch([layer], chip)[0], f"seed {seed}, {chip}", sums)


def check_matrix_layer(layer, chip, seed, monkeypatch):
    """Equal to NumPy; fused or not; in few launches; by warpgroups where they apply."""
    results = run_batch([layer], chip)[0]
    check_one(layer, results, f"seed {seed}, {chip}", matrix_gamma)
    monkeypatch.setattr(et_emulated, "launched", [])
    fused = run_output(layer, chip)
    where = f"seed {seed}, {chip}: {et_emulated.launched}\n  {layer}"
    assert fused.tobytes() == results[0].tobytes(), where
    launches = len(et_emulated.launched) // len(et_emulated.SCHEDULES)
    by_warpgroups = chip == "sm_90a" and all(layer.sizes[w] % 16 == 0 for w in "DF")
    if by_warpgroups and layer.sizes["T"]:
        assert any("sm90" in name for name in et_emulated.launched), where
    apart = "shared_w1" in layer.arrays and not by_warpgroups
    if isinstance(layer.routing, Threshold) and not apart:
        assert launches <= 4, where


@on_each_chip(range(200, 215), core=range(200, 206))
def test_matrix_layer(seed, chip, monkeypatch):
    """Widths that the matrix units like; half of them not those of the copies."""
    rng = np.random.default_rng(seed)
    sizes = {"T": int(rng.choice([1, 9, 33, 70, 129])), "E": int(rng.integers(1, 5))}
    layer = with_fp8_weights(rng, random_matrix_layer(rng, **sizes))
    check_matrix_layer(layer, chip, seed, monkeypatch)


@pytest.mark.parametrize("seed", short_form(range(300, 324), range(300, 306)))
def test_warpgroups(seed, monkeypatch):
    """Every number of eights of tokens, depths of several stages or part of one, tiles
    that the width cuts, and blocks that take several tiles."""
    rng = np.random.default_rng(seed)
    monkeypatch.setenv("ET_EMU_PROCESSORS", str(int(rng.integers(1, 8))))
    sizes = {width: 16 * int(rng.integers(1, 20)) for width in "DF"}
    sizes |= {"T": 1 + seed % 10 * 8 + int(rng.integers(8)), "E": 1 + seed % 3}
    layer = with_fp8_weights(rng, random_matrix_layer(rng, special="plain", **sizes))
    if seed % 2 and isinstance(layer.routing, Threshold):
        layer.arrays["theta"][:] = -np.inf
    check_matrix_layer(layer, "sm_90a", seed, monkeypatch)


def counters_of(layer, kernel, monkeypatch):
    """Sums over the launches of a kernel."""
    for name in ("launched", "counted"):
        monkeypatch.setattr(et_emulated, name, [])
    monkeypatch.setattr(et_emulated, "SCHEDULES", ("early",))
    run_output(layer, "sm_90a")
    found = [
        counters
        for name, counters in zip(
            et_emulated.launched, et_emulated.counted, strict=True
        )
        if kernel in name
    ]
    assert len(found) == 2, et_emulated.launched
    return {key: sum(one[key] for one in found) for key in found[0]}


def test_weights_are_half_the_bytes(monkeypatch):
    """The same layer with weights of 16 and of 8 bits, and what its products read; reads
    of shared memory meet no bank twice."""
    rng = np.random.default_rng(400)
    sizes = {"T": 40, "E": 3, "D": 256, "F": 384, "G": 16}
    layer = random_layer(rng, storage="bf16", special="all pairs", **sizes)
    for name in list(layer.arrays):
        if name.startswith("shared") or name in ("gate", "gate_bias"):
            del layer.arrays[name]
    layer.static, layer.schedule = "DEFG", "grouped"
    wide = counters_of(layer, "grouped_matmul_sm90", monkeypatch)
    layer = with_fp8_weights(rng, layer)
    narrow = counters_of(layer, "grouped_matmul_sm90", monkeypatch)
    weights = sum(layer.arrays[name].size for name in ("w1", "w2"))
    scales = sum(layer.arrays[f"{name}_scales"].nbytes for name in ("w1", "w2"))
    key = "global.load.unique_bytes"
    assert wide[key] - narrow[key] == weights - scales, (wide[key], narrow[key])
    assert narrow["matrix.macs"] == wide["matrix.macs"]
    assert narrow["shared.load.conflicts"] == 0, narrow
