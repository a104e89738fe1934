# ===- limits.py - what these cores multiply and read ---------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Rates of arithmetic and memory, and calls whose data are in memory.

For f32 the rate is that of a loop of multiply-adds in registers. For bf16 it is the
fastest of that rate, which widened numbers have, of PyTorch's product of two matrices
of 2048 x 2048 (256 x 256 where that takes seconds) and, where the processor has the
instruction, of a loop of products of pairs in registers. For memory it is that of a
loop which adds up the packed weights, in the way that is fastest here: asking for what
lies some bytes ahead, or leaving that to the processor.
"""

import ctypes as c
import math
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import peak
import torch
from et_library import Tensor

from ours import bind, compile_library
from plan import OTHER_BYTES

STEPS, CUBE, SMALL, CUBE_SECONDS = 200_000, 2048, 256, 2.0
# Bytes ahead, and how often each way is timed.
WAYS, READS = [0, 2 << 10, 32 << 10], 3
# Enough elements for PyTorch to use all threads.
LITTLE = 1 << 17
# Seconds in which the threads of an OpenMP runtime stop to spin, so that they take
# no time from the side that comes next.
PAUSE = 0.05


def seconds_of(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def multiplies_pairs():
    return "avx512_bf16" in Path("/proc/cpuinfo").read_text()


class Limits:
    def __init__(self, build_dir, folder, threads):
        self.threads = threads
        self.fastest = {}
        module = peak.module("peak", STEPS)
        has_pairs = multiplies_pairs()
        if has_pairs:
            module += peak.pairs_function("peak_pairs", STEPS)
        module += "".join(peak.read_module(f"read{ahead}", ahead) for ahead in WAYS)
        self.library = compile_library(build_dir, folder, module)
        self.lanes = torch.full((peak.LANES,), 0.5)
        self.fma = bind(self.library, "peak")
        self.pairs = self.library.lib.et_function_peak_pairs if has_pairs else None
        # Without instructions for bf16 the product would take half a minute.
        small = torch.ones(SMALL, SMALL, dtype=torch.bfloat16)
        seconds = self.best(small.mm, small) * (CUBE / SMALL) ** 3
        size = CUBE if seconds < CUBE_SECONDS else SMALL
        self.cube = torch.ones(size, size, dtype=torch.bfloat16)
        self.other = torch.ones(OTHER_BYTES // 4)
        self.little = torch.ones(LITTLE)

    def evict(self):
        """Leaves what later calls need in memory only, as are the data of a layer in a
        model of many: more than a cache holds is written elsewhere."""
        self.other.add_(1)
        time.sleep(PAUSE)

    def cold(self, function, prepare=None):
        """Seconds of a call whose data are in memory. Code that `prepare` runs is in a
        cache: layers of a model share theirs."""
        self.evict()
        if prepare:
            prepare()
        return seconds_of(function)

    def wake_torch(self):
        """PyTorch's threads work, on little."""
        self.little.add_(1)

    @staticmethod
    def best(function, argument):
        return min(seconds_of(lambda: function(argument)) for _ in range(9))

    def flops(self, kind):
        """The highest rate of this run so far: neighbours of a virtual machine can only
        make it less."""
        self.fastest[kind] = max(self.fastest.get(kind, 0.0), self.flops_now(kind))
        return self.fastest[kind]

    def flops_now(self, kind):
        rate = peak.flops(STEPS) / self.best(self.fma, self.lanes) * self.threads
        if kind == "f32":
            return rate
        rate = max(rate, 2 * len(self.cube) ** 3 / self.best(self.cube.mm, self.cube))
        if not self.pairs:
            return rate
        lanes = torch.zeros(peak.LANES)
        seconds = self.best(self.pairs, c.c_void_p(lanes.data_ptr()))
        return max(rate, 2 * peak.flops(STEPS) / seconds * self.threads)

    def reader(self, weights):
        return Reader(self, weights)


class Reader:
    """Reads weights, which are what a library packed or tensors of torch, each thread its
    part, in vectors of f32: a function to be timed in turn with a layer."""

    def __init__(self, limits, weights):
        unit = 4 * peak.READS * peak.LANES
        self.library, self.parts = limits.library, []
        for t in weights:
            elements = math.prod(t.sizes[: t.rank])
            size = elements * {0: 4, 2: 2}[t.dtype] // limits.threads // unit * unit
            for i in range(limits.threads):
                part = Tensor(data=t.data + i * size, dtype=0, rank=1)
                part.sizes[0], part.strides[0] = size // 4, 1
                self.parts.append(part)
        self.bytes = sum(4 * part.sizes[0] for part in self.parts)
        self.pool = ThreadPoolExecutor(limits.threads)

        def seconds(ahead):
            self.name = f"read{ahead}"
            return min(limits.cold(self) for _ in range(READS))

        self.seconds, best = min((seconds(ahead), ahead) for ahead in WAYS)
        self.name = f"read{best}"

    def __call__(self):
        list(self.pool.map(self.read, self.parts))

    def read(self, part):
        for result in self.library.call_tensors(self.name, [part]):
            self.library.release(result)
