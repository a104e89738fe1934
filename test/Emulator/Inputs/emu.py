# ===- emu.py - CUDA programs on the emulated device ----------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Compiles CUDA C++ to PTX and launches it through the driver's C interface.

The settings of the emulator come from the environment (ET_EMU_CHECK, ...), as
for any program that opens the driver.
"""

import ctypes as C
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
SOURCES = HERE.parent / "cuda"
CUDA = Path(os.environ.get("CUDA_ROOT", "/usr/local/cuda"))
SCRATCH_FOLDER = tempfile.TemporaryDirectory(prefix="et-emu-")
SCRATCH = Path(SCRATCH_FOLDER.name)
# A sanitizer that the tests preload is for our own programs: nvcc fails with it.
OTHERS = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}


def compilers():
    """The CUDA compilers that are here, of nvcc and clang."""
    found = []
    if (CUDA / "bin" / "nvcc").exists():
        found.append("nvcc")
    if found and shutil.which("clang++-22"):
        found.append("clang")
    return found


def compile_cuda(source, compiler, chip, defines=()):
    """PTX text of a file in cuda/."""
    path = SOURCES / source
    out = SCRATCH / f"{path.stem}-{compiler}-{chip}-{len(list(SCRATCH.iterdir()))}.ptx"
    flags = [f"-D{d}" for d in defines]
    if compiler == "nvcc":
        command = [CUDA / "bin" / "nvcc", f"-arch={chip}", "-O3", "-std=c++17", "-ptx"]
    else:
        command = ["clang++-22", f"--cuda-gpu-arch={chip}", "-O3", "-std=c++17", "-S"]
        command += [
            "--cuda-device-only",
            f"--cuda-path={CUDA}",
            "-Wno-unknown-cuda-version",
        ]
        command += ["-isystem", HERE / "clang"]
    command = [*map(str, command), *flags, str(path), "-o", str(out)]
    subprocess.run(command, env=OTHERS, check=True)
    return out.read_text()


def compile_for(source, chips):
    """PTX texts by compiler and chip; the compilers run side by side."""
    wanted = [(compiler, chip) for compiler in compilers() for chip in chips]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        texts = list(pool.map(lambda w: compile_cuda(source, *w), wanted))
    return dict(zip(wanted, texts, strict=True))


def under_schedules(test):
    """Runs a test under each schedule, in a process of its own, as the driver
    reads its settings once a process; exits with whether all succeeded."""
    seed = secrets.randbits(32)
    failed = []
    for schedule in ("early", "late", "random"):
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            os.environ.update(ET_EMU_SCHEDULE=schedule, ET_EMU_SEED=str(seed))
            if schedule != "early":
                os.environ.pop("ET_EMU_STATS", None)
            code = 1
            try:
                code = int(not test(Driver()))
            except Exception:
                traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
            C.CDLL(None).exit(code)  # as C ends: the driver writes its counters
        _, status = os.waitpid(child, 0)
        if status:
            failed.append(schedule)
    print("ET_EMU_SEED", seed, "failed under:", failed or "none")
    sys.exit(bool(failed))


class Fault(Exception):
    """A call that failed: the driver's code and what it said."""

    def __init__(self, code, said):
        super().__init__(f"error {code}: {said}")
        self.code, self.said = code, said


class Scalar:
    def __init__(self, value, kind):
        self.bytes = np.array(value, dtype=kind).tobytes()


class Empty:
    """An array that nothing wrote yet; the kernel's result is in .value."""

    def __init__(self, shape, dtype):
        self.value = np.zeros(shape, dtype)


class Address:
    """A pointer into an array that is another argument."""

    def __init__(self, array, offset=0):
        self.array, self.offset = array, offset


class Driver:
    def __init__(self, library=None):
        self.lib = C.CDLL(library or os.environ["ET_CUDA_DRIVER"])
        self.call("cuInit", 0)
        context = C.c_void_p()
        self.call("cuDevicePrimaryCtxRetain", C.byref(context), 0)
        self.call("cuCtxSetCurrent", context)

    def call(self, name, *args):
        """Calls a function of the driver; what it prints is in `said` and in the
        Fault."""
        sys.stderr.flush()
        keep = os.dup(2)
        with tempfile.TemporaryFile() as said:
            os.dup2(said.fileno(), 2)
            try:
                code = getattr(self.lib, name)(*args)
            finally:
                os.dup2(keep, 2)
                os.close(keep)
            said.seek(0)
            self.said = text = said.read().decode()
        if code:
            self.lib.cuDevicePrimaryCtxReset_v2(0)
            raise Fault(code, text)

    def alloc(self, size):
        address = C.c_uint64()
        self.call("cuMemAlloc_v2", C.byref(address), C.c_size_t(max(size, 1)))
        return address

    def tensor_map(
        self, kind, address, sizes, strides, box, swizzle=0, steps=None, fill=0
    ):
        raw = C.create_string_buffer(256)
        at = (C.addressof(raw) + 63) // 64 * 64
        rank = len(sizes)
        self.call(
            "cuTensorMapEncodeTiled",
            C.c_void_p(at),
            kind,
            rank,
            C.c_uint64(address),
            (C.c_uint64 * rank)(*sizes),
            (C.c_uint64 * max(rank - 1, 1))(*strides),
            (C.c_uint32 * rank)(*box),
            (C.c_uint32 * rank)(*(steps or [1] * rank)),
            0,
            swizzle,
            0,
            fill,
        )
        return C.string_at(at, 128)


class Module:
    def __init__(self, driver, ptx):
        self.driver = driver
        self.handle = C.c_void_p()
        driver.call("cuModuleLoadData", C.byref(self.handle), ptx.encode())

    def launch(self, name, grid, block, *args, smem=0, maps=None):
        """Runs a kernel. Arrays are copied in, and back when it has ended; what the
        driver said meanwhile is returned.

        `maps` makes tensor maps: a function from the arrays' addresses to the
        128 bytes of each argument that is the string "map0", "map1", ...
        """
        driver = self.driver
        function = C.c_void_p()
        driver.call(
            "cuModuleGetFunction", C.byref(function), self.handle, name.encode()
        )
        if smem > 48 * 1024:
            driver.call("cuFuncSetAttribute", function, 8, smem)
        arrays, keep, values = [], [], []
        try:
            for arg in args:
                if isinstance(arg, (np.ndarray, Empty)):
                    host = arg.value if isinstance(arg, Empty) else arg
                    address = driver.alloc(host.nbytes)
                    arrays.append((host, address))
                    if isinstance(arg, np.ndarray) and host.nbytes:
                        assert host.flags.c_contiguous
                        driver.call(
                            "cuMemcpyHtoD_v2",
                            address,
                            C.c_void_p(host.ctypes.data),
                            C.c_size_t(host.nbytes),
                        )
                    values.append(C.string_at(C.addressof(address), 8))
                elif isinstance(arg, Scalar):
                    values.append(arg.bytes)
                elif isinstance(arg, Address):
                    at = next(a for h, a in arrays if h is arg.array)
                    values.append(np.uint64(at.value + arg.offset).tobytes())
                elif isinstance(arg, str):
                    made = maps([a.value for _, a in arrays])
                    values.append(made[int(arg[3:])])
                else:
                    kind = np.float32 if isinstance(arg, float) else np.int32
                    values.append(np.array(arg, kind).tobytes())
            pointers = (C.c_void_p * max(len(values), 1))()
            for k, value in enumerate(values):
                buffer = C.create_string_buffer(value, len(value))
                keep.append(buffer)
                pointers[k] = C.addressof(buffer)
            grid = tuple(grid) if isinstance(grid, (tuple, list)) else (grid,)
            block = tuple(block) if isinstance(block, (tuple, list)) else (block,)
            grid += (1,) * (3 - len(grid))
            block += (1,) * (3 - len(block))
            driver.call(
                "cuLaunchKernel", function, *grid, *block, smem, None, pointers, None
            )
            notes = driver.said
            for host, address in arrays:
                if host.nbytes:
                    driver.call(
                        "cuMemcpyDtoH_v2",
                        C.c_void_p(host.ctypes.data),
                        address,
                        C.c_size_t(host.nbytes),
                    )
            return notes
        finally:
            for _, address in arrays:
                driver.lib.cuMemFree_v2(address)
