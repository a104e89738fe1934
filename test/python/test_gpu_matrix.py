# ===- test_gpu_matrix.py - layers by the GPU's matrix units ----------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Random 16-bit layers whose products run on the matrix units, on the emulator.

Widths are multiples of 8, with tiles that are whole, cut by the width, cut by the
depth, and smaller than one instruction. A failure prints the seed.
"""

import os

import numpy as np
import pytest

from et_bounds import matrix_gamma
from et_compare import check_layer
from et_layers import random_matrix_layer
from et_tools import BUILD
from test_layers import identical, run_batch

DRIVER = BUILD / "lib" / "libet_cuda_emu.so"
SEEDS = range(2000, 2048)
WORK = 4e6
SCHEDULES = ("early", "late", "random")


@pytest.mark.parametrize("seed", SEEDS)
def test_layer_matches_numpy(seed, monkeypatch):
    monkeypatch.setenv("ET_CUDA_DRIVER", str(DRIVER))
    layer = random_matrix_layer(np.random.default_rng(seed), WORK)
    results = []
    # Asynchronous copies may land at any time between their start and the wait.
    for schedule in SCHEDULES if seed % 4 == 0 else SCHEDULES[seed % 3 :][:1]:
        monkeypatch.setitem(os.environ, "ET_EMU_SCHEDULE", schedule)
        monkeypatch.setitem(os.environ, "ET_EMU_SEED", str(seed))
        results.append(run_batch([layer], "cuda")[0])
        try:
            check_layer(layer, results[-1], sums=matrix_gamma)
        except AssertionError as error:
            raise AssertionError(
                f"seed {seed}, {schedule}: {error}\n  {layer}"
            ) from error
        assert identical(results[0], results[-1]), f"seed {seed}: {schedule} differs"
