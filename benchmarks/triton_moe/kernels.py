# ===- kernels.py - a fused top-k mixture of experts in Triton ---------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""A top-k layer with a sigmoid gate, as serving engines build it, for comparison.

The plan is that of vLLM's fused_moe, with all that can be fused being fused: pairs
are sorted by expert and every expert's are padded to whole tiles (`align`), a product
gathers its rows by that list, and the pairs' outputs are stored in token order and
summed (`combine`). Scores and top k are one kernel, the activation and the gate are
epilogues, and the list is made by one launch. Weights lie as ours do, [E, D, F].
"""

import triton
import triton.language as tl


@triton.jit
def route(x, router, ids, gates, T, D, E: tl.constexpr, TOPK: tl.constexpr,
          BT: tl.constexpr, BK: tl.constexpr):  # fmt: skip
    t, e, k = (
        tl.program_id(0) * BT + tl.arange(0, BT),
        tl.arange(0, E),
        tl.arange(0, BK),
    )
    scores = tl.zeros((BT, E), tl.float32)
    for k0 in range(0, D, BK):
        a = tl.load(x + t[:, None] * D + (k0 + k)[None, :], t[:, None] < T, other=0.0)
        b = tl.load(router + (k0 + k)[:, None] * E + e[None, :])
        scores = tl.dot(a, b, scores)
    for j in tl.static_range(TOPK):
        best, which = tl.max(scores, 1), tl.argmax(scores, 1)
        tl.store(ids + t * TOPK + j, which.to(tl.int32), t < T)
        tl.store(gates + t * TOPK + j, tl.sigmoid(best), t < T)
        scores = tl.where(e[None, :] == which[:, None], -float("inf"), scores)


@triton.jit
def align(ids, pairs, experts, total, P, E: tl.constexpr, BM: tl.constexpr,
          B: tl.constexpr):  # fmt: skip
    # A program an expert; each counts all pairs, so that no second launch is needed.
    me, e, i = tl.program_id(0), tl.arange(0, E), tl.arange(0, B)
    counts = tl.zeros((E,), tl.int32)
    for first in range(0, P, B):
        id = tl.load(ids + first + i, first + i < P, other=0)
        counts += tl.histogram(id, E, mask=first + i < P)
    tiles = (counts + BM - 1) // BM
    start = tl.sum(tl.where(e < me, tiles, 0), 0) * BM
    mine = tl.sum(tl.where(e == me, counts, 0), 0)
    end = start + (mine + BM - 1) // BM * BM
    place = start
    for first in range(0, P, B):
        id = tl.load(ids + first + i, first + i < P, other=-1)
        is_mine = (id == me).to(tl.int32)
        tl.store(pairs + place + tl.cumsum(is_mine, 0) - 1, first + i, id == me)
        place += tl.sum(is_mine, 0)
    # No pair has the number P.
    tl.store(pairs + place + tl.arange(0, BM), P, place + tl.arange(0, BM) < end)
    for tile in range(start // BM, end // BM):
        tl.store(experts + tile, me)
    if me == E - 1:
        tl.store(total, end)


@triton.jit
def product(a, b, c, gates, pairs, experts, total, P, N, K, TOPK: tl.constexpr,
            IS_SECOND: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
            BK: tl.constexpr):  # fmt: skip
    # Row p / TOPK of A, times the matrix of its expert, to row p of C.
    m, column = tl.program_id(0) // tl.cdiv(N, BN), tl.program_id(0) % tl.cdiv(N, BN)
    if m * BM >= tl.load(total):
        return
    p = tl.load(pairs + m * BM + tl.arange(0, BM)).to(tl.int64)
    is_pair = p < P
    e = tl.load(experts + m).to(tl.int64)
    n, k = (column * BN + tl.arange(0, BN)) % N, tl.arange(0, BK)
    left = a + (p[:, None] // TOPK) * K + k[None, :]
    right = b + e * K * N + k[:, None] * N + n[None, :]
    sums = tl.zeros((BM, BN), tl.float32)
    for _ in range(tl.cdiv(K, BK)):
        rows = tl.load(left, is_pair[:, None], other=0.0)
        sums = tl.dot(rows, tl.load(right), sums)
        left += BK
        right += BK * N
    if IS_SECOND:
        sums *= tl.load(gates + p, is_pair, other=0.0)[:, None]
    else:
        sums = tl.maximum(sums, 0.0)
        sums *= sums
    to = c + p[:, None] * N + n[None, :]
    tl.store(to, sums.to(c.dtype.element_ty), is_pair[:, None])


@triton.jit
def combine(y, out, D, TOPK: tl.constexpr, B: tl.constexpr):
    t, d = tl.program_id(0).to(tl.int64), tl.program_id(1) * B + tl.arange(0, B)
    sums = tl.zeros((B,), tl.float32)
    for j in tl.static_range(TOPK):
        sums += tl.load(y + (t * TOPK + j) * D + d, d < D, other=0.0)
    tl.store(out + t * D + d, sums.to(out.dtype.element_ty), d < D)
