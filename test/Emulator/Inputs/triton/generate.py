# ===- generate.py - PTX of another compiler ------------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Compiles the kernels below with Triton, which needs no GPU for it.

The PTX is kept beside this file, since Triton is a gigabyte to install. To make
it again: `pip install triton` in an environment of its own, run this there.
"""

from pathlib import Path

import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource


@triton.jit
def add(x, y, o, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    tl.store(o + i, tl.load(x + i, i < n) + tl.load(y + i, i < n), i < n)


@triton.jit
def softmax(x, o, cols, B: tl.constexpr):
    row, i = tl.program_id(0), tl.arange(0, B)
    v = tl.load(x + row * cols + i, i < cols, other=-float("inf"))
    e = tl.exp(v - tl.max(v, 0))
    tl.store(o + row * cols + i, e / tl.sum(e, 0), i < cols)


@triton.jit
def product(a, b, c, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    m, n, k = (
        tl.program_id(0) * BM + tl.arange(0, BM),
        tl.program_id(1) * BN + tl.arange(0, BN),
        tl.arange(0, BK),
    )
    acc = tl.zeros((BM, BN), tl.float32)
    for k0 in range(0, K, BK):
        x = tl.load(
            a + m[:, None] * K + (k0 + k)[None, :],
            (m[:, None] < M) & ((k0 + k)[None, :] < K),
            other=0.0,
        )
        y = tl.load(
            b + (k0 + k)[:, None] * N + n[None, :],
            ((k0 + k)[:, None] < K) & (n[None, :] < N),
            other=0.0,
        )
        acc = tl.dot(x, y, acc)
    tl.store(c + m[:, None] * N + n[None, :], acc, (m[:, None] < M) & (n[None, :] < N))


@triton.jit
def grouped(
    a, b, c, offsets, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr
):
    # Rows offsets[e] to offsets[e + 1] of A times the matrix of expert e.
    e = tl.program_id(2)
    first, last = tl.load(offsets + e), tl.load(offsets + e + 1)
    m, n, k = (
        first + tl.program_id(0) * BM + tl.arange(0, BM),
        tl.program_id(1) * BN + tl.arange(0, BN),
        tl.arange(0, BK),
    )
    if first + tl.program_id(0) * BM < last:
        acc = tl.zeros((BM, BN), tl.float32)
        for k0 in range(0, K, BK):
            x = tl.load(
                a + m[:, None] * K + (k0 + k)[None, :], m[:, None] < last, other=0.0
            )
            y = tl.load(b + e * K * N + (k0 + k)[:, None] * N + n[None, :])
            acc = tl.dot(x, y, acc)
        tl.store(c + m[:, None] * N + n[None, :], acc, m[:, None] < last)


F, H, INTS, T = "*fp32", "*fp16", "*i32", "i32"
TILE = {"BM": 64, "BN": 64, "BK": 32}
KERNELS = [
    (add, {"x": F, "y": F, "o": F, "n": T}, {"B": 256}),
    (softmax, {"x": F, "o": F, "cols": T}, {"B": 1024}),
    (product, {"a": H, "b": H, "c": F, "M": T, "N": T, "K": T}, TILE),
    (grouped, {"a": H, "b": H, "c": F, "offsets": INTS, "N": T, "K": T}, TILE),
]

for chip in (80, 90):
    for fn, signature, constants in KERNELS:
        types = {**signature, **{name: "constexpr" for name in constants}}
        # Pointers and sizes that are multiples of 16, so that copies are vectors.
        facts = {
            (k,): [["tt.divisibility", 16]]
            for k, name in enumerate(signature)
            if name not in ("n", "cols")
        }
        source = ASTSource(
            fn, types, {(list(types).index(n),): v for n, v in constants.items()}, facts
        )
        kernel = triton.compile(
            source,
            target=GPUTarget("cuda", chip, 32),
            options={"num_warps": 4, "num_stages": 3},
        )
        text = kernel.asm["ptx"]
        # Debug sections name the folder that this ran in.
        text = text.split("\t.section")[0]
        lines = [
            line
            for line in text.splitlines()
            if not line.strip().startswith(
                (".loc", ".file", "//", "$L__tmp", "$L__func")
            )
        ]
        shared = kernel.metadata.shared
        name = Path(__file__).with_name(f"{fn.fn.__name__}-sm_{chip}.ptx")
        name.write_text(
            f"// Triton {triton.__version__}, {shared} bytes of dynamic shared memory.\n"
            + "\n".join(lines)
            + "\n"
        )
        print(name.name, shared)
