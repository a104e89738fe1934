# ===- run.py - speed of a compiled layer on this CPU --------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Times a compiled layer against this machine's multiply-add peak and NumPy.

The peak is a loop of independent vector multiply-adds, compiled the same way. The
NumPy layer loops over experts and multiplies only their tokens. Everything runs in
turn on the same pinned cores, several times over; medians are printed. Outputs are
compared before anything is timed.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import peak

ROUNDS, RUNS, SEED = 5, 5, 1
# Width, hidden width, experts, experts a token.
LAYERS = [(768, 1536, 16, 1)]
TOKENS_PER_EXPERT = [4, 16, 64, 128]
STEPS = 2_000_000


def layer_module(width, hidden, experts):
    x, router = f"tensor<?x{width}xf32>", f"tensor<{width}x{experts}xf32>"
    w1 = f"tensor<{experts}x{width}x{hidden}xf32>"
    w2 = f"tensor<{experts}x{hidden}x{width}xf32>"
    return f"""
func.func @main(%x: {x}, %router: {router}, %w1: {w1}, %w2: {w2},
                %theta: tensor<{experts}xf32>) -> {x} {{
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : {x}
  %init = tensor.empty(%tokens) : {x}
  %y = et.moe linear #et.threshold<gate = sigmoid> relu_squared
      ins(%x, %router, %w1, %w2 : {x}, {router}, {w1}, {w2})
      theta(%theta : tensor<{experts}xf32>) outs(%init : {x})
  return %y : {x}
}}
"""


class Runner:
    """Runs modules in a folder with et-run on the given cores."""

    def __init__(self, build_dir, folder, threads):
        self.tool = build_dir / "bin" / "et-run"
        self.folder = folder
        self.threads = threads

    def run(self, module, names, *options):
        path = self.folder / "module.mlir"
        path.write_text(module)
        done = subprocess.run(
            [
                self.tool,
                path,
                "--entry=main",
                "--target=cpu",
                f"--threads={self.threads}",
            ]
            + [f"--arg={self.folder}/{name}.npy" for name in names]
            + list(options),
            capture_output=True,
            text=True,
        )
        if done.returncode:
            sys.exit(f"et-run failed: {done.stderr}")
        return done.stdout

    def seconds(self, module, names):
        out = self.run(module, names, f"--time={RUNS}")
        return float(re.search(r"median ([0-9.]+) ms", out)[1]) / 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build-dir", type=Path, default=Path("build/dev"))
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-arguments.threads :])
    os.environ["OPENBLAS_NUM_THREADS"] = str(arguments.threads)
    # NumPy reads the number of threads when it is loaded.
    import time

    import numpy as np

    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "test" / "python"))
    from et_large import likely_layer

    def numpy_layer(x, router, w1, w2, theta):
        scores = x @ router
        out = np.zeros_like(x)
        for expert in range(len(theta)):
            rows = np.flatnonzero(scores[:, expert] > theta[expert])
            hidden = np.maximum(x[rows] @ w1[expert], 0)
            gate = 1 / (1 + np.exp(-scores[rows, expert, None]))
            out[rows] += gate * ((hidden * hidden) @ w2[expert])
        return out

    print(
        f"{arguments.threads} thread(s), f32, medians of {ROUNDS} rounds of {RUNS} runs, "
        "interleaved"
    )
    print(
        f"{'layer':>18} {'a/expert':>8} {'ms':>9} {'NumPy ms':>9} {'ratio':>6} "
        f"{'GFLOP/s':>8} {'peak':>6} {'share':>6}"
    )
    rng = np.random.default_rng(SEED)
    with tempfile.TemporaryDirectory(prefix="et-") as folder:
        folder = Path(folder)
        runner = Runner(arguments.build_dir, folder, arguments.threads)
        # One core's peak: the loop has one thread.
        one = Runner(arguments.build_dir, folder, 1)
        np.save(folder / "ones.npy", np.full(peak.LANES, 0.5, np.float32))
        for width, hidden, experts, chosen in LAYERS:
            module = layer_module(width, hidden, experts)
            shapes = {
                "router": (width, experts),
                "w1": (experts, width, hidden),
                "w2": (experts, hidden, width),
            }
            arrays = {
                name: rng.standard_normal(shape, np.float32)
                / np.float32(shape[-2] ** 0.5)
                for name, shape in shapes.items()
            }
            names = ["x", "router", "w1", "w2", "theta"]
            for name, array in arrays.items():
                np.save(folder / f"{name}.npy", array)
            for each in TOKENS_PER_EXPERT:
                tokens = each * experts // chosen
                x = rng.standard_normal((tokens, width), np.float32)
                falling = -np.sort(-(x @ arrays["router"]), axis=0)
                theta = (falling[each - 1] + falling[each]) / 2
                np.save(folder / "x.npy", x)
                np.save(folder / "theta.npy", theta)
                inputs = (x, *arrays.values(), theta)
                expected, error, certain = likely_layer(
                    "relu_squared", "sigmoid", x, arrays["router"], theta, arrays
                )
                runner.run(module, names, f"--out={folder}/y.npy")
                for y in (np.load(folder / "y.npy"), numpy_layer(*inputs)):
                    off = np.abs(y - expected)
                    if not (off <= error)[certain].all():
                        sys.exit(f"outputs differ by {off[certain].max()}")

                ours, theirs, peaks = [], [], []
                for _ in range(ROUNDS):
                    loop = one.seconds(peak.module("main", STEPS), ["ones"])
                    peaks.append(peak.flops(STEPS) / loop)
                    ours.append(runner.seconds(module, names))
                    for _ in range(RUNS):
                        start = time.perf_counter()
                        numpy_layer(*inputs)
                        theirs.append(time.perf_counter() - start)
                seconds, other = statistics.median(ours), statistics.median(theirs)
                rate = 4 * each * experts * width * hidden / seconds
                limit = statistics.median(peaks) * arguments.threads
                print(
                    f"{f'{width}x{hidden} E{experts}':>18} {each:8} {seconds * 1e3:9.2f} "
                    f"{other * 1e3:9.2f} {other / seconds:6.2f} {rate / 1e9:8.1f} "
                    f"{limit / 1e9:6.1f} {rate / limit:6.1%}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
