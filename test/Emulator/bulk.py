# ===- bulk.py - every form of asynchronous copies -------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_STATS=%t.json %python %s
# RUN: %python %S/Inputs/coverage.py %et_src/docs/Emulator.md bulk.py %t.json
# REQUIRES: cuda-toolkit
"""cp.async, bulk copies and reductions, and tensor copies of one to five dimensions.

Tensors hold numbers that are all different. What a box is to hold comes from its
definition, element by element.
"""

import itertools
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
BF = np.dtype(ml_dtypes.bfloat16)
SMEM = 17 * 1024
SHARED = ".extern .shared .align 1024 .b8 all[];\n"
kernels = {}

# cp.async: 32 threads, each a piece -------------------------------------------------

START = """.reg .b32 %t, %sh, %v, %at, %n, %bar; .reg .b64 %in, %out, %o, %pol, %g; .reg .pred %p, %q;
.shared .align 8 .b64 mbar; mov.u32 %t, %tid.x; mov.u32 %sh, all; mov.u32 %bar, mbar;
ld.param.u64 %in, [p0]; ld.param.u64 %out, [p1];
createpolicy.fractional.L2::evict_first.b64 %pol, 0f3F800000;"""
PIECES = [
    *(f"cp.async.ca.shared{s}.global{h} [%at], [%g], {n}" for s in ("", "::cta")
      for n in (4, 8, 16) for h in ("", ".L2::64B", ".L2::128B", ".L2::256B")),
    *(f"cp.async.cg.shared{s}.global{h} [%at], [%g], 16" for s in ("", "::cta")
      for h in ("", ".L2::64B", ".L2::128B", ".L2::256B")),
    "cp.async.ca.shared.global.L2::cache_hint [%at], [%g], 8, %pol",
    "cp.async.cg.shared.global.L2::cache_hint [%at], [%g], 16, %pol",
    "cp.async.ca.shared.global [%at], [%g], 4, %n",
    "cp.async.ca.shared.global [%at], [%g], 16, %n",
    "cp.async.cg.shared.global [%at], [%g], 16, %n",
    "cp.async.ca.shared.global [%at], [%g], 8, %q",
    "cp.async.cg.shared.global [%at], [%g], 16, %q",
]  # fmt: skip
WAITS = ["cp.async.wait_all;", "cp.async.commit_group; cp.async.wait_group 0;"]
ARRIVES = [
    f"cp.async.mbarrier.arrive{n}{s}.b64 [{'%bar' if s else '%g'}];"
    for n in ("", ".noinc") for s in ("", ".shared", ".shared::cta")
]  # fmt: skip
body = ["mad.lo.u32 %at, %t, 16, %sh; mul.wide.u32 %o, %t, 16; add.u64 %g, %in, %o;"]
body += [f"mul.wide.u32 %o, %t, {16 * len(PIECES)}; add.u64 %out, %out, %o;"]
body += ["rem.u32 %n, %t, 5; setp.lt.u32 %q, %t, 11;"]
for k, piece in enumerate(PIECES):
    part = "min.u32 %n, %n, 4;" if " 4, %n" in piece else ""
    body += [
        f"{part} st.shared.v4.b32 [%at], {{-1, -1, -1, -1}}; bar.sync 0; {piece}; {WAITS[k % 2]}"
    ]
    for word in range(4):
        body += [
            f"ld.shared.b32 %v, [%at+{4 * word}]; st.global.b32 [%out+{16 * k + 4 * word}], %v;"
        ]
kernels["pieces"] = (".u64 p0, .u64 p1", "\n".join([START, *body]))
body = ["setp.ne.u32 %p, %t, 0; mad.lo.u32 %at, %t, 16, %sh; mul.wide.u32 %o, %t, 16;"]
body += [
    "add.u64 %in, %in, %o; add.u64 %out, %out, %o; mov.b32 %n, 0; cvt.u64.u32 %g, %bar; cvta.shared.u64 %g, %g;"
]
for k, arrive in enumerate(ARRIVES):
    expected = 32  # without .noinc the copy's own arrival adds one to what is pending
    own = "" if "noinc" in arrive else "mbarrier.arrive.shared.b64 _, [%bar];"
    body += [
        f"@!%p mbarrier.init.shared.b64 [%bar], {expected}; bar.sync 0;",
        f"cp.async.ca.shared.global [%at], [%in], 16; {arrive} {own}",
        f"AGAIN{k}: mbarrier.try_wait.parity.shared.b64 %q, [%bar], 0; @!%q bra AGAIN{k};",
        "sub.u32 %v, 31, %t; mad.lo.u32 %v, %v, 16, %sh; .reg .b32 %x<4>;"
        if k == 0
        else "",
        "ld.shared.v4.b32 {%x0, %x1, %x2, %x3}, [%v]; bar.sync 0;",
        f"st.global.v4.b32 [%out+{512 * k}], {{%x0, %x1, %x2, %x3}};",
        "@!%p mbarrier.inval.shared.b64 [%bar]; bar.sync 0; add.u64 %in, %in, 512;",
    ]
kernels["arrivals"] = (".u64 p0, .u64 p1", "\n".join([START, *body]))

# Bulk copies: one thread moves, all check ----------------------------------------------

LOADS = expand(
    "cp.async.bulk.shared::{cluster,cta}.global.mbarrier::complete_tx::bytes{,.L2::cache_hint}"
)
BULK = (
    START
    + """
.reg .b32 %src; add.u32 %src, %sh, 4096; setp.ne.u32 %p, %t, 0; @%p bra READY;
mbarrier.init.shared.b64 [%bar], 1; fence.proxy.async; READY: bar.sync 0; mov.b32 %n, 0;"""
)
counter = itertools.count()


def wait():
    k = next(counter)
    return f"W{k}: mbarrier.try_wait.parity.shared.b64 %q, [%bar], %n; @!%q bra W{k}; xor.b32 %n, %n, 1;"


def alone(text):
    """Text that thread 0 runs."""
    k = next(counter)
    return f"@%p bra S{k}; {text} S{k}:"


def expect(size):
    return f"mbarrier.arrive.expect_tx.shared.b64 _, [%bar], {size};"


def copy_out(at="%sh"):
    """512 bytes of shared memory to the next 512 of the output."""
    return (
        f"mad.lo.u32 %at, %t, 16, {at}; mul.wide.u32 %o, %t, 16; add.u64 %g, %out, %o;"
        " ld.shared.v4.b32 {%x0, %x1, %x2, %x3}, [%at]; st.global.v4.b32 [%g], {%x0, %x1, %x2, %x3};"
        " add.u64 %out, %out, 512; bar.sync 0;"
    )


DONE = "cp.async.bulk.commit_group; cp.async.bulk.wait_group 0;"
READ = "cp.async.bulk.commit_group; cp.async.bulk.wait_group.read 0;"
body = [".reg .b32 %x<4>;"]
for load in LOADS:
    hint = ", %pol" if "hint" in load else ""
    body += [
        alone(f"{expect(512)} {load} [%sh], [%in], 512, [%bar]{hint};"),
        wait(),
        copy_out(),
    ]
body += [alone(f"{expect(512)} cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes"
               " [%src], [%sh], 512, [%bar];"), wait(), copy_out("%src")]  # fmt: skip
for store in expand("cp.async.bulk.global.shared::cta.bulk_group{,.L2::cache_hint}"):
    hint = ", %pol" if "hint" in store else ""
    body += [
        alone(f"{store} [%out], [%sh], 512{hint}; {READ if hint else DONE}"),
        "add.u64 %out, %out, 512;",
    ]
for text in expand("cp.async.bulk.prefetch.L2.global{,.L2::cache_hint}"):
    body.append(f"{text} [%in], 512{', %pol' if 'hint' in text else ''};")
kernels["bulk"] = (".u64 p0, .u64 p1", "\n".join([BULK, *body]))
BULK_PARTS = len(LOADS) + 3

FLOATS = {"f16": np.float16, "bf16": BF, "f32": np.float32, "f64": np.float64}


def kind_of(name):
    return np.dtype(
        FLOATS.get(name) or f"{'i' if name[0] == 's' else 'u'}{int(name[1:]) // 8}"
    )


GLOBAL = [("add", t) for t in ("u32", "s32", "u64", "f32", "f64", "f16", "bf16")]
GLOBAL += [
    (op, t)
    for op in ("min", "max")
    for t in ("u32", "s32", "u64", "s64", "f16", "bf16")
]
GLOBAL += [("inc", "u32"), ("dec", "u32")]
GLOBAL += [(op, t) for op in ("and", "or", "xor") for t in ("b32", "b64")]
LOCAL = [("add", t) for t in ("u32", "s32", "u64")] + [("inc", "u32"), ("dec", "u32")]
LOCAL += [(op, t) for op in ("min", "max") for t in ("u32", "s32")]
LOCAL += [(op, "b32") for op in ("and", "or", "xor")]
COMBINE = {
    "add": operator.add,
    "min": np.minimum,
    "max": np.maximum,
    "and": operator.and_,
    "or": operator.or_,
    "xor": operator.xor,
    "inc": lambda x, y: np.where(x >= y, 0, x + 1).astype(x.dtype),
    "dec": lambda x, y: np.where((x == 0) | (x > y), y, x - 1).astype(x.dtype),
}


def values(kind, count):
    """Numbers whose sums are exact."""
    dtype = kind_of(kind)
    if kind in FLOATS:
        return rng.integers(-60, 60, count).astype(np.float32).astype(dtype)
    x = rng.integers(0, 2**63, count).astype(np.uint64) << rng.integers(
        0, 2, count
    ).astype(np.uint64)
    x >>= np.uint64(64 - 8 * dtype.itemsize)
    x[::4] &= np.uint64(7)
    return x.astype(f"u{dtype.itemsize}").view(dtype)


body = [
    ".reg .b32 %x<4>;",
    alone(f"{expect(512)} {LOADS[0]} [%sh], [%in], 512, [%bar];"),
    wait(),
]
body = [".reg .b32 %x<4>;"]
for k, (op, kind) in enumerate(GLOBAL):
    ftz = ".noftz" if op == "add" and kind in ("f16", "bf16") else ""
    for hint in ("", ".L2::cache_hint") if k == 0 else ("",):
        to = (
            f"cp.reduce.async.bulk.global.shared::cta.bulk_group{hint}.{op}{ftz}.{kind}"
        )
        body += [
            alone(f"{expect(512)} {LOADS[0]} [%sh], [%in], 512, [%bar];"), wait(),
            alone(f"{to} [%out], [%sh], 512{', %pol' if hint else ''}; {DONE}"),
            "bar.sync 0;" if not hint else "",
        ]  # fmt: skip
    body += ["add.u64 %in, %in, 512; add.u64 %out, %out, 512;"]
kernels["reduce"] = (".u64 p0, .u64 p1", "\n".join([BULK, *body]))
body = [".reg .b32 %x<4>;"]
for op, kind in LOCAL:
    body += [
        alone(f"{expect(1024)} {LOADS[0]} [%sh], [%in], 512, [%bar]; add.u64 %g, %in, 512;"
              f" {LOADS[0]} [%src], [%g], 512, [%bar];"), wait(), "bar.sync 0;",
        alone(f"{expect(512)} cp.reduce.async.bulk.shared::cluster.shared::cta."
              f"mbarrier::complete_tx::bytes.{op}.{kind} [%sh], [%src], 512, [%bar];"),
        wait(), copy_out(), "add.u64 %in, %in, 1024;",
    ]  # fmt: skip
kernels["reduce_shared"] = (".u64 p0, .u64 p1", "\n".join([BULK, *body]))

# Tensor copies ---------------------------------------------------------------------------

# The driver's data types.
TENSOR = {
    "u8": 0,
    "u16": 1,
    "u32": 2,
    "s32": 3,
    "u64": 4,
    "s64": 5,
    "f16": 6,
    "f32": 7,
    "f64": 8,
    "bf16": 9,
}
TENSOR_TYPES = {**{k: kind_of(k) for k in TENSOR}}
PARAMS = ".u64 p0, .u64 p1, .u32 bytes, .u32 c0, .u32 c1, .u32 c2, .u32 c3, .u32 c4, .align 64 .b8 map[128]"


def coordinates(rank):
    return "{" + ", ".join(f"%c{k}" for k in range(rank)) + "}"


TENSOR_START = (
    BULK
    + """
.reg .b32 %c<5>, %bytes, %i; .reg .b64 %map; mov.b64 %map, map; cvta.param.u64 %map, %map;
ld.param.u32 %bytes, [bytes]; ld.param.u32 %c0, [c0]; ld.param.u32 %c1, [c1]; ld.param.u32 %c2, [c2];
ld.param.u32 %c3, [c3]; ld.param.u32 %c4, [c4];"""
)
VARIANTS = {
    "plain": ("", ""), "tile": (".tile", ""), "hint": ("", ".L2::cache_hint"),
}  # fmt: skip
REDUCTIONS = [("add", "u32"), ("add", "s32"), ("add", "u64"), ("add", "f16"), ("add", "bf16"), ("add", "f32"),
              *((op, t) for op in ("min", "max") for t in ("u32", "s32", "u64", "s64", "f16", "bf16")),
              ("inc", "u32"), ("dec", "u32"),
              *((op, t) for op in ("and", "or", "xor") for t in ("u32", "u64"))]  # fmt: skip
for rank in range(1, 6):
    where = f"[%map, {coordinates(rank)}]"
    for variant, (tile, hint) in VARIANTS.items():
        policy = ", %pol" if hint else ""
        for to in ("cluster", "cta"):
            load = (f"cp.async.bulk.tensor.{rank}d.shared::{to}.global{tile}.mbarrier::complete_tx::bytes"
                    f"{hint} [%sh], {where}, [%bar]{policy};")  # fmt: skip
            kernels[f"load_{rank}_{variant}_{to}"] = (PARAMS, "\n".join([
                TENSOR_START, alone(f"{expect('%bytes')} {load}"), wait(),
                "mul.lo.u32 %i, %t, 4; MORE: setp.ge.u32 %q, %i, %bytes; @%q bra END;",
                "add.u32 %at, %sh, %i; ld.shared.b32 %v, [%at]; cvt.u64.u32 %o, %i; add.u64 %o, %out, %o;",
                "st.global.b32 [%o], %v; add.u32 %i, %i, 128; bra MORE; END:",
            ]))  # fmt: skip
        moves = {
            f"store_{rank}_{variant}": f"cp.async.bulk.tensor.{rank}d.global.shared::cta{tile}.bulk_group{hint}"
        }
        for op in COMBINE:
            moves[f"{op}_{rank}_{variant}"] = (
                f"cp.reduce.async.bulk.tensor.{rank}d.global.shared::cta.{op}{tile}.bulk_group{hint}"
            )
        for name, move in moves.items():
            kernels[name] = (PARAMS, "\n".join([
                TENSOR_START, alone(f"{expect('%bytes')} {LOADS[0]} [%sh], [%out], %bytes, [%bar];"), wait(),
                alone(f"{move} {where}, [%sh]{policy}; {DONE if rank % 2 else READ}"),
                f"cp.async.bulk.prefetch.tensor.{rank}d.L2.global{tile}{hint} {where}{policy};",
            ]))  # fmt: skip
text = forms.module(kernels, "sm_90a", "8.6", prefix=SHARED)


def swizzled(flat, span):
    at = np.arange(flat.size)
    out = np.empty_like(flat)
    out[at ^ ((at >> 7 & {0: 0, 32: 1, 64: 3, 128: 7}[span]) << 4)] = flat
    return out


class Box:
    """A random tensor and a box of it; axes are listed from the innermost."""

    def __init__(self, rank, kind, span, aligned):
        size = TENSOR_TYPES[kind].itemsize
        inner = (span or 32) // size
        if size == 1:
            inner = max(inner, 16)
        self.rank, self.kind, self.span = rank, kind, span
        self.sizes = [
            int(n) for n in (inner * 2 + 16 // size, *rng.integers(3, 7, rank - 1))
        ]
        box = [inner, *rng.integers(1, 5, rank - 1)]
        self.box = [int(n) for n in box]
        self.steps = [1, *(int(n) for n in rng.integers(1, 3, rank - 1))]
        self.copied = [-(-b // s) for b, s in zip(self.box, self.steps, strict=True)]
        while np.prod(self.copied) * size > 16384:
            self.box[-1] = self.steps[-1] = self.copied[-1] = 1
            break
        low = [0 if aligned else -(b // 2) for b in self.box]
        self.at = [
            int(rng.integers(a, n)) for a, n in zip(low, self.sizes, strict=True)
        ]
        self.at[0] = (
            self.at[0] // (16 // size) * (16 // size) if aligned else self.at[0]
        )
        self.strides = [
            int(np.prod(self.sizes[: k + 1])) * size for k in range(rank - 1)
        ]
        self.bytes = int(np.prod(self.copied)) * size

    def map(self, driver, address, fill=0):
        mode = {0: 0, 32: 1, 64: 2, 128: 3}[self.span]
        box = [
            c * s if k else c
            for k, (c, s) in enumerate(zip(self.copied, self.steps, strict=True))
        ]
        return driver.tensor_map(
            TENSOR[self.kind],
            address,
            self.sizes,
            self.strides,
            box,
            mode,
            self.steps,
            fill,
        )

    def indices(self):
        """Of each element of the box: its index in the tensor, and whether it is there."""
        grids = np.meshgrid(*(
            a + s * np.arange(c) for a, s, c in zip(self.at, self.steps, self.copied, strict=True)
        ), indexing="ij")  # fmt: skip
        grids = [g.transpose(*reversed(range(self.rank))).ravel() for g in grids]
        inside = np.logical_and.reduce(
            [(g >= 0) & (g < n) for g, n in zip(grids, self.sizes, strict=True)]
        )
        flat, scale = 0, 1
        for g, n in zip(grids, self.sizes, strict=True):
            flat, scale = flat + np.clip(g, 0, n - 1) * scale, scale * n
        return flat, inside

    def call(self, driver, module, name, tensor, other, fill=0):
        at = self.at + [0] * (5 - self.rank)
        module.launch(
            name, 1, 32, tensor, other, self.bytes, *at, "map0", smem=SMEM,
            maps=lambda addresses: [self.map(driver, addresses[0], fill)],
        )  # fmt: skip


def check_box(driver, module, rank, kind, span, variant, op=None):
    if op is None:
        box = Box(rank, kind, span, aligned=False)
        dtype = TENSOR_TYPES[kind]
        # All different, as far as there are bits of finite numbers.
        tensor = rng.permutation(int(np.prod(box.sizes))) % 0x7C00
        tensor = tensor.astype(f"u{dtype.itemsize}").view(dtype)
        flat, inside = box.indices()
        fill = int(kind in FLOATS and rng.random() < 0.5)
        for to in ("cluster", "cta"):
            out = emu.Empty(box.bytes, np.uint8)
            box.call(driver, module, f"load_{rank}_{variant}_{to}", tensor, out, fill)
            want = tensor[flat]
            raw = want.view(f"u{dtype.itemsize}")
            raw[~inside] = 0
            raw = swizzled(raw.view(np.uint8), span)
            got = out.value
            if fill:  # which NaN it is, is not said
                undo = swizzled(np.arange(got.size), span)
                back = np.empty_like(got)
                back[undo] = got
                numbers = back.view(dtype)
                assert np.isnan(numbers[~inside].astype(np.float64)).all(), (
                    rank,
                    kind,
                    span,
                )
                assert np.array_equal(numbers[inside], want[inside]), (rank, kind, span)
            else:
                assert np.array_equal(got, raw), (rank, kind, span, variant, vars(box))
    box = Box(rank, kind, span, aligned=True)
    flat, inside = box.indices()
    tensor = values(kind, int(np.prod(box.sizes)))
    data = values(kind, len(flat))
    want = tensor.copy()
    new = data if op is None else COMBINE[op](tensor[flat], data)
    want[flat[inside]] = new[inside]
    box.call(driver, module, f"{op or 'store'}_{rank}_{variant}", tensor,
             swizzled(data.view(np.uint8), span))  # fmt: skip
    assert np.array_equal(tensor, want), (
        op or "store",
        rank,
        kind,
        span,
        variant,
        vars(box),
    )


def test(driver):
    module = emu.Module(driver, text)
    data = rng.integers(0, 256, (32, 16)).astype(np.uint8)
    out = emu.Empty((32, len(PIECES), 16), np.uint8)
    module.launch("pieces", 1, 32, data, out, smem=SMEM)
    t = np.arange(32)
    count = t % 5
    for k, piece in enumerate(PIECES):
        width = int(piece.split(", ")[2])
        length = np.full(32, width)
        if "%n" in piece:
            length = count = np.minimum(count, 4) if width == 4 else count
        elif "%q" in piece:
            length = np.where(t < 11, 0, width)
        want = np.full((32, 16), 255)
        want[:, :width] = np.where(
            np.arange(width) < length[:, None], data[:, :width], 0
        )
        assert np.array_equal(out.value[:, k], want), (piece, out.value[:, k], want)
    data = rng.integers(0, 256, (len(ARRIVES), 32, 16)).astype(np.uint8)
    out = emu.Empty(data.shape, np.uint8)
    module.launch("arrivals", 1, 32, data, out, smem=SMEM)
    assert np.array_equal(out.value, data[:, ::-1]), "arrivals"
    out = emu.Empty((BULK_PARTS, 512), np.uint8)
    module.launch("bulk", 1, 32, data[0], out, smem=SMEM)
    assert np.array_equal(out.value, np.tile(data[0].ravel(), (BULK_PARTS, 1))), "bulk"
    for name, cases in (("reduce", GLOBAL), ("reduce_shared", LOCAL)):
        old, new, want = [], [], []
        for k, (op, kind) in enumerate(cases):
            n = 512 // kind_of(kind).itemsize
            x, y = values(kind, n), values(kind, n)
            z = COMBINE[op](x, y)
            z = (
                COMBINE[op](z, y) if name == "reduce" and k == 0 else z
            )  # once with a hint
            for into, array in ((old, x), (new, y), (want, z)):
                into.append(array.view(np.uint8))
        if name == "reduce":
            out = np.concatenate(old)
            module.launch(name, 1, 32, np.concatenate(new), out, smem=SMEM)
        else:
            both = np.concatenate(
                [p for pair in zip(old, new, strict=True) for p in pair]
            )
            out = np.zeros(512 * len(cases), np.uint8)
            module.launch(name, 1, 32, both, out, smem=SMEM)
        for k, case in enumerate(cases):
            got = out[512 * k : 512 * k + 512]
            assert np.array_equal(got, want[k]), (
                name,
                case,
                got.view(kind_of(case[1])),
                want[k],
            )
    turn = itertools.cycle(VARIANTS)
    for rank in range(1, 6):
        for kind in TENSOR:
            for span in (0, 32, 64, 128):
                check_box(driver, module, rank, kind, span, next(turn))
        for k, (op, kind) in enumerate(REDUCTIONS):
            for variant in VARIANTS:
                check_box(driver, module, rank, kind, (0, 128)[k % 2], variant, op)
        for variant in VARIANTS:
            check_box(driver, module, rank, "f32", 64, variant)
    return True


emu.under_schedules(test)
