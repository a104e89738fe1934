# ===- et_formats.py - formats of weights -----------------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""#et.blocks: what stored weights stand for, by NumPy, and random ones."""

from dataclasses import dataclass

import numpy as np

from et_bounds import scaled_gamma
from et_reference import FP8, SCALE_BLOCK, f64, scaled, scales_shape

STORED = {"f8E4M3FN": FP8, "i8": np.int8, "i4": np.int8, "f4E2M1FN": np.int8}
# By the four bits.
F4 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6])
HALF_BYTES = {"f4E2M1FN": np.concatenate([F4, -F4])}
HALF_BYTES["i4"] = np.concatenate([np.arange(8), np.arange(-8, 0)])


@dataclass(frozen=True)
class Blocks:
    element: str = "f8E4M3FN"
    k: int | None = SCALE_BLOCK  # None is all
    n: int | None = SCALE_BLOCK

    @property
    def block(self):
        return self.k, self.n

    @property
    def attribute(self):
        k, n = ("all" if size is None else size for size in self.block)
        return f"#et.blocks<element = {self.element}, k = {k}, n = {n}>"

    def random(self, rng, shape):
        """Weights of that shape, as they are stored: all values but NaN. What is beyond
        the last column of an odd number is any."""
        experts, depth, width = shape
        columns = -(-width // 2) if self.element in HALF_BYTES else width
        stored = rng.integers(0, 256, (experts, depth, columns), np.uint8)
        if self.element == "f8E4M3FN":
            stored[stored & 0x7F == 0x7F] = 0x01
        return stored.view(STORED[self.element])

    @property
    def largest(self):
        """Of the values without scales."""
        return {"f8E4M3FN": 448, "i8": 128, "i4": 8, "f4E2M1FN": 6}[self.element]

    def random_scales(self, rng, shape, most=1.0):
        """Of any size, one in eight of them 0."""
        blocks = scales_shape(shape, self.block)
        scales = rng.uniform(-most, most, blocks) * 2.0 ** rng.integers(-20, 4, blocks)
        scales[rng.random(blocks) < 1 / 8] = 0
        return scales.astype(np.float32)

    def numbers(self, stored, width):
        """The f64 values of stored weights, without their scales."""
        if self.element not in HALF_BYTES:
            return f64(stored)
        both = stored.view(np.uint8)
        experts, depth, columns = stored.shape
        both = np.stack([both & 15, both >> 4], axis=-1)
        both = both.reshape(experts, depth, 2 * columns)
        return HALF_BYTES[self.element][both[..., :width]]

    def values_of_blocks(self, like, blocks):
        """What each weight of a shape like that has of its block."""
        return scaled(like, blocks, self.block).astype(np.float32)

    def values(self, stored, scales, width):
        return scaled(self.numbers(stored, width), scales, self.block)

    def gamma(self, sums):
        """Where a column has one scale, a kernel may cut K between any steps of 8."""
        return scaled_gamma(sums, min(self.k or 8, SCALE_BLOCK))


DEFAULT = Blocks()
PER_COLUMN = Blocks("i8", None, 1)
