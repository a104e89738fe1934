#!/usr/bin/env python3
# ===- run.py - how long a layer takes to compile -----------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Times et-compile on one core, for one layer and for many equal ones in a function.

The times are those of the processor, with linking and ptxas in them: on one core as long
as the wait, and on a busy machine about the same. Runs are interleaved; medians are
printed, with the size of what was written.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 5
WIDTH, HIDDEN, EXPERTS = 768, 1536, 16
TARGETS = {
    "CPU library": ["--target=cpu"],
    "GPU library, PTX for sm_90a": ["--target=cuda", "--chip=sm_90a"],
    "cubin for sm_90a": ["--target=cuda", "--chip=sm_90a", "--emit=cubin"],
}


def model(layers):
    """A function of so many layers, each with weights of its own."""
    rows = f"tensor<?x{WIDTH}xbf16>"
    types = {
        "router": f"tensor<{WIDTH}x{EXPERTS}xbf16>",
        "theta": f"tensor<{EXPERTS}xf32>",
        "w1": f"tensor<{EXPERTS}x{WIDTH}x{HIDDEN}xbf16>",
        "w2": f"tensor<{EXPERTS}x{HIDDEN}x{WIDTH}xbf16>",
    }
    arguments = [f"%x: {rows}"]
    body = [
        "  %c0 = arith.constant 0 : index",
        f"  %count = tensor.dim %x, %c0 : {rows}",
        f"  %init = tensor.empty(%count) : {rows}",
    ]
    last = "%x"
    for i in range(layers):
        arguments += [f"%{name}_{i}: {kind}" for name, kind in types.items()]
        body.append(
            f"  %y_{i} = et.moe linear #et.threshold<gate = sigmoid> relu_squared\n"
            f"    ins({last}, %router_{i}, %w1_{i}, %w2_{i} : {rows}, {types['router']}, {types['w1']}, {types['w2']})\n"
            f"    theta(%theta_{i} : {types['theta']}) outs(%init : {rows})"
        )
        last = f"%y_{i}"
    lines = [f"func.func @layers({', '.join(arguments)}) -> {rows} {{", *body]
    return "\n".join([*lines, f"  return {last} : {rows}", "}", ""])


def processor_seconds(command, folder):
    """Of the command and of all that it runs."""
    child = subprocess.Popen(command, cwd=folder)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{command[0]} failed")
    return usage.ru_utime + usage.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", type=Path, default=Path("build/dev"))
    parser.add_argument("--layers", type=int, default=32, help="how many equal layers")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    compiler = options.build_dir.resolve() / "bin/et-compile"
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    counts = [1, options.layers]
    seconds = {(target, count): [] for target in TARGETS for count in counts}
    sizes = {}
    with tempfile.TemporaryDirectory(prefix="et-") as name:
        for count in counts:
            Path(name, f"{count}.mlir").write_text(model(count))
        output = Path(name, "output.so")
        for _ in range(options.rounds):
            for target, count in seconds:
                command = [compiler, f"{count}.mlir", *TARGETS[target], "-o", output]
                seconds[target, count].append(processor_seconds(command, name))
                sizes[target, count] = output.stat().st_size
    print(
        f"bf16, D {WIDTH}, F {HIDDEN}, E {EXPERTS}, one core, "
        f"medians of {options.rounds}: seconds, and KiB"
    )
    print(f"{'':27} {'1 layer':>15} {f'{options.layers} layers':>15}   ratio")
    for target in TARGETS:
        medians = [statistics.median(seconds[target, count]) for count in counts]
        cells = " ".join(
            f"{median:6.2f} {sizes[target, count] / 1024:8.0f}"
            for median, count in zip(medians, counts, strict=True)
        )
        print(f"{target:27} {cells} {medians[1] / medians[0]:7.2f}")


if __name__ == "__main__":
    main()
