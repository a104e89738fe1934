# ===- toolkit.py - what the CUDA toolkit's own libraries rely on -----------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext %python %s
# REQUIRES: cuda-toolkit
"""printf, and what cooperative groups read of the driver: where the blocks of a grid
meet, and shared memory that is the driver's own."""

import ctypes as C
import os
import struct
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "Inputs"))
import emu
import forms
import numpy as np

# printf: conversions with their arguments, of one line each. C prints the same.
PRINTED = [
    ("plain, %% and a tab\t|", ()),
    ("%d|%i|%5d|%-5d|%05d|%+d|% d|", (-7, 8, -9, 10, 11, 12, 13)),
    ("%u|%o|%x|%X|%#x|%#o|%c|", (2**32 - 1, 8, 255, 255, 255, 8, 65)),
    ("%hd|%hhd|%hu|", (-3, -4, 5)),
    ("%ld|%lld|%llx|%p|%lu|", (-(2**40), 2**50, 2**60 + 5, 0x1234, 2**63)),
    ("%f|%e|%g|%8.3f|%-10.2e|%G|%a|%.0f|%+.3f|", (1.5, -2.25, 1e-10, 3.14159, 12345.678, 1e20, 0.1, 2.5, 1.0)),
    ("%f|%f|%F|%e|", (float("inf"), float("-inf"), float("nan"), 1.7e308)),
    ("%*d|%-*d|%.*f|%.*f|", (6, 1, 6, 2, 2, 1.239, -1, 0.5)),
    ("%s|%8s|%-8s|%.3s|%s|", (b"text", b"right", b"left", b"cut off", b"")),
    ("%c%d%lld%c%f|", (66, 1, 2, 67, 3.0)),
]  # fmt: skip


def laid_out(format, args):
    """The arguments as a kernel passes them, and C's own words."""
    kinds, at = [], 0
    while at < len(format):  # stars and letters, in their order
        if format[at] == "%":
            at += 1
            longs = 0
            while format[at] in "-+ #0123456789.*hl":
                kinds += ["i"] if format[at] == "*" else []
                longs += format[at] == "l"
                at += 1
            if format[at] != "%":
                letter = format[at]
                kinds.append(
                    "f" if letter in "feEgGFaA" else
                    "s" if letter == "s" else "q" if longs or letter == "p" else "i"
                )  # fmt: skip
        at += 1
    buffer, strings, spoken = b"", [], []
    for kind, value in zip(kinds, args, strict=True):
        size = 4 if kind == "i" else 8
        buffer += bytes(-len(buffer) % size)
        if kind == "i":
            buffer += struct.pack("<I", value & 0xFFFFFFFF)
            spoken.append(C.c_int(value))
        elif kind == "f":
            buffer += struct.pack("<d", value)
            spoken.append(C.c_double(value))
        elif kind == "s":
            strings.append((len(buffer), value))
            buffer += bytes(8)
            spoken.append(C.c_char_p(value))
        else:
            buffer += struct.pack("<Q", value % 2**64)
            spoken.append(C.c_longlong(value))
    room = C.create_string_buffer(1024)
    C.CDLL(None).snprintf(room, C.c_size_t(1024), format.encode(), *spoken)
    return buffer, strings, room.value


def variable(name, data):
    return (
        f".global .align 8 .b8 {name}[{len(data)}] = {{{', '.join(map(str, data))}}};\n"
    )


prefix = ".extern .func (.param .b32 r) vprintf (.param .b64 f, .param .b64 a);\n"
body, said = [], b""
for k, (format, args) in enumerate(PRINTED):
    format += "\n"
    buffer, strings, words = laid_out(format, args)
    said += words
    prefix += variable(f"format{k}", format.encode() + b"\0")
    body.append(f"mov.u64 %a, format{k}; cvta.global.u64 %a, %a; st.param.b64 [f], %a;")
    for at in range(0, len(buffer), 4):
        (word,) = struct.unpack("<I", buffer[at : at + 4].ljust(4, b"\0"))
        body.append(f"st.local.b32 [own+{at}], {word};")
    for n, (at, value) in enumerate(strings):
        prefix += variable(f"string{k}_{n}", value + b"\0")
        body.append(
            f"mov.u64 %a, string{k}_{n}; cvta.global.u64 %a, %a; st.local.b64 [own+{at}], %a;"
        )
    body.append(
        "mov.u64 %a, own; cvta.local.u64 %a, %a; st.param.b64 [a], %a;"
        f"call (r), vprintf, (f, a); ld.param.b32 %v, [r]; st.global.b32 [%o+{4 * k}], %v;"
    )
CALL = """.reg .b32 %v, %t; .reg .b64 %a, %o; .reg .pred %p; .local .align 8 .b8 own[128];
ld.param.u64 %o, [p0]; {{ .param .b64 f; .param .b64 a; .param .b32 r; {0} }}"""
kernels = {"printing": (".u64 p0", CALL.format("\n".join(body)))}
# Lanes in their order, and blocks in theirs; without a format nothing is printed.
prefix += variable("who", b"%d of %d\n\0")
kernels["order"] = (
    ".u64 p0",
    CALL.format(
        "mov.u32 %t, %tid.x; st.local.b32 [own], %t; mov.u32 %v, %ctaid.x; st.local.b32 [own+4], %v;"
        "mov.u64 %a, who; cvta.global.u64 %a, %a; setp.eq.u32 %p, %t, 1; @%p mov.b64 %a, 0;"
        "st.param.b64 [f], %a; mov.u64 %a, own; cvta.local.u64 %a, %a; st.param.b64 [a], %a;"
        "call (r), vprintf, (f, a); ld.param.b32 %v, [r]; mul.wide.u32 %a, %t, 4;"
        "add.u64 %a, %a, %o; st.global.b32 [%a], %v;"
    ),
)  # fmt: skip
# Every block adds to the sum of the phase and reads it in the next.
kernels["grid"] = (
    ".u64 p0",
    """.reg .b32 %v, %t, %b, %n, %h, %l, %old, %k; .reg .b64 %o, %w, %a; .reg .pred %p, %c;
ld.param.u64 %o, [p0]; mov.u32 %t, %tid.x; mov.u32 %b, %ctaid.x; mov.u32 %n, %nctaid.x;
mov.u32 %l, %envreg2; mov.u32 %h, %envreg1; mov.b64 %w, {%l, %h}; setp.eq.u64 %c, %w, 0;
@!%c bra GO; mov.u32 %k, 77; st.global.b32 [%o], %k; ret; GO:
setp.ne.u32 %p, %t, 0; mul.wide.u32 %a, %b, 4; add.u64 %a, %a, %o; @!%p st.global.b32 [%a], %b;
bar.sync 0; @%p bra MEET; mov.b32 %v, 1; setp.eq.u32 %c, %b, 0; sub.u32 %k, %n, 1;
sub.u32 %k, 0x80000000, %k; @%c mov.b32 %v, %k; atom.add.release.gpu.u32 %old, [%w+4], %v;
SPIN: ld.acquire.gpu.u32 %v, [%w+4]; xor.b32 %v, %v, %old; setp.ge.s32 %c, %v, 0; @%c bra SPIN;
MEET: bar.sync 0; add.u32 %k, %b, 1; rem.u32 %k, %k, %n; mul.wide.u32 %a, %k, 4; add.u64 %a, %a, %o;
ld.global.b32 %v, [%a]; mul.wide.u32 %a, %b, 4; add.u64 %a, %a, %o; add.u64 %a, %a, 2048;
@!%p st.global.b32 [%a], %v;""",
)
# The driver's shared memory is zero, apart from the kernel's, and no more than it says.
kernels["reserved"] = (
    ".u64 p0",
    """.reg .b32 %v, %s, %e<5>; .reg .b64 %o; .shared .align 4 .b8 own[100];
ld.param.u64 %o, [p0]; mov.u32 %s, own; mov.u32 %e0, %reserved_smem_offset_begin; mov.u32 %e1, %reserved_smem_offset_end;
mov.u32 %e2, %reserved_smem_offset_cap; mov.u32 %e3, %reserved_smem_offset_0;
mov.u32 %e4, %reserved_smem_offset_1; ld.shared.b32 %v, [%e4+284]; st.shared.b32 [%e4], 9;
st.global.v4.b32 [%o], {%e0, %e1, %e2, %e3}; st.global.v2.b32 [%o+16], {%e4, %v};""",
)
for name, where in (("after", "%e+288"), ("before", "%e+-4")):
    kernels[f"reserved_{name}"] = (
        ".u64 p0",
        f".reg .b32 %e; .shared .b8 own[100]; mov.u32 %e, own; mov.u32 %e, %reserved_smem_offset_1; st.shared.b32 [{where}], 1;",
    )
kernels["environment"] = (
    ".u64 p0",
    ".reg .b32 %v; .reg .b64 %o; ld.param.u64 %o, [p0]; "
    + "".join(
        f"mov.u32 %v, %envreg{k}; st.global.b32 [%o+{4 * k}], %v;" for k in range(32)
    ),
)
driver = emu.Driver()
module = emu.Module(driver, forms.module(kernels, "sm_90", "8.6", prefix))


def printed(*launch):
    """What goes to the standard output."""
    libc = C.CDLL(None)
    sys.stdout.flush()
    keep = os.dup(1)
    with tempfile.TemporaryFile() as out:
        os.dup2(out.fileno(), 1)
        try:
            module.launch(*launch)
            libc.fflush(None)
        finally:
            os.dup2(keep, 1)
            os.close(keep)
        out.seek(0)
        return out.read()


counts = np.zeros(len(PRINTED), np.int32)
got = printed("printing", 1, 1, counts)
assert got == said, (got.decode(), said.decode())
assert (counts == [len(args) for _, args in PRINTED]).all(), counts
counts = np.zeros(4, np.int32)
got = printed("order", 3, 4, counts)
assert got == b"".join(b"%d of %d\n" % (t, b) for b in range(3) for t in (0, 2, 3)), got
assert (counts == [2, -1, 2, 2]).all(), counts

blocks = 100
address = driver.alloc(4096)
function = C.c_void_p()
driver.call("cuModuleGetFunction", C.byref(function), module.handle, b"grid")
params = (C.c_void_p * 1)(C.addressof(address))
for _ in range(2):
    driver.call(
        "cuLaunchCooperativeKernel", function, blocks, 1, 1, 64, 1, 1, 0, None, params
    )
    out = np.zeros(1024, np.uint32)
    driver.call(
        "cuMemcpyDtoH_v2", C.c_void_p(out.ctypes.data), address, C.c_size_t(4096)
    )
    assert (out[512 : 512 + blocks] == (np.arange(blocks) + 1) % blocks).all(), out
out = np.zeros(1, np.uint32)
module.launch("grid", 1, 64, out)
assert out[0] == 77  # not cooperative: they meet nowhere
out = np.zeros(6, np.uint32)
module.launch("reserved", 1, 1, out)
assert (out == [128, 128 + 288, 128 + 1024, 128, 128, 0]).all(), out
for name in ("after", "before"):
    try:
        module.launch(f"reserved_{name}", 1, 1, np.zeros(1, np.uint32))
        raise AssertionError(name)
    except emu.Fault as fault:
        assert "out of bounds: shared store" in fault.said, fault.said
out = np.ones(32, np.uint32)
module.launch("environment", 1, 1, out)
assert not out.any(), out
print("ok")
