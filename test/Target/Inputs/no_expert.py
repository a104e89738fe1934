# ===- no_expert.py - a layer without experts ------------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Writes the arguments of a layer of 0 experts, or checks that outputs are 0."""

import sys

import numpy as np

if sys.argv[1] == "make":
    shapes = {
        "x": (5, 8),
        "router": (8, 0),
        "theta": (0,),
        "w1": (0, 8, 7),
        "w2": (0, 7, 8),
    }
    for name, shape in shapes.items():
        np.save(f"{name}.npy", np.ones(shape, np.float32))
for name in sys.argv[2:]:
    y = np.load(name)
    assert y.shape == (5, 8) and not y.any(), (name, y)
