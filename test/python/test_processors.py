# ===- test_processors.py - layers for other processors than the host --------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Random layers compiled for less than the host has: 128-bit vectors, AVX2, AVX-512
without matrix registers. And for more than it has, which must be an error."""

import numpy as np
import pytest

from et_compare import check_layer
from et_layers import module, random_layer
from et_processors import (
    PROCESSOR,
    Error,
    compile_module,
    skip_unless_runs,
    x86_only,
)

SEEDS = range(1000, 1012)

pytestmark = x86_only


@pytest.mark.parametrize("processor", ["x86-64", "x86-64-v3", "x86-64-v4"])
@pytest.mark.parametrize("first", SEEDS[::4])
def test_layers_match_numpy(processor, first, tmp_path):
    skip_unless_runs(processor)
    layers = [random_layer(np.random.default_rng(first + i)) for i in range(4)]
    library = compile_module(module(layers), processor, tmp_path)
    arguments = [array for layer in layers for array in layer.arrays.values()]
    results = library.call("main", *arguments)
    for i, layer in enumerate(layers):
        try:
            check_layer(layer, results[4 * i : 4 * i + 4])
        except AssertionError as error:
            pytest.fail(f"seed {first + i}, {processor}: {error}\n  {layer}")


def test_missing_features_are_an_error(tmp_path):
    """No machine has the features of all of these, and none of them ends a process."""
    layer = random_layer(np.random.default_rng(SEEDS[0]))
    refused = 0
    for processor in ("znver5", "sapphirerapids", "diamondrapids"):
        folder = tmp_path / processor
        folder.mkdir()
        library = compile_module(module([layer]), processor, folder)
        try:
            library.call("main", *layer.arrays.values())
        except Error as error:
            assert error.code == PROCESSOR
            assert "compiled for a processor with" in str(error)
            refused += 1
    assert refused
