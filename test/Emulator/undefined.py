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
and of the use. Then single instructions run on operands of which some bits are undefined:
which bits of the result depend on these is found by trying all that they can be.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "Inputs"))
import emu
import forms
import numpy as np

HEADER = """.version 8.6
.target sm_90
.address_size 64
.global .align 4 .b8 format[4] = {37, 100, 10, 0};
.extern .func (.param .b32 r) vprintf (.param .b64 f, .param .b64 a);
.func (.param .b32 r) twice(.param .align 8 .b8 both[8]) {
  .reg .b32 %a; ld.param.b32 %a, [both+4]; add.u32 %a, %a, %a; st.param.b32 [r], %a; ret;
}
.func (.param .b32 r) far(.param .align 8 .b8 all[48]) {
  .reg .b32 %a; ld.param.b32 %a, [all+40]; st.param.b32 [r], %a; ret;
}
"""
KERNEL = """.visible .entry {name}(.param .u64 p0, .param .u64 p1, .param .u64 p2) {{
  .reg .b32 %t, %u, %v, %w, %s, %x, %y, %lane, %e<4>, %f<8>; .reg .b16 %h<4>;
  .reg .b64 %in, %none, %out, %o, %g, %wide; .reg .b128 %long; .reg .f32 %acc<8>; .reg .pred %p, %q, %z, %low;
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
FAR = """{{ .param .align 8 .b8 all[48]; .param .b32 r; st.param.b32 [all+{0}], %u;
  st.param.b32 [all+{1}], %x; call (r), far, (all); ld.param.b32 %e0, [r]; }} add.u32 %v, %v, %e0;"""
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
    "passed_far": FAR.format(44, 40),
    "long": "mov.b64 %wide, {%u, %u}; mov.b128 %long, {%in, %wide}; mov.b128 {%o, %wide}, %long; sub.u64 %o, %o, %in; cvt.u32.u64 %e0, %o; add.u32 %v, %v, %e0;",
    "padding": "cvt.u16.u32 %h0, %x; st.shared.b8 [%w+1], %h0; ld.shared.b32 %e0, [%w]; bfe.u32 %e0, %e0, 8, 8; setp.ne.u32 %p, %e0, 0; @%p bra OTHER; add.u32 %v, %v, %e0;",
    "bit_field": "and.b32 %u, %u, 0xfffffff0; or.b32 %u, %u, 3; prmt.b32 %e0, %u, 0, 0x4440; and.b32 %e0, %e0, 3; setp.ne.u32 %p, %e0, 3; @%p bra OTHER;",
    "half_of_pair": "and.b32 %u, %u, 0xffff0000; mov.b32 %e0, 0x3c003c00; add.rn.f16x2 %u, %u, %e0; mov.b32 {%h0, %h1}, %u; setp.ne.b16 %p, %h0, 0x3c00; @%p bra OTHER;",
    "made_pair": "mov.b32 %acc0, %u; mov.b32 %acc1, %x; cvt.rn.bf16x2.f32 %e0, %acc0, %acc1; mov.b32 {%h0, %h1}, %e0; cvt.u32.u16 %e0, %h0; add.u32 %v, %v, %e0;",
    "compared_pair": "and.b32 %u, %u, 0xffff0000; setp.gt.f16x2 %p|%q, %u, %x; @%p bra OTHER;",
    "decided": "or.b32 %u, %u, 0x80000000; and.b32 %u, %u, 0xc0000000; setp.lt.u32 %p, %u, 7; @%p bra OTHER; setp.eq.u32 %p, %u, 7; @%p bra OTHER; setp.gt.s32 %p, %u, -1; @%p bra OTHER;",
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
    "address": ("mad.wide.u32 %wide, %u, 4, %in; ld.global.b32 %v, [%wide];", "ld.global.b32 %v, [%wide]"),
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
    "through_far_call": (FAR.format(40, 44), "st.global.b32 [%out], %v"),
    "long": ("mov.b64 %wide, {%u, %u}; mov.b128 %long, {%in, %wide}; mov.b128 {%o, %wide}, %long; cvt.u32.u64 %v, %wide;", "st.global.b32 [%out], %v"),
    "carry": ("add.cc.u32 %e0, %u, %t; addc.u32 %v, %x, %x;", "st.global.b32 [%out], %v"),
    "compared_pair": ("and.b32 %u, %u, 0xffff0000; setp.gt.f16x2 %p|%q, %u, %x; @%q bra OTHER;", "@%q bra"),
    "undecided": ("and.b32 %u, %u, 0xf; setp.lt.u32 %p, %u, 15; @%p bra OTHER;", "@%p bra"),
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

# Statements on %a and %b, of which some bits may be undefined, and %c, for %r; what Python
# says of the result; and which bits that do not depend on undefined ones carry no mark: all
# that do not, or those below or above all that do.
ONES = 2**64 - 1


def signed(value, bits):
    return (value & (1 << bits) - 1) - ((value >> bits - 1 & 1) << bits)


def permuted(a, b, selectors):
    both = a | b << 32
    result = 0
    for k in range(4):
        select = selectors >> 4 * k & 15
        byte = both >> 8 * (select & 7) & 255
        byte = 255 * (byte >> 7) if select & 8 else byte
        result |= byte << 8 * k
    return result


OPERATIONS = {
    "shl.b32 %r, %a, 5;": (32, lambda a, b, c: a << 5, "all"),
    "shl.b32 %r, %a, 40;": (32, lambda a, b, c: 0, "all"),
    "shl.b64 %r, %a, %n;": (64, lambda a, b, c: a << (c & 63), "all"),
    "shr.u32 %r, %a, %n;": (32, lambda a, b, c: a >> (c & 63), "all"),
    "shr.s32 %r, %a, 9;": (32, lambda a, b, c: signed(a, 32) >> 9, "all"),
    "shr.s64 %r, %a, 33;": (64, lambda a, b, c: signed(a, 64) >> 33, "all"),
    "shf.l.wrap.b32 %r, %a, %b, 7;": (32, lambda a, b, c: (b << 32 | a) << 7 >> 32, "all"),
    "shf.r.clamp.b32 %r, %a, %b, 20;": (32, lambda a, b, c: (b << 32 | a) >> 20, "all"),
    "bfe.u32 %r, %a, 4, 7;": (32, lambda a, b, c: a >> 4 & 127, "all"),
    "bfe.s32 %r, %a, 20, 9;": (32, lambda a, b, c: signed(a >> 20, 9), "all"),
    "bfe.s64 %r, %a, 50, 20;": (64, lambda a, b, c: signed(a, 64) >> 50, "all"),
    "bfi.b32 %r, %a, %b, 3, 11;": (32, lambda a, b, c: b & ~(2047 << 3) | (a & 2047) << 3, "all"),
    "bfi.b64 %r, %a, %b, 30, 40;": (64, lambda a, b, c: b & (1 << 30) - 1 | a << 30, "all"),
    "prmt.b32 %r, %a, %b, 0x3715;": (32, lambda a, b, c: permuted(a, b, 0x3715), "all"),
    "prmt.b32 %r, %a, %b, 0xf8b0;": (32, lambda a, b, c: permuted(a, b, 0xF8B0), "all"),
    "brev.b32 %r, %a;": (32, lambda a, b, c: int(f"{a:032b}"[::-1], 2), "all"),
    "szext.wrap.s32 %r, %a, 13;": (32, lambda a, b, c: signed(a, 13), "all"),
    "cvt.s32.s8 %r, %a;": (32, lambda a, b, c: signed(a, 8), "all"),
    "cvt.u32.u16 %r, %h;": (32, lambda a, b, c: a & 0xFFFF, "all"),
    "cvt.s64.s32 %r, %l;": (64, lambda a, b, c: signed(a, 32), "all"),
    "mov.b64 {%l, %k}, %a; mov.b64 %r, {%k, %l};": (64, lambda a, b, c: a << 32 | a >> 32, "all"),
    "selp.b32 %r, %a, %b, %p;": (32, lambda a, b, c: a if c & 1 else b, "all"),
    "slct.b32.s32 %r, %a, %b, %c;": (32, lambda a, b, c: b if c >> 31 else a, "all"),
    "and.b32 %r, %a, %b;": (32, lambda a, b, c: a & b, "all"),
    "or.b64 %r, %a, %b;": (64, lambda a, b, c: a | b, "all"),
    "xor.b32 %r, %a, %b;": (32, lambda a, b, c: a ^ b, "all"),
    "xor.b32 %r, %a, %a;": (32, lambda a, b, c: 0, "all"),
    "not.b64 %r, %a;": (64, lambda a, b, c: ~a, "all"),
    "lop3.b32 %r, %a, %b, %c, 0xca;": (32, lambda a, b, c: a & b | ~a & c, "all"),
    "lop3.b32 %r, %a, %b, %a, 0x69;": (32, lambda a, b, c: ~b, "all"),
    "add.u32 %r, %a, %b;": (32, lambda a, b, c: a + b, "all"),
    "add.s64 %r, %a, %c;": (64, lambda a, b, c: a + c, "all"),
    "sub.u32 %r, %a, %b;": (32, lambda a, b, c: a - b, "all"),
    "sub.u64 %r, %a, %a;": (64, lambda a, b, c: 0, "all"),
    "neg.s32 %r, %a;": (32, lambda a, b, c: -a, "all"),
    "mov.b64 {%l, %k}, %a; add.cc.u32 %l, %l, %n; addc.u32 %k, %k, 5; mov.b64 %r, {%l, %k};": (64, lambda a, b, c: a + (c & 63) + (5 << 32), "all"),
    "mov.b64 {%l, %k}, %a; sub.cc.u32 %l, %l, %n; subc.u32 %k, %k, 0; mov.b64 %r, {%l, %k};": (64, lambda a, b, c: a - (c & 63), "all"),
    "mul.lo.u32 %r, %a, 0;": (32, lambda a, b, c: 0, "all"),
    "mul.lo.u32 %r, %a, 24;": (32, lambda a, b, c: a * 24, "below"),
    "mul.lo.s64 %r, %a, %b;": (64, lambda a, b, c: a * b, "below"),
    "mul.wide.s32 %r, %l, %m;": (64, lambda a, b, c: signed(a, 32) * signed(b, 32), "below"),
    "mul.hi.u32 %r, %a, %b;": (32, lambda a, b, c: a * b >> 32, None),
    "mul.hi.s32 %r, %a, %b;": (32, lambda a, b, c: signed(a, 32) * signed(b, 32) >> 32, None),
    "mad.lo.u32 %r, %a, %b, %c;": (32, lambda a, b, c: a * b + c, "below"),
    "mad.wide.u32 %r, %n, 12, %b;": (64, lambda a, b, c: (c & 63) * 12 + b, "below"),
    "min.u32 %r, %a, %b;": (32, lambda a, b, c: min(a, b), "above"),
    "max.s32 %r, %a, %b;": (32, lambda a, b, c: max(signed(a, 32), signed(b, 32)), "above"),
    "add.sat.s32 %r, %a, %b;": (32, lambda a, b, c: max(min(signed(a, 32) + signed(b, 32), 2**31 - 1), -(2**31)), "above"),
    "div.u32 %r, %a, 10;": (32, lambda a, b, c: a // 10, "above"),
    "div.u32 %r, %c, %a;": (32, lambda a, b, c: c // a if a else 2**32 - 1, "above"),
    "div.s32 %r, %a, 3;": (32, lambda a, b, c: abs(signed(a, 32)) // 3 * (-1 if a >> 31 else 1), None),
    "rem.u32 %r, %a, 10;": (32, lambda a, b, c: a % 10, None),
    "popc.b32 %r, %a;": (32, lambda a, b, c: a.bit_count(), "above"),
    "clz.b32 %r, %a;": (32, lambda a, b, c: 32 - a.bit_length(), "above"),
    "bfind.u32 %r, %a;": (32, lambda a, b, c: a.bit_length() - 1, "above"),
    "setp.lt.u32 %q, %a, %b; selp.u32 %r, 1, 0, %q;": (32, lambda a, b, c: int(a < b), None),
    "setp.ge.s32 %q, %a, %b; selp.u32 %r, 1, 0, %q;": (32, lambda a, b, c: int(signed(a, 32) >= signed(b, 32)), None),
    "setp.ne.u64 %q, %a, %b; selp.u64 %r, 1, 0, %q;": (64, lambda a, b, c: int(a != b), None),
    "set.eq.u32.u32 %r, %a, %b;": (32, lambda a, b, c: -(a == b), None),
}  # fmt: skip
BITS = """.visible .entry bits{number}(.param .u64 p0, .param .u64 p1, .param .u64 p2, .param .u64 p3) {{
  .reg .b64 %from, %none, %out, %at, %x<6>; .reg .b{bits} %a, %b, %c, %r, %u, %d<4>; .reg .pred %p, %q, %s;
  .reg .b32 %t, %n, %l, %m, %k; .reg .b16 %h;
  ld.param.u64 %from, [p0]; ld.param.u64 %none, [p1]; ld.param.u64 %out, [p2]; ld.param.u64 %at, [p3];
  mov.u32 %t, %tid.x; mul.wide.u32 %x0, %t, 4; add.u64 %out, %out, %x0; add.u64 %at, %at, %x0;
  ld.global.b{bits} %u, [%none]; // read
  ld.global.b{bits} %a, [%from]; ld.global.b{bits} %b, [%from+8]; ld.global.b{bits} %c, [%from+16];
  ld.global.b{bits} %d0, [%from+24]; ld.global.b{bits} %d1, [%from+32];
  and.b{bits} %d2, %u, %d0; or.b{bits} %a, %a, %d2; and.b{bits} %d3, %u, %d1; or.b{bits} %b, %b, %d3;
  and.b{bits} %d2, %c, 63; cvt.u32.u{bits} %n, %d2; and.b{bits} %d2, %c, 1; setp.ne.b{bits} %p, %d2, 0;
  cvt.u16.u{bits} %h, %a; cvt.u32.u{bits} %l, %a; cvt.u32.u{bits} %m, %b;
  {body}
  ld.global.b32 %k, [%at]; setp.eq.u32 %q, %k, -1; @%q bra END;
  shr.u{bits} %r, %r, %k; and.b{bits} %r, %r, 1; setp.ne.b{bits} %s, %r, 0; @%s st.global.b32 [%out], 1;
END: ret;
}}
"""


def completions(value, undefined):
    """All that a value with some undefined bits can be."""
    some = undefined
    while True:
        yield value & ~undefined | some
        if not some:
            return
        some = (some - 1) & undefined


cases = {f"drop_{name}": body for name, body in DROPPED.items()}
cases |= {f"use_{name}": body for name, (body, *_) in USED.items()}
text = HEADER + "".join(
    KERNEL.format(name=name, body=body.replace("; ", ";\n  "))
    for name, body in cases.items()
)
text += "".join(
    BITS.format(number=number, bits=bits, body=body)
    for number, (body, (bits, *_)) in enumerate(OPERATIONS.items())
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


def depends(number, values, at):
    """Whether the bits `at` of an operation's result are said to be undefined."""
    arrays = np.array(values, np.uint64), np.full(64, -1, np.int32)
    arrays[1][: len(at)] = at
    try:
        module.launch(
            f"bits{number}", 1, 64, arrays[0], emu.Empty(1, np.uint64),
            np.zeros(64, np.uint32), arrays[1],
        )  # fmt: skip
    except emu.Fault as fault:
        assert "the value of which is used" in fault.said, fault.said
        return True
    return False


seed = int(np.random.SeedSequence().entropy % 2**32)
rng = np.random.default_rng(seed)
for number, (body, (bits, value, free)) in enumerate(OPERATIONS.items()):
    for _ in range(4):
        ones = (1 << bits) - 1
        a, b, c = (
            int(v) & ones for v in rng.integers(0, ONES, 3, np.uint64, endpoint=True)
        )
        # Few bits, that all they can be is soon tried; often beside each other.
        first, second = (
            sum({1 << int(k) % bits for k in places})
            for places in (
                rng.integers(0, bits, 4),
                rng.integers(0, bits) + rng.permutation(4)[: rng.integers(0, 4)],
            )
        )
        a, b = a & ~first, b & ~second
        if rng.random() < 0.3:
            a &= ~(ones << int(rng.integers(1, bits)))
            a &= ~first
        results = [
            value(x, y, c) & ones
            for x in completions(a, first)
            for y in completions(b, second)
        ]
        varies = 0
        for result in results:
            varies |= result ^ results[0]
        bound = {
            "all": varies,
            "below": -(varies & -varies) & ones,
            "above": (1 << varies.bit_length()) - 1,
            None: ones if varies else 0,
        }[free]
        all_of = [a, b, c, first, second]
        if depends(number, all_of, [k for k in range(bits) if not bound >> k & 1]):
            failed += 1
            print("FAILED:", seed, body, [hex(v) for v in all_of], "marks too much")
        places = [k for k in range(bits) if varies >> k & 1]
        for k in rng.permutation(places)[:3]:
            if not depends(number, all_of, [k]):
                failed += 1
                print("FAILED:", seed, body, [hex(v) for v in all_of], "bit", k, "lost")
print(len(OPERATIONS), "operations;")
print(len(DROPPED), "dropped,", len(USED), "used,", failed, "failed")
sys.exit(failed != 0)
