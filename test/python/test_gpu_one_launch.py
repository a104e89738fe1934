# ===- test_gpu_one_launch.py - layers in one kernel -------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Random layers of few tokens that run in one launch, on the emulator.

Outputs are compared with NumPy, and with the same layer's schedule of a kernel a
step: both must select the same pairs, also where a threshold is a score, bit for
bit. A failure prints the seed.
"""

import numpy as np
import pytest

import et_emulated
from et_bounds import matrix_gamma
from et_compare import check_layer
from et_layers import ACTIVATIONS, GATES, SPECIALS, module, random_matrix_layer
from et_reference import STORAGE, Threshold
from test_gpu_emulated import check_one, on_each_chip

TOKENS = [0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32]


def one_launch_layer(seed):
    """Every activation, gate, type and special input comes up in turn."""
    rng = np.random.default_rng(seed)
    fixed = {
        "T": TOKENS[seed % len(TOKENS)],
        "E": int(rng.choice([8, 16, 24, 40])),
        "storage": ["f16", "bf16"][seed % 2],
        "special": SPECIALS[seed % len(SPECIALS)],
    }
    layer = random_matrix_layer(rng, **fixed)
    while not isinstance(layer.routing, Threshold):
        layer = random_matrix_layer(rng, **fixed)
    layer.routing = Threshold(str(rng.choice(["gt", "ge"])), GATES[seed % len(GATES)])
    layer.activation = ACTIVATIONS[seed % len(ACTIVATIONS)]
    layer.static += "E"
    layer.schedule = "one_launch"
    return layer


@on_each_chip(range(6000, 6066))
def test_layer_matches_numpy(seed, chip):
    check_one(one_launch_layer(seed), chip, seed)
