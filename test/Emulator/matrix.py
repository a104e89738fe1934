# ===- matrix.py - matrix units and asynchronous copies --------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext %python %s
# REQUIRES: cuda-toolkit
"""Matrix instructions and asynchronous copies under each schedule.

Inputs are small whole numbers, all different where a layout is at stake, so
that every sum is exact and one element in a wrong place shows.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "Inputs"))
import emu
import ml_dtypes
import numpy as np

SEED = int(np.random.SeedSequence().entropy % 2**32)
print("seed", SEED)
rng = np.random.default_rng(SEED)
driver = None  # of the process that a schedule has
L = np.arange(32)


def same(name, got, want):
    assert np.array_equal(got, want), (name, got, want)


def whole(*shape, top=8):
    return rng.integers(-top, top + 1, shape)


def fragment(matrix, each, column_pairs, rows8):
    """Registers of the lanes: `rows8` blocks of 8 rows, then along the columns."""
    regs = []
    for part in range(column_pairs):
        for half in range(rows8):
            row, col = half * 8 + L // 4, part * 4 * each + L % 4 * each
            regs.append(np.stack([matrix[row, col + e] for e in range(each)], 1))
    return np.ascontiguousarray(np.stack(regs)).view(np.uint32).reshape(len(regs), 32)


def accumulator(matrix):
    return np.stack([matrix[L // 4 + e // 2 * 8, L % 4 * 2 + e % 2] for e in range(4)])


def mma(m):
    bf = ml_dtypes.bfloat16
    for name, dtype, k in [
        ("mma_f16", np.float16, 16),
        ("mma_bf16", bf, 16),
        ("mma_tf32", np.float32, 8),
        ("mma_f16_k8", np.float16, 8),
        ("mma_tf32_k4", np.float32, 4),
    ]:
        a, b, c = whole(16, k), whole(k, 8), whole(16, 8, top=1000)
        each = 4 // np.dtype(dtype).itemsize
        x = fragment(a.astype(dtype), each, k // (4 * each), 2)
        y = fragment(np.ascontiguousarray(b.T.astype(dtype)), each, k // (4 * each), 1)
        d = emu.Empty((4, 32), np.float32)
        m.launch(name, 1, 32, x, y, accumulator(c).astype(np.float32), d)
        same(name, d.value, accumulator(a @ b + c))
    a, b, c = whole(16, 16, top=4), whole(16, 8, top=4), whole(16, 8)
    x, y = (
        fragment(a.astype(np.float16), 2, 2, 2),
        fragment(np.ascontiguousarray(b.T.astype(np.float16)), 2, 2, 1),
    )
    z = fragment(c.astype(np.float16), 2, 1, 2)
    d = emu.Empty((2, 32), np.uint32)
    m.launch("mma_half", 1, 32, x, y, z, d)
    same("mma_half", d.value, fragment((a @ b + c).astype(np.float16), 2, 1, 2))


def moves(m, chip):
    a = np.arange(256, dtype=np.uint16)
    o = emu.Empty(256, np.uint32)
    m.launch("matrix_moves", 1, 32, a.view(np.uint32), o)
    tiles = a.reshape(4, 8, 8)

    def pairs(t):
        return np.ascontiguousarray(t.reshape(32, 2)).view(np.uint32).ravel()

    same("ldmatrix", o.value[:128], np.concatenate([pairs(t) for t in tiles]))
    same("ldmatrix.trans", o.value[128:160], pairs(tiles[0].T.copy()))
    same("movmatrix", o.value[160:192], pairs(tiles[0].T.copy()))
    if chip != "sm_80":
        same(
            "stmatrix.trans",
            o.value[192:],
            np.concatenate([pairs(t.T.copy()) for t in tiles[2:]]),
        )


def copies(m):
    for M, N, K in [(64, 64, 32), (128, 64, 96), (64, 192, 160)]:
        a, b = whole(M, K).astype(np.float16), whole(K, N).astype(np.float16)
        c = emu.Empty((M, N), np.float32)
        m.launch("gemm_cp_async", (N // 64, M // 64), 128, a, b, c, M, N, K)
        same("gemm", c.value, a.astype(np.float32) @ b.astype(np.float32))
    for n in (0, 1, 5, 126, 128):
        a, o = rng.standard_normal(n).astype(np.float32), emu.Empty(128, np.float32)
        m.launch("zero_fill", 1, 32, a, o, n)
        same("zero_fill", o.value, np.concatenate([a, np.zeros(128 - n, np.float32)]))


def barriers(m):
    for tiles in (1, 2, 7):
        a, o = whole(tiles, 128).astype(np.float32), emu.Empty(64, np.float32)
        m.launch("pipeline", 1, 96, a, o, tiles)
        same("pipeline", o.value, (a[:, :64] * a[:, 64:]).sum(0))
    a, o = np.arange(256, dtype=np.float32), emu.Empty(256, np.float32)
    m.launch("cp_async_barrier", 1, 64, a, o)
    same("cp_async_barrier", o.value, a[::-1])
    a, o = (
        whole(128).astype(np.float32),
        np.concatenate([np.zeros(128), np.arange(128)]).astype(np.float32),
    )
    m.launch("bulk_store", 1, 128, a, o)
    same("bulk_store", o, np.concatenate([2 * a, 2 * a + np.arange(128)]))


def swizzle(flat, span):
    """Where the 16-byte pieces of a buffer lie."""
    at = np.arange(flat.size // 16) * 16
    mask = {0: 0, 32: 1, 64: 3, 128: 7}[span]
    to = at ^ ((at >> 7 & mask) << 4)
    out = np.zeros_like(flat)
    out.reshape(-1, 16)[to // 16] = flat.reshape(-1, 16)
    return out


def tensors(m):
    rows, cols = 50, 96
    t = np.arange(rows * cols, dtype=np.uint16).reshape(rows, cols)
    for mode, span in enumerate((0, 32, 64, 128)):
        w, h = (span or 64) // 2, 16
        for x, y in [(0, 0), (8, 5), (cols - 8, rows - 7), (-8, -3)]:
            raw, back = emu.Empty(w * h * 2, np.uint8), np.zeros_like(t)

            def maps(at, w=w, h=h, mode=mode):
                return [
                    driver.tensor_map(1, p, [cols, rows], [cols * 2], [w, h], mode)
                    for p in at[:2]
                ]

            # The arrays go first, so that their addresses are known.
            args = (t, back)
            launch(
                m,
                "tma",
                32,
                args,
                maps,
                raw,
                x,
                y,
                w * h * 2,
                16,
                20,
                smem=w * h * 2 + 1024,
            )
            box = np.zeros((h, w), np.uint16)
            ys, xs = np.arange(y, y + h), np.arange(x, x + w)
            inside = np.ix_((ys >= 0) & (ys < rows), (xs >= 0) & (xs < cols))
            box[inside] = t[
                np.ix_(ys[(ys >= 0) & (ys < rows)], xs[(xs >= 0) & (xs < cols)])
            ]
            same("tma raw", raw.value, swizzle(box.view(np.uint8).ravel(), span))
            want = np.zeros_like(t)
            want[20 : 20 + h, 16 : 16 + w] = box[: rows - 20, : cols - 16]
            same("tma back", back, want)
    t, o = whole(3, 10, 32).astype(np.float32), whole(3, 10, 32).astype(np.float32)
    before = o.copy()

    def maps(at):
        return [
            driver.tensor_map(7, p, [32, 10, 3], [128, 1280], [8, 4, 2]) for p in at[:2]
        ]

    launch(m, "tma3_reduce", 32, (t, o), maps, 4, 8, 1, 8 * 4 * 2 * 4, smem=2048)
    before[1:3, 8:10, 4:12] += t[1:3, 8:10, 4:12]
    same("tma3_reduce", o, before)


def launch(m, name, threads, arrays, maps, *args, smem):
    """A kernel whose first two parameters are maps of two arrays that are none."""
    at = []
    for a in arrays:
        p = driver.alloc(a.nbytes)
        driver.call(
            "cuMemcpyHtoD_v2",
            p,
            a.ctypes.data_as(emu.C.c_void_p),
            emu.C.c_size_t(a.nbytes),
        )
        at.append(p)
    made = [
        emu.Scalar(np.frombuffer(x, np.uint8), np.uint8)
        for x in maps([p.value for p in at])
    ]
    m.launch(name, 1, threads, *made, *args, smem=smem)
    for a, p in zip(arrays, at, strict=False):
        driver.call(
            "cuMemcpyDtoH_v2",
            a.ctypes.data_as(emu.C.c_void_p),
            p,
            emu.C.c_size_t(a.nbytes),
        )
        driver.call("cuMemFree_v2", p)


def tile(matrix, span, k_major):
    """Bytes of a [rows][64] f16 operand as wgmma wants it, and its descriptor.

    Built element by element from the canonical layouts of the PTX ISA.
    Returns data, bytes from one K step of 16 to the next, leading, stride.
    """
    rows, K = matrix.shape
    flat = np.zeros(rows * K, np.float16)
    r, k = np.meshgrid(np.arange(rows), np.arange(K), indexing="ij")
    if (
        k_major and span == 0
    ):  # core matrices of 8 rows by 16 bytes, first along the rows
        lead, stride = rows * 16, 128
        at, step = r % 8 * 16 + r // 8 * stride + k % 8 * 2 + k // 8 * lead, 2 * lead
    elif k_major:  # rows of `span` bytes; blocks of 64 bytes of K one after the other
        per = span // 2
        lead, stride, block = 0, 8 * span, rows * span
        at = r * span + k % per * 2 + k // per * block
        assert per >= 16
        # K steps of 16 within a block, then the next block: equal only where a block is a step.
        step = 32 if per >= 64 else None
        if step is None:
            step = (32, block, per // 16)
    elif span == 0:
        lead, stride = rows * 16, 128
        at, step = r % 8 * 2 + r // 8 * stride + k % 8 * 16 + k // 8 * lead, 2 * lead
    else:
        per = span // 2
        stride, lead = 8 * span, K * span
        at, step = (
            r % per * 2 + r // per * lead + k % 8 * span + k // 8 * stride,
            2 * stride,
        )
    flat[(at // 2).ravel()] = matrix.ravel()
    return swizzle(flat.view(np.uint8), span).view(np.uint32), step, lead, stride


def products(m):
    for span in (0, 32, 64, 128):
        for a_major, b_major in ((0, 0), (0, 1), (1, 0), (1, 1)):
            if span == 128 and b_major:
                continue  # 32 columns are less than the 64 of the swizzle's row
            a, b = whole(64, 64).astype(np.float16), whole(32, 64).astype(np.float16)
            ta, sa, la, ra = tile(a, span, not a_major)
            tb, sb, lb, rb = tile(b, span, not b_major)
            if isinstance(sa, tuple) or isinstance(sb, tuple):
                # The kernel's steps of K are alike. In a narrow swizzle they are
                # only where a step is a block; wgmma.py has those that are not.
                if span != 32:
                    continue
                sa = sa[1] if isinstance(sa, tuple) else sa
                sb = sb[1] if isinstance(sb, tuple) else sb
            mode = emu.Scalar({0: 0, 128: 1, 64: 2, 32: 3}[span], np.uint64)
            c = emu.Empty((64, 32), np.float32)
            want = a.astype(np.float32) @ b.T.astype(np.float32)
            name = f"wgmma_{a_major}{b_major}"
            m.launch(name, 1, 128, ta, tb, c, mode, sa, sb, la, ra, lb, rb, smem=13312)
            same(f"wgmma {span} {a_major} {b_major}", c.value, want)
            if not a_major and not b_major:
                m.launch(
                    "wgmma_registers", 1, 128, a, tb, c, mode, sb, lb, rb, smem=5120
                )
                same(f"wgmma registers {span} {b_major}", c.value, want)


texts = emu.compile_for("matrix.cu", ("sm_80", "sm_90a"))


def test(of_process):
    global driver
    driver = of_process
    for (compiler, chip), text in texts.items():
        module = emu.Module(driver, text)
        tests = [mma, lambda m, chip=chip: moves(m, chip), copies]
        tests += [barriers, tensors, products] if chip == "sm_90a" else []
        for program in tests:
            try:
                program(module)
            except Exception as e:
                print("FAILED", compiler, chip, program.__name__, str(e)[:1500])
                raise
            print("ok", compiler, chip, program.__name__)
    return True


emu.under_schedules(test)
