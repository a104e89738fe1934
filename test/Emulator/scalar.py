# ===- scalar.py - arithmetic, conversions, memory -------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext %python %s
# REQUIRES: cuda-toolkit
"""Arithmetic, bits and conversions agree with NumPy's, bit for bit where IEEE says so."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "Inputs"))
import emu
import ml_dtypes
import numpy as np

SEED = int(np.random.SeedSequence().entropy % 2**32)
print("seed", SEED)
rng = np.random.default_rng(SEED)
N = 1003
BF = ml_dtypes.bfloat16
np.seterr(all="ignore")
driver = emu.Driver()


def same(name, got, want):
    got, want = np.asarray(got), np.asarray(want)
    bad = ~((got == want) | ((got != got) & (want != want)))
    if got.dtype.kind in "fV":
        zero = (got == 0) & (want == 0)
        bad |= zero & (np.signbit(got) != np.signbit(want))
    assert not bad.any(), (name, np.flatnonzero(bad)[:4], got[bad][:4], want[bad][:4])


def close(name, got, want, ulps):
    want32 = want.astype(np.float32)
    gap = np.spacing(np.abs(np.where(np.isfinite(want32), want32, 1)))
    ok = (
        (got == want32)
        | (np.isnan(got) & np.isnan(want32))
        | (np.abs(got - want) <= ulps * gap)
    )
    assert ok.all(), (name, got[~ok][:4], want[~ok][:4])


def special(dtype):
    """Random bits of a float format, with its edges."""
    size = np.dtype(dtype).itemsize
    bits = rng.integers(0, 2 ** (8 * size), N, dtype=np.uint64).astype(f"u{size}")
    x = bits.view(dtype).copy()
    half = N // 2
    x[:half] = (rng.standard_normal(half) * 4).astype(dtype)
    x[:10] = np.array([0, -0.0, 1, -1, np.inf, -np.inf, np.nan, 0.5, 1.5, 2.5]).astype(
        dtype
    )
    return x


def run(module, name, *args):
    module.launch(name, (N + 127) // 128, 128, *args, N)


def ints(module):
    a = rng.integers(-(2**31), 2**31, N).astype(np.int32)
    b = rng.integers(-(2**31), 2**31, N).astype(np.int32) >> rng.integers(
        0, 31, N
    ).astype(np.int32)
    a[:3], b[:3] = [5, -7, 0], [0, 0, 3]
    o = emu.Empty((12, N), np.int32)
    run(module, "int_ops", a, b, o)
    x, y = a.astype(object), b.astype(object)
    quotient = [
        int(abs(p) // abs(q)) * (1 if (p < 0) == (q < 0) else -1) if q else -1
        for p, q in zip(x, y, strict=False)
    ]
    rest = [p - q * r if q else p for p, q, r in zip(x, y, quotient, strict=False)]

    def wrap(v):
        return np.array([int(t) & 0xFFFFFFFF for t in v], np.uint32).view(np.int32)

    want = [
        wrap(x + y),
        wrap(x - y),
        wrap(x * y),
        wrap(quotient),
        wrap(rest),
        np.minimum(a, b),
    ]
    want += [
        np.maximum(a, b),
        wrap(abs(x)),
        wrap((x * y) >> 32),
        a >> (b & 31),
        a & b,
        (a ^ b) | (a & ~b),
    ]
    for k, w in enumerate(want):
        same(f"int {k}", o.value[k], w)
    ua, ub = a.view(np.uint32), b.view(np.uint32)
    u = emu.Empty((13, N), np.uint32)
    run(module, "uint_ops", ua, ub, u)
    x, y = ua.astype(object), ub.astype(object)

    def low(v):
        return np.array([int(t) & 0xFFFFFFFF for t in v], np.uint32)

    perm = [
        (p >> 8 & 255) | (p >> 24) << 8 | (q >> 8 & 255) << 16 | (q >> 24) << 24
        for p, q in zip(x, y, strict=False)
    ]
    dot = [
        sum((p >> s & 255) * (q >> s & 255) for s in (0, 8, 16, 24)) + 5
        for p, q in zip(x, y, strict=False)
    ]
    want = [
        [p // q if q else 2**32 - 1 for p, q in zip(x, y, strict=False)],
        [p % q if q else p for p, q in zip(x, y, strict=False)],
    ]
    want += [
        (x * y) >> 32,
        [p << (q & 31) for p, q in zip(x, y, strict=False)],
        ua >> (ub & 31),
    ]
    want += [[bin(p).count("1") for p in x], [32 - int(p).bit_length() for p in x]]
    want += [[int(f"{p:032b}"[::-1], 2) for p in x], perm]
    want += [
        [((p | q << 32) << (q & 31)) >> 32 for p, q in zip(x, y, strict=False)],
        [(p & -p).bit_length() for p in x],
    ]
    want += [abs(x - y) + 7, dot]
    for k, w in enumerate(want):
        same(f"uint {k}", u.value[k], low(w))


def longs(module):
    a = rng.integers(-(2**63), 2**63, N)
    b = rng.integers(-(2**63), 2**63, N) >> rng.integers(0, 63, N)
    o = emu.Empty((9, N), np.int64)
    run(module, "long_ops", a, b, o)
    x, y = a.astype(object), b.astype(object)

    def wrap(v):
        return np.array([int(t) & (2**64 - 1) for t in v], np.uint64).view(np.int64)

    quotient = [
        int(abs(p) // abs(q)) * (1 if (p < 0) == (q < 0) else -1) if q else -1
        for p, q in zip(x, y, strict=False)
    ]
    bits = [int(p) & (2**64 - 1) for p in x]
    want = [wrap(x + y), wrap(x * y), wrap(quotient), wrap((x * y) >> 64)]
    want += [
        wrap([p << (int(q) & 63) for p, q in zip(x, y, strict=False)]),
        [bin(p).count("1") for p in bits],
    ]
    want += [[64 - p.bit_length() for p in bits], np.minimum(a, b)]
    want += [a.astype(np.int32).astype(np.int64) * b.astype(np.int32).astype(np.int64)]
    for k, w in enumerate(want):
        same(f"long {k}", o.value[k], np.asarray(w))
    p = rng.integers(0, 2**64, (N, 2), dtype=np.uint64)
    q = rng.integers(0, 2**64, (N, 2), dtype=np.uint64)
    w = emu.Empty((3, N, 2), np.uint64)
    run(module, "wide_carry", p, q, w)

    def whole(v):
        return [int(r[0]) | int(r[1]) << 64 for r in v]

    for k, f in enumerate([lambda s, t: s + t, lambda s, t: s - t, lambda s, t: s * t]):
        want = [
            f(s, t) & (2**128 - 1) for s, t in zip(whole(p), whole(q), strict=False)
        ]
        assert whole(w.value[k]) == want, k
    s, t = (rng.integers(-(2**15), 2**15, N).astype(np.int16) for _ in range(2))
    o = emu.Empty((4, N), np.int16)
    run(module, "short_ops", s, t, o)
    for k, w in enumerate([s * t, s + t, np.minimum(s, t), s.astype(np.int8)]):
        same(f"short {k}", o.value[k], w)
    w8, w16 = emu.Empty(N, np.int8), emu.Empty(N, np.uint16)
    w32, wd = emu.Empty(N, np.int32), emu.Empty(N, np.float64)
    run(module, "narrow", a, w8, w16, w32, wd)
    for got in (w8, w16, w32, wd):
        same("narrow", got.value, a.astype(got.value.dtype))


def bit_fields(module):
    a, b = (
        rng.integers(0, 2**32, N, dtype=np.uint64).astype(np.uint32) for _ in range(2)
    )
    o = emu.Empty((6, N), np.uint32)
    run(module, "bit_fields", a, b, o)
    for i in range(N):
        x, p, width, c = int(a[i]), int(b[i]) & 31, int(b[i]) >> 8 & 31, int(b[i])
        field = x >> p & (1 << width) - 1
        top = x >> min(p + width - 1, 31) & 1 if width else 0
        have = min(width, 32 - p)
        signed = field | (0xFFFFFFFF & ~((1 << have) - 1) if top else 0)
        ones = ((1 << width) - 1) << p & 0xFFFFFFFF
        z = x * 7 & 0xFFFFFFFF
        want = [
            field,
            signed,
            (c & ~ones) | (x << p & ones),
            (x & c) | (~x & z) & 0xFFFFFFFF,
        ]
        want += [(x.bit_length() - 1) & 0xFFFFFFFF, (c << 32 | x) >> p & 0xFFFFFFFF]
        assert [int(v) for v in o.value[:, i]] == want, (i, x, c)


def floats(module):
    a, b = special(np.float32), rng.permutation(special(np.float32))
    o = emu.Empty((12, N), np.float32)
    run(module, "float_ops", a, b, o)
    d, e = a.astype(np.longdouble), b.astype(np.longdouble)
    # NumPy's fmin of a signaling NaN is a NaN; PTX takes the other operand.
    x, y = np.where(np.isnan(a), b, a), np.where(np.isnan(b), a, b)
    want = [a + b, a * b, a / b, None, np.sqrt(np.abs(a)), np.fmin(x, y), np.fmax(x, y)]
    want += [np.floor(a), np.rint(a), np.trunc(a), np.float32(1) / a, np.copysign(a, b)]
    for k, w in enumerate(want):
        if w is not None:
            zero = (
                (w == 0) if k in (5, 6) else np.zeros(N, bool)
            )  # fmin(-0, 0): NumPy gives either
            nan = np.isnan(a) if k == 11 else zero
            same(f"float {k}", o.value[k][~zero & ~nan], w[~zero & ~nan])
    close("fma", o.value[3], (d * e + d).astype(np.float64), 0.5001)
    r = emu.Empty((6, N), np.float32)
    run(module, "float_rounding", a, b, r)
    exact = {0: d + e, 1: d + e, 2: d + e, 3: d * e, 4: d * e}
    fine = (
        np.isfinite(a)
        & np.isfinite(b)
        & (np.abs(d + e) < 1e30)
        & (np.abs(d * e) < 1e30)
    )
    fine &= (
        (np.abs(a) > 1e-9) & (np.abs(b) > 1e-9) & (np.abs(a) < 1e9) & (np.abs(b) < 1e9)
    )
    for k, x in exact.items():
        got = r.value[k][fine].astype(np.longdouble)
        x = x[fine]
        step = np.spacing(np.abs(r.value[k][fine])).astype(np.longdouble)
        toward = {
            0: np.abs(got) <= np.abs(x),
            1: got >= x,
            2: got <= x,
            3: np.abs(got) <= np.abs(x),
            4: got >= x,
        }[k]
        assert toward.all() and (np.abs(got - x) <= step).all(), k
    with_nan = np.where(np.isnan(a), np.float32(0), np.clip(a, 0, 1))
    assert (r.value[5] == with_nan).all()
    c = emu.Empty(N, np.int32)
    run(module, "compare", a, b, c)
    want = (
        (a < b)
        | (a <= b) << 1
        | (a > b) << 2
        | (a >= b) << 3
        | (a == b) << 4
        | (a != b) << 5
    )
    same("compare", c.value, want | ~(a < b) << 6 | np.isnan(a) << 7 | np.isinf(a) << 8)


def functions(module):
    a = (rng.standard_normal(N) * 5).astype(np.float32)
    o = emu.Empty((11, N), np.float32)
    run(module, "float_math", a, o)
    import math

    d = a.astype(np.float64)
    m = np.abs(d)
    erf = np.array([math.erf(v) for v in d])
    want = [
        np.exp(d),
        np.log(m),
        np.sin(d),
        np.tanh(d),
        erf,
        1 / np.sqrt(m),
        m ** np.float64(np.float32(0.7)),
    ]
    want += [np.log1p(m), np.exp(d), np.cos(d), np.exp2(d)]
    # What the CUDA programming guide allows each function; __expf by its formula.
    ulps = [1, 1, 2, 2, 2, 2, 4, 2, None, 2, 2]
    for k, (w, u) in enumerate(zip(want, ulps, strict=False)):
        close(
            f"function {k}",
            o.value[k],
            w,
            u + 0.51 if u else 2.5 + np.abs(1.173 * d).max(),
        )
    x, y = special(np.float64), rng.permutation(special(np.float64))
    q = emu.Empty((8, N), np.float64)
    run(module, "double_ops", x, y, q)
    for k, w in {
        0: x + y,
        1: x * y,
        2: x / y,
        4: np.sqrt(np.abs(x)),
        7: np.rint(x),
    }.items():
        same(f"double {k}", q.value[k], w)
    near = np.isfinite(x) & (np.abs(x) < 700)
    assert np.allclose(q.value[5][near], np.exp(x[near]), rtol=1e-15, atol=0)


def halves(module):
    for name, dtype in (("half_ops", np.float16), ("bf16_ops", BF)):
        a, b = special(dtype), rng.permutation(special(dtype))
        o = emu.Empty((7, N), dtype)
        run(module, name, a, b, o)
        d, e = a.astype(np.float64), b.astype(np.float64)
        # One rounding from f64 is exact here but for sums that f64 cannot hold.
        want = [d + e, d * e, None, d - e]
        for k, w in enumerate(want):
            if w is not None:
                once = w.astype(np.float32).astype(dtype)
                got = o.value[k].astype(np.float64)
                wide = np.isfinite(w) & (np.abs(w.astype(np.float32) - w) > 0)
                same(f"{name} {k}", got[~wide], once.astype(np.float64)[~wide])
        f, g = a.astype(np.longdouble), b.astype(np.longdouble)
        got = o.value[2].astype(np.float64)
        exact = (f * g + f).astype(np.float64)
        magnitude = np.abs(np.where(np.isfinite(got), got, 1)).astype(dtype)
        scale = (magnitude.view(np.uint16) + 1).astype(np.uint16).view(dtype).astype(
            np.float64
        ) - magnitude.astype(np.float64)
        fine = np.isfinite(exact) & np.isfinite(got)
        assert (np.abs(got - exact)[fine] <= 0.5 * scale[fine]).all(), name
        for k, pick in ((4, np.fmin), (5, np.fmax)):
            # NumPy's fmin of a signaling NaN is a NaN; PTX takes the other operand.
            x, y = a.astype(np.float32), b.astype(np.float32)
            w = np.where(np.isnan(x), y, np.where(np.isnan(y), x, pick(x, y)))
            got = o.value[k].astype(np.float32)
            ok = (got == w) | (np.isnan(got) & np.isnan(w))
            assert ok.all(), (name, k, a[~ok][:4], b[~ok][:4], got[~ok][:4], w[~ok][:4])
    a, b = (rng.standard_normal((N, 2)).astype(np.float16) for _ in range(2))
    o = emu.Empty((3, N, 2), np.float16)
    run(module, "half2_ops", a, b, o)
    for k, w in enumerate(
        [a + b, a * b, (a.astype(np.float64) * b + b).astype(np.float16)]
    ):
        same(f"half2 {k}", o.value[k], w)


def conversions(module):
    a = special(np.float32)
    o = emu.Empty((5, N), np.int32)
    run(module, "float_to_int", a, o)
    d = np.where(np.isnan(a), 0, a.astype(np.float64))
    for k, f in enumerate([np.trunc, np.rint, np.floor, np.ceil]):
        same(
            f"to int {k}",
            o.value[k],
            np.clip(f(d), -(2**31), 2**31 - 1).astype(np.int32),
        )
    same(
        "to uint",
        o.value[4].view(np.uint32),
        np.clip(np.trunc(d), 0, 2**32 - 1).astype(np.uint32),
    )
    i = rng.integers(-(2**31), 2**31, N).astype(np.int32)
    f = emu.Empty((5, N), np.float32)
    run(module, "int_to_float", i, f)
    same("from int", f.value[0], i.astype(np.float32))
    same("from uint", f.value[1], i.view(np.uint32).astype(np.float32))
    assert (np.abs(f.value[2].astype(np.float64)) <= np.abs(i.astype(np.float64))).all()
    same("from byte", f.value[3], i.astype(np.int8).astype(np.float32))
    same("from long", f.value[4], (i.astype(np.int64) * 1234567).astype(np.float32))
    h, q = emu.Empty((3, N), np.float16), emu.Empty((2, N), BF)
    run(module, "float_to_half", a, h, q)
    same("to half", h.value[0], a.astype(np.float16))
    same("to bf16", q.value[0].astype(np.float32), a.astype(BF).astype(np.float32))
    fine = np.isfinite(a)
    assert (
        np.abs(h.value[1][fine].astype(np.float64))
        <= np.abs(a[fine].astype(np.float64))
    ).all()
    assert (h.value[2][fine].astype(np.float64) >= a[fine].astype(np.float64)).all()
    same(
        "to bf16 rz",
        q.value[1][fine].view(np.uint16),
        (a[fine].view(np.uint32) >> 16).astype(np.uint16),
    )
    x, y = special(np.float16), special(BF)
    f = emu.Empty((3, N), np.float32)
    run(module, "half_to_float", x, y, f)
    same("from half", f.value[0], x.astype(np.float32))
    same("from bf16", f.value[1], y.astype(np.float32))
    b = special(np.float32)
    h, q = emu.Empty((N, 2), np.float16), emu.Empty((N, 2), BF)
    run(module, "pack_pairs", a, b, h, q)
    both = np.stack([a, b], 1)
    same("pairs", h.value, both.astype(np.float16))
    same("bf16 pairs", q.value.astype(np.float32), both.astype(BF).astype(np.float32))


def partly(module):
    """Under all checks: no use of what nothing wrote is reported."""
    o = emu.Empty((7, N), np.int32)
    run(module, "partly", emu.Empty(N, np.uint32), o)
    i = np.arange(N)
    low, high, few = i & 0x7F, i & 0x3F, i & 15
    want = [low * 3 + high, 2 * (low + high), 2 * few * few, (i * 12 + 7) & 0xFFFF]
    want += [low + high, (i & 0xFF) + (2 * i & 0xFF), np.full(N, 3)]
    assert np.array_equal(o.value, want), (o.value, want)


for (compiler, chip), text in emu.compile_for("scalar.cu", ("sm_80", "sm_90")).items():
    module = emu.Module(driver, text)
    for test in (
        ints,
        longs,
        bit_fields,
        floats,
        functions,
        halves,
        conversions,
        partly,
    ):
        try:
            test(module)
        except Exception as e:
            print("FAILED", compiler, chip, test.__name__, str(e)[:1500])
            raise
        print("ok", compiler, chip, test.__name__)
