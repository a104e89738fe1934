"""Checks the report of layer_bf16.mlir against what the layer is known to need."""

import json
import math
import sys

report = json.load(sys.stdin)
T, S = map(int, sys.argv[1:])
D, F, E = 2048, 4096, 8
# Published: bytes a second, and operations a second by the matrix units.
FIGURES = {"sm_80": (2.039e12, 312e12), "sm_90a": (3.35e12, 989.4e12)}

assert (report["tokens"], report["pairs"]) == (T, S)
# Times are lower bounds.
assert report["efficiency"] == 1
# What is there for other chips does nothing.
kernels = [k for k in report["kernels"] if not k["is_empty"]]
# A layer in one launch runs for at most 32 tokens, the other kernels for more. What
# does not run for so many has no prediction.
is_few = T <= 32
whole = [k for k in kernels if "one_launch" in k["kernel"]]
others = [k for k in kernels if k not in whole]
assert len(whole) == 1 and others, kernels
idle = others if is_few else whole
for k in idle:
    keys = "least_bytes", "useful_flops", "bound", "least_us"
    assert all(k[key] is None for key in keys), k
kernels = whole if is_few else others
# Scores, and two products of every pair.
needed = 2 * T * D * E + 2 * S * 2 * D * F
assert sum(k["useful_flops"] for k in kernels) == needed, (kernels, needed)
# At least the input, the output, hidden units twice, and the weights of as many
# experts as S random pairs meet; at most the input twice, and pairs' outputs in f32
# twice. The plan adds what is little beside that.
reached = E * (1 - (1 - 1 / E) ** S)
least = 2 * T * D * 2 + 2 * S * F * 2 + reached * 2 * D * F * 2
moved = sum(k["least_bytes"] for k in kernels)
if is_few:
    # Just those, the router and the thresholds.
    assert math.isclose(moved, least + D * E * 2 + E * 4), (moved, least)
most = least + T * D * 2 + 2 * S * D * 4
assert least <= moved <= 1.01 * most + T * E * 16, (least, moved, most)
for k in kernels:
    bandwidth, peak = FIGURES[k["chip"]]
    seconds = {
        "memory": k["least_bytes"] / bandwidth,
        "matrix": k["useful_flops"] / peak if k["matrix_instructions"] else 0,
        "latency": 0.5e-6,
    }
    assert k["bound"] == max(seconds, key=seconds.get), k
    assert math.isclose(k["least_us"], 1e6 * max(seconds.values())), k
    # What fits: warps of 32 threads, registers in units of 256 a warp, 1 KiB of
    # shared memory taken by the driver.
    warps = math.ceil(k["threads"] / 32)
    shared = k["static_shared_bytes"] + k["dynamic_shared_bytes"] + 1024
    registers = warps * math.ceil(k["registers"] * 32 / 256) * 256
    fit = min(32, 2048 // (32 * warps), 65536 // registers)
    room = {"sm_80": 164, "sm_90a": 228}[k["chip"]] * 1024
    assert k["blocks_a_multiprocessor"] == min(fit, room // shared) > 0, k
bounds = {k["bound"] for k in kernels}
assert ("matrix" if T > 1000 else "memory") in bounds, bounds
