# ===- lanes.py - what lanes do together, and where they go ----------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_STATS=%t.json %python %s
# RUN: %python %S/Inputs/coverage.py %et_src/docs/Emulator.md lanes.py %t.json
# REQUIRES: cuda-toolkit
# ruff: noqa: B023 - functions of a loop's variables are called in their turn
"""Shuffles, votes, matches and reductions of a warp; branches, calls and ends."""

import functools
import operator
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "Inputs"))
import emu
import forms
import numpy as np
from forms import Group, N

SEED = int(np.random.SeedSequence().entropy % 2**32)
print("seed", SEED)
rng = np.random.default_rng(SEED)
LANE = np.arange(N) % 32
FULL = 2**32 - 1


def words(n=N, top=2**32):
    return rng.integers(0, top, n).astype(np.uint32)


def of_warps(f, *arrays):
    """f on the 32 elements of each warp, joined."""
    split = [a.reshape(-1, 32) for a in arrays]
    return np.concatenate([np.asarray(f(*row)) for row in zip(*split, strict=True)])


def shuffle(mode):
    """The definition in PTX: the source lane, and whether it is within the segment."""

    def warp(a, b, c):
        out, inside = [], []
        for lane in range(32):
            value, clamp, segment = (
                int(b[lane]) & 31,
                int(c[lane]) & 31,
                int(c[lane]) >> 8 & 31,
            )
            high = lane & segment | clamp & ~segment
            source = {
                "up": lane - value,
                "down": lane + value,
                "bfly": lane ^ value,
                "idx": lane & segment | value & ~segment,
            }[mode]
            p = source >= high if mode == "up" else source <= high
            out.append(a[source] if p else a[lane])
            inside.append(p)
        return out, inside

    return warp


a, b = words(), words(top=64)
widths = 1 << rng.integers(0, 6, N // 32)
masks = np.repeat((32 - widths) << 8, 32).astype(np.uint32)
p, q = rng.random(N) < 0.5, np.repeat(rng.random(N // 32) < 0.5, 32)
few = words(top=3)
same = np.repeat(words(N // 32), 32)
same[40] ^= 1
wide = few.astype(np.uint64) << np.uint64(40)
every = same.astype(np.uint64) << np.uint64(17)
g = Group(a=a, b=b, c=masks | 31, f=masks, p=p, q=q, l=LANE.astype(np.uint32),
          v=few, s=same, w=wide, z=every)  # fmt: skip
for mode in ("up", "down", "bfly", "idx"):
    control = masks if mode == "up" else masks | 31
    name = "f" if mode == "up" else "c"
    got, inside = np.split(of_warps(lambda *r: np.array(shuffle(mode)(*r)).ravel(), a, b, control)
                           .reshape(-1, 2, 32).transpose(1, 0, 2).reshape(2, -1), 2)  # fmt: skip
    g.add(
        f"shfl.sync.{mode}.b32 d|%some0, a, b, {name}, -1",
        got.ravel().astype(np.uint32),
    )
    g.add(
        f"shfl.sync.{mode}.b32 %word|d, a, b, {name}, -1", inside.ravel().astype(bool)
    )


def ballot(bits):
    return sum(1 << k for k in range(len(bits)) if bits[k])


def vote(f):
    return lambda p: np.full(32, f(p))


for x, array in (("p", p), ("q", q)):
    for mode, f in {
        "all": lambda v: v.all(),
        "any": lambda v: v.any(),
        "uni": lambda v: v.all() or not v.any(),
    }.items():
        g.add(f"vote.sync.{mode}.pred d, {x}, -1", of_warps(vote(f), array))
        g.add(f"vote.sync.{mode}.pred d, !{x}, -1", of_warps(vote(f), ~array))
    g.add(
        f"vote.sync.ballot.b32 d, {x}, -1",
        of_warps(vote(ballot), array).astype(np.uint32),
    )
part = "mov.b32 d, 0; setp.lt.u32 %some0, l, 20; @%some0 "
some = LANE < 20
g.add(part + "vote.sync.ballot.b32 d, p, 0xfffff",
      np.where(some, of_warps(vote(ballot), p & some), 0).astype(np.uint32))  # fmt: skip
g.add(part + "activemask.b32 d", np.where(some, 0xFFFFF, 0).astype(np.uint32))
g.add("activemask.b32 d", np.full(N, FULL, np.uint32))
for mode, kinds in {"any": (("v", few, "b32"), ("w", wide, "b64")),
                    "all": (("s", same, "b32"), ("z", every, "b64"))}.items():  # fmt: skip
    for x, array, kind in kinds:
        if mode == "any":
            want = of_warps(lambda r: [ballot(r == e) for e in r], array)
            g.add(f"match.any.sync.{kind} d, {x}, -1", want.astype(np.uint32))
        else:
            hit = of_warps(lambda r: np.full(32, (r == r[0]).all()), array)
            want = np.where(hit, FULL, 0).astype(np.uint32)
            g.add(f"match.all.sync.{kind} d|%some0, {x}, -1", want)
            g.add(f"match.all.sync.{kind} %word|d, {x}, -1", hit)
REDUCE = {"add": operator.add, "min": min, "max": max, "and": operator.and_,
          "or": operator.or_, "xor": operator.xor}  # fmt: skip
for op, f in REDUCE.items():
    for kind in ("u32", "s32") if op in ("add", "min", "max") else ("b32",):
        typed = a.view(np.int32) if kind == "s32" else a

        def warp(r, f=f):
            return np.full(32, functools.reduce(f, (int(v) for v in r)) & FULL)

        g.add(
            f"redux.sync.{op}.{kind} d, a, -1", of_warps(warp, typed).astype(np.uint32)
        )
        under = of_warps(
            lambda r, f=f: np.full(
                32, functools.reduce(f, (int(v) for v in r[:20])) & FULL
            ),
            typed,
        )
        g.add(
            part + f"redux.sync.{op}.{kind} d, a, 0xfffff",
            np.where(some, under, 0).astype(np.uint32),
        )
g.add("elect.sync d|%some0, -1", np.zeros(N, np.uint32))
g.add("elect.sync _|d, -1", LANE == 0)
g.add("mov.b32 d, 77; setp.ge.u32 %some0, l, 9; @%some0 elect.sync d|%some1, 0xfffffe00",
      np.where(LANE >= 9, 9, 77).astype(np.uint32))  # fmt: skip
g.add("bar.warp.sync -1; mov.b32 d, l", LANE.astype(np.uint32))
g.add("mov.b32 d, l; nanosleep.u32 5", LANE.astype(np.uint32))

# Branches, calls, ends ------------------------------------------------------------

FUNCTIONS = """.func (.param .b32 r) twice(.param .b32 x) { .reg .b32 %v; ld.param.b32 %v, [x];
shl.b32 %v, %v, 1; st.param.b32 [r], %v; ret.uni; }
.func (.param .b32 r) third(.param .b32 x) { .reg .b32 %v; .reg .pred %p; ld.param.b32 %v, [x];
setp.lt.u32 %p, %v, 9; @%p bra LOW; div.u32 %v, %v, 3; st.param.b32 [r], %v; ret;
LOW: add.u32 %v, %v, 1000; st.param.b32 [r], %v; ret; }
.func (.param .b32 r) sum(.param .b32 x) { .reg .b32 %v, %w; .reg .pred %p; ld.param.b32 %v, [x];
setp.eq.u32 %p, %v, 0; @%p bra END; sub.u32 %w, %v, 1;
{ .param .b32 a; .param .b32 q; st.param.b32 [a], %w; call (q), sum, (a); ld.param.b32 %w, [q]; }
add.u32 %v, %v, %w; END: st.param.b32 [r], %v; ret; }
"""


def one_call(how, callee, tail=""):
    return (
        "{ .param .b32 a; .param .b32 q; st.param.b32 [a], %v; "
        f"{how} (q), {callee}, (a){tail}; ld.param.b32 %w, [q]; }}"
    )


WALK = f"""
.reg .b32 %v, %w, %k, %t; .reg .b64 %in, %out, %f, %o; .reg .pred %p;
mov.u32 %t, %tid.x; mul.wide.u32 %o, %t, 4; ld.param.u64 %in, [p0]; add.u64 %in, %in, %o;
ld.param.u64 %out, [p1]; add.u64 %out, %out, %o; ld.global.b32 %v, [%in];
rem.u32 %k, %v, 6; bra.uni START;
exit;
START:
targets: .branchtargets A0, A1, A2, A3, A4, A5;
brx.idx %k, targets;
A0: {one_call("call.uni", "twice")} bra DONE;
A1: {one_call("call", "third")} bra DONE;
A2: rem.u32 %v, %v, 13; {one_call("call", "sum")} bra DONE;
A3: mov.u64 %f, twice; proto: .callprototype (.param .b32 _) _ (.param .b32 _);
{one_call("call", "%f", ", proto")} bra DONE;
A4: st.global.b32 [%out], 4444; exit;
A5: mov.b32 %w, 0;
LOOP: setp.eq.u32 %p, %v, 0; @%p bra DONE; shr.u32 %v, %v, 1; add.u32 %w, %w, 1; bra LOOP;
DONE: st.global.b32 [%out], %w;"""


def walked(v):
    if v % 6 == 2:
        return sum(range(v % 13 + 1))
    return [
        2 * v & FULL,
        v // 3 if v >= 9 else v + 1000,
        0,
        2 * v & FULL,
        4444,
        v.bit_length(),
    ][v % 6]


UNIFORM = """.reg .b32 %k, %w; .reg .b64 %out; ld.param.u64 %out, [p0]; mov.u32 %k, %ctaid.x;
list: .branchtargets B0, B1, B2; brx.idx.uni %k, list;
B0: mov.b32 %w, 10; bra C; B1: mov.b32 %w, 20; bra C; B2: mov.b32 %w, 30;
C: mul.wide.u32 %out, %k, 4; .reg .b64 %b; ld.param.u64 %b, [p0]; add.u64 %out, %out, %b;
st.global.b32 [%out], %w; pmevent 1;"""
# Tiles of 16 lanes name their own lanes: together; or while lanes 28 to 31 come later by a
# way of their own, or never, as the branch before them ends the others.
TILES = """.reg .b32 %t, %v, %m, %l, %x; .reg .b64 %p, %q, %o; .reg .pred %c, %d, %e; .shared .b32 tile[32];
mov.u32 %t, %tid.x; ld.param.u64 %p, [p0]; ld.param.u64 %q, [p1]; mul.wide.u32 %o, %t, 4;
add.u64 %p, %p, %o; add.u64 %q, %q, %o; ld.global.b32 %v, [%p]; mov.u32 %l, %laneid;
and.b32 %m, %l, 16; shl.b32 %m, 0xffff, %m; and.b32 %x, %v, 1; setp.ne.u32 %c, %x, 0;
setp.ge.u32 %d, %l, 28; setp.gt.u32 %e, %l, 99; {way} NEXT:
redux.sync.add.u32 %x, %v, %m; st.global.b32 [%q], %x;
vote.sync.ballot.b32 %x, %c, %m; st.global.b32 [%q+128], %x;
vote.sync.any.pred %e, %c, %m; selp.b32 %x, 1, 0, %e; st.global.b32 [%q+256], %x;
and.b32 %x, %v, 3; match.any.sync.b32 %x, %x, %m; st.global.b32 [%q+384], %x;
elect.sync %x|%e, %m; st.global.b32 [%q+512], %x;
shfl.sync.bfly.b32 %x, %v, 5, 31, %m; st.global.b32 [%q+640], %x;
mov.u32 %x, tile; mad.lo.u32 %x, %l, 4, %x; st.shared.b32 [%x], %v; bar.warp.sync %m;
xor.b32 %l, %l, 15; mov.u32 %x, tile; mad.lo.u32 %x, %l, 4, %x; ld.shared.b32 %x, [%x]; st.global.b32 [%q+768], %x;"""
WAYS = {
    "together": "",
    "apart": "@%d bra NEXT; @%e exit;",
    "first": "@!%d bra NEXT; @%e exit;",
}


def tile(v):
    """What each lane of a tile has in the end, but for the tile's place."""
    lanes = np.arange(16)
    bits = sum(1 << int(k) for k in lanes if v[k] & 1)
    same = [sum(1 << int(k) for k in lanes if (v[k] ^ v[at]) & 3 == 0) for at in lanes]
    return [
        [int(v.sum())] * 16,
        [bits] * 16,
        [int(bits != 0)] * 16,
        same,
        [0] * 16,
        v[lanes ^ 5],
        v[::-1],
    ]


def tiles(module):
    v = words(32, 2**20)
    v[16:] &= 2**32 - 2 if rng.random() < 0.5 else 2**32 - 1
    low, high = np.array(tile(v[:16]), np.uint32), np.array(tile(v[16:]), np.uint32)
    high[[1, 3]] <<= 16
    high[4] = 16
    for way in WAYS:
        out = emu.Empty((7, 32), np.uint32)
        module.launch(f"tiles_{way}", 1, 32, v, out)
        want = np.concatenate([low, high], 1)
        assert np.array_equal(out.value, want), (way, v, out.value, want)


# Lane 0 names lane 1, which names all lanes but lane 0.
DIFFERS = """.reg .pred %p<2>; .reg .b32 %r<4>; mov.u32 %r0, %laneid;
setp.eq.u32 %p0, %r0, 0; selp.b32 %r1, 3, 0xfffffffe, %p0;
redux.sync.add.u32 %r2, %r0, %r1;"""

kernels = {
    "differs": (".u64 p0", DIFFERS),
    "walk": (".u64 p0, .u64 p1", WALK),
    "uniform": (".u64 p0", UNIFORM),
    "stop": (".u64 p0", "trap;"),
}
kernels |= {
    f"tiles_{name}": (".u64 p0, .u64 p1", TILES.format(way=way))
    for name, way in WAYS.items()
}
driver = emu.Driver()
good = forms.run(driver, {"lanes": g})
module = emu.Module(driver, forms.module(kernels, "sm_90", prefix=FUNCTIONS))
values = words(256) >> rng.integers(0, 32, 256).astype(np.uint32)
out = emu.Empty(256, np.uint32)
module.launch("walk", 1, 256, values, out)
want = np.array([walked(int(v)) for v in values], np.uint32)
assert np.array_equal(out.value, want), (values, out.value, want)
tiles(module)
out = emu.Empty(3, np.uint32)
module.launch("uniform", 3, 1, out)
assert list(out.value) == [10, 20, 30], out.value
for name, said in (
    ("differs", "names lane 1, whose own mask differs"),
    ("stop", "trap"),
):
    try:
        module.launch(name, 1, 32, out)
        good = False
    except emu.Fault as fault:
        assert said in fault.said, fault.said
sys.exit(not good)
