# ===- mma.py - mma.sync, ldmatrix, stmatrix, movmatrix --------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_CHIP=sm_120 ET_EMU_STATS=%t.json %python %s
# RUN: %python %S/Inputs/coverage.py %et_src/docs/Emulator.md mma.py %t.json
# REQUIRES: cuda-toolkit
"""Products of a warp's fragments, and the moves of 8 x 8 matrices.

Every layout is that of the tables in PTX's description, element by element. One
product has inputs that name their place: a permutation times a matrix whose
elements are all different, so that one element in a wrong place shows.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "Inputs"))
import emu
import forms
import ml_dtypes
import numpy as np

SEED = int(np.random.SeedSequence().entropy % 2**32)
print("seed", SEED)
rng = np.random.default_rng(SEED)
L = np.arange(32)
TYPES = {
    "f16": np.float16,
    "bf16": ml_dtypes.bfloat16,
    "tf32": np.float32,
    "e4m3": ml_dtypes.float8_e4m3fn,
    "e5m2": ml_dtypes.float8_e5m2,
}
PRODUCTS = [
    *((k, "f32", "f16", "f16") for k in (8, 16)),
    *((k, "f16", "f16", "f16") for k in (8, 16)),
    *((k, "f32", "bf16", "bf16") for k in (8, 16)),
    *((k, "f32", "tf32", "tf32") for k in (4, 8)),
    *(
        (k, "f32", a, b)
        for k in (16, 32)
        for a in ("e4m3", "e5m2")
        for b in ("e4m3", "e5m2")
    ),
]


def name_of(k, d, a, b):
    return f"mma_{k}_{d}_{a}_{b}"


def fragment(matrix, rows):
    """Registers of a matrix of `rows` (16 or 8) rows, K along the columns."""
    each = 4 // matrix.dtype.itemsize
    regs = []
    for part in range(matrix.shape[1] // (4 * each)):
        for half in range(rows // 8):
            row, col = half * 8 + L // 4, part * 4 * each + L % 4 * each
            regs.append(np.stack([matrix[row, col + e] for e in range(each)], 1))
    return np.ascontiguousarray(np.stack(regs)).view(np.uint32).reshape(len(regs), 32)


def accumulator(matrix):
    """f32: four registers; f16: two, of two columns each."""
    parts = [matrix[L // 4 + e // 2 * 8, L % 4 * 2 + e % 2] for e in range(4)]
    if matrix.dtype == np.float32:
        return np.stack(parts).view(np.uint32)
    pairs = [np.stack(parts[2 * h : 2 * h + 2], 1) for h in range(2)]
    return np.stack(pairs).view(np.uint32).reshape(2, 32)


def registers(letter, count):
    return "{" + ", ".join(f"%{letter}{i}" for i in range(count)) + "}"


def product_kernel(k, d, a, b):
    size = np.dtype(TYPES[a]).itemsize
    counts = {"a": k * size // 8, "b": k * size // 16, "c": 4 if d == "f32" else 2}
    body = [
        f".reg .b32 %a<{counts['a']}>, %b<{counts['b']}>, %c<4>, %d<4>, %t;",
        ".reg .b64 %p, %o;",
        "mov.u32 %t, %tid.x;",
        "mul.wide.u32 %o, %t, 4;",
    ]
    for index, letter in enumerate("abc"):
        body += [f"ld.param.u64 %p, [p{index}];", "add.u64 %p, %p, %o;"]
        body += [
            f"ld.global.b32 %{letter}{r}, [%p+{128 * r}];"
            for r in range(counts[letter])
        ]
    regs = [registers(x, counts[y]) for x, y in zip("dabc", "cabc", strict=True)]
    body.append(
        f"mma.sync.aligned.m16n8k{k}.row.col.{d}.{a}.{b}.{d} {', '.join(regs)};"
    )
    body += ["ld.param.u64 %p, [p3];", "add.u64 %p, %p, %o;"]
    body += [f"st.global.b32 [%p+{128 * r}], %d{r};" for r in range(counts["c"])]
    return ".u64 p0, .u64 p1, .u64 p2, .u64 p3", "\n".join(body)


def check_product(module, k, d, a, b):
    few = a in ("e4m3", "e5m2")
    for coded in (False, True):
        x = rng.integers(-4, 5, (16, k))
        y = rng.integers(-3, 4, (k, 8))
        c = rng.integers(-99, 100, (16, 8))
        if coded:  # each row of the result is one of the right operand
            x = np.eye(16, k, dtype=int)[rng.permutation(16)]
            if not few:
                y = rng.permutation(8 * k).reshape(k, 8) - 4 * k
            c *= 0
        kind = np.float32 if d == "f32" else np.float16
        out = emu.Empty((4 if d == "f32" else 2, 32), np.uint32)
        right = np.ascontiguousarray(y.T.astype(np.float32).astype(TYPES[b]))
        module.launch(
            name_of(k, d, a, b), 1, 32,
            fragment(x.astype(np.float32).astype(TYPES[a]), 16), fragment(right, 8),
            accumulator(c.astype(kind)), out,
        )  # fmt: skip
        want = accumulator((x @ y + c).astype(kind))
        assert np.array_equal(out.value, want), (k, d, a, b, coded, out.value, want)


MOVES = [(n, t, s) for n in (1, 2, 4) for t in ("", ".trans") for s in ("", ".shared")]


def move_kernels(n, trans, space):
    """ldmatrix from rows in any order, whose addresses the lanes have; stmatrix to them."""
    regs = registers("r", n)
    start = [
        ".reg .b32 %r<4>, %t, %i, %s; .reg .b64 %p, %o, %g;",
        ".shared .align 16 .b8 tile[512];",
        "mov.u32 %t, %tid.x; mul.wide.u32 %o, %t, 4;",
        "ld.param.u64 %p, [p1]; add.u64 %p, %p, %o;",
        "ld.global.b32 %i, [%p];",
        "mov.u32 %s, tile; add.u32 %i, %i, %s;",
        "cvt.u64.u32 %g, %i; cvta.shared.u64 %g, %g;",
        "ld.param.u64 %p, [p0]; add.u64 %p, %p, %o;",
        "mad.lo.u32 %s, %t, 4, %s;",
    ]
    at = "[%i]" if space else "[%g]"
    form = f"sync.aligned.m8n8.x{n}{trans}{space}.b16"
    fill = [f"ld.global.b32 %r{k}, [%p+{128 * k}];" for k in range(4)]
    save = ["ld.param.u64 %p, [p2]; add.u64 %p, %p, %o;"]
    load = start + fill + [f"st.shared.b32 [%s+{128 * k}], %r{k};" for k in range(4)]
    load += ["bar.warp.sync -1;", f"ldmatrix.{form} {regs}, {at};", *save]
    load += [f"st.global.b32 [%p+{128 * k}], %r{k};" for k in range(n)]
    store = start + [f"st.shared.b32 [%s+{128 * k}], %t;" for k in range(4)]
    store += ["bar.warp.sync -1;", *fill[:n], f"stmatrix.{form} {at}, {regs};"]
    store += ["bar.warp.sync -1;", *save]
    for k in range(4):
        store += [
            f"ld.shared.b32 %r0, [%s+{128 * k}];",
            f"st.global.b32 [%p+{128 * k}], %r0;",
        ]
    params = ".u64 p0, .u64 p1, .u64 p2"
    name = f"{n}{trans}{space}".replace(".", "_")
    return {
        f"load_{name}": (params, "\n".join(load)),
        f"store_{name}": (params, "\n".join(store)),
    }


def check_moves(module, n, trans, space):
    name = f"{n}{trans}{space}".replace(".", "_")
    data = rng.permutation(2**16)[:256].astype(np.uint16)
    rows = rng.permutation(32).astype(np.uint32)
    out = emu.Empty((n, 32), np.uint32)
    module.launch(f"load_{name}", 1, 32, data.view(np.uint32), rows * 16, out)
    tiles = data.reshape(32, 8)[rows].reshape(4, 8, 8)[:n]
    turned = tiles.transpose(0, 2, 1) if trans else tiles
    want = np.ascontiguousarray(turned).view(np.uint32).reshape(n, 32)
    assert np.array_equal(out.value, want), ("ldmatrix", name, out.value, want)
    regs = rng.permutation(2**16)[: 64 * n].astype(np.uint16)
    out = emu.Empty(128, np.uint32)
    filled = np.concatenate([regs, np.zeros(256 - 64 * n, np.uint16)])
    module.launch(f"store_{name}", 1, 32, filled.view(np.uint32), rows * 16, out)
    tiles = regs.reshape(n, 8, 8)
    turned = tiles.transpose(0, 2, 1) if trans else tiles
    want = (
        np.tile(np.arange(32, dtype=np.uint32), 4).view(np.uint16).reshape(32, 8).copy()
    )
    want[rows[: 8 * n]] = turned.reshape(8 * n, 8)
    assert np.array_equal(out.value, want.view(np.uint32).ravel()), ("stmatrix", name)


TURN = """.reg .b32 %t, %r; .reg .b64 %p, %o;
mov.u32 %t, %tid.x; mul.wide.u32 %o, %t, 4;
ld.param.u64 %p, [p0]; add.u64 %p, %p, %o;
ld.global.b32 %r, [%p];
movmatrix.sync.aligned.m8n8.trans.b16 %r, %r;
ld.param.u64 %p, [p1]; add.u64 %p, %p, %o;
st.global.b32 [%p], %r;"""

BITS = {"s8": 8, "u8": 8, "s4": 4, "u4": 4}
EXACT = [
    (m, k, a, b, clamp)
    for m, k, types in (
        (16, 16, ("s8", "u8")), (16, 32, ("s8", "u8")), (8, 16, ("s8", "u8")),
        (16, 32, ("s4", "u4")), (16, 64, ("s4", "u4")), (8, 32, ("s4", "u4")),
    )
    for a in types
    for b in types
    for clamp in ("", ".satfinite")
]  # fmt: skip


def exact_kernel(m, k, a, b, clamp):
    counts = {"a": m * k * BITS[a] // 1024, "b": k * BITS[b] // 128, "c": m // 4}
    counts["d"] = counts["c"]
    body = [".reg .b32 %a<4>, %b<2>, %c<4>, %d<4>, %t; .reg .b64 %p, %o;"]
    body += ["mov.u32 %t, %tid.x; mul.wide.u32 %o, %t, 4;"]
    for index, letter in enumerate("abc"):
        body += [f"ld.param.u64 %p, [p{index}]; add.u64 %p, %p, %o;"]
        body += [
            f"ld.global.b32 %{letter}{r}, [%p+{128 * r}];"
            for r in range(counts[letter])
        ]
    regs = ", ".join(registers(x, counts[x]) for x in "dabc")
    body += [
        f"mma.sync.aligned.m{m}n8k{k}.row.col{clamp}.s32.{a}.{b}.s32 {regs};",
        "ld.param.u64 %p, [p3]; add.u64 %p, %p, %o;",
    ]
    body += [f"st.global.b32 [%p+{128 * r}], %d{r};" for r in range(counts["d"])]
    return ".u64 p0, .u64 p1, .u64 p2, .u64 p3", "\n".join(body)


def check_exact(module, m, k, a, b, clamp):
    def operand(lines, kind):
        low = -(1 << BITS[kind] - 1) if kind[0] == "s" else 0
        x = rng.integers(low, low + (1 << BITS[kind]), (lines, k))
        raw = (x & (1 << BITS[kind]) - 1).astype(np.uint8)
        # Of two halves of a byte the low one comes first.
        return x, fragment(
            raw if BITS[kind] == 8 else raw[:, ::2] | raw[:, 1::2] << 4, lines
        )

    (x, left), (y, right) = operand(m, a), operand(8, b)
    c = rng.integers(-(2**31), 2**31, (m, 8))
    c[0] = 2**31 - 1  # Some sums do not fit.
    c[1] = -(2**31)
    want = x @ y.T + c
    want = np.clip(want, -(2**31), 2**31 - 1) if clamp else want

    def lanes(matrix):
        parts = [matrix[L // 4 + e // 2 * 8, L % 4 * 2 + e % 2] for e in range(m // 4)]
        return (np.stack(parts) & 0xFFFFFFFF).astype(np.uint32)

    out = emu.Empty((m // 4, 32), np.uint32)
    name = f"exact_{m}_{k}_{a}_{b}{clamp}".replace(".", "_")
    module.launch(name, 1, 32, left, right, lanes(c), out)
    assert np.array_equal(out.value, lanes(want)), (name, out.value, lanes(want))


DOUBLE = """.reg .f64 %a, %b, %c<2>; .reg .b32 %t; .reg .b64 %p, %o;
mov.u32 %t, %tid.x; mul.wide.u32 %o, %t, 8;
ld.param.u64 %p, [p0]; add.u64 %p, %p, %o; ld.global.f64 %a, [%p];
ld.param.u64 %p, [p1]; add.u64 %p, %p, %o; ld.global.f64 %b, [%p];
ld.param.u64 %p, [p2]; add.u64 %p, %p, %o; add.u64 %p, %p, %o; ld.global.v2.f64 {%c0, %c1}, [%p];
mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%c0, %c1}, {%a}, {%b}, {%c0, %c1};
st.global.v2.f64 [%p], {%c0, %c1};"""


def check_double(module):
    """Whole numbers, which are exact in any order."""
    x, y, c = (
        rng.integers(-(2**20), 2**20, s).astype(float) for s in ((8, 4), (4, 8), (8, 8))
    )
    # Row by row, two columns a lane, is what lanes hold of C.
    out = c.copy()
    module.launch("double", 1, 32, x.copy(), np.ascontiguousarray(y.T), out)
    assert np.array_equal(out, x @ y + c), (out, x @ y + c)


driver = emu.Driver()
kernels = {
    f"exact_{m}_{k}_{a}_{b}{c}".replace(".", "_"): exact_kernel(m, k, a, b, c)
    for m, k, a, b, c in EXACT
}
kernels["double"] = (".u64 p0, .u64 p1, .u64 p2", DOUBLE)
module = emu.Module(driver, forms.module(kernels, "sm_80", "8.0"))
for p in EXACT:
    check_exact(module, *p)
check_double(module)
kernels = {name_of(*p): product_kernel(*p) for p in PRODUCTS}
module = emu.Module(driver, forms.module(kernels, "sm_120", "8.7"))
for p in PRODUCTS:
    check_product(module, *p)
kernels = {"turn": (".u64 p0, .u64 p1", TURN)}
for m in MOVES:
    kernels |= move_kernels(*m)
module = emu.Module(driver, forms.module(kernels, "sm_90"))
for m in MOVES:
    check_moves(module, *m)
data, out = rng.permutation(2**16)[:64].astype(np.uint16), emu.Empty(32, np.uint32)
module.launch("turn", 1, 32, data.view(np.uint32), out)
want = np.ascontiguousarray(data.reshape(8, 8).T).view(np.uint32).ravel()
assert np.array_equal(out.value, want), "movmatrix"
print("ok", len(PRODUCTS) + len(EXACT) + 1, "products,", 2 * len(MOVES) + 1, "moves")
