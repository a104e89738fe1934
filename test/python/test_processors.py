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
from et_library import Error

from et_cases import short_form
from et_compare import check_layer
from et_layers import random_layer
from et_processors import PROCESSOR, skip_unless_runs, x86_only
from test_layers import run_batch

SEEDS = range(1000, 1012)

pytestmark = x86_only


@pytest.mark.parametrize("processor", ["x86-64", "x86-64-v3", "x86-64-v4"])
@pytest.mark.parametrize("first", short_form(SEEDS[::4], SEEDS[:1]))
def test_layers_match_numpy(processor, first):
    skip_unless_runs(processor)
    layers = [random_layer(np.random.default_rng(first + i)) for i in range(4)]
    for i, results in enumerate(run_batch(layers, processor)):
        check_layer(layers[i], results, where=f"seed {first + i}, {processor}")


def test_missing_features_are_an_error():
    """No machine has the features of all of these, and none of them ends a process."""
    layer = random_layer(np.random.default_rng(SEEDS[0]))
    refused = 0
    for processor in ("znver5", "sapphirerapids", "diamondrapids"):
        try:
            run_batch([layer], processor)
        except Error as error:
            assert error.code == PROCESSOR
            assert "compiled for a processor with" in str(error)
            refused += 1
    assert refused
