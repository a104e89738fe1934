# ===- warp.py - warps, votes, atomics, divergence -------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_SCHEDULE=early %python %s
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_SCHEDULE=late %python %s
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_SCHEDULE=random ET_EMU_SEED=7 %python %s
# REQUIRES: cuda-toolkit
"""Control flow, memory spaces, warps and blocks: programs with known answers."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "Inputs"))
import emu
import numpy as np

SEED = int(np.random.SeedSequence().entropy % 2**32)
print("seed", SEED)
rng = np.random.default_rng(SEED)
N = 777
GRID = (N + 127) // 128
driver = emu.Driver()


def i32(*shape):
    return np.zeros(shape, np.int32)


def same(name, got, want):
    assert np.array_equal(got, want), (name, got, want)


def nested(x):
    if x & 1:
        r = (7 if x & 4 else x * 3) if x & 2 else sum(k * x for k in range(x & 7))
        return r + 1
    if x % 3 == 0:
        r = 0
        while x > 10:
            x //= 2
            if x % 5 == 0:
                break
            r += 1
        return r * 100 + x
    return {2: 22, 4: 44, 8: 88, 10: 1010, 14: -14}.get(x & 15, -1)


def collatz(x):
    s = 0
    while x != 1 and s < 1000:
        x = 3 * x + 1 if x & 1 else x // 2
        s += 1
    return s


def each(m):
    a = rng.integers(1, 3000, N).astype(np.int32)
    fib = [0, 1, 1, 2, 3, 5, 8, 13]
    weights, table = np.arange(1, 9), np.array([10, 20, 30, 40])
    o = emu.Empty(N, np.int32)
    for name, f in [
        ("nested", nested),
        ("collatz", collatz),
        ("recursion", lambda x: fib[x & 7]),
    ]:
        m.launch(name, GRID, 128, a, o, N)
        same(name, o.value, [f(int(x)) for x in a])
    d = emu.Empty(N, np.float64)
    m.launch("structs", GRID, 128, a, d, N)
    same(
        "structs",
        d.value,
        [x * 3 + x * 0.5 + 3 + x * 0.25 - 3 if x & 1 else x * 1.75 for x in a],
    )
    f = emu.Empty(N, np.float32)
    m.launch("spaces", GRID, 128, a, f, N)
    same("spaces", f.value, weights[a & 7] + table[a & 3])
    m.launch("local_array", GRID, 128, a, o, N)
    want = []
    for x in map(int, a):
        v = [0] * 16
        for k in range(16):
            v[(k * 7 + x) & 15] = k
        want.append(v[x & 15] * 100 + v[(x >> 4) & 15])
    same("local_array", o.value, want)
    for which, f in enumerate([lambda x: 2 * x, lambda x: x * x]):
        m.launch("pointers", GRID, 128, a, o, N, which)
        same("pointers", o.value, f(a))
    v, s = (
        rng.standard_normal((N, 4)).astype(np.float32),
        rng.integers(-99, 99, (N, 2)).astype(np.int16),
    )
    w = emu.Empty((N, 4), np.float32)
    m.launch("vectors", GRID, 128, v, w, s, o, N)
    same("vectors", w.value, v[:, ::-1])
    same("short2", o.value, s[:, 0].astype(np.int32) * s[:, 1])
    b, p = rng.integers(0, 256, N).astype(np.uint8), emu.Empty(N, np.int8)
    m.launch("bytes", GRID, 128, b, p, N)
    same("bytes", p.value, b[::-1].view(np.int8) >> 1)


def blocks(m):
    a = rng.standard_normal((96, 96)).astype(np.float32)
    o = emu.Empty((96, 96), np.float32)
    m.launch("transpose", (3, 3), (32, 8), a, o, 96)
    same("transpose", o.value, a.T)
    v = rng.integers(-50, 50, 5000).astype(np.float32)
    s = emu.Empty(1, np.float32)
    m.launch("block_sum", 1, 256, v, s, 5000, smem=1024)
    same("block_sum", s.value, [v.sum()])
    k = rng.integers(-9, 9, 1024).astype(np.int32)
    o = emu.Empty(1024, np.int32)
    m.launch("scan", 1, 1024, k, o)
    same("scan", o.value, np.cumsum(k))
    b, h = rng.integers(0, 256, 9000).astype(np.uint8), np.zeros(256, np.uint32)
    m.launch("histogram", 5, 96, b, h, 9000)
    same("histogram", h, np.bincount(b, minlength=256))
    a = rng.integers(-1000, 1000, N).astype(np.int32)
    o, u = i32(7), np.array([0, 7], np.uint32)
    o[3] = -1
    f, wide = np.zeros(1, np.float32), np.zeros(2, np.uint64)
    m.launch("atomics", GRID, 128, a, o, u, f, wide, N)
    want = [
        a.sum(),
        min(0, a.min()),
        max(0, a.max()),
        np.bitwise_and.reduce(a),
        np.bitwise_or.reduce(a),
    ]
    same("atomics", o, want + [np.bitwise_xor.reduce(a), 2 * N])
    down = 7
    for _ in range(N):
        down = 50 if down == 0 or down > 50 else down - 1
    same("inc dec", u, [N % 101, down])
    assert f[0] == N and int(wide[0]) == int(a.astype(np.int64).sum()) % 2**64
    assert int(wide[1]) == int(a.view(np.uint32).max())
    part, count, o = (
        emu.Empty(9, np.float32),
        np.zeros(1, np.uint32),
        emu.Empty(1, np.float32),
    )
    m.launch("last_block", 9, 128, v, part, count, o, 5000)
    same("last_block", o.value, [v.sum()])
    flag, o = i32(1), emu.Empty(2, np.int32)
    m.launch("spin", 40, 32, flag, o)
    same("spin", o.value, [42, 43])
    lock, o = i32(1), i32(1)
    m.launch("locks", 2, 32, lock, o)
    r = 0
    for _ in range(64):
        r = (r * 3 + 1) % 2**32
    same("locks", o.view(np.uint32), [r])
    o = emu.Empty(64, np.int32)
    m.launch("named", 1, 128, o)
    same("named", o.value, (np.arange(64)[::-1]) ** 2)
    a = rng.integers(-5, 5, 96).astype(np.int32)
    o = emu.Empty((2, 96), np.int32)
    m.launch("bar_red", 1, 96, a, o)
    same("bar_red", o.value, [[(a > 0).sum()] * 96, [2] * 96])
    o = emu.Empty(2 * 3 * 2 * 24, np.int32)
    m.launch("grid3", (2, 3, 2), (4, 3, 2), o)
    same("grid3", o.value, [b * 1000 + t for b in range(12) for t in range(24)])
    a = np.where(np.arange(64) % 4 < 2, np.arange(64), -1).astype(np.int32)
    o = np.full(64, -7, np.int32)
    m.launch("early_exit", 1, 64, a, o)
    same("early_exit", o, np.where(a >= 0, a[np.arange(64) ^ 1], -7))


def warps(m):
    a = rng.integers(-10, 20, 32).astype(np.int32)
    lane = np.arange(32)
    o = emu.Empty((6, 32), np.int32)
    m.launch("shuffles", 1, 32, a, o)
    want = [
        a[(lane * 7 + 3) & 31],
        a[np.where(lane >= 5, lane - 5, lane)],
        a[np.where(lane + 9 < 32, lane + 9, lane)],
        a[lane ^ 13],
    ]
    want += [
        a[(lane & ~7) | (lane + 1) & 7],
        a[np.where((lane & 15) + 3 < 16, lane + 3, lane)],
    ]
    same("shuffles", o.value, want)
    o = emu.Empty((7, 32), np.uint32)
    m.launch("votes", 1, 32, a, o)

    def bits(p):
        return sum(1 << int(k) for k in np.flatnonzero(p))

    odd = (a & 1) == 1
    want = [[bits(a > 0)] * 32, [1] * 32, [int((a == 5).any())] * 32]
    want += [np.where(odd, bits(odd & (a > 3)), (~odd).sum())]
    want += [
        [bits((a & 3) == (x & 3)) for x in a],
        [0] * 32,
        [(1 << k) - 1 for k in lane],
    ]
    same("votes", o.value, np.array(want, np.uint64).astype(np.uint32))
    o = emu.Empty((6, 32), np.int32)
    m.launch("redux", 1, 32, a, o)
    f = [
        np.sum,
        np.min,
        np.max,
        np.bitwise_and.reduce,
        np.bitwise_or.reduce,
        np.bitwise_xor.reduce,
    ]
    same("redux", o.value, [[g(a)] * 32 for g in f])
    o = emu.Empty((2, 32), np.int32)
    m.launch("late_meeting", 1, 32, a, o)
    v = np.where(lane & 1, a * 2, a + 100)
    same("late_meeting", o.value[0], v[lane ^ 1])
    same("late_meeting 2", o.value[1], 32 + np.where(lane < 20, lane, v))


for compiler in emu.compilers():
    module = emu.Module(driver, emu.compile_cuda("warp.cu", compiler, "sm_80"))
    for test in (each, blocks, warps):
        try:
            test(module)
        except Exception as e:
            print("FAILED", compiler, test.__name__, str(e)[:1500])
            raise
        print("ok", compiler, test.__name__)
