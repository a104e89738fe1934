# ===- run.py - what a layer's GPU kernels move and multiply -------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Counts what a layer's kernels do, on the emulator, against the least there is.

Counts are exact, so they need no GPU and no repetition. The output is compared with
that of the compiled CPU layer first.

least bytes: x once, the router and thresholds, each selected expert's weights once,
the hidden units H once written and once read, the output once.
bytes: what each kernel touches, each byte once a kernel.
useful: multiply-adds of the selected pairs; issued: those of the matrix instructions
that the product kernels execute.
ways: passes over the banks of shared memory that the product kernels' loads make, for
each pass that their width needs; their epilogues included.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import ml_dtypes
import numpy as np

SEED = 3
CHIPS = ["sm_80", "sm_90a", "sm_120"]
# Tokens, width, hidden width, experts, mean experts a token.
LAYERS = [
    (2048, 768, 1536, 16, 1),
    (512, 2048, 1024, 64, 8),
    (8, 2048, 1024, 64, 8),
]


def module(width, hidden, experts):
    x, r = f"tensor<?x{width}xbf16>", f"tensor<{width}x{experts}xbf16>"
    w1 = f"tensor<{experts}x{width}x{hidden}xbf16>"
    w2 = f"tensor<{experts}x{hidden}x{width}xbf16>"
    theta = f"tensor<{experts}xf32>"
    return f"""
func.func @main(%x: {x}, %router: {r}, %theta: {theta}, %w1: {w1}, %w2: {w2}) -> {x} {{
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : {x}
  %init = tensor.empty(%tokens) : {x}
  %y = et.moe linear #et.threshold relu_squared
      ins(%x, %router, %w1, %w2 : {x}, {r}, {w1}, {w2})
      theta(%theta : {theta}) outs(%init : {x})
  return %y : {x}
}}
"""


def threshold(scores, rate):
    """Near the rate, and in the widest gap: no summation order moves a score past it."""
    falling = -np.sort(-scores)
    count = round(len(scores) * rate)
    near = np.arange(max(1, count - 4), min(len(scores) - 1, count + 4) + 1)
    best = near[np.argmax(falling[near - 1] - falling[near])]
    return np.float32((falling[best - 1] + falling[best]) / 2)


def inputs(rng, tokens, width, hidden, experts, mean):
    """A layer's arrays and its pairs, at rates of 0.7 to 1.3 of the mean."""

    def normal(*shape, fan_in=1):
        return (rng.standard_normal(shape) / fan_in**0.5).astype(ml_dtypes.bfloat16)

    x = normal(tokens, width)
    router = normal(width, experts, fan_in=width)
    scores = x.astype(np.float32) @ router.astype(np.float32)
    rates = mean / experts * rng.permutation(np.linspace(0.7, 1.3, experts))
    theta = np.array([threshold(r, q) for r, q in zip(scores.T, rates, strict=True)])
    w1 = normal(experts, width, hidden, fan_in=width)
    w2 = normal(experts, hidden, width, fan_in=hidden)
    chosen = scores > theta
    return dict(x=x, router=router, theta=theta, w1=w1, w2=w2), chosen


def run(build, folder, target, names, chip=None):
    environment = dict(os.environ)
    command = [build / "bin" / "et-run", folder / "layer.mlir", "--entry=main"]
    command += [f"--target={target}", f"--out={folder}/{target}.npy"]
    command += [f"--arg={folder}/{name}.npy" for name in names]
    if chip:
        command.append(f"--chip={chip}")
        environment |= {
            "ET_CUDA_DRIVER": str(build / "lib" / "libet_cuda_emu.so"),
            "ET_EMU_CHIP": chip,
            "ET_EMU_CHECK": "none",
            "ET_EMU_STATS": str(folder / "stats.json"),
        }
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"et-run --target={target} failed: {done.stderr}")
    output = np.load(folder / f"{target}.npy").view(ml_dtypes.bfloat16)
    return output.astype(np.float32)


def least_bytes(arrays, chosen, hidden):
    used = chosen.any(axis=0)
    weights = sum(arrays[name][used].nbytes for name in ("w1", "w2"))
    fixed = sum(arrays[name].nbytes for name in ("x", "router", "theta"))
    h = int(chosen.sum()) * hidden * 2
    return fixed + weights + 2 * h + arrays["x"].nbytes


def report(arrays, chosen, hidden, stats):
    counters = [launch["counters"] for launch in stats]
    touched = sum(
        c["global.load.unique_bytes"] + c["global.store.unique_bytes"] for c in counters
    )
    products = [
        launch["counters"] for launch in stats if "grouped_matmul" in launch["kernel"]
    ]
    width = arrays["x"].shape[1]
    useful = int(chosen.sum()) * 2 * width * hidden
    issued = sum(c["matrix.macs"] for c in products)
    loads = sum(c["shared.load.ways"] for c in products)
    # A pass moves 128 bytes.
    needed = sum(-(-c["shared.load.bytes"] // 128) for c in products)
    return touched, issued / useful, loads / needed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", type=Path, default=Path("build/dev"))
    parser.add_argument("--chip", action="append", choices=CHIPS)
    options = parser.parse_args()
    build = options.build_dir.resolve()
    rng = np.random.default_rng(SEED)
    print(f"bf16, seed {SEED}; MB = 1e6 bytes")
    print(
        "     T    D    F   E  pairs   chip launches  least MB     MB  ratio"
        "  issued/useful  ways"
    )
    for tokens, width, hidden, experts, mean in LAYERS:
        arrays, chosen = inputs(rng, tokens, width, hidden, experts, mean)
        least = least_bytes(arrays, chosen, hidden)
        with tempfile.TemporaryDirectory(prefix="et-") as name:
            folder = Path(name)
            (folder / "layer.mlir").write_text(module(width, hidden, experts))
            for key, array in arrays.items():
                np.save(folder / f"{key}.npy", array)
            expected = run(build, folder, "cpu", arrays)
            for chip in options.chip or CHIPS:
                output = run(build, folder, "cuda", arrays, chip)
                # Counting needs the right work, not the last bit: a wrong tile or
                # token is off by as much as the output. test/python has bounds.
                scale = np.abs(expected).max(axis=1, keepdims=True) + 1e-30
                if (np.abs(output - expected) > 2.0**-6 * scale).any():
                    sys.exit(f"{chip}: the output is not that of the CPU")
                stats = json.loads((folder / "stats.json").read_text())
                moved, matrix, ways = report(arrays, chosen, hidden, stats)
                print(
                    f"{tokens:6}{width:5}{hidden:5}{experts:4}{int(chosen.sum()):7}"
                    f"{chip:>7}{len(stats):9}{least / 1e6:10.1f}{moved / 1e6:7.1f}"
                    f"{moved / least:7.3f}{matrix:15.3f}{ways:6.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
