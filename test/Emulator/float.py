# ===- float.py - every form of the floating-point instructions ------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_CHIP=sm_120 ET_EMU_STATS=%t.json %python %s
# RUN: %python %S/Inputs/coverage.py %et_src/docs/Emulator.md float.py %t.json
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_BASELINE=1 ET_EMU_CHIP=sm_120 %python %s
# REQUIRES: cuda-toolkit
# ruff: noqa: B023 - functions of a loop's variables are called in their turn
"""f16, bf16, f32 and f64: exact results by bit, approximate ones within PTX's bounds."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "Inputs"))
import emu
import ieee
import numpy as np
from forms import Group, N, expand, paired, run

SEED = int(np.random.SeedSequence().entropy % 2**32)
print("seed", SEED)
rng = np.random.default_rng(SEED)
np.seterr(all="ignore")
groups, newer = {}, {}
ROUND = ("rn", "rz", "rm", "rp")


def words(text):
    return [w for w in text.split(".") if w]


def rounding(text):
    return next((w for w in words(text) if w in ROUND), "rn")


def pairs(x, y):
    """Two arrays of 16 bits as one of pairs, x in the low halves."""
    return np.stack([x, y], 1).view(np.uint32).ravel()


def arithmetic(g, op, form, modifiers, a, b, c, pair=None):
    """Adds `op` with each expansion of its modifiers; a pair has its own arrays."""
    count = {"rcp": 1, "sqrt": 1, "fma": 3, "mad": 3}.get(op, 2)
    base = "fma" if op == "mad" else op
    for m in expand(modifiers):
        operands = ", ".join("abc"[:count])
        how = (base, form, rounding(m), words(m))
        want = ieee.arithmetic(*how, *(a, b, c)[:count])
        kind = form
        if pair is not None:
            kind += "x2"
            other = ieee.arithmetic(*how, *pair[:count])
            want = paired(want, other)
        g.add(f"{op}{m}.{kind} d, {operands}", want)


def sign_bit(x):
    width = x.dtype.itemsize
    return (x.view(f"u{width}") >> (8 * width - 1)).astype(bool)


def extreme(a, b, most, modifiers, form):
    """min and max as PTX defines them."""
    m = words(modifiers)
    signs = sign_bit(a) ^ sign_bit(b)
    x, y = a.astype(np.float64), b.astype(np.float64)
    if "ftz" in m:
        x, y = (np.array([ieee.flushed(float(v), form) for v in z]) for z in (x, y))
    if "xorsign" in m:
        x, y = np.abs(x), np.abs(y)
    take = np.where(x == y, sign_bit(x), x < y) ^ most
    r = np.where(take, x, y)
    r = np.where(np.isnan(x), y, np.where(np.isnan(y), x, r))
    if "NaN" in m:
        r = np.where(np.isnan(x) | np.isnan(y), np.nan, r)
    if "xorsign" in m:
        r = np.where(signs, -np.abs(r), np.abs(r))
    return r.astype(a.dtype)


COMPARE = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: (a < b) | (a > b),
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}


def compared(name, a, b):
    unordered = np.isnan(a) | np.isnan(b)
    if name in ("num", "nan"):
        return unordered == (name == "nan")
    return COMPARE[name[:2]](a, b) | (unordered if len(name) == 3 else False)


NAMES = expand("{eq,ne,lt,le,gt,ge}{,u}") + ["num", "nan"]
JOIN = {"and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor}


def ones(hit, kind):
    true = {"u32": 2**32 - 1, "s32": -1, "u16": 2**16 - 1, "s16": -1}.get(kind, 1.0)
    dtype = {"u32": np.uint32, "s32": np.int32, "u16": np.uint16, "s16": np.int16}
    return np.where(hit, true, 0).astype(dtype.get(kind) or ieee.DTYPES[kind])


for form in ("f16", "bf16", "f32", "f64"):
    a, b, c = (ieee.specials(rng, form, N) for _ in range(3))
    b = np.where(rng.random(N) < 0.2, a, b).astype(a.dtype)
    pair = tuple(rng.permutation(v) for v in (a, b, c)) if "16" in form else None
    p = rng.random(N) < 0.5
    g = groups[form] = Group(a=a, b=b, c=c, p=p)
    sets = [(g, None, "")]
    if pair:
        both = groups[form + "x2"] = Group(
            a=pairs(a, pair[0]), b=pairs(b, pair[1]), c=pairs(c, pair[2])
        )
        sets.append((both, pair, "x2"))
    ftz = "{,.ftz}" if form in ("f16", "f32") else ""
    for into, second, suffix in sets:
        if pair:
            sat = "{,.sat}" if form == "f16" else ""
            relu = "{,.sat,.relu}" if form == "f16" else "{,.relu}"
            for op in ("add", "sub", "mul"):
                arithmetic(into, op, form, "{,.rn}" + ftz + sat, a, b, c, second)
            arithmetic(into, "fma", form, ".rn" + ftz + relu, a, b, c, second)
        elif form == "f32":
            rest = "{,.ftz}{,.sat}"
            for op in ("add", "sub", "mul"):
                arithmetic(g, op, form, "{,.rn,.rz,.rm,.rp}" + rest, a, b, c)
            for op in ("fma", "mad"):
                arithmetic(g, op, form, ".{rn,rz,rm,rp}" + rest, a, b, c)
            for op in ("div", "rcp", "sqrt"):
                arithmetic(g, op, form, ".{rn,rz,rm,rp}{,.ftz}", a, b, c)
        else:
            for op in ("add", "sub", "mul"):
                arithmetic(g, op, form, "{,.rn,.rz,.rm,.rp}", a, b, c)
            for op in ("fma", "mad", "div", "rcp", "sqrt"):
                arithmetic(g, op, form, ".{rn,rz,rm,rp}", a, b, c)
        more = "{,.NaN}{,.xorsign.abs}" if form != "f64" else ""
        for most, op in enumerate(("min", "max")):
            for m in expand(ftz + more):
                want = extreme(a, b, bool(most), m, form)
                if second:
                    other = extreme(*second[:2], bool(most), m, form)
                    want = paired(want, other)
                into.add(f"{op}{m}.{form}{suffix} d, a, b", want)
        # A sign operation is one of bits, for NaNs too; what ftz makes of those
        # is not said.
        width = 8 * a.dtype.itemsize
        top = np.uint64(1) << np.uint64(width - 1)
        for op in ("neg", "abs"):
            for m in expand(ftz):

                def changed(x, op=op, m=m, top=top, width=width):
                    if m:
                        x = np.array([ieee.flushed(float(v), form) for v in x]).astype(
                            a.dtype
                        )
                    raw = x.view(f"u{width // 8}").astype(np.uint64)
                    raw = raw ^ top if op == "neg" else raw & ~top
                    return raw.astype(f"u{width // 8}")

                want = changed(a)
                if second:
                    want = pairs(want, changed(second[0]))
                    nan = np.isnan(a.astype(np.float32)) | np.isnan(
                        second[0].astype(np.float32)
                    )
                else:
                    nan = np.isnan(a.astype(np.float64))
                into.add(f"{op}{m}.{form}{suffix} d, a",
                         (want.dtype, lambda got, w=want, n=nan: (got != w) & ~n))  # fmt: skip

    # Comparisons ------------------------------------------------------------------
    for m in expand(ftz):
        x, y = (v.astype(np.float64) for v in (a, b))
        if m:
            x, y = (np.array([ieee.flushed(float(v), form) for v in z]) for z in (x, y))
        if pair:
            z, w = (v.astype(np.float64) for v in pair[:2])
            if m:
                z, w = (
                    np.array([ieee.flushed(float(v), form) for v in t]) for t in (z, w)
                )
        for name in NAMES:
            hit = compared(name, x, y)
            g.add(f"setp.{name}{m}.{form} d, a, b", hit)
            for how, join in JOIN.items():
                g.add(f"setp.{name}.{how}{m}.{form} d, a, b, p", join(hit, p))
                if not pair:
                    g.add(
                        f"setp.{name}.{how}{m}.{form} %some0|d, a, b, !p",
                        join(~hit, ~p),
                    )
                    g.add(
                        f"set.{name}.{how}{m}.u32.{form} d, a, b, p",
                        ones(join(hit, p), "u32"),
                    )
            for kind in ("u32", "s32", "f32"):
                if kind != "f32" or not pair:
                    g.add(f"set.{name}{m}.{kind}.{form} d, a, b", ones(hit, kind))
            if form != "bf16":
                g.add(f"set.{name}{m}.f16.{form} d, a, b", ones(hit, "f16"))
            else:
                g.add(f"set.{name}.bf16.bf16 d, a, b", ones(hit, "bf16"))
            if pair:
                second = compared(name, z, w)
                both.add(f"setp.{name}{m}.{form}x2 d|%some0, a, b", hit)
                both.add(f"setp.{name}{m}.{form}x2 %some0|d, a, b", second)
                both.add(f"set.{name}{m}.{form}x2.{form}x2 d, a, b",
                         pairs(ones(hit, form), ones(second, form)))  # fmt: skip
    if not pair:
        for name, test in {
            "finite": np.isfinite(a),
            "infinite": np.isinf(a),
            "number": ~np.isnan(a),
            "notanumber": np.isnan(a),
            "normal": np.isfinite(a) & (np.abs(a) >= np.finfo(a.dtype).tiny),
            "subnormal": (np.abs(a) < np.finfo(a.dtype).tiny) & (a != 0),
        }.items():
            g.add(f"testp.{name}.{form} d, a", test)
        g.add(f"selp.{form} d, a, b, p", np.where(p, a, b))
        # The sign is the first operand's.
        known = np.where(np.isnan(b), a.dtype.type(1), b)
        signed = groups[form + "_sign"] = Group(a=a, b=known)
        signed.add(f"copysign.{form} d, a, b",
                   np.where(sign_bit(a), -np.abs(known), np.abs(known)))  # fmt: skip

# Approximations: within the error that PTX states -------------------------------------


def near(form, exact, relative=0.0, absolute=0.0, ftz=False):
    """Judges by a reference in f64 and a bound."""
    low = 2.0 ** ieee.FORMATS[form][1]
    dtype = ieee.DTYPES[form]
    as_is = exact.astype(dtype).astype(np.float64)

    def bad(got):
        g = got.astype(np.float64)
        slack = np.abs(exact) * relative + absolute + (low if ftz else low / 2**9)
        fine = (np.abs(g - exact) <= slack) | (g == as_is)
        fine |= np.isnan(g) & np.isnan(exact)
        # A result at the border of the range may be either side of it.
        fine |= (
            np.isinf(g)
            & (np.abs(exact) > 2.0 ** ieee.FORMATS[form][2])
            & ((g > 0) == (exact > 0))
        )
        return ~fine

    return dtype, bad


a, b = ieee.specials(rng, "f32", N), ieee.specials(rng, "f32", N)
small = (rng.random(N) * 4 * np.pi - 2 * np.pi).astype(np.float32)
g = groups["approximate"] = Group(a=a, b=b, s=small)
for ftz in ("", ".ftz"):
    x, y = (v.astype(np.float64) for v in (a, b))
    if ftz:
        x, y = (np.array([ieee.flushed(float(v), "f32") for v in z]) for z in (x, y))
    e = {"relative": 2.0**-22, "ftz": bool(ftz)}
    g.add(f"rcp.approx{ftz}.f32 d, a", near("f32", 1 / x, **e))
    g.add(f"sqrt.approx{ftz}.f32 d, a", near("f32", np.sqrt(x), **e))
    g.add(f"rsqrt.approx{ftz}.f32 d, a", near("f32", 1 / np.sqrt(x), **e))
    g.add(f"ex2.approx{ftz}.f32 d, a", near("f32", np.exp2(x), **e))
    log = near("f32", np.log2(x), 2.0**-22, 2.0**-22, bool(ftz))
    g.add(f"lg2.approx{ftz}.f32 d, a", log)
    g.add(
        f"sin.approx{ftz}.f32 d, s",
        near("f32", np.sin(small.astype(np.float64)), 0, 2.0**-20.5),
    )
    g.add(
        f"cos.approx{ftz}.f32 d, s",
        near("f32", np.cos(small.astype(np.float64)), 0, 2.0**-20.5),
    )
    usual = (np.abs(y) >= 2.0**-126) & (np.abs(y) <= 2.0**126)
    for way in ("approx", "full"):
        dtype, bad = near("f32", x / y, **e)
        g.add(
            f"div.{way}{ftz}.f32 d, a, b",
            (dtype, lambda got, f=bad, u=usual: f(got) & u),
        )
g.add("tanh.approx.f32 d, a", near("f32", np.tanh(a.astype(np.float64)), 2.0**-10.987))
for form, ftz, bound, tanh in (
    ("f16", "", 2.0**-9.9, 2.0**-10.987),
    ("bf16", ".ftz", 2.0**-7, 2.0**-8),
):
    a = ieee.specials(rng, form, N)
    other = rng.permutation(a)
    one = groups[f"approximate_{form}"] = Group(a=a)
    two = groups[f"approximate_{form}x2"] = Group(a=pairs(a, other))
    for op, f, limits, m in (
        ("ex2", np.exp2, (bound, 0.0, bool(ftz)), ftz),
        ("tanh", np.tanh, (0.0, tanh), ""),
    ):
        judges = [near(form, f(v.astype(np.float64)), *limits)[1] for v in (a, other)]
        one.add(f"{op}.approx{m}.{form} d, a", (a.dtype, judges[0]))

        def halves(got, judges=judges, dtype=a.dtype):
            got = got.view(dtype).reshape(N, 2)
            return judges[0](got[:, 0].copy()) | judges[1](got[:, 1].copy())

        two.add(f"{op}.approx{m}.{form}x2 d, a", (np.dtype(np.uint32), halves))
a = ieee.specials(rng, "f64", N)
flat = np.array([ieee.flushed(float(v), "f64") for v in a])
g = groups["approximate_f64"] = Group(a=a)
g.add("rcp.approx.ftz.f64 d, a", near("f64", 1 / flat, 2.0**-20, 0.0, True))
g.add("rsqrt.approx.ftz.f64 d, a", near("f64", 1 / np.sqrt(flat), 2.0**-20, 0.0, True))
g.add("rsqrt.approx.f64 d, a", near("f64", 1 / np.sqrt(a), 2.0**-20))

# What came with sm_100 ----------------------------------------------------------------

a, b, c = (ieee.specials(rng, "f32", N) for _ in range(3))
other = tuple(rng.permutation(v) for v in (a, b, c))
wide = [
    np.stack([x, y], 1).view(np.uint64).ravel()
    for x, y in zip((a, b, c), other, strict=True)
]
g = newer["f32x2"] = Group(a=wide[0], b=wide[1], c=wide[2])
for op in ("add", "mul"):
    arithmetic(g, op, "f32", "{,.rn}{,.ftz}", a, b, c, other)
arithmetic(g, "fma", "f32", ".rn{,.ftz}", a, b, c, other)
for kind in ("f16", "bf16"):
    x, y = ieee.specials(rng, kind, N), ieee.specials(rng, kind, N)
    g = newer[f"mixed_{kind}"] = Group(a=x, b=y, c=c)
    x, y = x.astype(np.float32), y.astype(np.float32)
    for op, sources in (("add", (x, c)), ("sub", (x, c)), ("fma", (x, y, c))):
        names = "d, a, b, c" if op == "fma" else "d, a, c"
        for mode in ROUND:
            for sat in ("", ".sat"):
                want = ieee.arithmetic(op, "f32", mode, words(sat), *sources)
                g.add(f"{op}.{mode}{sat}.f32.{kind} {names}", want)
g = newer["three"] = Group(a=a, b=b, c=c)
for most, op in enumerate(("min", "max")):
    for m in expand("{,.ftz}{,.NaN}"):
        first = extreme(a, b, bool(most), m, "f32")
        g.add(f"{op}{m}.f32 d, a, b, c", extreme(first, c, bool(most), m, "f32"))

driver = emu.Driver()
good = run(driver, groups)
sys.exit(not (run(driver, newer, "sm_100", "8.8") and good))
