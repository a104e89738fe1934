# ===- memory.py - every form of loads, stores and moves -------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_CHIP=sm_120 ET_EMU_STATS=%t.json %python %s
# RUN: %python %S/Inputs/coverage.py %et_src/docs/Emulator.md memory.py %t.json
# REQUIRES: cuda-toolkit
"""Each access beside a plain one: what vectors load is stored element by element,
what is loaded element by element is stored by vectors."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "Inputs"))
import emu
import forms
import numpy as np
from forms import expand

SEED = int(np.random.SeedSequence().entropy % 2**32)
print("seed", SEED)
rng = np.random.default_rng(SEED)
THREADS = 64
START = """.reg .b32 %t, %sh, %lo, %x, %y; .reg .b64 %in, %out, %o, %gs, %gl, %g, %pol; .reg .pred %p;
.reg .b16 %h<8>; .reg .b32 %r<8>; .reg .b64 %d<8>; .reg .b128 %q;
.shared .align 32 .b8 tile[2048]; .local .align 32 .b8 own[64];
mov.u32 %t, %tid.x; ld.param.u64 %in, [p0]; ld.param.u64 %out, [p1];
mov.u32 %sh, tile; mov.u32 %lo, own;"""
INOUT = ".u64 p0, .u64 p1"
kernels, checks = {}, []


def kernel(name, body, data, want, parameters=INOUT, extra=()):
    kernels[name] = (parameters, START + "\n" + "\n".join(body))
    checks.append((name, data, want, extra))


def scalar(kind, count, base, offset, load, size):
    """Plain accesses of single elements at base + offset."""
    letter = {1: "h", 2: "h", 4: "r", 8: "d"}[size]
    op, space = ("ld", "global") if load else ("st", "global")
    return [
        f"{op}.{space}.b{8 * size} "
        + (f"%{letter}{k}, [{base}+{offset + k * size}];" if load
           else f"[{base}+{offset + k * size}], %{letter}{k};")
        for k in range(count)
    ]  # fmt: skip


def listed(kind, count, size):
    letter = {1: "h", 2: "h", 4: "r", 8: "d"}[size]
    regs = [f"%{letter}{k}" for k in range(count)]
    return regs[0] if count == 1 else "{" + ", ".join(regs) + "}"


SPACES = {
    ".global": None,
    ".shared": "%sh",
    ".shared::cta": "%sh",
    ".local": "%lo",
    "": "%gs",
}
TYPES = expand("{b,u,s}{8,16,32,64}") + ["f32", "f64"]
for kind in TYPES:
    size = int(kind[1:]) // 8
    for count in (1, 2, 4):
        if count * size > 16:
            continue
        v = f".v{count}" if count > 1 else ""
        wide = count * size
        regs = listed(kind, count, size)
        body = [
            f"mul.wide.u32 %o, %t, {wide}; add.u64 %in, %in, %o;",
            f"mad.lo.u32 %sh, %t, {wide}, %sh;",
            "cvt.u64.u32 %gs, %sh; cvta.shared.u64 %gs, %gs;",
            f"mul.wide.u32 %o, %t, {2 * wide * len(SPACES)}; add.u64 %out, %out, %o;",
        ]
        at = 0
        for space, place in SPACES.items():
            # Stored by vectors, then loaded by them.
            body += scalar(kind, count, "%in", 0, True, size)
            if not place:
                body.append(f"st{space}{v}.{kind} [%out+{at}], {regs};")
                body.append(f"ld{space}{v}.{kind} {regs}, [%in];")
                body += scalar(kind, count, "%out", at + wide, False, size)
            else:
                body.append(f"st{space}{v}.{kind} [{place}], {regs};")
                for k in range(count):  # element by element out of the space
                    one = listed(kind, count, size).strip("{}").split(", ")[k]
                    body.append(f"ld{space}.b{8 * size} {one}, [{place}+{k * size}];")
                body += scalar(kind, count, "%out", at, False, size)
                body.append(f"ld{space}{v}.{kind} {regs}, [{place}];")
                body += scalar(kind, count, "%out", at + wide, False, size)
            at += 2 * wide
        data = rng.integers(0, 256, THREADS * wide).astype(np.uint8)
        want = np.tile(data.reshape(THREADS, 1, wide), (1, 2 * len(SPACES), 1))
        kernel(f"access_{kind}_{count}", body, data, want)

# Registers wider than the type: loads extend, stores cut.
for kind in expand("{u,s}{8,16}") + ["u32", "s32"]:
    size = int(kind[1:]) // 8
    body = [
        f"mul.wide.u32 %o, %t, {size}; add.u64 %in, %in, %o;",
        "mul.wide.u32 %o, %t, 8; add.u64 %out, %out, %o;",
        f"ld.global.{kind} %d0, [%in]; st.global.u64 [%out], %d0;",
    ]
    dtype = np.dtype(f"{'i' if kind[0] == 's' else 'u'}{size}")
    data = rng.integers(0, 2 ** (8 * size), THREADS).astype(f"u{size}")
    kernel(f"extend_{kind}", body, data, data.view(dtype).astype(np.int64))

# What order, caches and hints add to an access of 32 bits.
LOADS = expand(
    "{ld.volatile{,.global,.shared},ld.weak{,.global,.shared},"
    "ld.relaxed.{cta,cluster,gpu,sys}{,.global,.shared},"
    "ld.acquire.{cta,cluster,gpu,sys}{,.global,.shared},"
    "ld.global{.ca,.cg,.cs,.lu,.cv},ld.global{,.ca,.cg,.cs}.nc,ld.mmio.relaxed.sys.global,"
    "ld.global{.L1::evict_normal,.L1::evict_unchanged,.L1::evict_first,.L1::evict_last,"
    ".L1::no_allocate},ld.global{.L2::64B,.L2::128B,.L2::256B},"
    "ld.global.nc.L1::no_allocate.L2::128B,ldu.global}"
)
STORES = expand(
    "{st.volatile{,.global,.shared},st.weak{,.global,.shared},"
    "st.relaxed.{cta,cluster,gpu,sys}{,.global,.shared},"
    "st.release.{cta,cluster,gpu,sys}{,.global,.shared},"
    "st.global{.wb,.cg,.cs,.wt},st.mmio.relaxed.sys.global,"
    "st.global{.L1::evict_normal,.L1::evict_unchanged,.L1::evict_first,.L1::evict_last,"
    ".L1::no_allocate}}"
)
body = [
    "mul.wide.u32 %o, %t, 4; add.u64 %in, %in, %o;",
    "mad.lo.u32 %sh, %t, 4, %sh; cvt.u64.u32 %gs, %sh; cvta.shared.u64 %gs, %gs;",
    f"mul.wide.u32 %o, %t, {4 * (len(LOADS) + len(STORES) + 2)}; add.u64 %out, %out, %o;",
    "ld.global.b32 %r0, [%in]; st.shared.b32 [%sh], %r0; st.local.b32 [%lo], %r0;",
    "createpolicy.fractional.L2::evict_last.b64 %pol, 0f3F800000;",
]
at = 0
for op in LOADS:
    place = "%sh" if "shared" in op else "%lo" if "local" in op else "%in"
    body += [f"{op}.b32 %r1, [{place}];", f"st.global.b32 [%out+{at}], %r1;"]
    at += 4
for op in STORES:
    if "shared" in op or "local" in op:
        place = "%sh" if "shared" in op else "%lo"
        space = "shared" if "shared" in op else "local"
        body += [
            f"mov.b32 %r1, 0; st.{space}.b32 [{place}], %r1; {op}.b32 [{place}], %r0;"
        ]
        body += [f"ld.{space}.b32 %r1, [{place}]; st.global.b32 [%out+{at}], %r1;"]
    else:
        body.append(f"{op}.b32 [%out+{at}], %r0;")
    at += 4
body += [
    "ld.global.L2::cache_hint.b32 %r1, [%in], %pol;",
    f"st.global.L2::cache_hint.b32 [%out+{at}], %r1, %pol;",
    f"st.global.b32 [%out+{at + 4}], %r1;",
]
data = rng.integers(0, 2**32, THREADS).astype(np.uint32)
kernel("orders", body, data, np.tile(data[:, None], (1, len(LOADS) + len(STORES) + 2)))

# Constants and parameters.
table = rng.integers(0, 256, 512).astype(np.uint8)
CONST = f".const .align 32 .b8 table[512] = {{{', '.join(map(str, table))}}};\n"
body, want, at = (
    ["mul.wide.u32 %o, %t, 8; mov.u64 %g, table; add.u64 %g, %g, %o;"],
    [],
    0,
)
body.append("mul.wide.u32 %o, %t, 80; add.u64 %out, %out, %o; cvta.const.u64 %gs, %g;")
for kind in ("b8", "b16", "b32", "b64"):
    size = int(kind[1:]) // 8
    for base, op in (("%g", "ld.const"), ("%gs", "ld")):
        body += [f"{op}.{kind} {listed(kind, 1, size)}, [{base}];"]
        body += scalar(kind, 1, "%out", at, False, size)
        at += 8
body += ["ld.const.v2.b32 {%r0, %r1}, [%g]; st.global.v2.b32 [%out+64], {%r0, %r1};"]
body += ["ld.const.v4.b8 {%h0, %h1, %h2, %h3}, [table+4];"]
body += scalar("b8", 4, "%out", 72, False, 1)
rows = np.zeros((THREADS, 80), np.uint8)
for t in range(THREADS):
    row = table[8 * t : 8 * t + 8]
    for k, size in enumerate((1, 1, 2, 2, 4, 4, 8, 8)):
        rows[t, 8 * k : 8 * k + size] = row[:size]
    rows[t, 64:72], rows[t, 72:76] = row, table[4:8]
CONSTANT_ROWS = rows
kernel("constants", body, np.zeros(1, np.uint8), rows)
given = rng.integers(0, 256, 64).astype(np.uint8)
body = ["mul.wide.u32 %o, %t, 64; add.u64 %out, %out, %o;"]
body += ["ld.param.b8 %h0, [p2]; ld.param.b8 %h1, [p2+1]; ld.param.b16 %h2, [p2+2];"]
body += [
    "st.global.b8 [%out], %h0; st.global.b8 [%out+1], %h1; st.global.b16 [%out+2], %h2;"
]
body += ["ld.param.b32 %r0, [p2+4]; ld.param.v2.b32 {%r1, %r2}, [p2+8];"]
body += [
    "st.global.b32 [%out+4], %r0; st.global.b32 [%out+8], %r1; st.global.b32 [%out+12], %r2;"
]
body += ["ld.param.v4.b32 {%r0, %r1, %r2, %r3}, [p2+16];"]
body += scalar("b32", 4, "%out", 16, False, 4)
body += ["ld.param.b64 %d0, [p2+32]; ld.param.v2.b64 {%d1, %d2}, [p2+48];"]
body += [
    "mov.b64 %g, p2; cvta.param.u64 %g, %g; ld.b64 %d3, [%g+40]; isspacep.param %p, %g;"
]
body += [
    "@!%p mov.b64 %d3, 0; st.global.b64 [%out+32], %d0; st.global.b64 [%out+40], %d3;"
]
body += ["st.global.b64 [%out+48], %d1; st.global.b64 [%out+56], %d2;"]
kernel("parameters", body, np.zeros(1, np.uint8), np.tile(given, (THREADS, 1)),
       INOUT + ", .align 16 .b8 p2[64]", (emu.Scalar(given, np.uint8),))  # fmt: skip

# Registers of 128 bits, packing, windows, hints, special registers.
body = [
    "mul.wide.u32 %o, %t, 16; add.u64 %in, %in, %o; mul.wide.u32 %o, %t, 48;",
    "add.u64 %out, %out, %o; ld.global.b128 %q, [%in]; st.global.b128 [%out], %q;",
    "mov.b128 {%d0, %d1}, %q; mov.b128 %q, {%d1, %d0}; st.global.b128 [%out+16], %q;",
    "mov.b64 {%r0, %r1}, %d0; mov.b32 {%h0, %h1}, %r0; mov.b32 %r0, {%h1, %h0};",
    "mov.b64 %d2, {%r1, %r0}; mov.b64 {%h0, %h1, %h2, %h3}, %d1; mov.b64 %d3, {%h3, %h0, %h2, %h1};",
    "mov.b64 {%x, _}, %d0; st.global.b64 [%out+32], %d2; st.global.b64 [%out+40], %d3;",
]
data = rng.permutation(2**16)[: 8 * THREADS].astype(np.uint16).reshape(THREADS, 8)
packed = [data, data[:, [4, 5, 6, 7, 0, 1, 2, 3]], data[:, [2, 3, 1, 0, 7, 4, 6, 5]]]
kernel("packing", body, data, np.concatenate(packed, 1))
body = ["mul.wide.u32 %o, %t, 32; add.u64 %out, %out, %o; mov.b32 %x, 0;"]
body += [
    "cvt.u64.u32 %gs, %sh; cvta.shared.u64 %gs, %gs; cvt.u64.u32 %gl, %lo; cvta.local.u64 %gl, %gl;"
]
bit = 0
for pointer in ("%in", "%gs", "%gl"):
    for space in ("global", "shared", "shared::cta", "shared::cluster", "local"):
        body += [
            f"isspacep.{space} %p, {pointer}; selp.b32 %y, {1 << bit}, 0, %p; or.b32 %x, %x, %y;"
        ]
        bit += 1
body += [
    "st.global.b32 [%out], %x; cvta.to.shared.u64 %g, %gs; cvt.u32.u64 %y, %g; sub.u32 %y, %y, %sh;",
    "st.global.b32 [%out+4], %y; cvta.to.local.u64 %g, %gl; cvt.u32.u64 %y, %g; sub.u32 %y, %y, %lo;",
    "st.global.b32 [%out+8], %y; cvta.to.global.u64 %g, %in; sub.u64 %g, %g, %in; cvt.u32.u64 %y, %g;",
    "st.global.b32 [%out+12], %y; cvta.global.u64 %g, %in; cvta.to.const.u64 %g, %g; cvta.to.param.u64 %gl, %g;",
    "mapa.shared::cluster.u32 %y, %sh, 0; sub.u32 %y, %y, %sh; st.global.b32 [%out+16], %y;",
    "mapa.u64 %g, %gs, 0; sub.u64 %g, %g, %gs; cvt.u32.u64 %y, %g; st.global.b32 [%out+20], %y;",
    "mapa.shared::cluster.u64 %g, tile, 0; mov.b32 %y, 7; st.global.b32 [%out+24], %y;",
    "getctarank.shared::cluster.u32 %y, %sh; getctarank.u64 %x, %gs; add.u32 %y, %y, %x; add.u32 %y, %y, 7; st.global.b32 [%out+28], %y;",
]
for text in expand(
    "prefetch{.L1,.L2,.global.L1,.global.L2,.global.L2::evict_last,.global.L2::evict_normal,.local.L1}"
):
    body.append(f"{text} [{'%lo' if 'local' in text else '%in'}];")
body += ["prefetchu.L1 [%in]; applypriority.global.L2::evict_normal [%in], 128;"]
for text in expand(
    "createpolicy.fractional.L2::evict_{last,normal,first,unchanged}.b64"
):
    body.append(f"{text} %pol, 0f3F000000;")
body += [
    "createpolicy.fractional.L2::evict_last.L2::evict_unchanged.b64 %pol, 0f3F000000;"
]
body += [
    "createpolicy.range.global.L2::evict_last.L2::evict_first.b64 %pol, [%in], 64, 128;"
]
body += ["ld.global.L2::cache_hint.b32 %y, [%in], %pol;"]
inside = [0b1, 0b01110, 0b10000]
want = sum(b << 5 * k for k, b in enumerate(inside))
kernel("windows", body, np.zeros(1024, np.uint8),
       np.tile(np.array([want, 0, 0, 0, 0, 0, 7, 7], np.uint32), (THREADS, 1)))  # fmt: skip

SPECIAL = expand(
    "%{tid.{x,y,z},ntid.{x,y,z},ctaid.{x,y,z},nctaid.{x,y,z},laneid,warpid,nwarpid,"
    "lanemask_{eq,le,lt,ge,gt},dynamic_smem_size,total_smem_size,"
    "cluster_ctaid.{x,y,z},cluster_nctaid.{x,y,z},cluster_ctarank,cluster_nctarank,"
    "clusterid.{x,y,z},nclusterid.{x,y,z},globaltimer_hi}"
)
body = ["mov.u32 %x, %ctaid.z; mov.u32 %y, %ctaid.y; mad.lo.u32 %x, %x, 2, %y;"]
for name, size in (("ctaid.x", 3), ("tid.z", 2), ("tid.y", 3), ("tid.x", 16)):
    body += [f"mov.u32 %y, %{name}; mad.lo.u32 %x, %x, {size}, %y;"]
body += [f"mul.wide.u32 %o, %x, {4 * len(SPECIAL)}; add.u64 %out, %out, %o;"]
body += [
    f"mov.u32 %y, {name}; st.global.b32 [%out+{4 * k}], %y;"
    for k, name in enumerate(SPECIAL)
]
body += [
    "mov.u32 %y, %smid; mov.u32 %y, %nsmid; mov.u32 %y, %clock; mov.u32 %y, %clock_hi;"
]
body += [
    "mov.u64 %g, %clock64; mov.u64 %g, %globaltimer; mov.u32 %y, %globaltimer_lo; mov.u64 %g, %gridid;",
    "mov.u64 %g, %current_graph_exec; mov.pred %p, %is_explicit_cluster; @%p trap;",
]
kernels["special"] = (INOUT, START + "\n" + "\n".join(body))

driver = emu.Driver()
text = forms.module(kernels, "sm_90", "8.6", prefix=CONST)
module = emu.Module(driver, text)
for name, data, want, extra in checks:
    want = np.ascontiguousarray(want)
    out = np.zeros(want.shape, want.dtype)
    module.launch(name, 1, THREADS, data, out, *extra)
    assert np.array_equal(out, want), (name, out[0], want[0])
out = emu.Empty((2, 2, 3, 2, 3, 16, len(SPECIAL)), np.uint32)
module.launch("special", (3, 2, 2), (16, 3, 2), np.zeros(1, np.uint8), out, smem=96)
at = dict(zip(SPECIAL, np.moveaxis(out.value, -1, 0), strict=True))
index = np.indices(out.value.shape[:-1])
place = dict(zip(["Z", "Y", "X", "z", "y", "x"], index, strict=True))
thread = (place["z"] * 3 + place["y"]) * 16 + place["x"]
lane, one = thread % 32, np.uint64(1)
sizes = {"x": (16, 3), "y": (3, 2), "z": (2, 2)}
want = {"%laneid": lane, "%warpid": thread // 32, "%nwarpid": 3}
for axis, (threads, blocks) in sizes.items():
    want |= {f"%tid.{axis}": place[axis], f"%ntid.{axis}": threads}
    want |= {f"%ctaid.{axis}": place[axis.upper()], f"%nctaid.{axis}": blocks}
    want |= {f"%clusterid.{axis}": place[axis.upper()], f"%nclusterid.{axis}": blocks}
    want |= {f"%cluster_ctaid.{axis}": 0, f"%cluster_nctaid.{axis}": 1}
want |= {"%cluster_ctarank": 0, "%cluster_nctarank": 1, "%globaltimer_hi": 0}
full = np.uint64(2**32 - 1)
below = (one << lane.astype(np.uint64)) - one
want |= {
    "%lanemask_eq": below + one,
    "%lanemask_lt": below,
    "%lanemask_ge": full - below,
}
want |= {"%lanemask_le": 2 * below + one, "%lanemask_gt": full - (2 * below + one)}
want |= {"%dynamic_smem_size": 96, "%total_smem_size": 96 + 2048}
for name, got in at.items():
    assert np.array_equal(got, np.broadcast_to(want[name], got.shape)), (
        name,
        got,
        want[name],
    )
print("ok", len(checks) + 1, "kernels")

# Vectors of 32 bytes came with sm_100.
wide = {}
for kind, count, letter, size in (
    ("b32", 8, "r", 4),
    ("b64", 4, "d", 8),
    ("f32", 8, "r", 4),
):
    regs = "{" + ", ".join(f"%{letter}{k}" for k in range(count)) + "}"
    body = [
        "mul.wide.u32 %o, %t, 32; add.u64 %in, %in, %o; mul.wide.u32 %o, %t, 64; add.u64 %out, %out, %o;"
    ]
    body += [
        f"ld.global.v{count}.{kind} {regs}, [%in];",
        *scalar(kind, count, "%out", 0, False, size),
    ]
    body += [
        *scalar(kind, count, "%in", 0, True, size),
        f"st.global.v{count}.{kind} [%out+32], {regs};",
    ]
    wide[f"wide_{kind}"] = (INOUT, START + "\n" + "\n".join(body))
module = emu.Module(driver, forms.module(wide, "sm_100", "8.8"))
for name in wide:
    data, out = (
        rng.integers(0, 256, (THREADS, 32)).astype(np.uint8),
        emu.Empty((THREADS, 64), np.uint8),
    )
    module.launch(name, 1, THREADS, data, out)
    assert np.array_equal(out.value, np.tile(data, 2)), name
