# ===- wmma.py - products of opaque fragments -----------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_STATS=%t.json %python %s
# RUN: %python %S/Inputs/coverage.py %et_src/docs/Emulator.md wmma.py %t.json
# REQUIRES: cuda-toolkit
"""wmma.load, wmma.mma and wmma.store in every shape, type, layout and state space.

PTX does not say which lane holds what, so what is compared is the whole: matrices in
memory, with rows or columns apart, go through fragments and come out as NumPy's
product. Whole numbers are summed exactly in any order; elements are all different.
"""

import sys
from fractions import Fraction
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "Inputs"))
import emu
import forms
import ieee
import ml_dtypes
import numpy as np

SEED = int(np.random.SeedSequence().entropy % 2**32)
print("seed", SEED)
rng = np.random.default_rng(SEED)
WIDE = [(16, 16, 16), (32, 8, 16), (8, 32, 16)]
# Type of A and B: bits, shapes, registers of each, types of D and C.
KINDS = {
    "f16": (16, WIDE, lambda lines: 8, [(d, c) for d in ("f16", "f32") for c in ("f16", "f32")]),
    "bf16": (16, WIDE, lambda lines: lines // 4, [("f32", "f32")]),
    "tf32": (32, [(16, 16, 8)], lambda lines: 4, [("f32", "f32")]),
    "f64": (64, [(8, 8, 4)], lambda lines: 1, [("f64", "f64")]),
    "s8": (8, WIDE, lambda lines: lines // 8, [("s32", "s32")]),
    "u8": (8, WIDE, lambda lines: lines // 8, [("s32", "s32")]),
    "s4": (4, [(8, 8, 32)], lambda lines: 1, [("s32", "s32")]),
    "u4": (4, [(8, 8, 32)], lambda lines: 1, [("s32", "s32")]),
    "b1": (1, [(8, 8, 128)], lambda lines: 1, [("s32", "s32")]),
}  # fmt: skip
STORAGE = {
    "f16": np.float16, "bf16": ml_dtypes.bfloat16, "tf32": np.float32, "f32": np.float32,
    "f64": np.float64, "s32": np.int32,
}  # fmt: skip
SPACES = ("", ".global", ".shared")
LAYOUTS = ("row", "col")


def packed(matrix, kind):
    """Bytes of a matrix whose rows follow each other."""
    if kind in STORAGE:
        return np.ascontiguousarray(matrix.astype(STORAGE[kind])).tobytes()
    bits = KINDS[kind][0]
    flat = matrix.astype(np.int64).reshape(-1, 8 // bits) & (2**bits - 1)
    return (flat << (np.arange(8 // bits) * bits)).sum(1).astype(np.uint8).tobytes()


class Blob:
    """Matrices in one buffer, each with a gap after its lines."""

    def __init__(self):
        self.data = b""

    def add(self, matrix, kind, layout, bits):
        """Where it is, in bytes, and from one line to the next, in elements."""
        lines = matrix if layout == "row" else matrix.T
        gap = 128 // bits
        wide = np.zeros((lines.shape[0], lines.shape[1] + gap))
        wide[:, : lines.shape[1]] = lines
        at = len(self.data)
        self.data += packed(wide, kind)
        self.data += bytes(-len(self.data) % 32)
        return at, wide.shape[1]


class Case:
    """One kernel: a type, a shape, and types of D and C."""

    def __init__(self, kind, shape, dtype, ctype):
        self.kind, self.shape, self.dtype, self.ctype = kind, shape, dtype, ctype
        bits, _, self.registers, _ = KINDS[kind]
        m, n, k = shape
        self.name = f"wmma_{kind}_{m}_{n}_{k}_{dtype}_{ctype}"
        if bits >= 16:
            low, high = (-4, 5)
        else:
            low = -(2 ** (bits - 1)) if kind[0] == "s" else 0
            high = low + 2**bits
        self.a, self.b = (
            rng.integers(low, high, (m, k)),
            rng.integers(low, high, (k, n)),
        )
        self.c = np.arange(m * n).reshape(m, n) - 100
        if ctype == "s32":  # Near both ends, for what clamps.
            self.c[::2] = 2**31 - 500 + rng.integers(0, 500, self.c[::2].shape)
            self.c[1::3] = -(2**31) + rng.integers(0, 500, self.c[1::3].shape)
        wide = bits >= 8
        self.layouts = list(product(LAYOUTS, LAYOUTS)) if wide else [("row", "col")]
        blob = Blob()
        cbits = 16 if ctype == "f16" else 64 if ctype == "f64" else 32
        at = {}
        for layout in LAYOUTS:
            if wide or layout == "row":
                at["a", layout] = blob.add(self.a, kind, layout, bits)
            if wide or layout == "col":
                at["b", layout] = blob.add(self.b, kind, layout, bits)
            at["c", layout] = blob.add(self.c, ctype, layout, cbits)
        self.input = np.frombuffer(blob.data, np.uint8)
        self.bytes = m * n * (2 if dtype == "f16" else 8 if dtype == "f64" else 4)
        self.wants = []
        self.write(at)

    def fragment(self, which, kind, count):
        names = [f"%{which}{k}" for k in range(count)]
        register = {"f32": "f32", "f64": "f64"}.get(kind, "b32")
        return f".reg .{register} {', '.join(names)};", "{" + ", ".join(names) + "}"

    def product(self, which):
        """What a product gives; `which` is popc's operation, .satfinite or none."""
        a, b = self.a.astype(np.int64), self.b.astype(np.int64)
        if which == "xor":
            total = (a[:, :, None] ^ b[None]).sum(1) + self.c
        else:
            total = a @ b + self.c
        if self.dtype == "s32":
            if which == ".satfinite":
                total = np.clip(total, -(2**31), 2**31 - 1)
            return total.astype(np.uint64).astype(np.uint32).view(np.int32)
        return total.astype(STORAGE[self.dtype])

    def write(self, at):
        m, n, k = self.shape
        shape = f"m{m}n{n}k{k}"
        results = lambda kind: m * n // 32 // (2 if kind == "f16" else 1)  # noqa: E731
        declared, a = self.fragment(
            "a", "b32" if self.kind != "f64" else "f64", self.registers(m)
        )
        body = [declared]
        declared, b = self.fragment(
            "b", "b32" if self.kind != "f64" else "f64", self.registers(n)
        )
        body.append(declared)
        declared, c = self.fragment("c", self.ctype, results(self.ctype))
        body.append(declared)
        declared, d = self.fragment("d", self.dtype, results(self.dtype))
        body.append(declared)
        total = len(self.input)
        body.append(
            ".reg .b32 %i, %v, %s, %st; .reg .b64 %in, %out, %p, %q, %pg; .reg .pred %more;"
            f".shared .align 32 .b8 tile[{total + self.bytes}];"
            "ld.param.u64 %in, [p0]; ld.param.u64 %out, [p1]; mov.u32 %s, tile;"
            "mov.u32 %i, %tid.x; mul.lo.u32 %i, %i, 4;"
            "FILL: cvt.u64.u32 %p, %i; add.u64 %q, %in, %p; ld.global.b32 %v, [%q];"
            "add.u32 %st, %s, %i; st.shared.b32 [%st], %v; add.u32 %i, %i, 128;"
            f"setp.lt.u32 %more, %i, {total}; @%more bra FILL; bar.warp.sync -1;"
        )
        types = f"{self.dtype}.{self.ctype}"
        if self.kind != "f16":
            types = f"{self.dtype}.{self.kind}.{self.kind}.{self.ctype}"
        whichs = [""]
        if self.kind in ("s8", "u8", "s4", "u4"):
            whichs = ["", ".satfinite"]
        if self.kind == "b1":
            whichs = ["xor", "and"]
        if self.kind == "f64":
            whichs = ["", ".rn", ".rz", ".rm", ".rp"]
        count = 0
        for (al, bl), which in product(self.layouts, whichs):
            for space in SPACES:
                base = "%s" if space == ".shared" else "%in"
                for name, layout, kind, regs in (
                    ("a", al, self.kind, a), ("b", bl, self.kind, b), ("c", al, self.ctype, c),
                ):  # fmt: skip
                    offset, stride = at[name, layout]
                    # A stride is a register or a constant.
                    body.append(f"mov.b32 %st, {stride};")
                    given = "%st" if count % 2 else str(stride)
                    body.append(
                        f"wmma.load.{name}.sync.aligned.{layout}.{shape}{space}.{kind} "
                        f"{regs}, [{base}+{offset}], {given};"
                    )
                popc = f".{which}.popc" if self.kind == "b1" else ""
                rounding = which if self.kind == "f64" else ""
                clamp = which if which == ".satfinite" else ""
                body.append(
                    f"wmma.mma{popc}.sync.aligned.{al}.{bl}.{shape}{rounding}.{types}{clamp} "
                    f"{d}, {a}, {b}, {c};"
                )
                to = (
                    f"%s+{total}"
                    if space == ".shared"
                    else f"%out+{count * self.bytes}"
                )
                # Without a stride, lines follow each other.
                body.append(
                    f"wmma.store.d.sync.aligned.{bl}.{shape}{space}.{self.dtype} [{to}], {d};"
                )
                if space == ".shared":
                    body.append(
                        f"bar.warp.sync -1; mov.u32 %i, %tid.x; mul.lo.u32 %i, %i, 4;"
                        f"OUT{count}: add.u32 %st, %s, %i; ld.shared.b32 %v, [%st+{total}];"
                        f"cvt.u64.u32 %p, %i; add.u64 %q, %out, %p;"
                        f"st.global.b32 [%q+{count * self.bytes}], %v; add.u32 %i, %i, 128;"
                        f"setp.lt.u32 %more, %i, {self.bytes}; @%more bra OUT{count};"
                        "bar.warp.sync -1;"
                    )
                want = self.product(which)
                self.wants.append(want if bl == "row" else want.T)
                count += 1
        self.body = (".u64 p0, .u64 p1", "\n".join(body))

    def run(self, module):
        out = emu.Empty(len(self.wants) * self.bytes, np.uint8)
        module.launch(self.name, 1, 32, self.input, out)
        got = out.value.view(STORAGE[self.dtype]).reshape(len(self.wants), -1)
        for k, want in enumerate(self.wants):
            assert np.array_equal(got[k], want.reshape(-1)), (
                self.name,
                k,
                got[k],
                want,
            )


cases = [
    Case(kind, shape, d, c)
    for kind, (_, shapes, _, results) in KINDS.items()
    for shape in shapes
    for d, c in results
]

# f64 rounds each product and sum: one product beside zeros shows how.
ROUNDING = ("rn", "rz", "rm", "rp")
body = [
    ".reg .b64 %in, %out; .reg .f64 %a, %b, %c<2>, %d<2>; ld.param.u64 %in, [p0];"
    "ld.param.u64 %out, [p1]; wmma.load.a.sync.aligned.row.m8n8k4.f64 {%a}, [%in], 4;"
    "wmma.load.b.sync.aligned.col.m8n8k4.f64 {%b}, [%in+256], 4;"
    "wmma.load.c.sync.aligned.row.m8n8k4.f64 {%c0, %c1}, [%in+512], 8;"
]
for k, mode in enumerate(ROUNDING):
    body.append(
        f"wmma.mma.sync.aligned.row.col.m8n8k4.{mode}.f64.f64.f64.f64 {{%d0, %d1}}, {{%a}}, {{%b}},"
        f" {{%c0, %c1}}; wmma.store.d.sync.aligned.row.m8n8k4.f64 [%out+{512 * k}], {{%d0, %d1}};"
    )
kernels = {case.name: case.body for case in cases}
kernels["roundings"] = (".u64 p0, .u64 p1", "\n".join(body))
driver = emu.Driver()
module = emu.Module(driver, forms.module(kernels, "sm_80", "8.6"))
for case in cases:
    case.run(module)
a, b, c = np.zeros((8, 4)), np.zeros((8, 4)), rng.standard_normal((8, 8))
a[:, 0], b[:, 0] = rng.standard_normal(8), rng.standard_normal(8)
out = emu.Empty((4, 8, 8), np.float64)
module.launch(
    "roundings", 1, 32, np.concatenate([a.ravel(), b.ravel(), c.ravel()]), out
)
for k, mode in enumerate(ROUNDING):
    for i, j in product(range(8), range(8)):
        exact = Fraction(a[i, 0]) * Fraction(b[j, 0]) + Fraction(c[i, j])
        assert out.value[k, i, j] == ieee.rounded(exact, "f64", mode), (mode, i, j)
print("ok", len(cases), "kinds of products")
