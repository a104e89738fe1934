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
from et_compare import check_layer
from et_layers import module, random_layer, random_matrix_layer, with_fp8_weights
from et_reference import FP8, STORAGE, Threshold
from et_tools import run
from test_gpu_emulated import WORK, on_each_chip
from test_layers import identical, run_batch

BATCHES = [range(first, first + 8) for first in range(0, 48, 8)]


def fp8_layer(seed, **fixed):
    """One layer in three has widths of more than a block of scales."""
    rng = np.random.default_rng(7000 + seed)
    wide = {w: int(rng.integers(120, 300)) for w in "DF" if seed % 3 == 0}
    few = {"T": int(rng.integers(0, 40)), "E": int(rng.integers(1, 5))} if wide else {}
    return with_fp8_weights(rng, random_layer(rng, 2e6, **(few | wide | fixed)))


def check_one(layer, results, where, sums=gamma):
    try:
        check_layer(layer, results, scaled_gamma(sums))
    except AssertionError as error:
        raise AssertionError(f"{where}: {error}\n  {layer}") from error


@pytest.mark.parametrize("target", ["reference", "cpu"])
@pytest.mark.parametrize("seeds", BATCHES, ids=lambda s: f"seed{s[0]}-{s[-1]}")
def test_layers_match_numpy(seeds, target):
    layers = [fp8_layer(seed) for seed in seeds]
    for seed, layer, results in zip(
        seeds, layers, run_batch(layers, target), strict=True
    ):
        check_one(layer, results, f"seed {seed}, {target}")


def test_threads_do_not_matter():
    layers = [fp8_layer(seed) for seed in BATCHES[0]]
    one, two = (run_batch(layers, "cpu", threads) for threads in (1, 2))
    assert all(identical(a, b) for a, b in zip(one, two, strict=True))


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


@on_each_chip(range(100, 124))
def test_emulated_layer(seed, chip):
    fixed = {"T": seed % 5 * 13, "E": 1 + seed % 4}
    rng = np.random.default_rng(seed)
    layer = with_fp8_weights(rng, random_layer(rng, WORK, **fixed))
    sums = gamma if layer.storage == "f32" else matrix_gamma
    check_one(layer, run_batch([layer], chip)[0], f"seed {seed}, {chip}", sums)


@on_each_chip(range(200, 230))
def test_matrix_layer(seed, chip, monkeypatch):
    """Widths that the matrix units like: equal to NumPy, and in a few launches."""
    rng = np.random.default_rng(seed)
    sizes = {"T": int(rng.choice([1, 9, 33, 70, 129])), "E": int(rng.integers(1, 5))}
    layer = with_fp8_weights(rng, random_matrix_layer(rng, **sizes))
    results = run_batch([layer], chip)[0]
    check_one(layer, results, f"seed {seed}, {chip}", matrix_gamma)
    monkeypatch.setattr(et_emulated, "launched", [])
    text = module([layer], outputs_only=True)
    arguments = list(layer.arrays.values())
    fused = et_emulated.run(text, arguments, [layer.storage], chip)[0]
    assert fused.tobytes() == results[0].tobytes(), f"seed {seed}, {chip}: {layer}"
    launches = len(et_emulated.launched) // len(et_emulated.SCHEDULES)
    if isinstance(layer.routing, Threshold) and "shared_w1" not in layer.arrays:
        assert launches <= 4, f"seed {seed}, {chip}: {et_emulated.launched}\n  {layer}"
