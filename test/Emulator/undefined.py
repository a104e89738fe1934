# ===- undefined.py - values from memory that nothing wrote ----------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext %python %s
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_CHECK=init %python %s
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext ET_EMU_BASELINE=1 ET_EMU_SCHEDULE=late %python %s
# REQUIRES: cuda-toolkit
"""What is read beyond what was written may be dropped, and may not be used.

Each case reads memory that nothing wrote into %u. Those that drop it end with what is
known in %v, which is checked; those that use it are told so, with the line of the read
and of the use.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "Inputs"))
import emu
import forms
import numpy as np

HEADER = """.version 8.0
.target sm_90
.address_size 64
.global .align 4 .b8 format[4] = {37, 100, 10, 0};
.extern .func (.param .b32 r) vprintf (.param .b64 f, .param .b64 a);
.func (.param .b32 r) twice(.param .align 8 .b8 both[8]) {
  .reg .b32 %a; ld.param.b32 %a, [both+4]; add.u32 %a, %a, %a; st.param.b32 [r], %a; ret;
}
"""
KERNEL = """.visible .entry {name}(.param .u64 p0, .param .u64 p1, .param .u64 p2) {{
  .reg .b32 %t, %u, %v, %w, %s, %x, %y, %lane, %e<4>, %f<8>; .reg .b16 %h<4>;
  .reg .b64 %in, %none, %out, %o, %g, %wide; .reg .f32 %acc<8>; .reg .pred %p, %q, %z, %low;
  .shared .align 16 .b8 tile[1024]; .shared .align 8 .b64 bar; .local .align 8 .b8 own[64];
  mov.u32 %t, %tid.x; mul.wide.u32 %o, %t, 4; mov.u32 %lane, %laneid;
  ld.param.u64 %in, [p0]; ld.param.u64 %none, [p1]; ld.param.u64 %out, [p2];
  add.u64 %in, %in, %o; add.u64 %g, %none, %o; add.u64 %out, %out, %o;
  mov.u32 %s, tile; mad.lo.u32 %w, %t, 4, %s; mov.b32 %x, 0; mov.b32 %y, 1;
  setp.lt.u32 %low, %t, 16; setp.ne.u32 %z, %t, %t;
  ld.global.b32 %v, [%in];
  ld.global.b32 %u, [%g]; // read
  {body}
  st.global.b32 [%out], %v;
  ret;
OTHER: ret;
}}
"""
BLOCK = """{{ .param .align 8 .b8 both[8]; .param .b32 r; st.param.b32 [both+{0}], %u;
  st.param.b32 [both+{1}], %x; call (r), twice, (both); ld.param.b32 %e0, [r]; }} add.u32 %v, %v, %e0;"""
PIECES = "{%acc0, %acc1, %acc2, %acc3, %acc4, %acc5, %acc6, %acc7}"


def piece(space, to):
    """A fragment out of shared memory and to somewhere else."""
    return f"""wmma.load.c.sync.aligned.row.m16n16k16.shared.f32 {PIECES}, [%s];
  wmma.store.d.sync.aligned.col.m16n16k16.{space}.f32 [{to}], {PIECES};"""


FRAGMENTS = """mov.b32 %f0, 0; mov.b32 %f1, 0; mov.b32 %f2, 0; mov.b32 %f3, 0; mov.f32 %acc0, 0f00000000;
  mov.f32 %acc1, %acc0; mov.f32 %acc2, %acc0; mov.f32 %acc3, %acc0;"""
MMA = """mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%acc0, %acc1, %acc2, %acc3},
  {%f0, %f1, %f2, %f3}, {%f4, %f5}, {%acc0, %acc1, %acc2, %acc3};"""
DROPPED = {
    "unused": "",
    "overwritten": "mov.b32 %u, 5; mov.b32 %e0, %u; sub.u32 %e0, %e0, 5; add.u32 %v, %v, %e0;",
    "selected": "selp.b32 %u, %u, 0, %z; add.u32 %v, %v, %u;",
    "guarded": "mov.b32 %e0, 0; @%z mov.b32 %e0, %u; add.u32 %v, %v, %e0;",
    "and_false": "setp.gt.u32 %p, %u, 7; and.pred %p, %p, %z; @%p bra OTHER;",
    "or_true": "setp.gt.u32 %p, %u, 7; or.pred %p, !%z, %p; @!%p bra OTHER;",
    "compared_and": "setp.gt.and.u32 %p, %u, 7, %z; @%p bra OTHER;",
    "compared_or": "setp.gt.or.u32 %p|%q, %u, 7, !%z; @!%p bra OTHER;",
    "and_second": "setp.gt.u32 %p, %u, 7; setp.ne.and.u32 %q, %t, %t, %p; @%q bra OTHER;",
    "compared_with_itself": "setp.gt.u32 %p, %u, 7; setp.ne.and.u32 %p, %t, %t, %p; @%p bra OTHER;",
    "counted_lanes": "activemask.b32 %u; add.u32 %u, %u, 1; add.u32 %v, %v, %u;",
    "masked": "and.b32 %u, %u, 0xffff0000; mov.b32 {%h0, %h1}, %u; cvt.u32.u16 %e0, %h0; add.u32 %v, %v, %e0;",
    "set_bits": "or.b32 %u, %u, 0xff; cvt.u16.u32 %h0, %u; ld.global.b8 %h1, [%g]; and.b16 %h1, %h1, 0; cvt.u32.u16 %e0, %h1; add.u32 %v, %v, %e0;",
    "half": "mov.b32 {%h0, %h1}, %u; mov.b32 %e0, 0; mov.b32 {%h0, %h2}, %e0; mov.b32 %e1, {%h0, %h2}; add.u32 %v, %v, %e1;",
    "vector": "st.global.b32 [%g], %x; bar.warp.sync -1; and.b64 %wide, %o, 8; add.u64 %wide, %none, %wide; ld.global.v2.b32 {%e0, %e1}, [%wide]; add.u32 %v, %v, %e0; add.u32 %v, %v, %e1;",
    "packed": "mov.b64 %wide, {%u, %x}; mov.b64 {%e0, %e1}, %wide; add.u32 %v, %v, %e1;",
    "shuffled": "mov.b32 %e0, 0; @!%low mov.b32 %e0, %u; shfl.sync.idx.b32 %e1, %e0, 3, 31, -1; add.u32 %v, %v, %e1;",
    "scanned": "mov.b32 %e0, 0; @!%low mov.b32 %e0, %u; shfl.sync.up.b32 %e1|%p, %e0, 1, 0, -1; @!%p mov.b32 %e1, 0; @!%low mov.b32 %e1, 0; add.u32 %v, %v, %e1;",
    "stored": "st.shared.b32 [%w], %u; bar.sync 0; ld.shared.b32 %e0, [%w]; st.shared.b32 [%w], %v; ld.shared.b32 %v, [%w];",
    "kept": "st.local.b32 [own], %u; st.local.b32 [own+4], %v; ld.local.v2.b32 {%e0, %v}, [own];",
    "kept_generic": "mov.u64 %wide, own; cvta.local.u64 %wide, %wide; st.b32 [%wide], %u; st.b32 [%wide+4], %v; ld.b32 %e0, [%wide]; ld.b32 %v, [%wide+4];",
    "passed": BLOCK.format(0, 4),
    "copied": "cvta.to.global.u64 %g, %g; cp.async.ca.shared.global [%w], [%g], 4; cp.async.wait_all; bar.sync 0; ld.shared.b32 %e0, [%w]; st.shared.b32 [%w], %v; ld.shared.b32 %v, [%w];",
    "row_of_product": FRAGMENTS + "mov.b32 %f4, 0; mov.b32 %f5, 0; mov.b32 %f1, %u; mov.b32 %f3, %u;" + MMA + "mov.b32 %e0, %acc0; add.u32 %v, %v, %e0; mov.b32 %e0, %acc1; add.u32 %v, %v, %e0;",
    "stored_piece": "st.shared.b32 [%w], %x; bar.sync 0;" + piece("shared", "%s") + "bar.sync 0; ld.shared.b32 %e0, [%s]; add.u32 %v, %v, %e0;",
    "stored_matrix": "st.shared.b32 [%w], %x; and.b32 %e0, %lane, 7; mad.lo.u32 %e0, %e0, 16, %s; @!%low mov.b32 %u, 0; stmatrix.sync.aligned.m8n8.x1.shared.b16 [%e0], {%u}; ld.shared.b32 %e1, [%w]; @!%low add.u32 %v, %v, %e1;",
    "matrix": "@%low st.shared.b32 [%w], %x; bar.sync 0; and.b32 %e0, %lane, 15; mad.lo.u32 %e0, %e0, 16, %s; ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%e1}, [%e0]; @%low add.u32 %v, %v, %e1;",
}  # fmt: skip
# How it is used, a part of the statement that is named as the use, and of the read where
# that is another one.
USED = {
    "to_memory": ("st.global.b32 [%out], %u;", "st.global.b32 [%out], %u"),
    "computed": ("add.u32 %e0, %u, 1; shl.b32 %e0, %e0, 3; mov.b32 %v, %e0;", "st.global.b32 [%out], %v"),
    "address": ("mad.wide.u32 %wide, %u, 0, %in; ld.global.b32 %v, [%wide];", "ld.global.b32 %v, [%wide]"),
    "branch": ("setp.gt.u32 %p, %u, 7; @%p bra OTHER;", "@%p bra OTHER"),
    "table": ("{ LIST: .branchtargets OTHER, OTHER; brx.idx %u, LIST; }", "brx.idx"),
    "guard": ("setp.gt.u32 %p, %u, 7; @%p st.global.b32 [%out], %x;", "@%p st.global"),
    "moved_by_guard": ("setp.gt.u32 %p, %u, 7; @%p mov.b32 %v, 1;", "st.global.b32 [%out], %v"),
    "selected_by": ("setp.gt.u32 %p, %u, 7; selp.b32 %v, 1, 2, %p;", "st.global.b32 [%out], %v"),
    "selected": ("selp.b32 %v, 0, %u, %z;", "st.global.b32 [%out], %v"),
    "compared_with_itself": ("setp.gt.u32 %p, %u, 7; setp.eq.and.u32 %p, %t, %t, %p; @%p bra OTHER;", "@%p bra"),
    "set_by_guard": ("setp.gt.u32 %p, %u, 7; @%p setp.ne.u32 %q, %t, %t; selp.b32 %v, 0, %v, %q;", "st.global.b32 [%out], %v"),
    "and_true": ("setp.gt.u32 %p, %u, 7; and.pred %p, %p, !%z; @%p bra OTHER;", "@%p bra"),
    "compared_and": ("setp.gt.and.u32 %p, %u, 7, !%z; @%p bra OTHER;", "@%p bra"),
    "atomic": ("red.global.add.u32 [%out], %u;", "red.global.add"),
    "barrier": ("bar.sync %u;", "bar.sync %u"),
    "vote": ("setp.gt.u32 %p, %u, 7; vote.sync.any.pred %q, %p, -1; @%q bra OTHER;", "@%q bra"),
    "shuffled": ("@%low mov.b32 %u, 0; shfl.sync.down.b32 %v, %u, 16, 31, -1;", "st.global.b32 [%out], %v"),
    "reduced": ("@%low mov.b32 %u, 0; redux.sync.add.u32 %v, %u, -1;", "st.global.b32 [%out], %v"),
    "through_shared": ("st.shared.b32 [%w], %u; ld.shared.b32 %v, [%w];", "st.global.b32 [%out], %v", "(ld.shared.b32 %v, [%w];)"),
    "through_local": ("st.local.b32 [own], %u; ld.local.b32 %v, [own];", "st.global.b32 [%out], %v"),
    "through_generic": ("mov.u64 %wide, own; cvta.local.u64 %wide, %wide; st.b32 [%wide+8], %u; ld.b32 %v, [%wide+8];", "st.global.b32 [%out], %v"),
    "through_call": (BLOCK.format(4, 0), "st.global.b32 [%out], %v"),
    "through_copy": ("cp.async.ca.shared.global [%w], [%g], 4; cp.async.wait_all; bar.sync 0; ld.shared.b32 %v, [%w];", "st.global.b32 [%out], %v", "(ld.shared.b32 %v, [%w];)"),
    "in_part": ("and.b32 %v, %u, 0xff;", "st.global.b32 [%out], %v"),
    "packed": ("mov.b64 %wide, {%u, %x}; mov.b64 {%v, %e1}, %wide;", "st.global.b32 [%out], %v"),
    "in_product": (FRAGMENTS + "mov.b32 %f4, 0; mov.b32 %f5, 0; mov.b32 %f0, %u;" + MMA + "mov.b32 %v, %acc0;", "st.global.b32 [%out], %v"),
    "column_of_product": (FRAGMENTS + "mov.b32 %f4, 0; mov.b32 %f5, %u;" + MMA + "mov.b32 %v, %acc3;", "st.global.b32 [%out], %v"),
    "matrix": ("@%low st.shared.b32 [%w], %x; bar.sync 0; and.b32 %e0, %lane, 15; mad.lo.u32 %e0, %e0, 16, %s; ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%v}, [%e0];", "st.global.b32 [%out], %v", "(ldmatrix.sync"),
    "stored_piece": (piece("shared", "%s") + "bar.sync 0; ld.shared.b32 %v, [%w];", "st.global.b32 [%out], %v", "(ld.shared.b32 %v, [%w];)"),
    "piece_to_memory": ("mov.u64 %wide, %none;" + piece("global", "%wide"), "wmma.store.d", "wmma.load.c"),
    "stored_matrix": ("and.b32 %e0, %lane, 7; mad.lo.u32 %e0, %e0, 16, %s; stmatrix.sync.aligned.m8n8.x1.trans.shared.b16 [%e0], {%u}; ld.shared.b32 %v, [%w];", "st.global.b32 [%out], %v", "(ld.shared.b32 %v, [%w];)"),
    "printed": ("{ .param .b64 f; .param .b64 a; .param .b32 r; st.local.b32 [own], %u; mov.u64 %wide, format; cvta.global.u64 %wide, %wide; st.param.b64 [f], %wide; mov.u64 %wide, own; cvta.local.u64 %wide, %wide; st.param.b64 [a], %wide; call (r), vprintf, (f, a); }", "call (r), vprintf"),
    "bytes": ("ld.global.b8 %h0, [%g]; cvt.u32.u16 %v, %h0;", "st.global.b32 [%out], %v", "(ld.global.b8 %h0, [%g];)"),
    "signed": ("ld.global.s8 %h0, [%g]; shr.u16 %h0, %h0, 8; cvt.u32.u16 %v, %h0;", "st.global.b32 [%out], %v", "(ld.global.s8 %h0, [%g];)"),
}  # fmt: skip

cases = {f"drop_{name}": body for name, body in DROPPED.items()}
cases |= {f"use_{name}": body for name, (body, *_) in USED.items()}
text = HEADER + "".join(
    KERNEL.format(name=name, body=body.replace("; ", ";\n  "))
    for name, body in cases.items()
)
assert forms.assemble(text, "sm_90")
module = emu.Module(emu.Driver(), text)
failed = 0


def launch(name):
    """What the kernel leaves, and what a fault says."""
    data = np.arange(100, 132, dtype=np.uint32)
    out = np.zeros(32, np.uint32)
    try:
        module.launch(name, 1, 32, data, emu.Empty(256, np.uint32), out)
    except emu.Fault as fault:
        return fault.said
    return "" if np.array_equal(out, data) else f"wrong values: {out}"


for name in DROPPED:
    if said := launch(f"drop_{name}"):
        failed += 1
        print("FAILED:", name, "drops what it read:", said)
for name, (_, use, *read) in USED.items():
    said = launch(f"use_{name}")
    wanted = [
        "read of memory",
        *(read or ["// read"]),
        "the value of which is used",
        use,
    ]
    if missing := [word for word in wanted if word not in said]:
        failed += 1
        print("FAILED:", name, "does not say", missing, "but", said)
print(len(DROPPED), "dropped,", len(USED), "used,", failed, "failed")
sys.exit(failed != 0)
