# ===- run.py - how long the emulator takes for a layer ------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Times et-run on the emulator, on one core, with its checks off and with all of them.

The times include compiling the layer, which is timed alone too. Runs are interleaved;
medians are printed, and all outputs must have the same bits.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from gpu_layers import inputs, run, write

SEED, ROUNDS, CHIP = 3, 3, "sm_80"
TOKENS, WIDTH, HIDDEN, EXPERTS, MEAN = 256, 768, 1536, 16, 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", type=Path, default=Path("build/dev"))
    build = parser.parse_args().build_dir.resolve()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    rng = np.random.default_rng(SEED)
    arrays, chosen = inputs(rng, TOKENS, WIDTH, HIDDEN, EXPERTS, MEAN)
    none = arrays | {"x": arrays["x"][:0]}
    seconds = {"no token": [], "none": [], "all": []}
    outputs = []
    with tempfile.TemporaryDirectory(prefix="et-") as name:
        folder = Path(name)
        for _ in range(ROUNDS):
            for check in seconds:
                given = none if check == "no token" else arrays
                write(folder, given)
                settings = {
                    "ET_EMU_CHECK": "all" if check == "all" else "none",
                    "ET_EMU_THREADS": "1",
                }
                start = time.perf_counter()
                output = run(build, folder, "cuda", arrays, CHIP, **settings)
                seconds[check].append(time.perf_counter() - start)
                if given is arrays:
                    outputs.append(output.tobytes())
        stats = json.loads((folder / "stats.json").read_text())
    if len(set(outputs)) != 1:
        sys.exit("the outputs differ between runs")
    counters = [launch["counters"] for launch in stats]
    instructions = sum(c["warp_instructions"] for c in counters)
    macs = sum(c["matrix.macs"] for c in counters)
    print(
        f"T {TOKENS}, D {WIDTH}, F {HIDDEN}, E {EXPERTS}, {int(chosen.sum())} pairs, "
        f"bf16, {CHIP}, one core, medians of {ROUNDS}"
    )
    print(
        f"{instructions / 1e6:.2f} million warp instructions, {macs / 1e9:.2f} G macs"
    )
    compiling = statistics.median(seconds["no token"])
    print(f"compiling, and no token  {compiling:5.2f} s")
    for check in ("none", "all"):
        median = statistics.median(seconds[check])
        rate = instructions / (median - compiling) / 1e6
        print(f"checks: {check:<16} {median:5.2f} s  {rate:5.2f} million a second")


if __name__ == "__main__":
    main()
