# ===- stats.py - counters in a file and a table ----------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
# RUN: %python %s %et_tools/ptx-emu %et_lib/libet_cuda_emu%shlibext %t
"""Counts of a kernel that a person can count, and what they say of a problem."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

PTX = """
.version 8.0
.target sm_80
.address_size 64
.visible .entry axpy(.param .u64 y, .param .u64 x, .param .f32 a, .param .u32 n)
{
  .reg .pred %p<2>;
  .reg .b32 %r<6>;
  .reg .f32 %f<5>;
  .reg .b64 %rd<6>;
  ld.param.u64 %rd1, [y];
  ld.param.u64 %rd2, [x];
  ld.param.f32 %f1, [a];
  ld.param.u32 %r1, [n];
  mov.u32 %r2, %ctaid.x;
  mov.u32 %r3, %ntid.x;
  mov.u32 %r4, %tid.x;
  mad.lo.s32 %r5, %r2, %r3, %r4;
  setp.ge.s32 %p1, %r5, %r1;
  @%p1 bra done;
  mul.wide.s32 %rd3, %r5, 8;
  add.s64 %rd4, %rd2, %rd3;
  add.s64 %rd5, %rd1, %rd3;
  ld.global.f32 %f2, [%rd4];
  ld.global.f32 %f3, [%rd5];
  fma.rn.f32 %f4, %f1, %f2, %f3;
  st.global.f32 [%rd5], %f4;
done:
  ret;
}
"""
tool, driver, scratch = sys.argv[1], sys.argv[2], Path(sys.argv[3])
scratch.mkdir(parents=True, exist_ok=True)
N = 100  # Of every second element: four warps, the last one with four lanes.
(scratch / "axpy.ptx").write_text(PTX)
ONE = ".version 8.0\n.target sm_80\n.address_size 64\n.entry one(.param .b64 p) { ret; }\n"
(scratch / "one.ptx").write_text(ONE)
rng = np.random.default_rng(0)
x, y = (rng.standard_normal(2 * N).astype(np.float32) for _ in range(2))
np.save(scratch / "x.npy", x)
np.save(scratch / "y.npy", y)


def run(*options):
    return subprocess.run(
        [tool, scratch / "axpy.ptx", "--grid=2", "--block=64"]
        + [f"--arg={scratch}/y.npy", f"--arg={scratch}/x.npy"]
        + ["--arg=f32:2", f"--arg=i32:{N}", f"--out=0:{scratch}/out.npy", *options],
        capture_output=True,
        text=True,
    )


problem = f"load={8 * N},store={4 * N},macs={N},memory={16 * N}"
stats = scratch / "stats.json"
done = run(f"--stats={stats}", f"--problem={problem}", "--threads=2")
assert done.returncode == 0, done.stderr
want = y.copy()
want[::2] += 2 * x[::2]
assert (np.load(scratch / "out.npy") == want).all()
first = stats.read_text()
counts = json.loads(first)

# Every other element of 4 bytes: a sector of 32 bytes has four of them.
assert counts["counters"]["global.load.bytes"] == 8 * N
assert counts["counters"]["global.load.sectors"] == 2 * N // 4
assert counts["counters"]["global.store.unique_bytes"] == 4 * N
assert counts["counters"]["device.peak_bytes"] == 16 * N
assert counts["instructions"]["fma.rn.f32"] == 4
assert counts["problem"] == {
    "load": {"used": 16 * N, "least": 8 * N, "wasted": 8 * N},
    "store": {"used": 8 * N, "least": 4 * N, "wasted": 4 * N},
    "macs": {"used": 128, "least": N, "wasted": 28},
    "memory": {"used": 16 * N, "least": 16 * N, "wasted": 0},
}
assert "timing" not in counts
for words in (
    r"bytes loaded, in sectors +1600 +800 +800 +50\.0%",
    r"multiply-adds +128 +100 +28 +78\.1%",
    r"run in \d+\.\d+ s, [\d.]+ million warp instructions a second",
):
    assert re.search(words, done.stdout), (words, done.stdout)

# The same each time and with any number of threads; the time stands apart.
run(f"--stats={stats}", f"--problem={problem}", "--threads=1", "--check=none")
assert stats.read_text() == first
run(f"--stats={stats}", f"--problem={problem}", "--time")
timed = json.loads(stats.read_text())
assert timed.pop("timing")["seconds"] > 0 and timed == counts

for option, words in (
    ("--problem=lode=5", "not 'lode=5'"),
    ("--problem=load=-5", "load: '-5' is no number from 0 to 18446744073709551615"),
    (
        "--problem=macs=18446744073709551616",
        "macs: '18446744073709551616' is no number",
    ),
    ("--problem=load", "load: '' is no number"),
    ("--threads=4294967296", "threads: '4294967296' is no number from 0 to 1024"),
    ("--threads=1025", "threads: '1025' is no number from 0 to 1024"),
    ("--threads= 2", "threads: ' 2' is no number"),
    ("--seed=-1", "seed: '-1' is no number from 0 to 18446744073709551615"),
    ("--seed=0x10000000000000000", "seed: '0x10000000000000000' is no number"),
    ("--limit=0", "limit: '0' is no number from 1 to 18446744073709551615"),
    ("--grid=4294967297", "--grid takes one to three numbers from 1 to 2147483647"),
    ("--block=64,0", "--block takes one to three numbers from 1 to 2147483647"),
    ("--smem=4294967296", "--smem takes a number of bytes from 0 to 4294967295"),
    ("--arg=i8:256", "'256' is no value of type i8 (-128 to 255)"),
    ("--arg=i64:-9223372036854775809", "type i64 (-9223372036854775808 to 184467"),
    ("--arg=f16:65520", "'65520' is no value of type f16 (-65504 to 65504, or inf)"),
    ("--arg=bf16:3.4e38", "'3.4e38' is no value of type bf16"),
    ("--arg=f32:-1e39", "'-1e39' is no value of type f32"),
    ("--arg=f64:1e309", "'1e309' is no value of type f64"),
    ("--arg=zeros:9223372036854775808xi8", "is no number of bytes and no shape"),
):
    if option.startswith("--arg"):
        done = subprocess.run(
            [tool, scratch / "one.ptx", option], capture_output=True, text=True
        )
        assert done.returncode == 1 and words in done.stderr, done.stderr
        continue
    done = run(f"--stats={stats}", option)
    assert done.returncode == 1 and words in done.stderr, done.stderr
done = run("--time")
assert done.returncode == 1 and "--stats" in done.stderr, done.stderr

# A program by way of the driver: each launch, then all together.
program = f"""
import ctypes as C
d = C.CDLL({driver!r})
assert d.cuInit(0) == 0
c = C.c_void_p(); assert d.cuDevicePrimaryCtxRetain(C.byref(c), 0) == 0
assert d.cuCtxSetCurrent(c) == 0
m, f, p = C.c_void_p(), C.c_void_p(), C.c_uint64()
assert d.cuModuleLoadData(C.byref(m), open({str(scratch / "axpy.ptx")!r}, 'rb').read()) == 0
assert d.cuModuleGetFunction(C.byref(f), m, b'axpy') == 0
assert d.cuMemAlloc_v2(C.byref(p), C.c_size_t({8 * N})) == 0
assert d.cuMemsetD8_v2(p, 0, C.c_size_t({8 * N})) == 0
a, n = C.c_float(2), C.c_int({N})
args = (C.c_void_p * 4)(*[C.addressof(v) for v in (p, p, a, n)])
for _ in range(3):
    assert d.cuLaunchKernel(f, 2, 1, 1, 64, 1, 1, 0, None, args, None) == 0
"""
env = dict(os.environ, ET_EMU_STATS=str(stats), ET_EMU_PROBLEM=f"macs={3 * N}")
subprocess.run([sys.executable, "-c", program], env=env, check=True)
launches = json.loads(stats.read_text())
assert [k["kernel"] for k in launches] == ["axpy"] * 3 + ["all launches"]
assert launches[0] == launches[2] and "problem" not in launches[0]
assert launches[3]["problem"] == {"macs": {"used": 384, "least": 3 * N, "wasted": 84}}
assert launches[3]["counters"]["device.peak_bytes"] == 8 * N
