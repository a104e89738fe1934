# ===- max_tokens.py - inputs of a layer with a bound on its tokens -------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Writes the arrays of max_tokens.mlir, or compares two outputs of it."""

import sys

import numpy as np

rng = np.random.default_rng(7)
if sys.argv[1] == "write":
    for name, shape in {
        "x": (20, 16),
        "more": (21, 16),
        "router": (16, 8),
        "w1": (8, 16, 8),
        "w2": (8, 8, 16),
    }.items():
        # Small integers: every sum is exact, so all targets agree.
        np.save(f"{name}.npy", rng.integers(-2, 3, shape).astype(np.float16))
    np.save("theta.npy", np.zeros(8, np.float32))
else:
    found, expected = (np.load(name) for name in sys.argv[2:4])
    assert np.count_nonzero(expected) > 100
    np.testing.assert_allclose(
        found.astype(np.float32), expected.astype(np.float32), rtol=2e-2, atol=2e-2
    )
