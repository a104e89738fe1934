# ===- on_gpu.py - checks and times on a GPU, or what can be done without -------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Checks layers on this machine's GPU and times them against Triton and torch.

In one process, with CUDA events, on the same arrays:
- our layer, against the compiled CPU layer, as calls on a stream and as a graph;
- our layer with binary gates, bit for bit against the emulator: its arithmetic is
  all defined, whereas a GPU's exponential is only close to the true one;
- the Triton layer of triton_moe, against NumPy, which chooses the best k experts;
- torch, if it is installed: a loop over the experts, and torch._grouped_mm, with the
  pairs of our layer, against the CPU layer.

Without a GPU it says so, checks our layers on the emulator, under all of its checks
and schedules, and counts with gpu_counters.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import ml_dtypes
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "test" / "Target" / "Inputs"))
import et_library
import torch_moe
from cuda_driver import CudaError, Driver
from gpu_layers import compare, inputs, module, run, write
from triton_moe.peer import Peer
from triton_moe.peer import check as check_triton
from triton_moe.plan import LAYERS, Layer

ROOT = Path(__file__).parents[1]
SEED = 5
BF16 = np.dtype(ml_dtypes.bfloat16)
ORDER = ("x", "router", "theta", "w1", "w2")
# The newest chip of ours whose code a device of this compute capability runs.
CHIPS = {80: "sm_80", 90: "sm_90a", 120: "sm_120"}


def chip_of(capability):
    if capability == 90 or capability // 10 == 12:
        return CHIPS[capability // 10 * 10]
    if capability < 80:
        raise CudaError(f"compute capability {capability / 10} is older than 8.0")
    return "sm_80"


def is_same(output, expected):
    return output.tobytes() == expected.astype(output.dtype).tobytes()


class Ours:
    """Our layer as a library, on device tensors."""

    def __init__(self, build, folder, chip, arrays, name="layer"):
        library = folder / f"{name}.so"
        command = [build / "bin" / "et-compile", folder / "layer.mlir", "--target=cuda"]
        command += [f"--chip={chip}", "-o", library]
        subprocess.run(command, check=True)
        self.library = et_library.Library(library)
        self.tensors = [self.library.to_device(arrays[name]) for name in ORDER]
        self.out = self.library.to_device(np.zeros_like(arrays["x"]))

    def run(self, stream=None):
        self.library.call_on_stream("main", stream, self.tensors, [self.out])

    def read(self):
        return self.library.to_numpy(self.out)

    def free(self):
        for tensor in [*self.tensors, self.out]:
            self.library.release(tensor)


def report(layer, pairs, what, times):
    flops = 2 * pairs * 2 * layer.width * layer.hidden
    print(
        f"{layer.tokens:6}{layer.width:5}{layer.hidden:5}{layer.experts:4}{pairs:7}  "
        f"{what:<26}{1e3 * median(times):10.1f}{1e3 * min(times):10.1f}"
        f"{flops / median(times) / 1e9:10.1f}",
        flush=True,
    )


def time_ours(driver, layer, pairs, ours, repeats):
    stream = et_library.Driver()
    handle = stream.stream()
    ours.run(handle)
    graph = stream.capture(handle, lambda: ours.run(handle))
    report(layer, pairs, "et, calls", driver.milliseconds(ours.run, repeats))

    def replay():
        driver.call("cuGraphLaunch", graph, None)

    report(layer, pairs, "et, graph", driver.milliseconds(replay, repeats))


def check_bits(build, folder, layer, chip, arrays):
    (folder / "layer.mlir").write_text(
        module(layer.width, layer.hidden, layer.experts, gate="binary")
    )
    # A library of the same name would be the one that is loaded already.
    ours = Ours(build, folder, chip, arrays, "binary")
    ours.run()
    output = ours.read()
    ours.free()
    emulated = run(build, folder, "cuda", ORDER, chip, ET_EMU_CHECK="none")
    if not is_same(output, emulated):
        different = (output.astype(np.float32) != emulated).mean()
        raise ValueError(f"{different:.1%} of the values are not the emulator's")
    print(f"  bits of the emulator, binary gates, {chip}: the same")


def run_layer(build, driver, rng, layer, repeats):
    sizes = (layer.tokens, layer.width, layer.hidden, layer.experts, layer.topk)
    arrays, chosen = inputs(rng, *sizes)
    chip, pairs = chip_of(driver.capability()), int(chosen.sum())
    with tempfile.TemporaryDirectory(prefix="et-") as name:
        folder = Path(name)
        write(folder, arrays)
        expected = run(build, folder, "cpu", arrays)
        ours = Ours(build, folder, chip, arrays)
        ours.run()
        driver.synchronize()
        compare(ours.read().astype(np.float32), expected, "the GPU's output")
        time_ours(driver, layer, pairs, ours, repeats)
        ours.free()
        peer = Peer(driver, layer, arrays, "sm_90" if chip == "sm_90a" else "sm_80")
        peer.run()
        driver.synchronize()
        check_triton(layer, arrays, *map(peer.read, ("ids", "gates", "out")))
        times = driver.milliseconds(peer.run, repeats)
        report(layer, layer.pairs, "Triton, top k", times)
        peer.free()
        if not torch_moe.reason():
            for what, work in torch_moe.layers(arrays, chosen):
                compare(work().float().cpu().numpy(), expected, what)
                report(layer, pairs, what, driver.milliseconds(work, repeats))
        check_bits(build, folder, layer, chip, arrays)


def run_emulated(build, rng, layer):
    os.environ["ET_BUILD_DIR"] = str(build)
    sys.path.insert(0, str(ROOT / "test" / "python"))
    from et_emulated import run as run_under_schedules

    sizes = (layer.tokens, layer.width, layer.hidden, layer.experts, layer.topk)
    arrays, _ = inputs(rng, *sizes)
    with tempfile.TemporaryDirectory(prefix="et-") as name:
        folder = Path(name)
        write(folder, arrays)
        expected = run(build, folder, "cpu", arrays)
    text = module(layer.width, layer.hidden, layer.experts)
    for chip in CHIPS.values():
        (output,) = run_under_schedules(text, arrays.values(), chip)
        compare(output.astype(np.float32), expected, f"{chip}: the emulator's output")
        print(f"  {chip}: all checks, three schedules, the CPU's output", flush=True)


# Small enough to be emulated with every check.
CHECKED = Layer(48, 128, 256, 8, 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", type=Path, default=Path("build/dev"))
    parser.add_argument("--layer", action="append", metavar="T,D,F,E,K",
                        help="in place of the three of gpu_counters")  # fmt: skip
    parser.add_argument("--repeats", type=int, default=20)
    options = parser.parse_args()
    build = options.build_dir.resolve()
    layers = [Layer(*map(int, text.split(","))) for text in options.layer or []]
    rng = np.random.default_rng(SEED)
    print(f"bf16, seed {SEED}")
    try:
        driver = Driver()
    except CudaError as error:
        print(f"No GPU here ({error}): checks and counters of the emulator")
        run_emulated(build, rng, CHECKED)
        if not layers:
            counters = ROOT / "benchmarks" / "gpu_counters" / "run.py"
            command = [sys.executable, counters, "--build-dir", build]
            sys.exit(subprocess.run(command).returncode)
        return
    print(f"{driver.name()}; times in microseconds, of {options.repeats} runs")
    if why := torch_moe.reason():
        print(f"without torch: {why}")
    print("     T    D    F   E  pairs  layer                         median"
          "     least   TFLOP/s")  # fmt: skip
    for layer in layers or LAYERS:
        run_layer(build, driver, rng, layer, options.repeats)


if __name__ == "__main__":
    main()
