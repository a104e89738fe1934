# ===- limits.py - what these cores multiply and read ---------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Rates of arithmetic and memory, and calls whose data are in memory.

For f32 the rate is that of a loop of multiply-adds in registers, for bf16 that of
PyTorch's product of two matrices of 2048 x 2048, for memory that of a loop which adds
up the packed weights, with prefetches.
"""

import math
import time
from concurrent.futures import ThreadPoolExecutor

import peak
import torch
from et_library import Tensor

from ours import bind, compile_library
from plan import OTHER_BYTES

STEPS, CUBE = 200_000, 2048
# Seconds in which the threads of an OpenMP runtime stop to spin, so that they take
# no time from the side that comes next.
PAUSE = 0.05


def seconds_of(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


class Limits:
    def __init__(self, build_dir, folder, threads):
        self.threads = threads
        module = peak.module("peak", STEPS) + peak.read_module("read")
        self.library = compile_library(build_dir, folder, module)
        self.fma, self.lanes = (
            bind(self.library, "peak"),
            torch.full((peak.LANES,), 0.5),
        )
        self.cube = torch.ones(CUBE, CUBE, dtype=torch.bfloat16)
        self.other = torch.ones(OTHER_BYTES // 4)

    def evict(self):
        """Leaves what later calls need in memory only, as are the data of a layer in a
        model of many: more than a cache holds is written elsewhere."""
        self.other.add_(1)
        time.sleep(PAUSE)

    def cold(self, function):
        self.evict()
        return seconds_of(function)

    def flops(self, kind):
        if kind == "f32":
            best = min(seconds_of(lambda: self.fma(self.lanes)) for _ in range(9))
            return peak.flops(STEPS) / best * self.threads
        best = min(seconds_of(lambda: self.cube.mm(self.cube)) for _ in range(9))
        return 2 * CUBE**3 / best

    def bandwidth(self, weights):
        """Bytes a second that reading these takes, each thread its part, in vectors
        of f32. Weights are what a library packed, or tensors of torch."""
        unit = 4 * peak.READS * peak.LANES
        parts, total = [], 0
        for t in weights:
            elements = math.prod(t.sizes[: t.rank])
            total += elements * {0: 4, 2: 2}[t.dtype]
            size = elements * {0: 4, 2: 2}[t.dtype] // self.threads // unit * unit
            for i in range(self.threads):
                part = Tensor(data=t.data + i * size, dtype=0, rank=1)
                part.sizes[0], part.strides[0] = size // 4, 1
                parts.append(part)

        def read(part):
            for result in self.library.call_tensors("read", [part]):
                self.library.release(result)

        with ThreadPoolExecutor(self.threads) as pool:
            best = min(self.cold(lambda: list(pool.map(read, parts))) for _ in range(5))
        return total / best
