# ===- torch_moe.py - the layer in torch, for comparison ------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""A threshold layer's products in torch, with the pairs that are given.

Scores and thresholds are left out, which favors torch.
"""

import numpy as np


def reason():
    """Why torch cannot be compared with, or nothing."""
    try:
        import torch
    except ImportError:
        return "it is not installed; build/venv/bin/pip can"
    return "" if torch.cuda.is_available() else "it sees no GPU"


def layers(arrays, chosen, device="cuda"):
    """(name, a function that computes the output) of each way."""
    import torch

    def put(array):
        # torch knows no ml_dtypes.
        return torch.from_numpy(array.astype(np.float32)).to(device).bfloat16()

    x, router, w1, w2 = (put(arrays[name]) for name in ("x", "router", "w1", "w2"))
    mask = torch.from_numpy(chosen).to(device)
    gates = torch.sigmoid(x.float() @ router.float())
    experts, tokens = mask.T.nonzero(as_tuple=True)
    ends = mask.sum(0).cumsum(0).to(torch.int32)

    def loop():
        out = torch.zeros(x.shape, device=device)
        for e in range(len(w1)):
            own = mask[:, e].nonzero().squeeze(1)
            h = torch.relu(x[own] @ w1[e]).square()
            out.index_add_(0, own, (h @ w2[e]).float() * gates[own, e, None])
        return out.bfloat16()

    def grouped():
        h = torch.relu(torch._grouped_mm(x[tokens], w1, offs=ends)).square()
        y = torch._grouped_mm(h, w2, offs=ends).float() * gates[tokens, experts, None]
        out = torch.zeros(x.shape, device=device)
        return out.index_add_(0, tokens, y).bfloat16()

    ways = [("torch, loop", loop)]
    if hasattr(torch, "_grouped_mm"):
        ways.append(("torch._grouped_mm", grouped))
    return ways
