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
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from gpu_layers import inputs, run, write

SEED = 3
CHIPS = ["sm_80", "sm_90a", "sm_120"]
# Tokens, width, hidden width, experts, mean experts a token.
LAYERS = [
    (2048, 768, 1536, 16, 1),
    (512, 2048, 1024, 64, 8),
    (8, 2048, 1024, 64, 8),
]


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
        launch["counters"]
        for launch in stats
        if "grouped_matmul" in launch["kernel"] or "et_moe" in launch["kernel"]
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
            write(folder, arrays)
            expected = run(build, folder, "cpu", arrays)
            for chip in options.chip or CHIPS:
                output = run(build, folder, "cuda", arrays, chip, ET_EMU_CHECK="none")
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
