# ===- run.py - speed of layers on this CPU, beside other libraries -----------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Times compiled layers against what people would use instead, in one process.

All sides get the same tensors and are pinned to the same cores. Weights are packed
before anything is timed: ours by the library's own functions, oneDNN's by itself.
Outputs are compared first; a peer that is wrong stops the run, one that cannot do a shape or a type is
named with its reason. Then all run in turn, round after round, each with its data in
memory and not in a cache. Printed are medians
over the rounds, and of the ratios of each round the median, least and most. A ratio
above 1 means that the peer takes longer.

The limits are measured beside every row: for f32 a loop of multiply-adds in registers,
for bf16 PyTorch's product of two matrices of 2048 x 2048, for memory a loop that adds
up the packed weights, with prefetches. `limit` is the share of the time that a layer
took which the slower of the two alone would take.
"""

import argparse
import ctypes as c
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2] / "test" / "Target" / "Inputs"))
import peak
from et_library import Library, Tensor

SEED = 1
# Width, hidden width, experts, experts a token.
LAYERS = [(768, 1536, 16, 1), (1024, 4096, 16, 2), (2048, 1024, 64, 8)]
TOKENS = [1, 8, 64, 512, 2048]
QUICK_LAYERS, QUICK_TOKENS = LAYERS[:1], [8, 64, 512, 2048]
# Tokens from which on there are skewed loads too.
SKEWED = 512
STEPS, CUBE = 200_000, 2048
# Seconds in which the threads of an OpenMP runtime stop to spin, so that they take
# no time from the side that comes next.
PAUSE = 0.05
# More than the caches of most machines, and than a core's share of the others'.
OTHER_BYTES = 1 << 30
# Relative errors of the root mean square: sums of up to 4096 products, and for bf16
# hidden units and outputs rounded to 8 bits.
TOLERANCE = {"f32": 1e-5, "bf16": 1e-2}


def layer_module(width, hidden, experts, chosen, kind):
    x, router = f"tensor<?x{width}x{kind}>", f"tensor<{width}x{experts}x{kind}>"
    w1 = f"tensor<{experts}x{width}x{hidden}x{kind}>"
    w2 = f"tensor<{experts}x{hidden}x{width}x{kind}>"
    theta = f"tensor<{experts}xf32>"

    def function(name, routing, clause):
        return f"""
func.func @{name}(%x: {x}, %router: {router}, %w1: {w1} {{et.weight = "w1"}},
    %w2: {w2} {{et.weight = "w2"}}, %theta: {theta}) -> {x} {{
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : {x}
  %init = tensor.empty(%tokens) : {x}
  %y = et.moe linear {routing} relu_squared
      ins(%x, %router, %w1, %w2 : {x}, {router}, {w1}, {w2})
      {clause} outs(%init : {x})
  return %y : {x}
}}"""

    threshold = "#et.threshold<gate = sigmoid>"
    top_k = f"#et.top_k<k = {chosen}, scoring = sigmoid>"
    return function("layer", threshold, f"theta(%theta : {theta})") + function(
        "top_k", top_k, ""
    )


def compile_library(build_dir, folder, module, *options):
    """The library of a module."""
    source = Path(tempfile.mkstemp(suffix=".mlir", dir=folder)[1])
    source.write_text(module)
    library = source.with_suffix(".so")
    done = subprocess.run(
        [build_dir / "bin" / "et-compile", *options, source, "-o", library],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"et-compile failed: {done.stderr}")
    return Library(library)


def describe(t):
    """A tensor of torch as an argument; one of a library's results is one already."""
    import torch

    if isinstance(t, Tensor):
        return t
    code = {torch.float32: 0, torch.bfloat16: 2}[t.dtype]
    d = Tensor(data=t.data_ptr(), dtype=code, rank=t.dim())
    d.sizes[: t.dim()] = t.shape
    d.strides[: t.dim()] = t.stride()
    return d


def bind(library, name, *fixed):
    """The library's function as one of its first argument, a torch tensor, the others
    fixed."""
    import torch

    tail = [describe(t) for t in fixed]

    def call(x):
        (result,) = library.call_tensors(name, [describe(x), *tail])
        out = torch.empty(tuple(result.sizes[: result.rank]), dtype=x.dtype)
        c.memmove(out.data_ptr(), result.data, out.numel() * out.element_size())
        library.release(result)
        return out

    return call


def even_loads(tokens, experts, pairs):
    """About as many tokens for each expert, `pairs` together."""
    return [
        min(pairs * (e + 1) // experts - pairs * e // experts, tokens)
        for e in range(experts)
    ]


def skewed_loads(tokens, experts, pairs):
    """Expert e takes a share of 1 / (e + 1), but no more than all tokens."""
    total = sum(1 / (e + 1) for e in range(experts))
    return [min(round(pairs / total / (e + 1)), tokens) for e in range(experts)]


def thresholds(scores, loads):
    """Thresholds that give the experts these loads, each halfway between two scores, so
    that no order of summation moves a token."""
    import torch

    experts = scores.shape[1]
    falling = scores.sort(0, descending=True).values
    edge = torch.ones(1, experts)
    falling = torch.cat([falling[:1] + edge, falling, falling[-1:] - edge]).double()
    e, each = torch.arange(experts), torch.tensor(loads)
    return ((falling[each, e] + falling[each + 1, e]) / 2).float()


def reference(x, router, w1, w2, mask, gates):
    """The layer in f64, hidden units rounded to the storage type."""
    import torch

    out = torch.zeros(x.shape, dtype=torch.float64)
    for e in range(mask.shape[1]):
        rows = mask[:, e].nonzero()[:, 0]
        h = torch.relu(x[rows].double() @ w1[e].double())
        h = (h * h).to(x.dtype).double()
        out[rows] += h @ w2[e].double() * gates[rows, e, None]
    return out


def compare(name, y, expected, kind):
    error = (y.double() - expected).norm() / max(expected.norm(), 1e-30)
    if not error <= TOLERANCE[kind]:
        sys.exit(f"{name} is wrong: its relative error is {error:.2g}")


def once(function, x):
    start = time.perf_counter()
    function(x)
    return time.perf_counter() - start


def cold(function, x, other):
    """Seconds of a call whose data are in memory, as are those of a layer in a model
    of many: before it, more than a cache holds is written elsewhere."""
    other.add_(1)
    time.sleep(PAUSE)
    return once(function, x)


def measure(sides, x, rounds, other):
    """Seconds of each side in each round."""
    return [
        {name: cold(f, x, other) for name, f in sides.items()} for _ in range(rounds)
    ]


def read_seconds(library, weights, threads, other):
    """The time to read weights once, each thread its part, in vectors of f32."""
    unit = 4 * peak.READS * peak.LANES
    parts = []
    for t in weights:
        elements = math.prod(t.sizes[: t.rank])
        size = elements * {0: 4, 2: 2}[t.dtype] // threads // unit * unit
        for i in range(threads):
            part = Tensor(data=t.data + i * size, dtype=0, rank=1)
            part.sizes[0], part.strides[0] = size // 4, 1
            parts.append(part)

    def read(part):
        for result in library.call_tensors("read", [part]):
            library.release(result)

    with ThreadPoolExecutor(threads) as pool:
        return cold(lambda all_parts: list(pool.map(read, all_parts)), parts, other)


def report(shape, kind, loads, samples, work, limits):
    row = {"shape": shape, "type": kind, "loads": loads, **work, **limits}
    for name in samples[0]:
        times = [s[name] for s in samples]
        ratios = [s[name] / s["layer"] for s in samples]
        row[name] = {
            "seconds": statistics.median(times),
            "ratio": [min(ratios), statistics.median(ratios), max(ratios)],
        }
    seconds = row["layer"]["seconds"]
    row["share_of_peak"] = work["flops"] / seconds / limits["peak"]
    row["share_of_bandwidth"] = work["bytes"] / seconds / limits["bandwidth"]
    row["share_of_limit"] = max(row["share_of_peak"], row["share_of_bandwidth"])
    cells = " ".join(
        f"{name}={r['ratio'][1]:.2f}({r['ratio'][0]:.2f}-{r['ratio'][2]:.2f})"
        for name, r in row.items()
        if isinstance(r, dict) and name != "layer"
    )
    print(
        f"{shape:>22} {kind:>4} {loads:>6} {seconds * 1e3:9.2f} {row['share_of_peak']:6.1%} "
        f"{row['share_of_bandwidth']:6.1%} {row['share_of_limit']:6.1%}  {cells}",
        flush=True,
    )
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build-dir", type=Path, default=Path("build/dev"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--types", default="f32,bf16")
    parser.add_argument("--json", type=Path, help="write the rows there too")
    parser.add_argument("--quick", action="store_true", help="one layer, fewer sizes")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-arguments.threads :])
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    # Ours spins for 200 ms after a parallel region, longer than PAUSE. PyTorch's
    # must be left to spin between the regions of a layer: it is slow without.
    os.environ["KMP_BLOCKTIME"] = "10"
    import torch

    from peers import NAMES, Peers

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(SEED)
    print(
        f"{arguments.threads} thread(s), medians of {arguments.rounds} interleaved rounds, "
        f"torch {torch.__version__}, {platform.machine()}, "
        f"load {os.getloadavg()[0]:.1f} at the start\n"
        f"{'T D F E K':>22} {'type':>4} {'loads':>6} {'ms':>9} {'peak':>6} {'memory':>6} {'limit':>6}  "
        "time of the others / ours: median (least-most)"
    )
    rows, absent = [], {}
    folder = tempfile.mkdtemp(prefix="et-")
    limits_library = compile_library(
        arguments.build_dir,
        folder,
        peak.module("peak", STEPS) + peak.read_module("read"),
    )
    fma, lanes = bind(limits_library, "peak"), torch.full((peak.LANES,), 0.5)
    other = torch.ones(OTHER_BYTES // 4)
    cube = torch.ones(CUBE, CUBE, dtype=torch.bfloat16)
    layers = QUICK_LAYERS if arguments.quick else LAYERS
    counts = QUICK_TOKENS if arguments.quick else TOKENS
    for width, hidden, experts, chosen in layers:
        for kind in arguments.types.split(","):
            dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[kind]
            router = (torch.randn(width, experts) / width**0.5).to(dtype)
            w1 = (torch.randn(experts, width, hidden) / width**0.5).to(dtype)
            w2 = (torch.randn(experts, hidden, width) / hidden**0.5).to(dtype)
            library = compile_library(
                arguments.build_dir,
                folder,
                layer_module(width, hidden, experts, chosen, kind),
                "--pack-weights",
            )
            packed = library.call_tensors("layer_pack", [describe(w1), describe(w2)])
            cases = [(tokens, even_loads) for tokens in counts]
            cases += [(tokens, skewed_loads) for tokens in counts if tokens >= SKEWED]
            for tokens, loads in cases:
                x = torch.randn(tokens, width).to(dtype)
                scores = x.double() @ router.double()
                theta = thresholds(scores, loads(tokens, experts, tokens * chosen))
                mask, gates = scores > theta, torch.sigmoid(scores)
                expected = reference(x, router, w1, w2, mask, gates)

                peers = Peers(router, w1, w2, theta)
                sides = {
                    "layer": bind(library, "layer", router, *packed, theta),
                    "top_k": bind(library, "top_k", router, *packed, theta),
                }
                for name in NAMES:
                    try:
                        side = getattr(peers, name)()
                        side(x)
                    except (NotImplementedError, RuntimeError, ImportError) as error:
                        absent[f"{name}, {kind}"] = str(error).strip().split("\n")[0]
                        continue
                    sides[name] = side
                close = scores.topk(min(chosen + 1, experts)).values
                chosen_mask = scores >= close[:, chosen - 1, None]
                for name, side in sides.items():
                    wanted = expected
                    if name == "top_k":
                        wanted = reference(x, router, w1, w2, chosen_mask, gates)
                    compare(name, side(x), wanted, kind)

                samples = measure(sides, x, arguments.rounds, other)
                if kind == "f32":
                    peak_time = min(once(fma, lanes) for _ in range(9))
                    limit = peak.flops(STEPS) / peak_time * arguments.threads
                else:
                    peak_time = min(once(cube.mm, cube) for _ in range(9))
                    limit = 2 * CUBE**3 / peak_time
                read_time = min(
                    read_seconds(limits_library, packed, arguments.threads, other)
                    for _ in range(5)
                )
                pairs = int(mask.sum())
                used = int(mask.any(0).sum())
                work = {
                    "pairs": pairs,
                    "flops": 4 * pairs * width * hidden,
                    "bytes": 2 * used * width * hidden * x.element_size(),
                }
                weights_bytes = (w1.numel() + w2.numel()) * w1.element_size()
                limits = {"peak": limit, "bandwidth": weights_bytes / read_time}
                shape = f"{tokens} {width} {hidden} {experts} {chosen}"
                name = loads.__name__.removesuffix("_loads")
                rows.append(report(shape, kind, name, samples, work, limits))
    for name, reason in absent.items():
        print(f"absent: {name}: {reason}")
    if rows:
        print(
            f"limits of the last row: {rows[-1]['peak'] / 1e9:.0f} GFLOP/s, "
            f"{rows[-1]['bandwidth'] / 1e9:.1f} GB/s; load {os.getloadavg()[0]:.1f} at the end"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
