# ===- run.py - what a layer's GPU kernels move and multiply -------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Counts what a layer's kernels do, on the emulator, against the least there is.

Counts are exact, so they need no GPU and no repetition. The output is compared with
that of the compiled CPU layer first, or with NumPy for Triton's layer: a fused top-k
layer (benchmarks/triton_moe) on the same arrays, with k the mean of experts a token.

least bytes: x once, the router and thresholds, each selected expert's weights once,
the hidden units H once written and once read, the output once.
bytes: what each kernel touches, each byte once a kernel.
useful: multiply-adds of the scores and of the selected pairs; issued: those of all
matrix instructions that the kernels execute.
ways: passes over the banks of shared memory that loads and stores of the kernels with
matrix instructions make, for each pass that they would make without conflicts; their
epilogues included.

Of the disassembly: the instructions in the main loop of each product kernel, the
innermost with the most matrix instructions.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from gpu_layers import compare, inputs, module, run, write
from triton_moe.peer import PTX, choice
from triton_moe.plan import CHIPS as TRITON_CHIPS
from triton_moe.plan import LAYERS, steps

SEED = 3
BENCHMARKS = Path(__file__).parents[1]
CHIPS = ["sm_80", "sm_90a", "sm_120"]


def least_bytes(arrays, chosen, hidden):
    used = chosen.any(axis=0)
    weights = sum(arrays[name][used].nbytes for name in ("w1", "w2"))
    fixed = sum(arrays[name].nbytes for name in ("x", "router", "theta"))
    h = int(chosen.sum()) * hidden * 2
    return fixed + weights + 2 * h + arrays["x"].nbytes


def print_row(layer, what, arrays, chosen, launches):
    counters = [launch["counters"] for launch in launches]
    moved = sum(
        c["global.load.unique_bytes"] + c["global.store.unique_bytes"] for c in counters
    )
    least = least_bytes(arrays, chosen, layer.hidden)
    pairs = int(chosen.sum())
    useful = pairs * 2 * layer.width * layer.hidden
    useful += layer.tokens * layer.width * layer.experts
    matrix = [c for c in counters if c["matrix.macs"]]
    issued = sum(c["matrix.macs"] for c in matrix)

    def ways(kind):
        passes = sum(c[f"shared.{kind}.ways"] for c in matrix)
        conflicts = sum(c[f"shared.{kind}.conflicts"] for c in matrix)
        return passes / (passes - conflicts)

    print(
        f"{layer.tokens:6}{layer.width:5}{layer.hidden:5}{layer.experts:4}{pairs:7}"
        f"  {what:<19}{len(launches):8}{least / 1e6:10.1f}{moved / 1e6:7.1f}"
        f"{moved / least:7.3f}{issued / useful:15.3f}{ways('load'):7.3f}{ways('store'):8.3f}",
        flush=True,
    )


def count_ours(build, folder, layer, arrays, chosen, chips):
    expected = run(build, folder, "cpu", arrays)
    for chip in chips:
        output = run(build, folder, "cuda", arrays, chip, ET_EMU_CHECK="none")
        compare(output, expected, f"{chip}: the output")
        stats = json.loads((folder / "stats.json").read_text())
        print_row(layer, f"et {chip}", arrays, chosen, stats)


def count_triton(build, folder, layer, arrays):
    stats = folder / "triton.json"
    environment = os.environ | {
        "ET_CUDA_DRIVER": str(build / "lib" / "libet_cuda_emu.so"),
        "ET_EMU_STATS": str(stats),
        "ET_EMU_CHECK": "none",
    }
    command = [
        sys.executable,
        BENCHMARKS / "triton_moe" / "peer.py",
        str(layer.tokens),
        folder,
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"Triton's layer failed: {done.stderr}")
    launches = json.loads(stats.read_text())
    for chip, ids in zip(TRITON_CHIPS, json.loads(done.stdout), strict=True):
        count = len(steps(layer))
        own, launches = launches[:count], launches[count:]
        chosen = choice(np.array(ids), layer.experts)
        print_row(layer, f"triton {chip}", arrays, chosen, own)


def tool(build, name, *arguments):
    command = [build / "bin" / name, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def print_loops(build, layer, what, ptx):
    report = json.loads(tool(build, "ptx-report", ptx, "--report=json"))
    for kernel in report["kernels"]:
        if not kernel["loops"]:
            continue
        loop = kernel["loops"][0]
        print(
            f"{layer.tokens:6}{layer.width:5}{layer.hidden:5}{layer.experts:4}"
            f"  {what:<22}{kernel['kernel']:<41}{loop['instruction']:<26}"
            f"{loop['matrix']:6}{loop['others']:7}{loop['others'] / loop['matrix']:10.2f}"
            f"{1000 * loop['others'] / loop['macs']:12.2f}"
        )


def print_all_loops(build, chips):
    print("others: instructions of a main loop that are no matrix instructions")
    print(f"     T    D    F   E  {'compiler':<22}{'kernel':<41}{'matrix instruction':<26}"
          "number others  a matrix  a 1000 MACs")  # fmt: skip
    seen = set()
    for layer in LAYERS:
        text = module(layer.width, layer.hidden, layer.experts)
        # Ours is one module for every number of tokens.
        own = [] if text in seen else chips
        seen.add(text)
        with tempfile.TemporaryDirectory(prefix="et-") as folder:
            ptx = Path(folder) / "layer.ptx"
            model = Path(folder) / "layer.mlir"
            model.write_text(text)
            for chip in own:
                tool(build, "et-compile", model, "--target=cuda", f"--chip={chip}",
                     "--emit=ptx", "-o", ptx)  # fmt: skip
                print_loops(build, layer, f"et {chip}", ptx)
        products = {
            step.file(chip): f"triton {chip} {step.name}"
            for chip in TRITON_CHIPS
            for step in steps(layer)
            if step.kernel == "product"
        }
        for name, what in products.items():
            print_loops(build, layer, what, PTX / name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", type=Path, default=Path("build/dev"))
    parser.add_argument("--chip", action="append", choices=CHIPS)
    options = parser.parse_args()
    build, chips = options.build_dir.resolve(), options.chip or CHIPS
    rng = np.random.default_rng(SEED)
    print(f"bf16, seed {SEED}; MB = 1e6 bytes")
    print(
        "     T    D    F   E  pairs  kernels            launches  least MB     MB"
        "  ratio  issued/useful  ways: loads stores"
    )
    for layer in LAYERS:
        sizes = (layer.tokens, layer.width, layer.hidden, layer.experts, layer.topk)
        arrays, chosen = inputs(rng, *sizes)
        with tempfile.TemporaryDirectory(prefix="et-") as name:
            folder = Path(name)
            write(folder, arrays)
            count_ours(build, folder, layer, arrays, chosen, chips)
            count_triton(build, folder, layer, arrays)
    print_all_loops(build, chips)


if __name__ == "__main__":
    main()
