# ===- checks.py - how far a layer's output may be off --------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""What is timed has been compared: `Checked` compares when it is made.

The bound is one of relative error in the Euclidean norm of a token's row, against the
layer in f64 without any rounding:

    u (3 sqrt(D) + sqrt(F) + sqrt(E) + 10) + n s

u = 2^-24 is the unit roundoff of f32, in which all sums are, s that of the storage
type, n how often a value is rounded to the storage type on its way to the output.

A sum of m terms is rounded m times, each time by at most u of the partial sum. Inputs
are independent with mean zero, so in the root mean square no partial sum exceeds the
whole, and independent errors add up to u sqrt(m) of it (Higham and Mary, A new
approach to probabilistic rounding error analysis, 2019). In this order: D for a hidden
unit before its square, which doubles it, and for a score, whose error is about the
relative one of its sigmoid; F for an expert's output; E for the combination; 8 u for
the sigmoid's own function and 2 u for square and gate. Roundings to the storage type
are few and need no statistics: each adds s at most.
"""

import math

import numpy as np

F32_ROUNDOFF = 2.0**-24
ROUNDOFF = {"f32": 2.0**-24, "bf16": 2.0**-8}
# Hidden units and output.
OUR_ROUNDINGS = 2
# A library's product may round too: the sum of a hidden unit, which its square
# doubles, the square, the expert's output, and the layer's.
PEERS_ROUNDINGS = 5


def tolerance(width, hidden, experts, kind, roundings):
    sums = 3 * math.sqrt(width) + math.sqrt(hidden) + math.sqrt(experts)
    return F32_ROUNDOFF * (sums + 10) + roundings * ROUNDOFF[kind]


def score_margin(width):
    """How far from every threshold scores of variance 1 must stay for all sums to fall
    on one side: an error is at most u sqrt(D), and of millions of scores one may err
    and be a few times more."""
    return 8 * F32_ROUNDOFF * math.sqrt(width)


class WrongError(Exception):
    pass


def compare(name, actual, expected, limit):
    """The largest relative error of a row. A token without an expert gives 0, exactly."""
    if actual.shape != expected.shape:
        raise WrongError(f"{name} gives {actual.shape}, not {expected.shape}")
    error = np.linalg.norm(actual - expected, axis=1)
    bound = limit * np.linalg.norm(expected, axis=1)
    # Written so that a NaN is wrong.
    if not (error <= bound).all():
        row = int(np.argmin(error <= bound))
        raise WrongError(
            f"{name} is wrong: token {row} is off by {error[row]:.2g}, allowed {bound[row]:.2g}"
        )
    return float((error / np.maximum(bound, 1e-300)).max(initial=0.0)) * limit


def f64_array(y):
    """Of a torch tensor, or of what a compiled layer gave."""
    return y.to_numpy() if hasattr(y, "to_numpy") else y.double().numpy()


class Checked:
    """A function of x whose result was right. There is no other way to be timed."""

    def __init__(self, name, function, x, expected, limit, wake=None):
        self.name, self.function, self.x, self.wake = name, function, x, wake
        self.error = compare(name, f64_array(function(x)), expected, limit)

    def prepare(self):
        """Calls the function without tokens, which runs code but reads no weights: a loop
        over experts does not get to its products, nor does a layer of ours. Ends with
        the side's threads awake; ours are, after any call."""
        self.function(self.x[:0])
        if self.wake:
            self.wake()

    def __call__(self):
        return self.function(self.x)
