# ===- experts.py - a dense feed-forward network split into experts -------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Splits gelu(x w1 + b1) w2 + b2 into experts of equal width, without training.

Hidden units that are active together become one expert (balanced k-means). With
f_e(x) expert e's share of the sum, the dense layer is b2 + sum of f_e(x). An
expert that is not selected should not vanish but be replaced by a typical value
m_e, the median of f_e over the calibration tokens; so the layer is written

    y = constant + sum over selected e of (f_e(x) - m_e),
    constant = b2 + sum over all e of m_e.

-m_e is the b2 of expert e. The constant is the same for every token: the caller
adds it where the network's output joins the residual. With every expert selected
the m_e cancel and y is the dense layer.

The router is linear. Its column e is the ridge regression, over the calibration
tokens, of log |f_e(x) - m_e| on x: how much is lost without expert e. It needs no
intercept, since each expert's threshold is a quantile of its own scores.
"""

from dataclasses import dataclass

import numpy as np

from encoder import gelu


@dataclass
class Split:
    weights: dict
    constant: np.ndarray


def balanced_kmeans(features, clusters, rng, iterations=20):
    """The cluster of each row; every cluster gets the same number of rows."""
    rows = len(features)
    assert rows % clusters == 0
    centers = features[rng.choice(rows, clusters, replace=False)]
    for _ in range(iterations):
        similarity = features @ centers.T
        cluster = np.full(rows, -1)
        room = np.full(clusters, rows // clusters)
        for flat in np.argsort(-similarity, axis=None, kind="stable"):
            row, c = divmod(int(flat), clusters)
            if cluster[row] < 0 and room[c]:
                cluster[row] = c
                room[c] -= 1
        centers = np.stack(
            [features[cluster == c].mean(axis=0) for c in range(clusters)]
        )
        centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    return cluster


def fit_router(x, targets):
    centered = x - x.mean(axis=0)
    covariance = centered.T @ centered
    ridge = 0.01 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    return np.linalg.solve(
        covariance + ridge, centered.T @ (targets - targets.mean(axis=0))
    )


def split(w1, b1, w2, b2, x, experts):
    """The experts of a dense network, from the calibration tokens x."""
    h = gelu(x @ w1 + b1)
    activity = (h - np.median(h, axis=0)).T
    activity /= np.linalg.norm(activity, axis=1, keepdims=True)
    cluster = balanced_kmeans(activity, experts, np.random.default_rng(0))
    units = [np.flatnonzero(cluster == e) for e in range(experts)]

    shares = [h[:, u] @ w2[u] for u in units]
    typical = np.stack([np.median(share, axis=0) for share in shares])
    lost = [np.linalg.norm(s - m, axis=1) for s, m in zip(shares, typical, strict=True)]
    router = fit_router(x, np.log(np.stack(lost, axis=1)))
    weights = {
        "router": router,
        "w1": np.stack([w1[:, u] for u in units]),
        "b1": np.stack([b1[u] for u in units]),
        "w2": np.stack([w2[u] for u in units]),
        "b2": -typical,
        "dense.w1": w1[None],
        "dense.b1": b1[None],
        "dense.w2": w2[None],
        "dense.b2": b2[None],
    }
    return Split(
        {k: np.ascontiguousarray(v, np.float32) for k, v in weights.items()},
        b2 + typical.sum(axis=0),
    )
