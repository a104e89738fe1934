# ===- atomics.py - every form of atom and red -----------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_STATS=%t.json %python %s
# RUN: %python %S/Inputs/coverage.py %et_src/docs/Emulator.md atomics.py %t.json
# REQUIRES: cuda-toolkit
"""What an atomic operation returns and leaves, each thread on a cell of its own;
then all threads on few cells."""

import operator
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "Inputs"))
import emu
import forms
import ml_dtypes
import numpy as np
from forms import expand

SEED = int(np.random.SeedSequence().entropy % 2**32)
print("seed", SEED)
rng = np.random.default_rng(SEED)
THREADS, CELLS = 64, 8
ORDERS = expand("{,.{relaxed,acquire,release,acq_rel}.{cta,cluster,gpu,sys}}")
BF = np.dtype(ml_dtypes.bfloat16)


def whole(f):
    """A function of whole numbers on arrays, wrapped."""

    def apply(x, y):
        bits = 8 * x.dtype.itemsize
        got = [f(int(a), int(b)) & (1 << bits) - 1 for a, b in zip(x, y, strict=True)]
        return np.array(got, f"u{bits // 8}").view(x.dtype)

    return apply


INTEGER = {
    "add": whole(operator.add),
    "min": whole(min),
    "max": whole(max),
    "inc": whole(lambda x, y: 0 if x >= y else x + 1),
    "dec": whole(lambda x, y: y if x == 0 or x > y else x - 1),
    "and": whole(operator.and_),
    "or": whole(operator.or_),
    "xor": whole(operator.xor),
    "exch": lambda x, y: y,
}
SCALARS = [
    *(("add", t) for t in ("u32", "s32", "u64")),
    *((op, t) for op in ("min", "max") for t in expand("{u,s}{32,64}")),
    *((op, t) for op in ("and", "or", "xor") for t in ("b32", "b64")),
    *((op, t) for op in ("inc", "dec") for t in ("u32",)),
    *(("exch", t) for t in ("b32", "b64")),
]
FLOATS = {"f32": np.float32, "f64": np.float64, "f16": np.float16, "bf16": BF}
HALVES = expand("{f16,bf16}{,x2}")


def integers(kind):
    bits = int(kind[1:])
    raw = rng.integers(0, 2**64, THREADS, np.uint64, endpoint=False)
    raw >>= rng.integers(64 - bits, 64, THREADS).astype(np.uint64)
    raw = raw.astype(f"u{bits // 8}")
    raw[::2] = ~raw[::2]
    return raw.view(f"i{bits // 8}") if kind[0] == "s" else raw


def numbers(dtype, *shape):
    """Sums of two of them are exact in every format."""
    return rng.integers(-60, 60, shape).astype(np.float32).astype(dtype)


def padded(a):
    """Each thread's bytes, and zeros up to 16 of them."""
    raw = np.ascontiguousarray(a).view(np.uint8).reshape(THREADS, -1)
    return np.pad(raw, ((0, 0), (0, 16 - raw.shape[1])))


class Kernel:
    """Forms on cells of one size: what they return, and what they leave."""

    def __init__(self):
        self.body, self.given, self.wants = [], [], []

    def add(self, form, old, operands, new, space, result=True):
        """Arrays of [THREADS][bytes]; `form` has the braces of a vector's registers."""
        raw = [padded(a) for a in (old, *operands)]
        size = np.ascontiguousarray(old).nbytes // THREADS
        text, count = form if isinstance(form, tuple) else (form, 1)
        each = size // count
        k = len(self.body)

        def regs(name):
            one = [f"%{name}{k}_{e}" for e in range(count)]
            return one[0] if count == 1 else "{" + ", ".join(one) + "}"

        self.body.append(
            f".reg .b{8 * each} "
            + ", ".join(f"%{n}{k}_{e}" for n in "xyzw" for e in range(count))
            + ";"
        )
        for index, name in enumerate("xyz"[: len(raw)]):
            at = 16 * (len(self.given) + index)
            for e in range(count):
                self.body.append(
                    f"ld.global.b{8 * each} %{name}{k}_{e}, [%in+{at + e * each}];"
                )
        self.given += raw
        place = {
            ".shared": "%sh",
            ".shared::cta": "%sh",
            "": "%gs",
            ".global": "%cell",
        }[space]
        kind = "shared" if "shared" in space or not space else "global"
        plain = "%sh" if kind == "shared" else "%cell"
        for e in range(count):
            self.body.append(f"st.{kind}.b{8 * each} [{plain}+{e * each}], %x{k}_{e};")
        values = ", ".join(regs(n) for n in "yz"[: len(operands)])
        into = f"{regs('w')}, " if result else ""
        self.body.append(f"{text} {into}[{place}], {values};")
        at = 16 * len(self.wants)
        for e in range(count):
            if result:
                self.body.append(
                    f"st.global.b{8 * each} [%out+{at + e * each}], %w{k}_{e};"
                )
        if result:
            self.wants.append(raw[0])
            at += 16
        for e in range(count):
            self.body += [
                f"ld.{kind}.b{8 * each} %x{k}_{e}, [{plain}+{e * each}];",
                f"st.global.b{8 * each} [%out+{at + e * each}], %x{k}_{e};",
            ]
        self.wants.append(padded(new))

    def text(self):
        given, wants = 16 * len(self.given), 16 * len(self.wants)
        start = [
            ".reg .b32 %t, %sh; .reg .b64 %in, %out, %cell, %gs, %o;",
            ".shared .align 32 .b8 cells[2048];",
            "mov.u32 %t, %tid.x; mov.u32 %sh, cells; mad.lo.u32 %sh, %t, 32, %sh;",
            "cvt.u64.u32 %gs, %sh; cvta.shared.u64 %gs, %gs;",
            f"ld.param.u64 %in, [p0]; mul.wide.u32 %o, %t, {given}; add.u64 %in, %in, %o;",
            f"ld.param.u64 %out, [p1]; mul.wide.u32 %o, %t, {wants}; add.u64 %out, %out, %o;",
            "ld.param.u64 %cell, [p2]; mul.wide.u32 %o, %t, 32; add.u64 %cell, %cell, %o;",
        ]
        return ".u64 p0, .u64 p1, .u64 p2", "\n".join(start + self.body)

    def check(self, module, name):
        out = np.zeros((THREADS, 16 * len(self.wants)), np.uint8)
        given = np.ascontiguousarray(np.concatenate(self.given, 1))
        module.launch(name, 1, THREADS, given, out, emu.Empty(32 * THREADS, np.uint8))
        for k, want in enumerate(self.wants):
            got = out[:, 16 * k : 16 * k + 16]
            assert np.array_equal(got, want), (name, k, got[0], want[0])


ordered, scalars, vectors = Kernel(), Kernel(), Kernel()
SPACES = (".global", ".shared", ".shared::cta", "")
for space in SPACES:
    for op, kind in SCALARS:
        a, b = integers(kind), integers(kind)
        new = INTEGER[op](a, b)
        scalars.add(f"atom{space}.{op}.{kind}", a, [b], new, space)
        if op != "exch":
            scalars.add(f"red{space}.{op}.{kind}", a, [b], new, space, result=False)
    for kind in ("b16", "b32", "b64"):
        a, c = integers(kind), integers(kind)
        b = np.where(rng.random(THREADS) < 0.5, a, integers(kind))
        new = np.where(a == b, c, a)
        scalars.add(f"atom{space}.cas.{kind}", a, [b, c], new, space)
    for kind in ("f32", "f64", *HALVES):
        base = kind.removesuffix("x2")
        shape = (THREADS, 2) if "x2" in kind else (THREADS,)
        a, b = (numbers(FLOATS[base], *shape) for _ in range(2))
        ftz = ".noftz" if kind in HALVES else ""
        new = (a.astype(np.float64) + b.astype(np.float64)).astype(a.dtype)
        scalars.add(f"atom{space}.add{ftz}.{kind}", a, [b], new, space)
        scalars.add(f"red{space}.add{ftz}.{kind}", a, [b], new, space, result=False)
    wide = rng.integers(0, 256, (3, THREADS, 16)).astype(np.uint8)
    wide[1][::2] = wide[0][::2]
    hit = (wide[0] == wide[1]).all(1)[:, None]
    if space != "":
        scalars.add(f"atom{space}.exch.b128", wide[0], [wide[1]], wide[1], space)
        scalars.add(f"atom{space}.cas.b128", wide[0], [wide[1], wide[2]],
                    np.where(hit, wide[2], wide[0]), space)  # fmt: skip
for order in ORDERS:
    for space in (".global", ".shared"):
        a, b = integers("u32"), integers("u32")
        ordered.add(f"atom{order}{space}.add.u32", a, [b], a + b, space)
        if order.split(".")[1:2] in ([], ["relaxed"], ["release"]):
            ordered.add(
                f"red{order}{space}.xor.b32", a, [b], a ^ b, space, result=False
            )
for kind, counts in {
    "f32": (2, 4),
    "f16": (2, 4, 8),
    "bf16": (2, 4, 8),
    "f16x2": (2, 4),
    "bf16x2": (2, 4),
}.items():
    base = kind.removesuffix("x2")
    for n in counts:
        for op in ("add",) if kind == "f32" else ("add", "min", "max"):
            shape = (THREADS, n * (2 if "x2" in kind else 1))
            a, b = (numbers(FLOATS[base], *shape) for _ in range(2))
            x, y = a.astype(np.float64), b.astype(np.float64)
            new = {"add": x + y, "min": np.minimum(x, y), "max": np.maximum(x, y)}[op]
            new = new.astype(a.dtype)
            ftz = "" if kind == "f32" else ".noftz"
            for word in ("atom", "red"):
                form = (f"{word}.global.{op}{ftz}.v{n}.{kind}" if kind == "f32"
                        else f"{word}.global.{op}{ftz}.v{n}.{kind}", n)  # fmt: skip
                vectors.add(form, a, [b], new, ".global", result=word == "atom")

# All threads on few cells: the sum is theirs whatever the order, and what each
# got back is a sum that was there at some time.
CROWD = """.reg .b32 %t, %c, %v, %old; .reg .b64 %in, %out, %back, %o; .reg .pred %p;
mov.u32 %c, %ctaid.x; mov.u32 %v, %ntid.x; mov.u32 %t, %tid.x; mad.lo.u32 %t, %c, %v, %t;
ld.param.u64 %in, [p0]; mul.wide.u32 %o, %t, 4; add.u64 %in, %in, %o;
ld.param.u64 %back, [p2]; add.u64 %back, %back, %o;
ld.global.b32 %v, [%in]; and.b32 %c, %t, 7; ld.param.u64 %out, [p1];
mul.wide.u32 %o, %c, 4; add.u64 %out, %out, %o;
atom.global.add.u32 %old, [%out], %v; st.global.b32 [%back], %old;
red.global.max.u32 [%out+32], %v; red.relaxed.gpu.global.or.b32 [%out+64], %v;"""
kernels = {
    "scalars": scalars.text(),
    "ordered": ordered.text(),
    "vectors": vectors.text(),
}
kernels["crowd"] = (".u64 p0, .u64 p1, .u64 p2", CROWD)
text = forms.module(kernels, "sm_90", "8.6")
driver = emu.Driver()
module = emu.Module(driver, text)
for name, kernel in {
    "scalars": scalars,
    "ordered": ordered,
    "vectors": vectors,
}.items():
    kernel.check(module, name)
count = 512
data = rng.integers(1, 2**20, count).astype(np.uint32)
out, back = np.zeros((3, CELLS), np.uint32), emu.Empty(count, np.uint32)
module.launch("crowd", 8, count // 8, data, out, back)
for c in range(CELLS):
    mine = data[c::CELLS]
    assert list(out[:, c]) == [mine.sum(), mine.max(), np.bitwise_or.reduce(mine)], c
    before = np.sort(back.value[c::CELLS])
    steps = {int(v) for v in before} | {int(mine.sum())}
    assert len(steps) == len(mine) + 1 and 0 in steps, c
    after = {int(v) + int(x) for v, x in zip(back.value[c::CELLS], mine, strict=True)}
    assert after | {0} == steps, c
print("ok", len(scalars.wants) + len(ordered.wants) + len(vectors.wants), "results")
