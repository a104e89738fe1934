# ===- plan.py - what is run, how often, and whether it fits --------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""The table's rows, the memory they need, and an estimate of their time."""

from dataclasses import dataclass
from pathlib import Path

SIZES = {"f32": 4, "bf16": 2}
GIB = 1 << 30
# Tokens from which on there are skewed loads too.
SKEWED = 512
# Written before each call: more than the caches of most machines, and than a core's
# share of the others'.
OTHER_BYTES = GIB
# For libraries, activations and hidden units, beside the weights.
SLACK_BYTES = 2 * GIB
# Seconds that the calls of one side of a row may take together, the calls' number
# within limits, and the seconds from which on one call is enough.
SIDE_SECONDS, LEAST_CALLS, MOST_CALLS, SLOW = 1.5, 3, 9, 10.0
# A peer is left out of a row if a call would take that many seconds and times as long as
# ours, by the best rates so far.
TOO_LONG = [(2.0, 20.0), (20.0, 3.0)]


@dataclass(frozen=True)
class Shape:
    width: int
    hidden: int
    experts: int
    chosen: int

    def __str__(self):
        return f"{self.width} {self.hidden} {self.experts} {self.chosen}"

    def weight_bytes(self, kind):
        return 2 * self.experts * self.width * self.hidden * SIZES[kind]

    def flops(self, pairs):
        return 4 * pairs * self.width * self.hidden


LAYERS = [
    Shape(768, 1536, 16, 1),
    Shape(1024, 4096, 16, 2),
    Shape(2048, 1024, 64, 8),
    Shape(4096, 1536, 128, 8),
]
TOKENS = [1, 8, 64, 512, 2048]


def loads_of(tokens):
    return ["even", "skewed"] if tokens >= SKEWED else ["even"]


def available_bytes():
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, value = line.split(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * 1024
    raise OSError("/proc/meminfo does not say what memory is available")


def shortage(copies, shape, kind):
    """Why so many more copies of the weights do not fit, or nothing."""
    needed = copies * shape.weight_bytes(kind)
    free = available_bytes() - SLACK_BYTES
    if not copies or needed <= free:
        return ""
    return (
        f"needs {needed / GIB:.1f} GiB for {copies} more "
        f"{'copy' if copies == 1 else 'copies'} of the weights, "
        f"{max(free, 0) / GIB:.1f} GiB are free beside {SLACK_BYTES // GIB} GiB to work in"
    )


def calls(seconds, between):
    """How often a side is timed that takes so long, and so long to prepare."""
    if seconds > SLOW:
        return 1
    number = int(SIDE_SECONDS / (seconds + between))
    return min(max(number, LEAST_CALLS), MOST_CALLS)


def takes_too_long(flops, rate, our_rate):
    """Why a peer of so many FLOP/s is left out of a row, or nothing."""
    for seconds, times in TOO_LONG:
        if flops / rate > seconds and our_rate / rate > times:
            return (
                f"a call would take {seconds:.0f} s and {times:.0f} times ours, or more"
            )
    return ""


@dataclass
class Machine:
    """What was measured before the first row: FLOP/s by type, bytes/s, seconds between
    two calls."""

    peak: dict
    bandwidth: float
    between: float

    def seconds_of_row(self, shape, kind, tokens, sides):
        """Of a row with `sides` besides the dense one. Sides reach half the limits in
        the mean; the reference is in f64, by half the rate of f32, of two routings."""
        pairs = tokens * shape.chosen
        used = min(1, pairs / shape.experts) * shape.weight_bytes(kind)
        flops, bandwidth = shape.flops(pairs), self.bandwidth
        one = 2 * max(flops / self.peak[kind], used / bandwidth)
        all_pairs = shape.flops(tokens * shape.experts)
        dense = max(all_pairs / self.peak[kind], shape.weight_bytes(kind) / bandwidth)
        total = 4 * flops / self.peak["f32"] + 2 * used / bandwidth
        for seconds, number in ((one, sides), (dense, 1)):
            count = calls(seconds, self.between)
            total += number * (seconds + count * (seconds + self.between))
        # The limits, measured in each round.
        return total + MOST_CALLS * (
            shape.weight_bytes(kind) / bandwidth + self.between
        )

    def seconds_of_layer(self, shape, kind):
        """Making weights, packing them for three sides, compiling."""
        return 30 + 20 * shape.weight_bytes(kind) / self.bandwidth
