# ===- driver.py - what the driver takes and what it refuses ---------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext %python %s
"""Programs try what may not be there and fall back when it is refused; so what the
driver does not know is an error, as is an image that is damaged and a call after
the driver's end."""

import ctypes as C
import os
import struct
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "Inputs"))
import emu

INVALID, DEINITIALIZED, NO_BINARY, LIMIT, UNSUPPORTED = 1, 4, 209, 215, 801
PTX = """.version 8.0
.target sm_80
.address_size 64
.extern .shared .align 16 .b8 dynamic[];
.visible .entry k(.param .u64 p0) {
  .shared .align 4 .b8 own[1000];
  .reg .b32 %a;
  mov.u32 %a, own; st.shared.b32 [%a], 1; ret;
}
"""
ROOM = {
    "sm_75": 65536, "sm_80": 166912, "sm_86": 101376, "sm_89": 101376,
    "sm_90a": 232448, "sm_100a": 232448, "sm_120": 101376,
}  # fmt: skip


def launch_config(driver, attribute, words):
    """cuLaunchKernelEx's configuration of one block with one attribute."""
    raw = C.create_string_buffer(struct.pack("<II64s", attribute, 0, words))
    head = struct.pack("<7I4xQQI4x", 1, 1, 1, 1, 1, 1, 0, 0, C.addressof(raw), 1)
    return raw, C.create_string_buffer(head)


def attributes(chip):
    driver = emu.Driver()
    lib = driver.lib
    value = C.c_int(-7)

    def device(attribute):
        code = lib.cuDeviceGetAttribute(C.byref(value), attribute, 0)
        return code or value.value

    assert device(97) == ROOM[chip]
    module = emu.Module(driver, PTX if chip != "sm_75" else PTX.replace("80", "75"))
    function = C.c_void_p()
    driver.call("cuModuleGetFunction", C.byref(function), module.handle, b"k")

    def put(attribute, value):
        return lib.cuFuncSetAttribute(function, attribute, value)

    def get(attribute):
        assert lib.cuFuncGetAttribute(C.byref(value), attribute, function) == 0
        return value.value

    # Dynamic shared memory: what the static one leaves of 48 KB, or of the most
    # that the chip has.
    assert get(1) == 1000 and get(8) == 48 * 1024 - 1000
    assert put(8, ROOM[chip] - 1000) == 0 and get(8) == ROOM[chip] - 1000
    for wrong in (ROOM[chip] - 999, 2**31 - 1, -1):
        assert put(8, wrong) == INVALID
    assert get(8) == ROOM[chip] - 1000
    if chip != "sm_90a":
        return
    assert (put(9, 101), put(9, -2), put(9, 50), get(9)) == (INVALID, INVALID, 0, 50)
    assert (put(14, 2), put(14, 1), get(14)) == (INVALID, 0, 1)
    assert (put(15, 3), put(15, 2), get(15)) == (INVALID, 0, 2)
    assert (put(11, -1), put(11, 1), put(12, 2)) == (INVALID, 0, UNSUPPORTED)
    for unknown in (0, 1, 4, 7, 10, 16, 17, 1000, -1):  # the first are read-only
        assert put(unknown, 0) == INVALID, unknown
    for unknown in (16, 17, 1000, -1):
        assert lib.cuFuncGetAttribute(C.byref(value), unknown, function) == INVALID
        assert lib.cuCtxSetLimit(unknown, C.c_size_t(1)) == INVALID
    for unknown in (0, -1, 148, 100000):
        assert device(unknown) == INVALID
    assert device(18) == 0 and device(147) == 0  # known, and not there
    size = C.c_size_t()
    for limit in (0, 1, 2, 5, 6):
        assert lib.cuCtxSetLimit(limit, C.c_size_t(100 + limit)) == 0
        assert lib.cuCtxGetLimit(C.byref(size), limit) == 0
        assert size.value == 100 + limit
    assert lib.cuCtxSetLimit(5, C.c_size_t(129)) == INVALID
    for limit in (3, 4, 7, 8, 9):
        assert lib.cuCtxSetLimit(limit, C.c_size_t(1)) == LIMIT
        assert lib.cuCtxGetLimit(C.byref(size), limit) == LIMIT

    address = driver.alloc(16)
    pointer = (C.c_void_p * 1)(C.addressof(address))

    def launch(attribute, words=b""):
        keep, config = launch_config(driver, attribute, words)
        return lib.cuLaunchKernelEx(config, function, pointer, None)

    for taken in (0, 1, 2, 3, 5, 6, 8, 9, 10, 14, 16):
        assert launch(taken) == 0, taken
    one, two = struct.pack("<3I", 1, 1, 1), struct.pack("<3I", 2, 1, 1)
    many = struct.pack("<3I", 2**16, 2**16, 1)
    for cluster in (4, 11):
        assert launch(cluster, one) == 0
        assert launch(cluster, two) == launch(cluster, many) == UNSUPPORTED
        assert launch(cluster) == INVALID
    for refused in (7, 12, 13):
        assert launch(refused) == UNSUPPORTED
    for unknown in (15, 17, 1000):
        assert launch(unknown) == INVALID, unknown
    # Flags and modes.
    handle = C.c_void_p()
    assert lib.cuStreamCreate(C.byref(handle), 2) == INVALID
    assert lib.cuEventCreate(C.byref(handle), 8) == INVALID
    assert lib.cuGraphCreate(C.byref(handle), 1) == INVALID
    assert lib.cuStreamCreate(C.byref(handle), 1) == 0
    assert lib.cuStreamBeginCapture_v2(handle, 3) == INVALID
    assert lib.cuFuncSetCacheConfig(function, 4) == INVALID
    assert lib.cuMemHostUnregister(C.byref(handle)) == 713
    pool = C.c_void_p()
    driver.call("cuDeviceGetDefaultMemPool", C.byref(pool), 0)
    assert lib.cuMemPoolSetAttribute(pool, 99, C.byref(value)) == INVALID
    assert lib.cuPointerGetAttribute(C.byref(value), 22, address) == INVALID
    option, nothing = (C.c_int * 1)(35), (C.c_void_p * 1)()
    assert (
        lib.cuModuleLoadDataEx(C.byref(handle), PTX.encode(), 1, option, nothing)
        == INVALID
    )
    # Sizes whose product wraps.
    assert lib.cuMemsetD32_v2(address, 0, C.c_size_t(2**62 + 1)) == INVALID
    for grid, block in (((1, 2**16, 1), (1, 1, 1)), ((1, 1, 1), (2**22, 2**22, 2**20))):
        assert (
            lib.cuLaunchKernel(function, *grid, *block, 0, None, pointer, None)
            == INVALID
        )
    assert lib.cuLaunchCooperativeKernel(
        function, 10**5, 1, 1, 32, 1, 1, 0, None, pointer
    ) == 720  # fmt: skip


def images():
    """Fatbins whose sizes are wrong in each of their fields."""
    driver = emu.Driver()
    text = PTX.encode() + b"\0"
    fields = (
        "kind", "version", "bytes", "size", "compressed", "unknown", "minor", "major",
        "arch", "name_offset", "name_size", "flags", "zero", "plain",
    )  # fmt: skip
    good = (1, 0x101, 64, len(text), 0, 0, 0, 8, 80, 0, 0, 0, 0, 0)

    def image(header=16, all_entries=None, **changed):
        entry = [changed.get(f, v) for f, v in zip(fields, good, strict=True)]
        body = struct.pack("<HHIQIIHHIIIQQQ", *entry) + text
        size = len(body) if all_entries is None else all_entries
        return struct.pack("<IHHQ", 0xBA55ED50, 1, header, size) + body

    def load(data, from_file):
        handle = C.c_void_p()
        if not from_file:
            return driver.lib.cuModuleLoadData(C.byref(handle), data)
        path = emu.SCRATCH / "image"
        path.write_bytes(data)
        return driver.lib.cuModuleLoad(C.byref(handle), str(path).encode())

    lz4, zstd = 0x2000, 0x8000
    bad = [
        {"bytes": n} for n in (0, 16, 63, 65 + len(text), 0x7FFFFFFF, 0xFFFFFFFF)
    ] + [{"size": n} for n in (len(text) + 1, 2**31, 2**63, 2**64 - 64, 2**64 - 1)]
    bad += [
        {"flags": packed, "compressed": compressed, "plain": plain}
        for packed in (lz4, zstd)
        for compressed in (len(text), len(text) + 1, 2**31, 2**32 - 1)
        for plain in (0, 1, 2**30, 2**31, 2**63, 2**64 - 64, 2**64 - 1)
    ]
    bad += [{"all_entries": n} for n in (2**40, 2**63, 2**64 - 16, 2**64 - 1)]
    bad += [{"header": n} for n in (0, 15)]
    for from_file in (False, True):
        assert load(image(), from_file) == 0
        for fault in bad:
            assert load(image(**fault), from_file) == NO_BINARY, fault
    # A file knows its end.
    whole = image()
    for cut in (4, 15, 16, 17, 79, 80, len(whole) - 1):
        assert load(whole[:cut], True) == NO_BINARY, cut
    wrapper = struct.pack("<IIQ", 0x466243B1, 1, 0)
    assert load(wrapper, False) == load(wrapper, True) == NO_BINARY
    assert load(b"", False) == load(b"\xb1", False) == 218  # no PTX


# What a destructor of a C++ global does, after the driver's own end.
END = """
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
static void *driver;
static unsigned long long memory;
static int call1(const char *name, unsigned long long a) {
  return ((int (*)(unsigned long long))dlsym(driver, name))(a);
}
struct Thread {
  ~Thread() {
    void *context;
    fprintf(stderr, "thread %d\\n", ((int (*)(void **))dlsym(
        driver, "cuCtxGetCurrent"))(&context));
  }
};
static thread_local Thread ofThread;
static struct Global {
  ~Global() {
    void *context;
    int value;
    fprintf(stderr, "global %d %d %d %d %d\\n", call1("cuMemFree_v2", memory),
            ((int (*)(void **))dlsym(driver, "cuCtxGetCurrent"))(&context),
            ((int (*)(int *, int, int))dlsym(driver, "cuDeviceGetAttribute"))(
                &value, 16, 0),
            ((int (*)(unsigned))dlsym(driver, "cuInit"))(0),
            ((int (*)())dlsym(driver, "cuCtxSynchronize"))());
  }
} global;
int main(int, char **argv) {
  (void)&ofThread;
  driver = dlopen(argv[1], RTLD_NOW);
  void *context;
  if (((int (*)(unsigned))dlsym(driver, "cuInit"))(0) ||
      ((int (*)(void **, int))dlsym(driver, "cuDevicePrimaryCtxRetain"))(&context, 0) ||
      ((int (*)(unsigned long long *, size_t))dlsym(driver, "cuMemAlloc_v2"))(&memory, 64))
    return 1;
  return 0;
}
"""


def end():
    source, program = emu.SCRATCH / "end.cpp", emu.SCRATCH / "end"
    source.write_text(END)
    subprocess.run(["clang++-22", "-o", program, source], check=True)
    stats = emu.SCRATCH / "end.json"
    done = subprocess.run(
        [program, os.environ["ET_CUDA_DRIVER"]],
        env={**os.environ, "ET_EMU_STATS": str(stats)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done
    # The thread's objects are destroyed first: the driver is still there.
    assert done.stderr.split("\n")[:2] == ["thread 0", "global 4 4 4 4 4"], done
    assert stats.read_text() == "[\n]\n"
    print("ok end")


def settings():
    """Numbers out of range are refused, with the variable and the range."""
    for name, value, words in (
        ("THREADS", "4294967296", "threads: '4294967296' is no number from 0 to 1024"),
        ("SEED", "1e3", "seed: '1e3' is no number from 0 to"),
        ("LIMIT", "0", "limit: '0' is no number from 1 to"),
        ("PROCESSORS", "1025", "'1025' is no number from 1 to 1024"),
        ("PROCESSORS", "18446744073709551617", "is no number from 1 to 1024"),
        ("CHIP", "sm_130", "'sm_130' is no chip from sm_70 to sm_129"),
        ("CHIP", "sm_-4294967206", "is no chip from sm_70 to sm_129"),
        ("CHIP", "sm_90x", "'sm_90x' is no chip"),
        ("PROBLEM", "load=18446744073709551616", "is no number from 0 to"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", "import ctypes, os;"
             "print(ctypes.CDLL(os.environ['ET_CUDA_DRIVER']).cuInit(0))"],
            env={**os.environ, f"ET_EMU_{name}": value},
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.stdout == "1\n", (name, value, done)
        assert f"ET_EMU_{name}: " in done.stderr and words in done.stderr, done.stderr
    print("ok settings")


def child(work, *args):
    """The driver reads its chip once a process."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        if args:
            os.environ["ET_EMU_CHIP"] = args[0]
        work(*args)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0, (work.__name__, *args)
    print("ok", work.__name__, *args)


for chip in ROOM:
    child(attributes, chip)
child(images)
settings()
end()
