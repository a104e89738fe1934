# ===- peers.py - the same layer by other means ------------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""A threshold layer (linear scores, sigmoid gate, squared ReLU) in other libraries.

Every peer is a function of x, with the thresholds that are set: what depends on the
weights only, such as packing or compiling, is done when it is made. Scores and sums
over experts are f32 in all.
"""

import functools

import torch


def expert(x, w1, w2):
    h = torch.relu(x @ w1)
    return (h * h) @ w2


@functools.cache
def compiled_expert():
    # Types, and one row, have versions of their own. Beyond a number of versions it
    # would run uncompiled, and still be called compiled.
    torch._dynamo.config.fail_on_recompile_limit_hit = True
    return torch.compile(expert, dynamic=True)


class Peers:
    """What they share. `theta` is set for each table row."""

    def __init__(self, weights):
        self.router, self.theta = weights.router.float(), None
        self.w1, self.w2 = weights.w1, weights.w2
        self.experts = len(self.w1)

    def route(self, x):
        scores = x.float() @ self.router
        return scores > self.theta, torch.sigmoid(scores)

    def over_experts(self, x, product):
        mask, gates = self.route(x)
        out = torch.zeros(x.shape, dtype=torch.float32)
        for e in range(self.experts):
            rows = mask[:, e].nonzero()[:, 0]
            if len(rows):
                out.index_add_(0, rows, product(e, x[rows]) * gates[rows, e, None])
        return out.to(x.dtype)

    def torch_eager(self):
        """What a model's source says: a loop over experts."""
        return lambda x: self.over_experts(
            x, lambda e, rows: expert(rows, self.w1[e], self.w2[e])
        )

    def torch_compile(self):
        """The same loop, with the expert's body compiled for any number of rows."""
        body = compiled_expert()
        return lambda x: self.over_experts(
            x, lambda e, rows: body(rows, self.w1[e], self.w2[e])
        )

    def onednn_packed(self):
        """The same loop over weights that oneDNN has reordered for itself."""
        ops = torch.ops.mkldnn

        def pack(w):
            return [ops._reorder_linear_weight(m.t().contiguous()) for m in w]

        w1, w2 = pack(self.w1), pack(self.w2)

        def linear(x, w):
            return ops._linear_pointwise(x, w, None, "none", [], "")

        def product(e, rows):
            h = torch.relu(linear(rows, w1[e]))
            return linear(h * h, w2[e])

        return lambda x: self.over_experts(x, product)

    def torch_grouped_mm(self):
        """Rows sorted by expert and PyTorch's grouped product."""

        def layer(x):
            mask, gates = self.route(x)
            experts, rows = mask.t().nonzero(as_tuple=True)
            ends = mask.sum(0).cumsum(0).to(torch.int32)
            h = torch.relu(torch._grouped_mm(x[rows], self.w1, offs=ends))
            y = torch._grouped_mm(h * h, self.w2, offs=ends)
            out = torch.zeros(x.shape, dtype=torch.float32)
            return out.index_add_(0, rows, y * gates[rows, experts, None]).to(x.dtype)

        return layer

    def torch_dense(self):
        """Every expert on every token, and a mask: the tutorial's form."""

        def layer(x):
            mask, gates = self.route(x)
            out = torch.zeros(x.shape, dtype=torch.float32)
            for e in range(self.experts):
                y = expert(x, self.w1[e], self.w2[e])
                out += y * (gates[:, e] * mask[:, e])[:, None]
            return out.to(x.dtype)

        return layer

    def iree(self):
        """The same loop over experts that IREE compiled."""
        import iree_peer

        experts = iree_peer.experts(self.w1, self.w2)
        return lambda x: self.over_experts(x, lambda e, rows: experts[e](rows))

    def onnxruntime(self):
        import onnx_peer

        layer = onnx_peer.layer(self.router, self.w1, self.w2)
        return lambda x: layer(x, self.theta)


# And how many copies of the weights each makes, the most that there are at a time:
# ONNX Runtime's model is built, written, read and packed.
COPIES = {
    "torch_eager": 0,
    "torch_compile": 0,
    "torch_grouped_mm": 0,
    "torch_dense": 0,
    "onednn_packed": 1,
    "iree": 1,
    "onnxruntime": 4,
}
