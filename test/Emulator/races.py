# ===- races.py - what is a race, and what looking for it costs -------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext %python %s
# REQUIRES: cuda-toolkit
"""Stores of the same value, warps that end, and many accesses of few places.

What is no race runs clean and has a twin that is one. The cost is compared by what
the check counts: per access it is bounded, however many blocks there are.
"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "Inputs"))
import emu
import forms
import numpy as np

START = """.reg .b32 %t, %b, %w, %v, %u, %s, %n, %k, %e<4>; .reg .b64 %p, %q, %o; .reg .pred %c, %d;
.reg .b16 %h; .shared .align 16 .b8 tile[4096];
mov.u32 %t, %tid.x; mov.u32 %b, %ctaid.x; mov.u32 %s, tile; ld.param.u64 %p, [p0];
ld.param.u64 %q, [p1]; shr.u32 %w, %t, 5; mul.wide.u32 %o, %t, 4; mov.u32 %v, %laneid;
"""
PARAMS = ".u64 p0, .u64 p1"
# Every warp stores at its lanes' places; %u is the value, of one address or many.
SHARED = """and.b32 %n, %t, 31; mad.lo.u32 %n, %n, {step}, %s; {store} bar.sync 0;
ld.shared.b32 %k, [%s]; mul.wide.u32 %o, %t, 4; add.u64 %o, %o, %q; st.global.b32 [%o], %k;"""
GLOBAL = (
    """and.b32 %n, %t, 31; mul.wide.u32 %o, %n, {step}; add.u64 %o, %o, %q; {store}"""
)
STORES = {
    "word": (SHARED, 4, "st.shared.b32 [%n], {0};"),
    "byte": (SHARED, 1, "cvt.u16.u32 %h, {0}; st.shared.b8 [%n], %h;"),
    "vector": (SHARED, 16, "st.shared.v4.b32 [%n], {{{0}, 1, {0}, 2}};"),
    "matrix": (
        SHARED, 16, "stmatrix.sync.aligned.m8n8.x4.shared.b16 [%n], {{{0}, {0}, {0}, {0}}};",
    ),
    "one_place": (SHARED, 0, "st.shared.b32 [%s], {0};"),
    "generic": (GLOBAL, 4, "st.b32 [%o], {0};"),
    "global": (GLOBAL, 4, "st.global.b32 [%o], {0};"),
    "global_byte": (GLOBAL, 1, "cvt.u16.u32 %h, {0}; st.global.b8 [%o], %h;"),
    "global_vector": (GLOBAL, 8, "st.global.v2.b32 [%o], {{{0}, 3}};"),
}  # fmt: skip
kernels, races = {}, []
for name, (shape, step, store) in STORES.items():
    for value in ("same", "other"):
        # The lane, or the warp: of one place the last lane's value stays.
        body = shape.format(
            step=step, store=store.format("%v" if value == "same" else "%w")
        )
        if shape is GLOBAL and value == "other":
            body = "mad.lo.u32 %w, %b, 4, %w;" + body
        kernels[f"{name}_{value}"] = (PARAMS, START + body)
    races.append(name)

# Warps that end count as arrived, and what they did is before the barrier.
LEAVE = """setp.eq.u32 %c, %w, 0; mad.lo.u32 %n, %t, 4, %s; st.shared.b32 [%n], %t;
add.u64 %o, %o, %q; st.global.b32 [%o], %t; @!%c bra END;
{meet} sub.u32 %n, 127, %t; mad.lo.u32 %n, %n, 4, %s; ld.shared.b32 %v, [%n];
mul.wide.u32 %o, %t, 4; sub.u64 %o, %q, %o; ld.global.b32 %u, [%o+508];
sub.u32 %u, %u, %v; add.u32 %v, %v, %u; mul.wide.u32 %o, %t, 4; add.u64 %o, %o, %p; st.global.b32 [%o], %v; END:"""
MEETINGS = {
    "barrier": "bar.sync 0;",
    "unaligned": "barrier.sync 3;",
    "reduction": "bar.red.popc.u32 %k, 1, %c;",
    "cluster": "barrier.cluster.arrive; barrier.cluster.wait;",
    # Of its own threads alone.
    "counted_race": "bar.sync 0, 32;",
}
for name, meet in MEETINGS.items():
    kernels[f"leave_{name}"] = (PARAMS, START + LEAVE.format(meet=meet))

# Cost. Each warp touches one place %k times.
LOOP = "mov.b32 %k, 0; LOOP: {work} add.u32 %k, %k, 1; setp.lt.u32 %c, %k, {times}; @%c bra LOOP;"
TIMES = 8
COSTS = {
    "relaxed": "red.global.add.u32 [%q], 1;",
    "ordered": "atom.acq_rel.gpu.global.add.u32 %u, [%q], 1;",
    "fenced": "membar.gl; atom.global.add.u32 %u, [%q], 1; membar.gl;",
    "many_places": "add.u64 %o, %o, 4; and.b64 %o, %o, 16380; add.u64 %o, %o, %q; atom.acq_rel.gpu.global.add.u32 %u, [%o], 1; sub.u64 %o, %o, %q;",
    "scattered": "mad.lo.u32 %n, %t, 48271, %k; mad.lo.u32 %n, %b, 7919, %n; mul.lo.u32 %n, %n, 48271; and.b32 %n, %n, 4095; mul.wide.u32 %o, %n, 4; add.u64 %o, %o, %q; atom.acq_rel.gpu.global.add.u32 %u, [%o], 1;",
    "read": "bar.sync 0; ld.global.b32 %u, [%p];",
    "polled": "ld.acquire.gpu.global.b32 %u, [%q]; st.release.gpu.global.b32 [%q], %v;",
    "in_shared": "atom.shared.add.u32 %u, [%s], 1; bar.sync 0;",
}
for name, work in COSTS.items():
    first = (
        "setp.eq.u32 %d, %t, 0; @%d st.shared.b32 [%s], 0; bar.sync 0;"
        if "shared" in name
        else ""
    )
    kernels[f"cost_{name}"] = (
        PARAMS,
        START + first + LOOP.format(work=work, times=TIMES),
    )

# The last of many blocks to arrive reads what all of them wrote.
LAST = """setp.ne.u32 %d, %t, 0; mul.wide.u32 %o, %b, 4; add.u64 %o, %o, %p;
@!%d st.global.b32 [%o+4], %b; {fence} mov.b32 %u, 0; @!%d atom.global.add.u32 %u, [%p], 1; membar.gl;
shfl.sync.idx.b32 %u, %u, 0, 31, -1; mov.u32 %n, %nctaid.x; sub.u32 %k, %n, 1; setp.ne.u32 %c, %u, %k; @%c bra END;
mov.b32 %k, %t; mov.b32 %e0, 0; SUM: setp.ge.u32 %c, %k, %n; @%c bra DONE;
mul.wide.u32 %o, %k, 4; add.u64 %o, %o, %p; ld.global.b32 %e1, [%o+4]; add.u32 %e0, %e0, %e1;
add.u32 %k, %k, 32; bra SUM; DONE: redux.sync.add.u32 %e0, %e0, -1; @!%d st.global.b32 [%q], %e0; END:"""
kernels["last_block"] = (PARAMS, START + LAST.format(fence="membar.gl;"))
kernels["last_block_race"] = (PARAMS, START + LAST.format(fence=""))
# Each block waits for the one before it at the places of its lanes, in another order, reads what
# the first block wrote, and hands on.
CHAIN = """.reg .b64 %y, %z; add.u64 %o, %o, %p; mul.wide.u32 %y, %b, 128; add.u64 %y, %y, %o;
setp.ne.u32 %c, %b, 0; @%c bra WAIT; st.global.b32 [%o+1024], %t; bra HAND;
WAIT: mul.wide.u32 %z, %t, 4; sub.u64 %z, %y, %z; sub.u32 %n, 31, %t; mul.wide.u32 %o, %n, 4;
add.u64 %z, %z, %o; SPIN: ld.acquire.gpu.global.b32 %u, [%z+-128]; setp.eq.u32 %d, %u, 0; @%d bra SPIN;
mul.wide.u32 %o, %t, 4; add.u64 %o, %o, %p; ld.global.b32 %v, [%o+1024];
HAND: {work} mad.lo.u32 %n, %b, 32, %t; mul.wide.u32 %o, %n, 4; add.u64 %o, %o, %q; st.global.b32 [%o], %v;"""
CHAINS = {
    "acq_rel": "atom.acq_rel.gpu.global.add.u32 %u, [%y], 1;",
    "release": "red.release.gpu.global.add.u32 [%y], 1;",
    "store": "st.release.gpu.global.b32 [%y], 1;",
    "fence": "membar.gl; red.relaxed.gpu.global.add.u32 [%y], 1;",
    "race": "red.relaxed.gpu.global.add.u32 [%y], 1;",
}
for name, work in CHAINS.items():
    kernels[f"chain_{name}"] = (PARAMS, START + CHAIN.format(work=work))
# All read, one of them writes.
READ = "ld.global.b32 %v, [%p]; setp.eq.u32 %c, %b, 199; @%c st.global.b32 [%p], 5;"
kernels["written_by_last_race"] = (PARAMS, START + READ)

# So many reads of shared memory that the block's history is swept.
SWEEP = "".join(f"ld.shared.b32 %u, [%s+{4 * k}];\n" for k in range(24))
BEGIN = "mad.lo.u32 %n, %t, 4, %s; st.shared.b32 [%n], %t;"
kernels["swept"] = (
    PARAMS,
    START + BEGIN + LOOP.format(work="bar.sync 0;" + SWEEP, times=1500),
)
kernels["swept_race"] = (
    PARAMS,
    kernels["swept"][1] + "setp.eq.u32 %c, %t, 40; @%c st.shared.b32 [%s+92], 1;",
)
text = forms.module(kernels, "sm_90", "8.6")


def child(work, *args, **settings):
    """In a process of its own, as the driver reads its settings once."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os.environ.update(settings)
        work(emu.Module(emu.Driver(), text), *args)
        sys.stdout.flush()
        emu.C.CDLL(None).exit(0)  # as C ends: the driver writes its counters
    assert os.waitpid(pid, 0)[1] == 0, (work.__name__, *args)


def said(module, name, blocks, threads, *args):
    try:
        return module.launch(name, blocks, threads, *args)
    except emu.Fault as fault:
        return fault.said


def values(module, notes):
    for name in races:
        blocks = 3 if "gl" in name or "gen" in name else 1
        out, none = np.zeros(256, np.uint32), np.zeros(1, np.uint32)
        text = said(module, f"{name}_same", blocks, 128, none, out)
        assert ("note: several warps store the same value" in text) == notes, (
            name,
            text,
        )
        assert "race" not in text, (name, text)
        text = said(module, f"{name}_other", blocks, 128, none, out)
        assert "race: this warp writes" in text and " wrote at line" in text, (
            name,
            text,
        )
    print("ok same values", "noted" if notes else "")


def orders(module):
    for name in MEETINGS:
        out = np.zeros(32, np.uint32)
        text = said(module, f"leave_{name}", 1, 128, out, np.zeros(128, np.uint32))
        assert ("race: this warp" in text) == ("race" in name), (name, text)
        if "race" not in name:
            assert (out == 127 - np.arange(32)).all(), name
    blocks = 700
    out = np.zeros(1, np.uint32)
    text = said(module, "last_block", blocks, 32, np.zeros(blocks + 1, np.uint32), out)
    assert not text and out[0] == blocks * (blocks - 1) // 2, text
    text = said(
        module, "last_block_race", blocks, 32, np.zeros(blocks + 1, np.uint32), out
    )
    assert "race: this warp reads global" in text, text
    for name in CHAINS:
        text = said(
            module,
            f"chain_{name}",
            6,
            32,
            np.zeros(512, np.uint32),
            out := np.zeros(192, np.uint32),
        )
        assert ("race: this warp reads global" in text) == (name == "race"), (
            name,
            text,
        )
        assert name == "race" or (out == np.tile(np.arange(32), 6)).all(), name
    text = said(module, "written_by_last_race", 200, 64, out, out.copy())
    assert "race: this warp" in text and "of block" in text, text
    text = said(module, "swept", 1, 256, out, out.copy())
    assert not text, text
    text = said(module, "swept_race", 1, 256, out, out.copy())
    assert "race: this warp " in text and " shared memory at 0x5c" in text, text
    print("ok orders")


SIZES = (100, 400)


def costs(module):
    for name in COSTS:
        for blocks in SIZES:
            out = np.zeros(8192, np.uint32)
            assert not said(
                module, f"cost_{name}", blocks, 128, np.zeros(1, np.uint32), out
            ), name


for notes in (False, True):
    child(values, notes, ET_EMU_CHECK="all,same" if notes else "all")
child(orders)
stats = emu.SCRATCH / "costs.json"
child(costs, ET_EMU_STATS=str(stats), ET_EMU_TIME="1", ET_EMU_THREADS="1")
launches = json.loads(stats.read_text())
for name, few, many in zip(COSTS, launches[::2], launches[1::2], strict=True):
    few, many = few["timing"]["race"], many["timing"]["race"]
    # What the lanes of a warp do at one place is one access.
    each = {"many_places": 32, "scattered": 32, "polled": 2}.get(name, 1)
    accesses = SIZES[1] * 4 * TIMES * each
    print(name, few, many, accesses)
    assert many["visited"] <= 600 * accesses
    assert many["links"] <= 3 * accesses
    assert many["joined"] <= 4 * accesses
