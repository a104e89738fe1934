# ===- inputs.py - weights, tokens, thresholds and right answers ---------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Random layers in torch, with the loads that are asked for."""

import torch

from checks import score_margin

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


def even_loads(tokens, experts, pairs):
    """About as many tokens for each expert, `pairs` together."""
    return [
        min(pairs * (e + 1) // experts - pairs * e // experts, tokens)
        for e in range(experts)
    ]


def skewed_loads(tokens, experts, pairs):
    """Expert e takes a share of 1 / (e + 1), but no more than all tokens."""
    total = sum(1 / (e + 1) for e in range(experts))
    return [min(round(pairs / total / (e + 1)), tokens) for e in range(experts)]


LOADS = {"even": even_loads, "skewed": skewed_loads}


def thresholds(scores, loads, margin):
    """Thresholds that give the experts these loads, each halfway between two scores
    that are two margins apart, so that no order of summation moves a token. Where no
    such two are at a load, it is the nearest load that has them."""
    edge = torch.ones(1, scores.shape[1], dtype=scores.dtype)
    falling = scores.sort(0, descending=True).values
    falling = torch.cat([falling[:1] + edge, falling, falling[-1:] - edge])
    apart = falling[:-1] - falling[1:] > 2 * margin
    theta = []
    for e, load in enumerate(loads):
        wide = apart[:, e].nonzero()[:, 0]
        n = wide[(wide - load).abs().argmin()]
        theta.append((falling[n, e] + falling[n + 1, e]) / 2)
    return torch.stack(theta).float()


class Weights:
    def __init__(self, shape, kind):
        dtype = DTYPES[kind]
        width, hidden, experts = shape.width, shape.hidden, shape.experts

        def matrices(rows, columns):
            # One expert at a time, so that f32 values of all need not fit too.
            all_experts = torch.empty(experts, rows, columns, dtype=dtype)
            for matrix in all_experts:
                matrix.copy_(torch.randn(rows, columns).mul_(rows**-0.5))
            return all_experts

        self.shape, self.kind = shape, kind
        self.router = torch.randn(width, experts).mul_(width**-0.5).to(dtype)
        self.w1, self.w2 = matrices(width, hidden), matrices(hidden, width)


class Case:
    """Tokens and thresholds; a top-k layer's choice, and thresholds that give each
    expert as many tokens as that; and in f64 what these three layers give."""

    def __init__(self, weights, tokens, loads):
        shape = weights.shape
        self.tokens, self.loads = tokens, loads
        margin = score_margin(shape.width)
        self.x = torch.randn(tokens, shape.width).to(DTYPES[weights.kind])
        scores = self.scores(weights)
        if shape.chosen < shape.experts:
            # Of a token whose k-th score is too near to the next there is another.
            while (close := self.close(scores, shape.chosen, margin)).any():
                self.x[close] = torch.randn(int(close.sum()), shape.width).to(
                    self.x.dtype
                )
                scores = self.scores(weights)
        self.gates = torch.sigmoid(scores)
        wanted = LOADS[loads](tokens, shape.experts, tokens * shape.chosen)
        self.theta = thresholds(scores, wanted, margin)
        self.mask = scores > self.theta
        top_k = scores >= scores.topk(shape.chosen).values[:, -1:]
        self.theta_like_top_k = thresholds(scores, top_k.sum(0).tolist(), margin)
        self.expected, self.expected_like_top_k, self.expected_top_k = self.outputs(
            weights, self.mask, scores > self.theta_like_top_k, top_k
        )
        self.pairs, self.used = int(self.mask.sum()), int(self.mask.any(0).sum())

    def scores(self, weights):
        return self.x.double() @ weights.router.double()

    @staticmethod
    def close(scores, chosen, margin):
        best = scores.topk(chosen + 1).values
        return best[:, -2] - best[:, -1] <= 2 * margin

    def outputs(self, weights, *masks):
        """The layer in f64 for each mask, in NumPy arrays, nothing rounded."""
        outs = [torch.zeros(self.x.shape, dtype=torch.float64) for _ in masks]
        for e in range(weights.shape.experts):
            rows = torch.stack([m[:, e] for m in masks]).any(0).nonzero()[:, 0]
            if not len(rows):
                continue
            h = torch.relu(self.x[rows].double() @ weights.w1[e].double())
            y = (h * h) @ weights.w2[e].double()
            for out, mask in zip(outs, masks, strict=True):
                out[rows] += y * (self.gates[rows, e] * mask[rows, e])[:, None]
        return [out.numpy() for out in outs]

    def without_products(self, pairs):
        """The gathered rows, and these outputs of pairs times their gates, added up."""
        experts, rows = self.mask.t().nonzero(as_tuple=True)
        combined = torch.zeros(self.x.shape, dtype=torch.float64)
        combined.index_add_(0, rows, pairs.double() * self.gates[rows, experts, None])
        return self.x[rows].double().numpy(), combined.numpy()
