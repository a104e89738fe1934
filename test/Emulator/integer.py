# ===- integer.py - every form of the integer instructions -----------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_STATS=%t.json %python %s
# RUN: %python %S/Inputs/coverage.py %et_src/docs/Emulator.md integer.py %t.json
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_BASELINE=1 %python %s
# REQUIRES: cuda-toolkit
# ruff: noqa: B023 - functions of a loop's variables are called in their turn
"""Integer and bit instructions against Python's whole numbers."""

import operator
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "Inputs"))
import emu
import numpy as np
from forms import Group, N, expand, run

SEED = int(np.random.SeedSequence().entropy % 2**32)
print("seed", SEED)
rng = np.random.default_rng(SEED)
groups = {}


def bits_of(kind):
    return int(kind.lstrip("usbf").replace("x2", ""))


def numbers(bits, signed):
    """Random values of random magnitudes, and the edges; some are 0."""
    raw = rng.integers(0, 2**64, N, np.uint64, endpoint=False)
    raw >>= rng.integers(64 - bits, 64, N).astype(np.uint64)
    values = raw.astype(f"u{bits // 8}")
    flip = rng.random(N) < 0.4
    values[flip] = ~values[flip]
    top = 1 << (bits - 1)
    edges = [0, 1, top - 1, top, 2 * top - 1, 2, 31, 32]
    at = rng.permutation(N)[: len(edges)]
    values[at] = np.array(edges, values.dtype)
    return values.view(f"i{bits // 8}") if signed else values


def array(values, bits):
    """Whole numbers, wrapped."""
    mask = (1 << bits) - 1
    return np.array([int(v) & mask for v in values], f"u{bits // 8}")


def signed(v, bits):
    v &= (1 << bits) - 1
    return v - (1 << bits) if v >> (bits - 1) else v


def quotient(a, b):
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1) if b else -1


def clamp32(v):
    return max(-(2**31), min(2**31 - 1, v))


def each(f, *columns):
    return [f(*(int(v) for v in row)) for row in zip(*columns, strict=True)]


def halves(f, *columns, sign):
    """f on the two 16-bit halves of each value."""

    def both(*row):
        low, high = (
            f(*(signed(v >> s, 16) if sign else v >> s & 0xFFFF for v in row)) & 0xFFFF
            for s in (0, 16)
        )
        return low | high << 16

    return each(both, *columns)


BINARY = {
    "add": operator.add,
    "sub": operator.sub,
    "div": quotient,
    "rem": lambda a, b: a - b * quotient(a, b) if b else a,
    "min": min,
    "max": max,
    "mul.lo": operator.mul,
}

for kind in ("u16", "s16", "u32", "s32", "u64", "s64"):
    bits, sign = bits_of(kind), kind[0] == "s"
    a, b, c = (numbers(bits, sign) for _ in range(3))
    g = groups[f"arithmetic_{kind}"] = Group(a=a, b=b, c=c)

    def add(statement, values, bits=bits, g=g):
        g.add(statement, array(values, bits))

    for op, f in BINARY.items():
        add(f"{op}.{kind} d, a, b", each(f, a, b))
    high = each(lambda x, y, bits=bits: x * y >> bits, a, b)
    add(f"mul.hi.{kind} d, a, b", high)
    add(f"mad.lo.{kind} d, a, b, c", each(lambda x, y, z: x * y + z, a, b, c))
    add(f"mad.hi.{kind} d, a, b, c", each(operator.add, high, c))
    add(f"sad.{kind} d, a, b, c", each(lambda x, y, z: abs(x - y) + z, a, b, c))
    if bits < 64:
        wide = numbers(2 * bits, sign)
        w = groups[f"wide_{kind}"] = Group(a=a, b=b, c=wide)
        add(f"mul.wide.{kind} d, a, b", each(operator.mul, a, b), 2 * bits, w)
        add(f"mad.wide.{kind} d, a, b, c", each(lambda x, y, z: x * y + z, a, b, wide),
            2 * bits, w)  # fmt: skip
    if sign:
        add(f"abs.{kind} d, a", each(abs, a))
        add(f"neg.{kind} d, a", each(operator.neg, a))
    if kind == "s32":
        add("add.sat.s32 d, a, b", each(lambda x, y: clamp32(x + y), a, b))
        add("sub.sat.s32 d, a, b", each(lambda x, y: clamp32(x - y), a, b))
        add("min.relu.s32 d, a, b", each(lambda x, y: max(min(x, y), 0), a, b))
        add("max.relu.s32 d, a, b", each(lambda x, y: max(x, y, 0), a, b))
    if bits >= 32:
        # A carry in comes of a sum or difference with a known one.
        full = 1 << bits
        ua, ub, uc = ([int(v) % full for v in x] for x in (a, b, c))
        carry = [(x + y) // full for x, y in zip(ua, ub, strict=True)]
        borrow = [int(x < y) for x, y in zip(ua, ub, strict=True)]
        low, high = (each(f, a, b) for f in (operator.mul, lambda x, y: x * y >> bits))
        add(f"add.cc.{kind} d, a, b", each(operator.add, ua, ub))
        add(f"sub.cc.{kind} d, a, b", each(operator.sub, ua, ub))
        for cc in ("", ".cc"):
            add(f"add.cc.{kind} d, a, b; addc{cc}.{kind} d, a, c",
                each(lambda x, z, k: x + z + k, a, c, carry))  # fmt: skip
            add(f"sub.cc.{kind} d, a, b; subc{cc}.{kind} d, a, c",
                each(lambda x, z, k: x - z - k, a, c, borrow))  # fmt: skip
            for part, product in (("lo", low), ("hi", high)):
                add(f"add.cc.{kind} d, a, b; madc.{part}{cc}.{kind} d, a, b, c",
                    each(lambda p, z, k: p + z + k, product, c, carry))  # fmt: skip
        # The carry that an instruction leaves, as the next one takes it in.
        out = {
            f"addc.cc.{kind} d, a, c": [
                (x + z + k) // full for x, z, k in zip(ua, uc, carry, strict=True)
            ],
            f"mad.lo.cc.{kind} d, a, b, c": [
                (p % full + z) // full for p, z in zip(low, uc, strict=True)
            ],
            f"mad.hi.cc.{kind} d, a, b, c": [
                (p % full + z) // full for p, z in zip(high, uc, strict=True)
            ],
            f"madc.lo.cc.{kind} d, a, b, c": [
                (p % full + z + k) // full
                for p, z, k in zip(low, uc, carry, strict=True)
            ],
            f"madc.hi.cc.{kind} d, a, b, c": [
                (p % full + z + k) // full
                for p, z, k in zip(high, uc, carry, strict=True)
            ],
        }
        for text, left in out.items():
            add(f"add.cc.{kind} d, a, b; {text}; addc.{kind} d, 0, 0", left)
        add(f"sub.cc.{kind} d, a, b; subc.cc.{kind} d, a, c; subc.{kind} d, 0, 0",
            [-int(x - z - k < 0) for x, z, k in zip(ua, uc, borrow, strict=True)])  # fmt: skip

a, b, c = (numbers(32, False) for _ in range(3))
g = groups["words"] = Group(a=a, b=b, c=c)
for kind in ("u32", "s32"):

    def cut(v, kind=kind):
        return signed(v, 24) if kind == "s32" else v & 0xFFFFFF

    g.add(
        f"mul24.lo.{kind} d, a, b", array(each(lambda x, y: cut(x) * cut(y), a, b), 32)
    )
    g.add(f"mul24.hi.{kind} d, a, b",
          array(each(lambda x, y: cut(x) * cut(y) >> 16, a, b), 32))  # fmt: skip
    g.add(f"mad24.lo.{kind} d, a, b, c",
          array(each(lambda x, y, z: cut(x) * cut(y) + z, a, b, c), 32))  # fmt: skip
    g.add(f"mad24.hi.{kind} d, a, b, c",
          array(each(lambda x, y, z: (cut(x) * cut(y) >> 16) + z, a, b, c), 32))  # fmt: skip
for op in ("add", "min", "max"):
    for kind in ("u16x2", "s16x2"):
        want = halves(BINARY[op], a, b, sign=kind[0] == "s")
        g.add(f"{op}.{kind} d, a, b", array(want, 32))
for op in ("min", "max"):
    want = halves(lambda x, y, f=BINARY[op]: max(f(x, y), 0), a, b, sign=True)
    g.add(f"{op}.relu.s16x2 d, a, b", array(want, 32))


def part(v, k, width, kind):
    v = v >> k * width & (1 << width) - 1
    return signed(v, width) if kind == "s32" else v


for ka in ("u32", "s32"):
    for kb in ("u32", "s32"):

        def dot4(x, y, z, ka=ka, kb=kb):
            return z + sum(part(x, k, 8, ka) * part(y, k, 8, kb) for k in range(4))

        g.add(f"dp4a.{ka}.{kb} d, a, b, c", array(each(dot4, a, b, c), 32))
        for half, first in (("lo", 0), ("hi", 2)):

            def dot2(x, y, z, ka=ka, kb=kb, first=first):
                return z + sum(
                    part(x, k, 16, ka) * part(y, first + k, 8, kb) for k in range(2)
                )

            g.add(f"dp2a.{half}.{ka}.{kb} d, a, b, c", array(each(dot2, a, b, c), 32))

# Bits -------------------------------------------------------------------------

small, width = (rng.integers(0, 70, N).astype(np.uint32) for _ in range(2))
for bits in (16, 32, 64):
    full = (1 << bits) - 1
    a, b = numbers(bits, False), numbers(bits, False)
    p, q = rng.random(N) < 0.5, rng.random(N) < 0.5
    g = groups[f"bits_{bits}"] = Group(a=a, b=b, c=small, w=width, p=p, q=q)
    for op, f in (("and", operator.and_), ("or", operator.or_), ("xor", operator.xor)):
        g.add(f"{op}.b{bits} d, a, b", f(a, b))
        if bits == 32:
            g.add(f"{op}.pred d, p, q", f(p, q))
    g.add(f"not.b{bits} d, a", ~a)
    g.add(f"cnot.b{bits} d, a", (a == 0).astype(a.dtype))
    if bits == 32:
        g.add("not.pred d, p", ~p)
    g.add(f"shl.b{bits} d, a, c", array(each(lambda x, n: x << n, a, small), bits))
    for kind in "bu":
        g.add(
            f"shr.{kind}{bits} d, a, c",
            array(each(lambda x, n: x >> n, a, small), bits),
        )
    arithmetic = each(lambda x, n: signed(x, bits) >> n, a, small)
    g.add(f"shr.s{bits} d, a, c", array(arithmetic, bits))
    if bits == 16:
        continue

    def find(x, kind, shift):
        x = ~x & full if kind == "s" and x >> (bits - 1) else x
        at = x.bit_length() - 1
        return -1 if at < 0 else bits - 1 - at if shift else at

    g.add(f"popc.b{bits} d, a", array(each(int.bit_count, a), 32))
    g.add(f"clz.b{bits} d, a", array(each(lambda x: bits - x.bit_length(), a), 32))
    turned = each(lambda x: int(f"{x:0{bits}b}"[::-1], 2), a)
    g.add(f"brev.b{bits} d, a", array(turned, bits))
    for kind in "us":
        for shift in ("", ".shiftamt"):
            want = array(each(lambda x: find(x, kind, shift), a), 32)
            g.add(f"bfind{shift}.{kind}{bits} d, a", want)

        def extract(x, at, length):
            have = x >> at & (1 << length) - 1
            if kind == "s" and length:
                sign = x >> min(at + length - 1, bits - 1) & 1
                real = max(0, min(length, bits - at))
                have |= -sign << real
            return have

        g.add(
            f"bfe.{kind}{bits} d, a, c, w", array(each(extract, a, small, width), bits)
        )

    def insert(x, y, at, length):
        field = ((1 << length) - 1) << at & full
        return y & ~field | x << at & field

    g.add(f"bfi.b{bits} d, a, b, c, w", array(each(insert, a, b, small, width), bits))

a, b = numbers(32, False), numbers(32, False)
step = rng.integers(-5, 6, N).astype(np.int32)
place = rng.integers(0, 32, N).astype(np.uint32)
g = groups["masks"] = Group(a=a, b=b, c=small, s=step, w=width, p=place)


def mask(at, length, mode):
    at, length = (v & 31 if mode == "wrap" else v for v in (at, length))
    return ((1 << min(length, 32)) - 1) << at


def narrow(x, length, mode, kind):
    length = length & 31 if mode == "wrap" else min(length, 32)
    x &= (1 << length) - 1
    return signed(x, length) if kind == "s32" and length else x


for mode in ("clamp", "wrap"):
    g.add(f"bmsk.{mode}.b32 d, c, w",
          array(each(lambda x, y: mask(x, y, mode), small, width), 32))  # fmt: skip
    for kind in ("u32", "s32"):
        g.add(f"szext.{mode}.{kind} d, a, c",
              array(each(lambda x, y: narrow(x, y, mode, kind), a, small), 32))  # fmt: skip
    for left in "lr":

        def funnel(x, y, n):
            n = n & 31 if mode == "wrap" else min(n, 32)
            both = y << 32 | x
            return both << n >> 32 if left == "l" else both >> n

        g.add(f"shf.{left}.{mode}.b32 d, a, b, c", array(each(funnel, a, b, small), 32))


def nth(x, base, n):
    if n == 0:
        return base if x >> base & 1 else -1
    order = range(base, 32) if n > 0 else range(base, -1, -1)
    hits = [k for k in order if x >> k & 1]
    return hits[abs(n) - 1] if len(hits) >= abs(n) else -1


g.add("fns.b32 d, a, p, s", array(each(nth, a, place, step), 32))
for table in (0xCA, 0x96, 0x01, int(rng.integers(256))):

    def lookup(x, y, z, table=table):
        rows = zip(f"{x:032b}", f"{y:032b}", f"{z:032b}", strict=True)
        return int("".join(str(table >> int("".join(r), 2) & 1) for r in rows), 2)

    g.add(f"lop3.b32 d, a, b, c, {table}", array(each(lookup, a, b, small), 32))
PERMUTE = {
    "f4e": lambda s: [s, s + 1, s + 2, s + 3],
    "b4e": lambda s: [s, (s + 7) % 8, (s + 6) % 8, (s + 5) % 8],
    "rc8": lambda s: [s] * 4,
    "ecl": lambda s: [max(s, k) for k in range(4)],
    "ecr": lambda s: [min(s, k) for k in range(4)],
    "rc16": lambda s: [0, 1, 0, 1] if s % 2 == 0 else [2, 3, 2, 3],
}


def gather(x, y, picks):
    source = (y << 32 | x).to_bytes(8, "little")
    taken = [source[k & 7] if k < 8 else 255 * (source[k & 7] >> 7) for k in picks]
    return int.from_bytes(bytes(taken), "little")


for mode, picks in PERMUTE.items():
    g.add(f"prmt.b32.{mode} d, a, b, c",
          array(each(lambda x, y, z: gather(x, y, picks(z & 3)), a, b, small), 32))  # fmt: skip
g.add("prmt.b32 d, a, b, b",
      array(each(lambda x, y: gather(x, y, [y >> 4 * k & 15 for k in range(4)]), a, b), 32))  # fmt: skip

# Comparisons and selections of whole numbers -------------------------------------

COMPARE = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "lo": operator.lt,
    "ls": operator.le,
    "hi": operator.gt,
    "hs": operator.ge,
}
JOIN = {"and": operator.and_, "or": operator.or_, "xor": operator.xor}
for kind in expand("{b,u,s}{16,32,64}"):
    bits = bits_of(kind)
    a = numbers(bits, kind[0] == "s")
    b = np.where(rng.random(N) < 0.3, a, numbers(bits, kind[0] == "s"))
    p = rng.random(N) < 0.5
    s = rng.integers(-2, 2, N).astype(np.int32)
    f = rng.choice([0.0, -0.0, -1.5, 2.0, -1e-42, np.nan], N).astype(np.float32)
    g = groups[f"compare_{kind}"] = Group(a=a, b=b, p=p, s=s, f=f)
    names = {"b": 2, "s": 6, "u": 10}[kind[0]]
    for name, test in list(COMPARE.items())[:names]:
        hit = test(a, b)
        g.add(f"setp.{name}.{kind} d, a, b", hit)
        g.add(f"setp.{name}.{kind} d|%some0, a, b", hit)
        for how, join in JOIN.items():
            g.add(f"setp.{name}.{how}.{kind} d, a, b, p", join(hit, p))
            g.add(f"setp.{name}.{how}.{kind} %some0|d, a, b, p", join(~hit, p))
            g.add(f"set.{name}.{how}.u32.{kind} d, a, b, !p",
                  np.where(join(hit, ~p), 2**32 - 1, 0).astype(np.uint32))  # fmt: skip
        g.add(
            f"set.{name}.u32.{kind} d, a, b",
            np.where(hit, 2**32 - 1, 0).astype(np.uint32),
        )
        g.add(f"set.{name}.s32.{kind} d, a, b", np.where(hit, -1, 0).astype(np.int32))
        g.add(f"set.{name}.f32.{kind} d, a, b", hit.astype(np.float32))
    g.add(f"selp.{kind} d, a, b, p", np.where(p, a, b))
    g.add(f"slct.{kind}.s32 d, a, b, s", np.where(s >= 0, a, b))
    for ftz in ("", ".ftz"):
        flush = np.where(np.abs(f) < 1e-38, np.float32(0), f) if ftz else f
        g.add(f"slct{ftz}.{kind}.f32 d, a, b, f", np.where(flush >= 0, a, b))

sys.exit(not run(emu.Driver(), groups))
