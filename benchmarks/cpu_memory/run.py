# ===- run.py - memory of a compiled layer against its selected pairs --------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Shows that a layer's peak memory follows the pairs that its routing selects.

Runs one layer for the CPU at several rates, prints what the runtime counted, and
fits bytes = fixed + slope * pairs. The slope must be what a pair needs: its token
and a row of hidden units and outputs. A layer that ran every expert on every token
would need T x E rows whatever the rate.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

TOKENS, WIDTH, HIDDEN, EXPERTS = 4096, 256, 1024, 16
RATES = [0, 1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1]
SEED = 1

LAYER = f"""
func.func @main(%x: tensor<?x{WIDTH}xf32>, %router: tensor<{WIDTH}x{EXPERTS}xf32>,
                %w1: tensor<{EXPERTS}x{WIDTH}x{HIDDEN}xf32>,
                %w2: tensor<{EXPERTS}x{HIDDEN}x{WIDTH}xf32>,
                %theta: tensor<{EXPERTS}xf32>) -> tensor<?x{WIDTH}xf32> {{
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x{WIDTH}xf32>
  %init = tensor.empty(%tokens) : tensor<?x{WIDTH}xf32>
  %y = et.moe linear #et.threshold<gate = sigmoid> relu_squared
      ins(%x, %router, %w1, %w2 : tensor<?x{WIDTH}xf32>, tensor<{WIDTH}x{EXPERTS}xf32>,
          tensor<{EXPERTS}x{WIDTH}x{HIDDEN}xf32>, tensor<{EXPERTS}x{HIDDEN}x{WIDTH}xf32>)
      theta(%theta : tensor<{EXPERTS}xf32>) outs(%init : tensor<?x{WIDTH}xf32>)
  return %y : tensor<?x{WIDTH}xf32>
}}
"""


def thresholds(scores, rate):
    """Midway between the scores of the last token taken and the first one not."""
    count = round(len(scores) * rate)
    falling = -np.sort(-scores, axis=0)
    if count == 0:
        return np.full(scores.shape[1], np.inf, np.float32)
    if count == len(scores):
        return np.full(scores.shape[1], -np.inf, np.float32)
    return (falling[count - 1] + falling[count]) / 2


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build-dir", type=Path, default=Path("build/dev"))
    et_run = parser.parse_args().build_dir / "bin" / "et-run"

    rng = np.random.default_rng(SEED)
    arrays = [
        rng.standard_normal(shape, np.float32) / np.float32(np.sqrt(shape[-2]))
        for shape in [
            (TOKENS, WIDTH),
            (WIDTH, EXPERTS),
            (EXPERTS, WIDTH, HIDDEN),
            (EXPERTS, HIDDEN, WIDTH),
        ]
    ]
    scores = arrays[0] @ arrays[1]

    print(f"{TOKENS} tokens, {EXPERTS} experts, {WIDTH} -> {HIDDEN} -> {WIDTH}, f32")
    print(f"{'rate':>8} {'pairs':>8} {'peak MiB':>10}")
    pairs, peaks = [], []
    with tempfile.TemporaryDirectory(prefix="et-") as folder:
        (Path(folder) / "layer.mlir").write_text(LAYER)
        for i, array in enumerate(arrays):
            np.save(f"{folder}/arg{i}.npy", array)
        for rate in RATES:
            theta = thresholds(scores, rate)
            np.save(f"{folder}/arg4.npy", theta)
            done = subprocess.run(
                [
                    et_run,
                    f"{folder}/layer.mlir",
                    "--entry=main",
                    "--target=cpu",
                    "--stats",
                ]
                + [f"--arg={folder}/arg{i}.npy" for i in range(5)],
                capture_output=True,
                text=True,
            )
            if done.returncode:
                sys.exit(f"et-run failed: {done.stderr}")
            pairs.append(int((scores > theta).sum()))
            peaks.append(int(re.search(r"peak memory +(\d+)", done.stdout)[1]))
            print(f"{rate:8.4f} {pairs[-1]:8} {peaks[-1] / 2**20:10.2f}")

    slope, fixed = np.polyfit(pairs, peaks, 1)
    needed = 4 * (1 + HIDDEN + WIDTH)
    worst = np.abs(np.polyval([slope, fixed], pairs) - peaks).max()
    print(f"least squares: {fixed / 2**20:.2f} MiB + {slope:.1f} bytes a pair")
    print(f"a pair needs {needed} bytes; worst residual {worst / 2**20:.3f} MiB")
    dense = 4 * TOKENS * EXPERTS * HIDDEN
    print(f"hidden units of every expert on every token: {dense / 2**20:.2f} MiB")
    if abs(slope / needed - 1) > 0.01:
        sys.exit("memory does not follow the selected pairs")


if __name__ == "__main__":
    main()
