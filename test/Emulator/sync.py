# ===- sync.py - every form of barriers, mbarriers and fences --------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_STATS=%t.json %python %s
# RUN: %python %S/Inputs/coverage.py %et_src/docs/Emulator.md sync.py %t.json
# REQUIRES: cuda-toolkit
"""Threads hand values over by each kind of barrier, under every schedule.

What is handed over is checked for races as well, so a barrier that orders
nothing fails even where the values happen to be there.
"""

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
THREADS = 128
kernels = {}
START = """.reg .b32 %t, %sh, %v, %w, %r, %n; .reg .b64 %in, %out, %o, %s, %u, %g, %gb;
.reg .pred %p, %q, %low; .shared .align 8 .b8 tile[1024]; .shared .align 8 .b64 bars[8];
mov.u32 %t, %tid.x; mul.wide.u32 %o, %t, 4;
ld.param.u64 %in, [p0]; add.u64 %in, %in, %o; ld.param.u64 %out, [p1]; add.u64 %out, %out, %o;
mov.u32 %sh, tile; mad.lo.u32 %w, %t, 4, %sh; sub.u32 %r, 127, %t; mad.lo.u32 %r, %r, 4, %sh;
ld.global.b32 %v, [%in]; setp.lt.u32 %low, %t, 64;"""
PARAMS = ".u64 p0, .u64 p1"

# A step: write to shared memory, meet, read what the mirrored thread wrote; the
# value moves on changed, so that each step shows. A second meeting parts the steps.


def met(meet, again="bar.sync 0;"):
    return [
        "st.shared.b32 [%w], %v;", *meet, "ld.shared.b32 %v, [%r];",
        "add.u32 %v, %v, 1;", again,
    ]  # fmt: skip


def mirrored(data, steps):
    for _ in range(steps):
        data = data[::-1] + np.uint32(1)
    return data


WHOLE = expand("{bar,barrier}{,.cta}.sync") + expand("barrier{,.cta}.sync.aligned")
body, steps = [], 0
for text in WHOLE:
    for operands in ("0", "3", "5, 128"):
        body += met([f"{text} {operands};"])
        steps += 1
for arrive in expand("barrier.cluster.arrive{,.release,.relaxed}{,.aligned}"):
    wait = arrive.replace("arrive", "wait").replace("release", "acquire")
    fence = ["fence.acq_rel.cluster;"] if "relaxed" in arrive else []
    body += met([*fence, f"{arrive};", f"{wait.replace('.relaxed', '')};"])
    steps += 1
body += [*met(["membar.cta; fence.sc.cta; bar.sync 1;"]), "st.global.b32 [%out], %v;"]
kernels["whole"] = (PARAMS, "\n".join([START, *body]))
WHOLE_STEPS = steps + 1

# The lower half hands over to the upper and does not wait.
ARRIVE = expand("{bar,barrier}{,.cta}.arrive") + expand("barrier{,.cta}.arrive.aligned")
body = ["mad.lo.u32 %w, %t, 4, %sh; @!%low bra UPPER;"]
for k, text in enumerate(ARRIVE):
    body += [
        f"add.u32 %v, %v, 1; st.shared.b32 [%w+{256 * (k % 2)}], %v; {text} {k + 1}, 128; bar.sync 15, 64;"
    ]
    body += [f"bar.sync {k + 8}, 128;"] if k % 2 else []
body += ["mov.b32 %n, 0; bra END; UPPER: mov.b32 %n, 0;"]
for k, text in enumerate(ARRIVE):
    sync = text.replace("arrive", "sync")
    body += [
        f"{sync} {k + 1}, 128; ld.shared.b32 %v, [%r+{256 * (k % 2)}]; mad.lo.u32 %n, %n, 3, %v;"
    ]
    body += [f"bar.sync {k + 8}, 128;"] if k % 2 else []
body += ["END: st.global.b32 [%out], %n;"]
kernels["half"] = (PARAMS, "\n".join([START, *body]))

RED = expand("bar{,.cta}.red.{popc.u32,and.pred,or.pred}")
RED += expand("barrier{,.cta}.red.{popc,and,or}{,.aligned}.{u32,pred}")
RED = [r for r in RED if ("popc" in r) == r.endswith("u32")]
body = [
    "ld.param.u64 %out, [p1]; mul.wide.u32 %o, %t, "
    + f"{4 * 3 * len(RED)}; add.u64 %out, %out, %o;"
]
body += ["and.b32 %n, %v, 1; setp.ne.u32 %q, %n, 0;"]
for k, text in enumerate(RED):
    for which, operands in enumerate(("2, %q", "4, 128, %q", "6, !%low")):
        if "popc" in text:
            body += [f"{text} %n, {operands};"]
        else:
            body += [f"{text} %p, {operands}; selp.b32 %n, 1, 0, %p;"]
        body += [f"st.global.b32 [%out+{4 * (3 * k + which)}], %n;"]
kernels["reduced"] = (PARAMS, "\n".join([START, *body]))

FENCES = expand(
    "{membar.{cta,gl,sys},fence{,.sc,.acq_rel}.{cta,cluster,gpu,sys},"
    "fence.{acquire,release}.sync_restrict::shared::{cluster,cta}.cluster,"
    "fence.proxy.{alias,async},fence.proxy.async.{global,shared::cta,shared::cluster},"
    "fence.mbarrier_init.release.cluster,griddepcontrol.{wait,launch_dependents},"
    "fence.proxy.tensormap::generic.release.{cta,cluster,gpu,sys},"
    "setmaxnreg.{dec,inc}.sync.aligned.u32}"
)
FENCES = [
    f for f in FENCES
    if "sync_restrict" not in f or ("release" in f) == ("shared::cta" in f)
]  # fmt: skip
body = [f"{f}{' 64' if 'dec' in f else ' 96' if 'inc' in f else ''};" for f in FENCES]
body += ["st.global.b32 [%out], %v;"]
kernels["fences"] = (PARAMS, "\n".join([START, *body]))

# mbarriers -------------------------------------------------------------------------
# One thread counts: what a state says is pending, and which waits are over.

SPACES = ("", ".shared", ".shared::cta")
SEMANTICS = {
    "arrive": expand("{,.release.{cta,cluster}}"),
    "wait": expand("{,.acquire.{cta,cluster}}"),
}
SEMANTICS["arrive"] += expand(".relaxed.{cta,cluster}")
SEMANTICS["wait"] += expand(".relaxed.{cta,cluster}")
told = []  # what each result is to be


def tell(body, register, want):
    body.append(f"st.global.b32 [%out+{4 * len(told)}], {register};")
    told.append(want)


def ask(body, text, want):
    """A wait's answer; a try_wait that finds nothing may be let go."""
    body.append(f"{text}; selp.b32 %n, 1, 0, %p;")
    tell(body, "%n", want)


def counting(body, space, at, arrive, wait):
    place = f"[%gb+{at}]" if not space else f"[%sh+{at}]"
    mb = "mbarrier"
    end = f"{arrive}{space}.b64"
    over = f"{wait}{space}.b64"
    body.append(f"{mb}.init{space}.b64 {place}, 6;")
    body.append(f"{mb}.arrive{end} %s, {place}; {mb}.pending_count.b64 %n, %s;")
    tell(body, "%n", 6)
    ask(body, f"{mb}.test_wait{over} %p, {place}, %s", 0)
    body.append(
        f"{mb}.arrive.noComplete.release.cta{space}.b64 %u, {place}, 2; {mb}.pending_count.b64 %n, %u;"
    )
    tell(body, "%n", 5)
    body.append(f"{mb}.arrive_drop{end} %u, {place}; {mb}.pending_count.b64 %n, %u;")
    tell(body, "%n", 3)
    body.append(f"{mb}.arrive_drop.noComplete.release.cta{space}.b64 %u, {place}, 1;")
    ask(body, f"{mb}.test_wait.parity{over} %p, {place}, 0", 0)
    ask(body, f"{mb}.test_wait.parity{over} %p, {place}, 1", 1)
    body.append(f"{mb}.arrive{end} _, {place};")
    ask(body, f"{mb}.test_wait{over} %p, {place}, %s", 1)
    ask(body, f"{mb}.try_wait{over} %p, {place}, %s", 1)
    ask(body, f"{mb}.test_wait.parity{over} %p, {place}, 0", 1)
    # The second phase expects the four that did not drop out, and 48 bytes.
    body.append(f"{mb}.expect_tx.relaxed.cta{space}.b64 {place}, 16;")
    body.append(
        f"{mb}.arrive.expect_tx{end} %s, {place}, 32; {mb}.pending_count.b64 %n, %s;"
    )
    tell(body, "%n", 4)
    body.append(f"{mb}.arrive{end} %u, {place}, 3;")
    ask(body, f"{mb}.test_wait.parity{over} %p, {place}, 1", 0)
    body.append(f"{mb}.complete_tx.relaxed.cta{space}.b64 {place}, 40;")
    ask(body, f"{mb}.test_wait{over} %p, {place}, %s", 0)
    body.append(f"{mb}.complete_tx.relaxed.cta{space}.b64 {place}, 8;")
    ask(body, f"{mb}.test_wait{over} %p, {place}, %s", 1)
    ask(body, f"{mb}.try_wait.parity{over} %p, {place}, 1", 1)
    ask(body, f"{mb}.try_wait.parity{over} %p, {place}, 1, 100", 1)
    body.append(
        f"{mb}.arrive_drop.expect_tx{end} %u, {place}, 0; {mb}.arrive{end} _, {place}, 3;"
    )
    ask(body, f"{mb}.test_wait.parity{over} %p, {place}, 0", 1)
    body.append(f"{mb}.inval{space}.b64 {place}; {mb}.init{space}.b64 {place}, 1;")
    body.append(f"{mb}.arrive{end} %s, {place};")
    ask(body, f"{mb}.try_wait{over} %p, {place}, %s, 100", 1)
    body.append(f"{mb}.inval{space}.b64 {place};")


body = ["setp.ne.u32 %q, %t, 0; @%q bra END; mov.u32 %sh, bars;"]
body += ["cvt.u64.u32 %gb, %sh; cvta.shared.u64 %gb, %gb;"]
at = 0
for space in SPACES:
    for arrive, wait in zip(SEMANTICS["arrive"], SEMANTICS["wait"], strict=True):
        counting(body, space, at % 64, arrive, wait)
        at += 8
body += ["END:"]
kernels["counts"] = (PARAMS, "\n".join([START, *body]))

# All threads of one half write and arrive, those of the other wait and read.
body = ["mov.u32 %sh, bars; setp.ne.u32 %q, %t, 0; @%q bra READY;"]
WAITS = [(form, kind) for form in ("test_wait", "try_wait") for kind in ("", ".parity")]
body += [
    f"mbarrier.init.shared::cta.b64 [%sh+{8 * k}], 128;" for k in range(len(WAITS))
]
body += ["fence.mbarrier_init.release.cluster; READY: bar.sync 0;"]
for k, (form, kind) in enumerate(WAITS):
    body += [
        f"st.shared.b32 [%w], %v; mbarrier.arrive.shared::cta.b64 %s, [%sh+{8 * k}];",
        f"WAIT{k}: mbarrier.{form}{kind}.shared::cta.b64 %p, [%sh+{8 * k}], {'0' if kind else '%s'};",
        f"@!%p bra WAIT{k}; ld.shared.b32 %v, [%r]; add.u32 %v, %v, 1; bar.sync 0;",
    ]
body += ["st.global.b32 [%out], %v;"]
kernels["exchange"] = (PARAMS, "\n".join([START, *body]))
text = forms.module(kernels, "sm_90a", "8.6")


def test(driver):
    module = emu.Module(driver, text)
    data = rng.integers(0, 2**31, THREADS).astype(np.uint32)

    def run(name, *shape):
        out = np.zeros(shape or THREADS, np.uint32)
        module.launch(name, 1, THREADS, data, out)
        return out

    def same(name, got, want):
        assert np.array_equal(got, want), (name, got, want)

    same("whole", run("whole"), mirrored(data, WHOLE_STEPS))
    total = np.zeros(64, np.uint32)
    for k in range(len(ARRIVE)):
        total = total * np.uint32(3) + data[:64][::-1] + np.uint32(k + 1)
    same("half", run("half")[64:], total)
    odd = data & 1 == 1
    lower = np.arange(THREADS) < 64
    row = []
    for form in RED:
        for p in (odd, odd, ~lower):
            row.append(
                p.sum() if "popc" in form else p.all() if "and" in form else p.any()
            )
    same(
        "reduced",
        run("reduced", THREADS, len(row)),
        np.tile(np.array(row, np.uint32), (THREADS, 1)),
    )
    same("fences", run("fences"), data)
    same("counts", run("counts", max(len(told), THREADS))[: len(told)], told)
    same("exchange", run("exchange"), mirrored(data, len(WAITS)))
    return True


emu.under_schedules(test)
