# ===- test_layers.py - whole layers against NumPy --------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""200 random layers: the compiled ones against NumPy, and runs against each other.

A failure prints the layer's seed; `pytest -k seed17` runs its batch alone.
"""

import numpy as np
import pytest

from et_compare import check_layer
from et_layers import module, random_layer
from et_tools import run

LAYERS = 200
BATCH = 10
BATCHES = [range(first, first + BATCH) for first in range(0, LAYERS, BATCH)]


def batch_layers(seeds):
    return [random_layer(np.random.default_rng(seed)) for seed in seeds]


def run_batch(layers, target, threads=1):
    """Four results a layer, of one compiled module."""
    arguments = [array for layer in layers for array in layer.arrays.values()]
    kinds = [kind for layer in layers for kind in (layer.storage, "f32", "i32", "f32")]
    results = run(module(layers), arguments, kinds, target, threads)
    return [results[4 * i : 4 * i + 4] for i in range(len(layers))]


def identical(a, b):
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("target", ["reference", "cpu"])
@pytest.mark.parametrize("seeds", BATCHES, ids=lambda s: f"seed{s[0]}-{s[-1]}")
def test_layers_match_numpy(seeds, target):
    layers = batch_layers(seeds)
    failures = []
    for seed, layer, results in zip(
        seeds, layers, run_batch(layers, target), strict=True
    ):
        try:
            check_layer(layer, results)
        except AssertionError as error:
            failures.append(f"seed {seed}: {error}\n  {layer}")
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("seed", range(300, 309))
def test_rows_a_page_apart(seed):
    """Rows that would collide in a cache are copied, or lie further apart."""
    rng = np.random.default_rng(seed)
    sizes = {k: int(rng.choice([1024, 2048])) for k in "DF"}
    tokens, experts = int(rng.integers(0, 40)), int(rng.integers(1, 5))
    kind = ["f32", "bf16", "f16"][seed % 3]
    layer = random_layer(rng, T=tokens, E=experts, G=1024, storage=kind, **sizes)
    layer.static = "DFG"
    results = run_batch([layer], "cpu", 2)[0]
    try:
        check_layer(layer, results)
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}\n  {layer}") from error


@pytest.mark.parametrize("seed", range(0, LAYERS, 25))
def test_runs_are_bit_identical(seed):
    layers = batch_layers([seed])
    runs = [run_batch(layers, "cpu", threads)[0] for threads in (1, 1, 2)]
    assert identical(runs[0], runs[1]), f"seed {seed}: two runs differ\n  {layers[0]}"
    assert identical(runs[0], runs[2]), f"seed {seed}: threads matter\n  {layers[0]}"
