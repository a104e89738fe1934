# ===- convert.py - every form of cvt --------------------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_STATS=%t.json %python %s
# RUN: %python %S/Inputs/coverage.py %et_src/docs/Emulator.md convert.py %t.json
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_BASELINE=1 %python %s
# REQUIRES: cuda-toolkit
"""Conversions against exact fractions, bit for bit."""

import math
import sys
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "Inputs"))
import emu
import ieee
import ml_dtypes
import numpy as np
from forms import Group, N, expand, paired, run

SEED = int(np.random.SeedSequence().entropy % 2**32)
print("seed", SEED)
rng = np.random.default_rng(SEED)
np.seterr(all="ignore")
groups = {}
INTS = expand("{u,s}{8,16,32,64}")
FLOATS = ("f16", "bf16", "f32", "f64")


def dtype(kind):
    if kind in ieee.DTYPES:
        return ieee.DTYPES[kind]
    return np.dtype(f"{'i' if kind[0] == 's' else 'u'}{int(kind[1:]) // 8}")


def limits(kind):
    bits = int(kind[1:])
    return (
        (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
        if kind[0] == "s"
        else (0, (1 << bits) - 1)
    )


def clamp(v, kind):
    low, high = limits(kind)
    return max(low, min(high, v))


def whole(values, kind):
    size = dtype(kind).itemsize
    mask = (1 << 8 * size) - 1
    return np.array([v & mask for v in values], f"u{size}").view(dtype(kind))


def numbers(kind):
    bits = int(kind[1:])
    raw = rng.integers(0, 2**64, N, np.uint64, endpoint=False)
    raw >>= rng.integers(64 - bits, 64, N).astype(np.uint64)
    values = raw.astype(f"u{bits // 8}")
    values[::3] = ~values[::3]
    values[:2] = [0, 1 << (bits - 1)]
    return values.view(dtype(kind))


def floats(kind):
    """With values near the borders of the integers."""
    x = ieee.specials(rng, kind, N).astype(np.float64)
    powers = 2.0 ** rng.integers(6, 65, N // 3) * rng.choice([-1, 1], N // 3)
    x[: N // 3] = powers + rng.choice([-1.5, -0.5, 0, 0.5, 1], N // 3)
    return rng.permutation(x.astype(dtype(kind)))


INTEGRAL = {
    "rni": lambda x: round(x),
    "rzi": math.trunc,
    "rmi": math.floor,
    "rpi": math.ceil,
}


def to_int(x, kind, source, how, words):
    if "ftz" in words:
        x = ieee.flushed(x, "f32")
    if x != x:
        narrow = source != "f64" and not kind.endswith("64")
        return 0 if narrow else 1 << (int(kind[1:]) - 1)
    if math.isinf(x):
        return limits(kind)[x > 0]
    return clamp(INTEGRAL[how](Fraction(x)), kind)


def to_float(x, kind, mode, words, source):
    """Of a float: with its zeros, infinities and NaNs; an integral mode keeps the type."""
    if "ftz" in words and source == "f32":
        x = ieee.flushed(x, "f32")
    if x == x and not math.isinf(x) and x != 0:
        exact = Fraction(x)
        if mode in INTEGRAL:
            v = math.copysign(float(INTEGRAL[mode](exact)), x)
            v = math.copysign(ieee.rounded(Fraction(v), kind, "rn"), x)
        else:
            v = math.copysign(ieee.rounded(exact, kind, mode or "rn"), x)
    else:
        v = x
    if "ftz" in words and kind == "f32":
        v = ieee.flushed(v, "f32")
    if "sat" in words:
        v = min(v, 1.0) if v > 0 else 0.0
    if "relu" in words:
        v = v if v > 0 or v != v else 0.0
    if "satfinite" in words:
        precision, _, high = ieee.FORMATS[kind]
        top = (2 - 2.0 ** (1 - precision)) * 2.0**high
        v = v if v != v else max(-top, min(top, v))
    return v


def add_float(g, letter, values, to, mode, modifiers, source):
    words = [w for w in modifiers.split(".") if w]
    want = [to_float(float(v), to, mode, words, source) for v in values]
    rounds = f".{mode}" if mode else ""
    g.add(f"cvt{rounds}{modifiers}.{to}.{source} d, {letter}",
          np.array(want).astype(dtype(to)))  # fmt: skip


for source in INTS:
    a = numbers(source)
    g = groups[source] = Group(a=a)
    exact = [int(v) for v in a]
    for to in INTS:
        g.add(f"cvt.{to}.{source} d, a", whole(exact, to))
        low, high = limits(source)
        if clamp(low, to) != low or clamp(high, to) != high:
            g.add(
                f"cvt.sat.{to}.{source} d, a", whole([clamp(v, to) for v in exact], to)
            )
        if int(to[1:]) < 32:  # A destination wider than the type is extended.
            extended = [int(v) for v in whole(exact, to)]
            g.add(f"cvt.{to}.{source} d, a", whole(extended, "s32"))
    for to in FLOATS:
        if to == "bf16" and source in ("u8", "s8"):
            continue
        for mode in ("rn", "rz", "rm", "rp"):
            made = [ieee.rounded(Fraction(v), to, mode) for v in exact]
            made = np.array(made).astype(dtype(to))
            g.add(f"cvt.{mode}.{to}.{source} d, a", made)
            if to == "f32":
                clipped = np.clip(made, 0, 1).astype(np.float32)
                g.add(f"cvt.{mode}.sat.f32.{source} d, a", clipped)

WIDER = {"f16": ("f32", "f64"), "bf16": ("f32", "f64"), "f32": ("f64",), "f64": ()}
for source in FLOATS:
    a = floats(source)
    g = groups[source] = Group(a=a)
    for to in INTS:
        if source == "bf16" and to in ("u8", "s8"):
            continue
        sat = "" if source == "bf16" else "{,.sat}"
        for how in INTEGRAL:
            for m in expand("{,.ftz}" + sat if source == "f32" else sat):
                words = m.split(".")
                made = [to_int(float(v), to, source, how, words) for v in a]
                g.add(f"cvt.{how}{m}.{to}.{source} d, a", whole(made, to))
    for to in FLOATS:
        single = "f32" in (source, to)
        # bf16 takes part in what f32 does, and in no saturation to [0, 1].
        m = ("{,.ftz}" if single and "bf16" not in (source, to) else "") + (
            "{,.sat}" if "bf16" not in (source, to) else ""
        )
        if to == source:
            for how in INTEGRAL:
                for w in expand(m):
                    add_float(g, "a", a, to, how, w, source)
        elif to in WIDER[source]:
            for w in expand(m):
                add_float(g, "a", a, to, "", w, source)
        else:
            for mode in ("rn", "rz", "rm", "rp"):
                for w in expand(m):
                    add_float(g, "a", a, to, mode, w, source)

# Pairs, tf32 and bytes ----------------------------------------------------------------

a, b = floats("f32"), floats("f32")
g = groups["packed"] = Group(a=a, b=b)
for to in ("f16", "bf16"):
    for mode in ("rn", "rz"):
        for m in expand("{,.relu}{,.satfinite}"):
            words = m.split(".")
            parts = [
                np.array(
                    [to_float(float(v), to, mode, words, "f32") for v in x]
                ).astype(dtype(to))
                for x in (b, a)
            ]
            g.add(f"cvt.{mode}{m}.{to}.f32 d, a", parts[1])
            g.add(f"cvt.{mode}{m}.{to}x2.f32 d, a, b", paired(*parts))
for mode, m in [("rna", ""), ("rna", ".satfinite")] + [
    (mode, m) for mode in ("rn", "rz") for m in ("", ".relu")
]:
    words = m.split(".")
    made = [to_float(float(v), "tf32", mode, words, "f32") for v in a]
    g.add(f"cvt.{mode}{m}.tf32.f32 d, a", np.array(made).astype(np.float32))

BYTES = {
    "e4m3x2": (ml_dtypes.float8_e4m3fn, 448.0),
    "e5m2x2": (ml_dtypes.float8_e5m2, 57344.0),
}
small = [
    (rng.standard_normal(N) * 2.0 ** rng.integers(-14, 10, N)).astype(np.float32)
    for _ in range(2)
]
for x in small:
    x[:6] = [np.nan, np.inf, -np.inf, 464.0, -0.0, 2.0**-10]
    rng.shuffle(x)
halves = [x.astype(np.float16) for x in small]
raw = np.concatenate([np.arange(192), rng.integers(0, 256, 192)]).astype(np.uint8)
raw = rng.permutation(raw).reshape(N, 2)
raw[:4, 0] = [0x7F, 0xFF, 0x7C, 0xFC]
g = groups["bytes"] = Group(
    a=small[0], b=small[1], h=np.stack(halves, 1).view(np.uint32).ravel(),
    r=raw.view(np.uint16).ravel(),
)  # fmt: skip


def byte(x, to, relu):
    kind, top = BYTES[to]
    x = x.astype(np.float32)
    if relu:
        x = np.where((x > 0) | np.isnan(x), x, np.float32(0))
    made = np.clip(x, -top, top).astype(kind).view(np.uint8)
    return np.where(np.isnan(x), 0x7F, made).astype(np.uint8)


for to in BYTES:
    for m in expand("{,.relu}"):
        first, second = (byte(x, to, bool(m)) for x in small)
        g.add(f"cvt.rn.satfinite{m}.{to}.f32 d, a, b",
              np.stack([second, first], 1).view(np.uint16).ravel())  # fmt: skip
        low, high = (byte(x, to, bool(m)) for x in halves)
        g.add(f"cvt.rn.satfinite{m}.{to}.f16x2 d, h",
              np.stack([low, high], 1).view(np.uint16).ravel())  # fmt: skip
        values = raw.view(BYTES[to][0]).astype(np.float16)
        if m:
            values = np.where((values > 0) | np.isnan(values), values, np.float16(0))
        g.add(f"cvt.rn{m}.f16x2.{to} d, r", paired(values[:, 0], values[:, 1]))

# Whole numbers clamped and put below what is there.
a, b, c = (numbers("s32") for _ in range(3))
g = groups["pack"] = Group(a=a, b=b, c=c)
for to in ("u2", "s2", "u4", "s4", "u8", "s8", "u16", "s16"):
    bits = int(to[1:])
    low, high = (
        (0, 2**bits - 1) if to[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    )
    want = [
        (max(low, min(high, int(x))) % 2**bits << bits)
        | max(low, min(high, int(y))) % 2**bits
        | (int(z) << 2 * bits) % 2**32
        for x, y, z in zip(a, b, c, strict=True)
    ]
    above = "" if bits == 16 else ".b32"
    g.add(
        f"cvt.pack.sat.{to}.s32{above} d, a, b{', c' if above else ''}",
        np.array(want, np.uint32),
    )

sys.exit(not run(emu.Driver(), groups))
