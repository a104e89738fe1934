# ===- run.py - layers with weights of 8 bits beside bf16 -----------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Times a layer whose weights are f8E4M3FN with a scale for each block of 128 x 128,
beside the same layer with the bf16 weights that they were rounded from, on one core.

Weights are packed, and in memory when a call begins, as in `./dev bench cpu`. `ratio`
is the time of bf16 over that of 8 bits: the median over the rounds, least and most.
`error` is the root mean square of the difference to the layer of bf16 weights in f64,
over that of its output: of the layer of 8 bits, and of the one of bf16. What is timed
was compared with its own weights in f64 first.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "cpu"))
sys.path.insert(0, str(Path(__file__).parents[2] / "test" / "Target" / "Inputs"))

SHAPE, TOKENS, ROUNDS, SEED = (2048, 1024, 64, 8), [1, 8, 32, 128, 512], 7, 1
BLOCK, LARGEST = 128, 448.0


def module(width, hidden, experts):
    x, router = f"tensor<?x{width}xbf16>", f"tensor<{width}x{experts}xbf16>"
    theta = f"tensor<{experts}xf32>"

    def weights(rows, columns):
        blocks = f"{-(-rows // BLOCK)}x{-(-columns // BLOCK)}"
        return (
            f"tensor<{experts}x{rows}x{columns}xf8E4M3FN>",
            f"tensor<{experts}x{blocks}xf32>",
        )

    (w1, s1), (w2, s2) = weights(width, hidden), weights(hidden, width)
    return f"""
func.func @layer(%x: {x}, %router: {router}, %w1: {w1} {{et.weight = "w1"}},
    %w2: {w2} {{et.weight = "w2"}}, %s1: {s1}, %s2: {s2}, %theta: {theta}) -> {x} {{
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : {x}
  %init = tensor.empty(%tokens) : {x}
  %y = et.moe linear #et.threshold<gate = sigmoid> relu_squared
      ins(%x, %router, %w1, %w2 : {x}, {router}, {w1}, {w2}) theta(%theta : {theta})
      w1_scales(%s1 : {s1}) w2_scales(%s2 : {s2}) outs(%init : {x})
  return %y : {x}
}}"""


def rounded(torch, weights):
    """Weights of 8 bits, and scales that make the largest of a block the largest of
    the type."""
    experts, rows, columns = weights.shape
    assert rows % BLOCK == 0 and columns % BLOCK == 0
    blocks = weights.float().view(
        experts, rows // BLOCK, BLOCK, columns // BLOCK, BLOCK
    )
    scales = blocks.abs().amax((2, 4)) / LARGEST
    small = (blocks / scales[:, :, None, :, None]).to(torch.float8_e4m3fn)
    return small.view(weights.shape), scales.contiguous()


def widened(weights, scales):
    each = scales.double().repeat_interleave(BLOCK, 1).repeat_interleave(BLOCK, 2)
    return weights.double() * each


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build-dir", type=Path, default=Path("build/dev"))
    arguments = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-1:])
    os.environ["OMP_NUM_THREADS"] = "1"
    # The OpenMP runtime reads it when torch brings it.
    import torch

    import checks
    import ours
    from inputs import Case, Weights
    from limits import Limits
    from plan import Shape

    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    shape = Shape(*SHAPE)
    sizes = shape.width, shape.hidden, shape.experts
    folder = tempfile.mkdtemp(prefix="et-")
    try:
        limits = Limits(arguments.build_dir, folder, 1)
        weights = Weights(shape, "bf16")
        plain = ours.OurLayer(arguments.build_dir, folder, weights)
        small, scales = zip(
            *(rounded(torch, w) for w in (weights.w1, weights.w2)), strict=True
        )
        library = ours.compile_library(
            arguments.build_dir, folder, module(*sizes), "--pack-weights"
        )
        packed = library.call_tensors("layer_pack", [ours.describe(w) for w in small])
        exact = Weights.__new__(Weights)
        exact.shape, exact.kind, exact.router = shape, "bf16", weights.router
        exact.w1, exact.w2 = (widened(*w) for w in zip(small, scales, strict=True))

        print(f"{SHAPE} rows of bf16; seed {SEED}, one core")
        print(
            f"{'T':>5} {'bf16 ms':>8} {'8 bits':>8}  {'ratio':<16} error: 8 bits   bf16"
        )
        for tokens in TOKENS:
            case = Case(weights, tokens, "even")
            of_small = case.outputs(exact, case.mask)[0]
            limit = checks.tolerance(*sizes, "bf16", checks.OUR_ROUNDINGS)
            sides = [
                checks.Checked(name, function, case.x, expected, limit)
                for name, function, expected in (
                    ("bf16", plain.function("layer", case.theta), case.expected),
                    (
                        "8 bits",
                        ours.bind(
                            library,
                            "layer",
                            weights.router,
                            *packed,
                            *scales,
                            case.theta,
                        ),
                        of_small,
                    ),
                )
            ]
            seconds = [
                [limits.cold(side, side.prepare) for side in sides]
                for _ in range(ROUNDS)
            ]
            ratios = [a / b for a, b in seconds]
            medians = [
                statistics.median(column) for column in zip(*seconds, strict=True)
            ]
            size = (case.expected**2).mean() ** 0.5
            errors = [
                ((checks.f64_array(side.function(case.x)) - case.expected) ** 2).mean()
                ** 0.5
                for side in sides
            ]
            spread = (
                f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
            )
            print(
                f"{tokens:5} {medians[0] * 1e3:8.2f} {medians[1] * 1e3:8.2f}  {spread:<16} "
                f"{errors[1] / size:13.2%} {errors[0] / size:6.2%}",
                flush=True,
            )
        for tensor in packed:
            library.release(tensor)
        plain.release()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
