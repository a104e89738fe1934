# ===- peer.py - the Triton layer, run and checked ---------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Runs the PTX of ptx/ on a CUDA device or the emulator, and compares with NumPy.

The arithmetic is that of our layers: bf16 with sums in f32; hidden units, what
experts make of a token, and the output are rounded to bf16. What differs is the choice
of pairs, the best k experts of each token, and the order in which a token's are summed.
On the emulator it runs without the race check: Triton's histogram clears its bins from
several warps at a time, which is a race, if one without consequence.
"""

import ctypes
import json
import re
import sys
from pathlib import Path

import ml_dtypes
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from cuda_driver import Driver, Kernel
from triton_moe.plan import CHIPS, LAYERS, padded, steps

BF16 = np.dtype(ml_dtypes.bfloat16)
INPUTS = ("x", "router", "w1", "w2")
PTX = Path(__file__).with_name("ptx")


class Peer:
    """A layer on a device, with its arrays there."""

    def __init__(self, driver, layer, arrays, chip):
        self.driver = driver
        places, rows = padded(layer)
        inputs = {name: driver.upload(arrays[name]) for name in INPUTS}
        self.buffers = inputs | {
            "ids": driver.empty((layer.tokens, layer.topk), np.int32),
            "gates": driver.empty((layer.tokens, layer.topk), np.float32),
            "pairs": driver.empty((places,), np.int32),
            "experts": driver.empty((places // rows,), np.int32),
            "total": driver.empty((1,), np.int32),
            "h": driver.empty((layer.pairs, layer.hidden), BF16),
            "y": driver.empty((layer.pairs, layer.width), BF16),
            "out": driver.empty((layer.tokens, layer.width), BF16),
        }
        lists = ("gates", "pairs", "experts", "total", layer.pairs)
        width, hidden = layer.width, layer.hidden
        arguments = {
            "route": ("x", "router", "ids", "gates", layer.tokens, width),
            "align": ("ids", "pairs", "experts", "total", layer.pairs),
            "product1": ("x", "w1", "h", *lists, hidden, width),
            "product2": ("h", "w2", "y", *lists, width, hidden),
            "combine": ("y", "out", width),
        }
        self.launches = []
        for step in steps(layer):
            text = (PTX / step.file(chip)).read_text()
            shared = int(re.search(r"(\d+) bytes of dynamic shared", text)[1])
            values = [
                self.buffers[a] if isinstance(a, str) else a
                for a in arguments[step.name]
            ]
            # Triton appends two pointers to scratch memory, which these do not use.
            kernel = Kernel(driver, text, step.kernel, shared)
            self.launches.append(
                (kernel, step.grid, 32 * step.warps, [*values, None, None])
            )

    def run(self):
        for kernel, grid, threads, values in self.launches:
            kernel.launch(grid, threads, values)

    def free(self):
        for buffer in self.buffers.values():
            self.driver.free(buffer)

    def read(self, name):
        return self.driver.download(self.buffers[name])


def choice(ids, experts):
    """The mask [tokens, experts] of the pairs."""
    chosen = np.zeros((len(ids), experts), bool)
    np.put_along_axis(chosen, ids, True, axis=1)
    return chosen


def check(layer, arrays, ids, gates, out):
    """An error if this is not the layer's output, or no top k."""
    x, w1, w2 = (arrays[name].astype(np.float32) for name in ("x", "w1", "w2"))
    scores = x @ arrays["router"].astype(np.float32)
    chosen = choice(ids, layer.experts)
    if (chosen.sum(axis=1) != layer.topk).any():
        raise ValueError("a token has not k experts")
    # Another order of summation may swap scores that are this near.
    least = np.where(chosen, scores, np.inf).min(axis=1)
    if (least < np.where(chosen, -np.inf, scores).max(axis=1) - 2.0**-12).any():
        raise ValueError("the experts are not the best k")
    g = 1 / (1 + np.exp(-scores))
    if not np.allclose(gates, np.take_along_axis(g, ids, 1), rtol=1e-3):
        raise ValueError("the gates are not those of the scores")
    expected = np.zeros_like(x)
    for expert in range(layer.experts):
        of = chosen[:, expert]
        h = np.maximum(x[of] @ w1[expert], 0) ** 2
        pairs = h.astype(BF16).astype(np.float32) @ w2[expert] * g[of, expert, None]
        expected[of] += pairs.astype(BF16).astype(np.float32)
    # A wrong tile or token is off by as much as the output.
    scale = np.abs(expected).max(axis=1, keepdims=True) + 1e-30
    if (np.abs(out.astype(np.float32) - expected) > 2.0**-6 * scale).any():
        raise ValueError("the output is not that of NumPy")


def main(tokens, folder):
    """Runs a layer's files for each chip, and prints the experts of the tokens as JSON.

    The emulator counts in the order of the launches: the chips follow each other.
    """
    layer = next(layer for layer in LAYERS if layer.tokens == tokens)
    arrays = {name: np.load(folder / f"{name}.npy") for name in INPUTS}
    arrays = {name: array.view(BF16) for name, array in arrays.items()}
    driver, experts = Driver(), []
    for chip in CHIPS:
        peer = Peer(driver, layer, arrays, chip)
        peer.run()
        ids = peer.read("ids")
        check(layer, arrays, ids, peer.read("gates"), peer.read("out"))
        peer.free()
        experts.append(ids.tolist())
    print(json.dumps(experts))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
    sys.stdout.flush()
    ctypes.CDLL(None).exit(0)  # as C ends: the emulator writes its counters
