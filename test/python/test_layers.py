# ===- test_layers.py - whole layers against NumPy --------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""200 random layers: the compiled ones against NumPy, and calls against each other.

A failure prints the seed, and the name of its batch, which `pytest --full -k` runs alone.
"""

import numpy as np
import pytest

from et_cases import batch_name, cover, in_batches, short_form
from et_compare import check_layer
from et_layers import features_by_type, module, random_layer
from et_tools import run, run_in_memory

LAYERS = range(200)


def layer_of(seed, **how):
    return random_layer(np.random.default_rng(seed), **how)


CORE = cover(LAYERS, lambda seed: features_by_type(layer_of(seed, arrays=False)))


def by_layer(results):
    return [results[k : k + 4] for k in range(0, len(results), 4)]


def run_batch(layers, target, threads=1, by=run):
    """Four results a layer, of one compiled module."""
    arguments = [array for layer in layers for array in layer.arrays.values()]
    kinds = [kind for layer in layers for kind in (layer.storage, "f32", "i32", "f32")]
    return by_layer(by(module(layers), arguments, kinds, target, threads))


def check_threads(layers, results, by=run):
    """The CPU gives these bits at every call, and whatever the number of threads."""
    for threads in (1, 2):
        again = run_batch(layers, "cpu", threads, by)
        for layer, one, two in zip(layers, results, again, strict=True):
            same = all(
                a.tobytes() == b.tobytes() for a, b in zip(one, two, strict=True)
            )
            assert same, f"{threads} thread(s), called again: other bits\n  {layer}"


@pytest.mark.parametrize("target", ["reference", "cpu"])
@pytest.mark.parametrize("seeds", in_batches(LAYERS, CORE, 10), ids=batch_name)
def test_layers_match_numpy(seeds, target):
    layers = [layer_of(seed) for seed in seeds]
    results = run_batch(layers, target)
    failures = []
    for seed, layer, found in zip(seeds, layers, results, strict=True):
        try:
            check_layer(layer, found, where=f"seed {seed}")
        except AssertionError as error:
            failures.append(str(error))
    assert not failures, "\n".join(failures)
    if target == "cpu":
        check_threads(layers, results)


@pytest.mark.long
def test_compiled_in_memory():
    """et-run makes the code that a library has."""
    layers = [layer_of(seed) for seed in LAYERS[:10]]
    check_threads(layers, run_batch(layers, "cpu"), by=run_in_memory)


@pytest.mark.parametrize("seed", short_form(range(300, 309), range(300, 303)))
def test_rows_a_page_apart(seed):
    """Rows that would collide in a cache are copied, or lie further apart."""
    rng = np.random.default_rng(seed)
    sizes = {k: int(rng.choice([1024, 2048])) for k in "DF"}
    tokens, experts = int(rng.integers(0, 40)), int(rng.integers(1, 5))
    kind = ["f32", "bf16", "f16"][seed % 3]
    layer = random_layer(rng, T=tokens, E=experts, G=1024, storage=kind, **sizes)
    layer.static = "DFG"
    results = run_batch([layer], "cpu", 2)[0]
    check_layer(layer, results, where=f"seed {seed}")
