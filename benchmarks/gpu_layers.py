# ===- gpu_layers.py - layers that the GPU benchmarks run on the emulator ------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""bf16 threshold layers: their MLIR, their inputs, and a run of et-run."""

import os
import subprocess
import sys

import ml_dtypes
import numpy as np


def module(width, hidden, experts, gate="sigmoid"):
    x, r = f"tensor<?x{width}xbf16>", f"tensor<{width}x{experts}xbf16>"
    w1 = f"tensor<{experts}x{width}x{hidden}xbf16>"
    w2 = f"tensor<{experts}x{hidden}x{width}xbf16>"
    theta = f"tensor<{experts}xf32>"
    return f"""
func.func @main(%x: {x}, %router: {r}, %theta: {theta}, %w1: {w1}, %w2: {w2}) -> {x} {{
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : {x}
  %init = tensor.empty(%tokens) : {x}
  %y = et.moe linear #et.threshold<gate = {gate}> relu_squared
      ins(%x, %router, %w1, %w2 : {x}, {r}, {w1}, {w2})
      theta(%theta : {theta}) outs(%init : {x})
  return %y : {x}
}}
"""


def compare(output, expected, what):
    """An error if tiles or tokens are wrong: those are off by as much as the output.

    Not the last bit is asked for, for which test/python has bounds.
    """
    scale = np.abs(expected).max(axis=1, keepdims=True) + 1e-30
    if not (np.abs(output - expected) <= 2.0**-6 * scale).all():
        raise ValueError(f"{what} is not that of the CPU")


def threshold(scores, count):
    """For about so many tokens, in the widest gap: no order of sums moves a score past it."""
    falling = np.concatenate(
        [[scores.max() + 1], -np.sort(-scores), [scores.min() - 1]]
    )
    slack = min(4, count // 4)
    near = np.arange(max(0, count - slack), min(len(scores), count + slack) + 1)
    best = near[np.argmax(falling[near] - falling[near + 1])]
    return np.float32((falling[best] + falling[best + 1]) / 2)


def inputs(rng, tokens, width, hidden, experts, mean):
    """A layer's arrays and its pairs.

    Thresholds do not know the batch, so loads scatter as those of coins do, much as
    the loads of a top k over such scores.
    """

    def normal(*shape, fan_in=1):
        return (rng.standard_normal(shape) / fan_in**0.5).astype(ml_dtypes.bfloat16)

    x = normal(tokens, width)
    router = normal(width, experts, fan_in=width)
    scores = x.astype(np.float32) @ router.astype(np.float32)
    counts = rng.binomial(tokens, mean / experts, experts)
    theta = np.array([threshold(s, n) for s, n in zip(scores.T, counts, strict=True)])
    w1 = normal(experts, width, hidden, fan_in=width)
    w2 = normal(experts, hidden, width, fan_in=hidden)
    chosen = scores > theta
    return dict(x=x, router=router, theta=theta, w1=w1, w2=w2), chosen


def write(folder, arrays):
    """The files that `run` reads, for the arrays of `inputs`."""
    _, width, hidden = arrays["w1"].shape
    experts = arrays["w1"].shape[0]
    (folder / "layer.mlir").write_text(module(width, hidden, experts))
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


def run(build, folder, target, names, chip=None, **settings):
    """The output; on the emulator with these settings if there is a chip."""
    environment = dict(os.environ)
    command = [build / "bin" / "et-run", folder / "layer.mlir", "--entry=main"]
    command += [f"--target={target}", f"--out={folder}/{target}.npy"]
    command += [f"--arg={folder}/{name}.npy" for name in names]
    if chip:
        command.append(f"--chip={chip}")
        environment |= {
            "ET_CUDA_DRIVER": str(build / "lib" / "libet_cuda_emu.so"),
            "ET_EMU_CHIP": chip,
            "ET_EMU_STATS": str(folder / "stats.json"),
        } | settings
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"et-run --target={target} failed: {done.stderr}")
    output = np.load(folder / f"{target}.npy").view(ml_dtypes.bfloat16)
    return output.astype(np.float32)
