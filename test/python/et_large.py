# ===- et_large.py - how far a layer of real size may be off ----------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Error bounds for layers as wide as real ones, under a model of rounding.

The bounds of et_bounds.py always hold, and so grow with the number of terms n: at
real widths they are thousands of times what a run shows, and would hide a bug. Here
rounding errors are taken to be independent and of mean zero, |e| <= u |result|, and
the order of a sum to have nothing to do with its terms a_i (compare Higham and Mary,
Sharper probabilistic backward error analysis, SIAM J. Sci. Comput. 42, 2020).

An error that is bounded by s and of mean zero is sub-Gaussian with parameter s, and
so, by Hoeffding, is a sum of independent ones with s^2 = sum s_i^2: it exceeds
LAMBDA s with a probability of at most 2 exp(-LAMBDA^2 / 2), 3e-14 for LAMBDA = 8.
Of a sum of n products,

* every partial sum is, but for that probability, within |sum a_i| + LAMBDA spread,
  spread^2 = sum a_i^2, and never beyond sum |a_i|;
* each of the n additions errs by u times a partial sum, each product by u |a_i|;
* errors of its terms with parameters s_i add up to s^2 = sum (s_i w_i)^2.

Activations and gates hand on an error times their slope, and add what et_bounds.py
charges for exp, erf and tanh. The bound is LAMBDA times the s of the output.
"""

import numpy as np

from et_bounds import FUNCTION, U, activation_with_error
from et_reference import expert_arguments, f64, sigmoid

LAMBDA = 8


def likely_sum(a, a_error, w, bias):
    """a w + bias in f64, and the parameter of the error of its evaluation in f32."""
    a, w = f64(a), f64(w)
    bias = np.zeros(w.shape[1]) if bias is None else f64(bias)
    value = a @ w + bias
    spread = a**2 @ w**2 + bias**2
    partial = np.abs(a) @ np.abs(w) + np.abs(bias)
    partial = np.minimum(partial, np.abs(value) + LAMBDA * np.sqrt(spread))
    variance = U**2 * ((len(w) + 1) * partial**2 + spread)
    return value, np.sqrt(variance + a_error**2 @ w**2)


def likely_ffn(act, x, w1, w2, b1, b2):
    exact = np.zeros(x.shape)
    h, h_error = activation_with_error(act, *likely_sum(x, exact, w1, b1))
    return likely_sum(h, h_error, w2, b2)


def likely_layer(act, gate, x, router, theta, weights):
    """A threshold layer of linear scores: its output, the bound of its error, and the
    tokens on whose selection every correct implementation agrees."""
    r, r_error = likely_sum(x, np.zeros(x.shape), router, None)
    certain = (np.abs(r - f64(theta)) > LAMBDA * r_error).all(axis=1)
    value = np.zeros((len(x), weights["w2"].shape[2]))
    variance, magnitude = np.zeros_like(value), np.zeros_like(value)
    for e in range(r.shape[1]):
        rows = np.flatnonzero(r[:, e] > theta[e])
        g, g_error = np.ones((len(rows), 1)), 0.0
        if gate == "sigmoid":
            # Its slope is at most 1 / 4.
            g = sigmoid(r[rows, e])[:, None]
            g_error = r_error[rows, e][:, None] / 4 + FUNCTION * g
        y, y_error = likely_ffn(act, x[rows], *expert_arguments(e, **weights)[:4])
        value[rows] += g * y
        variance[rows] += (g * y_error) ** 2 + (g_error * y) ** 2
        magnitude[rows] += np.abs(g * y)
    # The sum over experts: a product and an addition each.
    variance += 2 * r.shape[1] * (U * magnitude) ** 2
    return value, LAMBDA * np.sqrt(variance), certain
