# ===- test_gpu_split_f32.py - f32 by three products of tf32 -----------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Layers of f32 with --f32-products=3xtf32, on the emulator.

Scores keep their multiply-adds, so the same pairs are selected as without. The bound
is derived in et_bounds.py. A failure prints the seed.
"""

import numpy as np
import pytest

import et_emulated
from et_bounds import gamma, split_gamma, sum_with_error, violations
from et_compare import check_layer
from et_layers import random_matrix_layer
from et_reference import f64
from test_gpu_emulated import on_each_chip
from test_gpu_matrix import check_conflicts
from test_gpu_waves import output, rate_of, threshold_layer
from test_layers import run_batch

THREE = ["--f32-products=3xtf32"]


@pytest.fixture(autouse=True)
def split(monkeypatch):
    monkeypatch.setattr(et_emulated, "options", THREE)
    monkeypatch.setattr(et_emulated, "launched", [])
    monkeypatch.setattr(et_emulated, "counted", [])


def random_f32_layer(rng, **fixed):
    """Widths are known multiples of 4, which few others are."""
    widths = {k: 4 * int(rng.integers(1, 40)) for k in "DFG"}
    sizes = {"T": int(rng.choice([0, 1, 16, 17, 128, 129, rng.integers(2, 160)]))}
    return random_matrix_layer(rng, storage="f32", **widths | sizes | fixed)


@on_each_chip(range(7000, 7018), core=range(7000, 7006))
def test_layer_matches_numpy(seed, chip, monkeypatch):
    layer = random_f32_layer(np.random.default_rng(seed))
    results = run_batch([layer], chip)[0]
    check_layer(layer, results, split_gamma, f"seed {seed}, {chip}")
    check_conflicts(f"seed {seed}, {chip}")
    products = [
        counters["matrix.macs"]
        for name, counters in zip(
            et_emulated.launched, et_emulated.counted, strict=True
        )
        if "grouped_matmul" in name
    ]
    if layer.sizes["T"] and products:
        assert all(products) or not results[2].any(), f"seed {seed}: {products}"
    monkeypatch.setattr(et_emulated, "options", [])
    plain = run_batch([layer], chip)[0]
    for which, name in ((1, "scores"), (2, "mask"), (3, "gates")):
        assert results[which].tobytes() == plain[which].tobytes(), (
            f"seed {seed}: {name}"
        )


@on_each_chip(range(7200, 7206))
def test_waves(seed, chip, monkeypatch):
    """What is computed in waves has the same bits, by the same instructions."""
    layer = threshold_layer(random_f32_layer, seed, T=31, E=5, special="all pairs")
    whole, _ = output(layer, chip, monkeypatch)
    layer.rate = rate_of(31 + 16 * (seed % 3), layer)
    monkeypatch.setattr(et_emulated, "counted", [])
    y, kernels = output(layer, chip, monkeypatch)
    assert y.tobytes() == whole.tobytes(), f"seed {seed}, {chip}\n  {layer}"
    assert "combine_waves" in kernels[-1], kernels
    assert et_emulated.counted[len(kernels) - 1]["matrix.macs"], f"seed {seed}"


PRODUCT = """
func.func @main(%x: tensor<{rows}x{depth}xf32>, %w: tensor<{depth}x{width}xf32>)
    -> tensor<{rows}x{width}xf32> {{
  %init = tensor.empty() : tensor<{rows}x{width}xf32>
  %w3 = tensor.expand_shape %w [[0, 1], [2]] output_shape [1, {depth}, {width}]
      : tensor<{depth}x{width}xf32> into tensor<1x{depth}x{width}xf32>
  %y = et.grouped_matmul none
      ins(%x, %w3 : tensor<{rows}x{depth}xf32>, tensor<1x{depth}x{width}xf32>)
      outs(%init : tensor<{rows}x{width}xf32>)
  return %y : tensor<{rows}x{width}xf32>
}}
"""


def product(x, w, chip):
    sizes = {"rows": x.shape[0], "depth": x.shape[1], "width": w.shape[1]}
    return et_emulated.run(PRODUCT.format(**sizes), [x, w], chip)[0]


@on_each_chip(range(6))
def test_special_values(seed, chip):
    """Infinities and NaNs come out as from multiply-adds: no part of a number makes one."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((70, 36)).astype(np.float32)
    w = rng.standard_normal((36, 44)).astype(np.float32)
    for array in (x, w):
        rows = rng.permutation(36)[:12] if array is x else rng.permutation(44)[:8]
        for k, row in enumerate(rows):
            # tf32 begins at 2^-136.
            value = [np.inf, -np.inf, np.nan, 0.0, 1e-40, 2.0**-136, 1.0, 1e30][k % 8]
            if array is x:
                x[row, rng.integers(36)] = value
            else:
                w[rng.integers(36), row] = value
    found = product(x, w, chip)
    with np.errstate(invalid="ignore", over="ignore"):
        expected = (f64(x)[:, :, None] * f64(w)[None]).sum(axis=1).astype(np.float32)
        value, error = sum_with_error(x, 0.0, w, None, split_gamma)
    finite = np.isfinite(expected)
    assert 0 < (~finite).sum() < finite.size, f"seed {seed}: nothing special"
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    assert same[~finite].all(), (
        f"seed {seed}, {chip}: {np.argwhere(~finite & ~same)[0]}"
    )
    bad = violations(found, value, error) & finite
    assert not bad.any(), f"seed {seed}, {chip}: {np.argwhere(bad)[0]}"


@on_each_chip(range(3))
def test_deep_sums(seed, chip):
    """At a depth of 2048, within a bound that is below that of plain f32."""
    rng = np.random.default_rng(seed)
    x = np.abs(rng.standard_normal((16, 2048))).astype(np.float32)
    w = np.abs(rng.standard_normal((2048, 16))).astype(np.float32)
    exact = f64(x) @ f64(w)
    bad = np.abs(product(x, w, chip) - exact) > split_gamma(2048) * exact
    assert not bad.any(), f"seed {seed}, {chip}: {np.argwhere(bad)[0]}"


def test_odd_widths_take_multiply_adds():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((5, 34)).astype(np.float32)
    w = rng.standard_normal((34, 12)).astype(np.float32)
    found = product(x, w, "sm_80")
    value, error = sum_with_error(x, 0.0, w, None, gamma)
    assert not violations(found, value, error).any()
    assert not any(counters["matrix.macs"] for counters in et_emulated.counted)
