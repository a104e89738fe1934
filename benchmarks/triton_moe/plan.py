# ===- plan.py - which of the Triton kernels a layer needs -------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Constants and grids of kernels.py for a layer; needs no Triton."""

from dataclasses import dataclass

# Rows of the router and of the pair list that a program takes.
ROUTE = {"BT": 16, "BK": 64}
LIST, COMBINE = 1024, 1024


@dataclass(frozen=True)
class Layer:
    tokens: int
    width: int
    hidden: int
    experts: int
    topk: int

    @property
    def pairs(self):
        return self.tokens * self.topk


def tile(tokens):
    """BM, BN, BK, warps and stages by the defaults of vLLM 0.17 for 16-bit floats."""
    rows = 16 if tokens <= 32 else 32 if tokens <= 96 else 64 if tokens <= 512 else 128
    columns, depth = (64, 128) if tokens <= 64 else (128, 64)
    return rows, columns, depth, 4 if tokens <= 128 else 8, 4 if tokens <= 32 else 3


def padded(layer):
    """The most places of the padded list, and a tile's rows."""
    rows = tile(layer.tokens)[0]
    most = layer.pairs + layer.experts * (rows - 1)
    # Few pairs have at most a tile each.
    return -(-min(most, layer.pairs * rows) // rows) * rows, rows


@dataclass(frozen=True)
class Step:
    """A launch: a kernel, its constants and options, and its grid."""

    name: str
    kernel: str
    constants: dict
    warps: int
    stages: int
    grid: tuple

    def file(self, chip):
        """Named by what the kernel was compiled for, as layers share some."""
        constants = "".join(f"-{n}{int(v)}" for n, v in self.constants.items())
        return f"{self.name}{constants}-{self.warps}warps-{chip}.ptx"


def steps(layer):
    """The launches of a layer."""
    rows, columns, depth, warps, stages = tile(layer.tokens)
    places, _ = padded(layer)
    block = {"BM": rows, "BN": columns, "BK": depth}

    def tiles(width):
        return (places // rows * -(-width // columns),)

    e, k = {"E": layer.experts}, {"TOPK": layer.topk}
    # A product is compiled for depths of whole steps.
    assert layer.width % depth == 0 and layer.hidden % depth == 0
    epilogue = {"TOPK": 1, "IS_SECOND": True}
    return [
        Step("route", "route", e | k | ROUTE, 4, 3, (-(-layer.tokens // ROUTE["BT"]),)),
        Step("align", "align", e | {"BM": rows, "B": LIST}, 4, 1, (layer.experts,)),
        Step("product1", "product", k | {"IS_SECOND": False} | block, warps, stages,
             tiles(layer.hidden)),
        Step("product2", "product", epilogue | block, warps, stages,
             tiles(layer.width)),
        Step("combine", "combine", k | {"B": COMBINE}, 4, 1,
             (layer.tokens, -(-layer.width // COMBINE))),
    ]  # fmt: skip


# What ./dev bench gpu_counters runs: its layers, with k the mean of experts a token.
LAYERS = [
    Layer(2048, 768, 1536, 16, 1),
    Layer(512, 2048, 1024, 64, 8),
    Layer(8, 2048, 1024, 64, 8),
]
# What Triton compiles for.
CHIPS = ["sm_80", "sm_90"]
