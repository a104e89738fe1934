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

Both are functions that work on all threads, to be timed in turn with a layer: cores and
memory that others use too give now more and now less.
"""

import ctypes as c
import math
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import peak
import torch
from et_library import Tensor

from ours import bind, compile_library
from plan import OTHER_BYTES

# Steps of a loop of multiply-adds, some 5 ms, and the parts for each thread in which
# that or the weights to read are cut: a thread that others disturb leaves more of them
# to the rest, as it does of a layer's tasks.
STEPS, PARTS = 2_500_000, 4
CUBE, SMALL, CUBE_SECONDS = 2048, 256, 2.0
# Bytes ahead.
WAYS = [0, 2 << 10, 32 << 10]
# How often each way to multiply or to read is timed, and from what share of the best
# rate on a way to multiply is timed again beside a layer.
CALLS, NEAR = 3, 0.8
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
        self.pool = ThreadPoolExecutor(threads)
        module = peak.module("peak", STEPS)
        has_pairs = multiplies_pairs()
        if has_pairs:
            module += peak.pairs_function("peak_pairs", STEPS)
        module += "".join(peak.read_module(f"read{ahead}", ahead) for ahead in WAYS)
        self.library = compile_library(build_dir, folder, module)
        self.other = torch.ones(OTHER_BYTES // 4)
        self.little = torch.ones(LITTLE)
        self.multipliers = {"f32": [self.multiply_adds()]}
        self.multipliers["bf16"] = self.ways_of_bf16(has_pairs)
        # The highest rates so far: others can only make them lower.
        self.highest = {}
        for kind, ways in self.multipliers.items():
            rates = [way.flops_per_second() for way in ways]
            self.highest[kind] = max(rates)
            self.multipliers[kind] = [
                way
                for way, rate in zip(ways, rates, strict=True)
                if rate > NEAR * max(rates)
            ]

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

    def on_all_threads(self, function, arguments):
        list(self.pool.map(function, arguments))

    def multiply_adds(self):
        parts = PARTS * self.threads
        lanes = [torch.full((peak.LANES,), 0.5)] * parts
        loop = bind(self.library, "peak")
        return Multiplier(
            lambda: self.on_all_threads(loop, lanes), peak.flops(STEPS) * parts
        )

    def ways_of_bf16(self, has_pairs):
        ways = [self.multiply_adds()]
        if has_pairs:
            parts = PARTS * self.threads
            lanes = torch.zeros(parts, peak.LANES)
            addresses = [c.c_void_p(line.data_ptr()) for line in lanes]
            loop = self.library.lib.et_function_peak_pairs
            ways.append(
                Multiplier(
                    # The default keeps the memory that the addresses are of.
                    lambda _=lanes: self.on_all_threads(loop, addresses),
                    2 * peak.flops(STEPS) * parts,
                )
            )
        # Without instructions for bf16 the large product would take half a minute.
        small = Multiplier.of_matrices(SMALL)
        if 2 * CUBE**3 / small.flops_per_second() < CUBE_SECONDS:
            return [*ways, Multiplier.of_matrices(CUBE)]
        return [*ways, small]

    def multiply(self, kind):
        """FLOP/s now, in the way that is fastest, with its own code in a cache."""
        time.sleep(PAUSE)
        rate = max(way.flops_per_second() for way in self.multipliers[kind])
        self.highest[kind] = max(self.highest[kind], rate)
        return rate

    def reader(self, weights):
        return Reader(self, weights)


class Multiplier:
    """A function on all threads, and what it does in a call."""

    def __init__(self, function, flops):
        self.function, self.flops = function, flops

    @staticmethod
    def of_matrices(size):
        """PyTorch's product, of bf16."""
        matrix = torch.ones(size, size, dtype=torch.bfloat16)
        return Multiplier(lambda: matrix.mm(matrix), 2 * size**3)

    def flops_per_second(self):
        return self.flops / min(seconds_of(self.function) for _ in range(CALLS))


class Reader:
    """Reads weights, which are what a library packed or tensors of torch, in parts, in
    vectors of f32: a function to be timed in turn with a layer."""

    def __init__(self, limits, weights):
        unit = 4 * peak.READS * peak.LANES
        self.limits, self.parts = limits, []
        for t in weights:
            elements = math.prod(t.sizes[: t.rank])
            parts = PARTS * limits.threads
            size = elements * {0: 4, 2: 2}[t.dtype] // parts // unit * unit
            self.parts += [self.part(t.data + i * size, size) for i in range(parts)]
        self.bytes = sum(4 * part.sizes[0] for part in self.parts)
        self.nothing = self.part(weights[0].data, 0)
        self.all_awake = Barrier(limits.threads)

        def seconds(ahead):
            self.name = f"read{ahead}"
            return min(limits.cold(self, self.prepare) for _ in range(CALLS))

        self.seconds, best = min((seconds(ahead), ahead) for ahead in WAYS)
        self.name = f"read{best}"

    @staticmethod
    def part(data, size):
        result = Tensor(data=data, dtype=0, rank=1)
        result.sizes[0], result.strides[0] = size // 4, 1
        return result

    def __call__(self):
        self.limits.on_all_threads(self.read, self.parts)

    def prepare(self):
        """Runs the code and wakes the threads, as a layer's call without tokens does."""

        def read_nothing(_):
            self.all_awake.wait()
            self.read(self.nothing)

        self.limits.on_all_threads(read_nothing, range(self.limits.threads))

    def read(self, part):
        library = self.limits.library
        for result in library.call_tensors(self.name, [part]):
            library.release(result)
