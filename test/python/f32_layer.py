# ===- f32_layer.py - a second formulation in f32 ---------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""A second formulation of the layer, in f32 and for all pairs at once.

It shares nothing with et_reference.py but the rules' names: every expert runs on
every token and the mask multiplies the result, selections are made by sorting
whole arrays, and sums are f32 in a random order. It is what test_reference.py
holds the reference and its error bounds against.
"""

import numpy as np

from et_reference import BoundedThreshold, ExpertChoice, Threshold, TopK

F = np.float32


# Abramowitz and Stegun 7.1.26 is too coarse for f32; this is erf by its Maclaurin
# series for |x| < 3, where 40 terms leave less than 1e-9, and 1 beyond, where
# erfc < 2.3e-5 is summed by its continued fraction.
def erf(x):
    x = x.astype(np.float64)
    small = np.clip(x, -3, 3)
    term, total = small.copy(), small.copy()
    for n in range(1, 60):
        term = -term * small**2 / n
        total = total + term / (2 * n + 1)
    series = total * 2 / np.sqrt(np.pi)
    large = np.maximum(np.abs(x), 3)
    fraction = np.zeros_like(large)
    for n in range(60, 0, -1):
        fraction = (n / 2) / (large + fraction)
    tail = np.sign(x) * (1 - np.exp(-(large**2)) / np.sqrt(np.pi) / (large + fraction))
    return np.where(np.abs(x) < 3, series, tail)


def activation(kind, a):
    if kind == "none":
        return a
    if kind == "relu":
        return a * (a > 0)
    if kind == "relu_squared":
        return a * a * (a > 0)
    if kind == "silu":
        return F(0.5) * a * (F(1) + np.tanh(F(0.5) * a))
    if kind == "gelu":
        return F(0.5) * a * (F(1) + erf(a * F(np.sqrt(0.5))).astype(F))
    inner = F(np.sqrt(2 / np.pi)) * a * (F(1) + F(0.044715) * a * a)
    return F(0.5) * a * (F(1) + np.tanh(inner))


class F32Layer:
    """`mutation` names one deliberate fault; see test_reference.py."""

    def __init__(self, layer, rng, mutation=None):
        self.layer, self.rng, self.mutation = layer, rng, mutation

    def dot(self, a, w):
        """a [..., K] by w [..., K, N], in f32 and in a random order."""
        order = self.rng.permutation(a.shape[-1])
        a, w = a[..., order].astype(F), w[..., order, :].astype(F)
        if self.mutation == "16-bit accumulation":
            total = np.zeros((*a.shape[:-1], w.shape[-1]), np.float16)
            for k in range(a.shape[-1]):
                total = total + (a[..., k, None] * w[..., k, None, :]).astype(
                    np.float16
                )
            return total.astype(F)
        return np.matmul(a, w)

    def scores(self):
        x, router = self.layer.array("x"), self.layer.array("router")
        r = self.dot(x, router)
        if self.layer.score == "cosine" and self.mutation != "no normalization":
            nx = np.sqrt(np.square(x.astype(F)).sum(axis=1, keepdims=True))
            nw = np.sqrt(np.square(router.astype(F)).sum(axis=0, keepdims=True))
            r = r / np.maximum(nx, F(1e-12)) / np.maximum(nw, F(1e-12))
        return r

    def probabilities(self, r):
        scoring = getattr(self.layer.routing, "scoring", "softmax")
        if scoring == "sigmoid":
            return F(1) / (F(1) + np.exp(-r))
        if scoring == "sqrt_softplus":
            return np.sqrt(np.maximum(r, F(0)) + np.log1p(np.exp(-np.abs(r))))
        shifted = np.exp(r - np.max(r, axis=1, keepdims=True, initial=-np.inf))
        return shifted / shifted.sum(axis=1, keepdims=True)

    def ranks(self, values, axis):
        """0 for the largest along the axis; lower indices win ties (a stable sort)."""
        key = np.where(np.isnan(values), np.inf, -values)
        order = np.argsort(key, axis=axis, kind="stable")
        return np.argsort(order, axis=axis, kind="stable")

    def select(self, r):
        rule, tokens = self.layer.routing, r.shape[0]
        theta, bias = self.layer.array("theta"), self.layer.array("bias")
        if isinstance(rule, Threshold):
            strict = (rule.compare == "gt") != (self.mutation == "other comparison")
            return r > theta if strict else r >= theta
        if isinstance(rule, (BoundedThreshold, ExpertChoice)):
            k = int(np.floor(tokens * rule.rate))
            take = np.full(r.shape[1], k)
            if isinstance(rule, BoundedThreshold):
                count = (r > theta if rule.compare == "gt" else r >= theta).sum(axis=0)
                take = np.clip(
                    count, int((1 - rule.slack) * k), int((1 + rule.slack) * k)
                )
            return (self.ranks(r, 0) < take) & ~np.isnan(r)
        p = self.probabilities(r)
        if isinstance(rule, TopK):
            value = p if bias is None else p + bias
            if rule.groups > 1:
                grouped = value.reshape(tokens, rule.groups, -1)
                two = -np.sort(-grouped, axis=2)[:, :, :2].sum(axis=2)
                inside = self.ranks(two, 1) < rule.groupLimit
                value = np.where(
                    np.repeat(inside, grouped.shape[2], axis=1), value, np.nan
                )
            return (self.ranks(value, 1) < rule.k) & ~np.isnan(value)
        order = np.argsort(-p, axis=1, kind="stable")
        sums = np.cumsum(np.take_along_axis(p, order, 1), axis=1)
        before = np.concatenate([np.zeros((tokens, 1), F), sums[:, :-1]], axis=1)
        chosen = np.zeros(r.shape, bool)
        np.put_along_axis(chosen, order, before < rule.p, 1)
        return chosen & ~np.isnan(p)

    def gates(self, r, chosen):
        rule = self.layer.routing
        kind = getattr(rule, "gate", None)
        if kind is None:
            g = np.where(chosen, self.probabilities(r), F(0))
            if rule.renormalize:
                total = g.sum(axis=1, keepdims=True) + F(getattr(rule, "epsilon", 0))
                g = g / np.where(total == 0, F(1), total)
            return g.astype(F)
        functions = {
            "binary": np.ones_like,
            "raw": lambda v: v,
            "relu": lambda v: np.fmax(v, F(0)),
            "sigmoid": lambda v: F(1) / (F(1) + np.exp(-v)),
        }
        return np.where(chosen, functions[kind](r), F(0)).astype(F)

    def experts(self, w1, w2, b1, b2, wg, gate_bias):
        """[E, T, D] of all experts on all tokens."""
        x = self.layer.array("x")
        zero = F(0)

        def rows(bias):
            return zero if bias is None else bias.astype(F)[:, None, :]

        up = self.dot(x[None], w1) + rows(b1)
        if wg is None:
            h = activation(self.layer.activation, up)
        else:
            h = (
                activation(
                    self.layer.activation, self.dot(x[None], wg) + rows(gate_bias)
                )
                * up
            )
        if self.mutation != "H not rounded":
            h = h.astype(x.dtype)
        if self.mutation == "b2 dropped":
            b2 = None
        y = self.dot(h, w2) + rows(b2)
        return y if self.mutation == "Y not rounded" else y.astype(x.dtype).astype(F)

    def results(self):
        a = self.layer.array
        x = a("x")
        with np.errstate(all="ignore"):
            r = self.scores()
            chosen = self.select(r)
            g = self.gates(r, chosen)
            y = np.zeros(x.shape, F)
            if a("shared_w1") is not None:
                wg = a("shared_gate")
                y += self.experts(
                    a("shared_w1")[None],
                    a("shared_w2")[None],
                    None,
                    None,
                    None if wg is None else wg[None],
                    None,
                )[0]
            pairs = self.experts(
                *(a(n) for n in ("w1", "w2", "b1", "b2", "gate", "gate_bias"))
            )
            weight = (
                np.where(chosen, F(1), F(0)) if self.mutation == "gate ignored" else g
            )
            for e in range(r.shape[1]):
                y += np.where(chosen[:, e, None], weight[:, e, None] * pairs[e], F(0))
        if self.mutation == "one pair dropped" and chosen.any():
            t, e = np.argwhere(chosen)[0]
            y[t] -= g[t, e] * pairs[e][t]
        return y.astype(x.dtype), r, pack(chosen), g


def pack(chosen):
    """The mask, bit by bit."""
    tokens, experts = chosen.shape
    mask = np.zeros((experts, (tokens + 31) // 32), np.int64)
    for t, e in np.argwhere(chosen):
        mask[e, t // 32] |= 1 << (t % 32)
    return mask.astype(np.uint32).view(np.int32)
