# ===- et_emulated.py - a compiled library on the emulated GPU --------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Compiles a module for a GPU once, and calls it under each of the emulator's schedules.

The emulator reads its settings once a process, so each call has a process of
its own. All checks are on, and the schedules must agree in every bit.
"""

import ctypes as C
import json
import os
import secrets
import subprocess
import tempfile
from pathlib import Path

import numpy as np

import et_tools
from et_reference import FP8, STORAGE

SCHEDULES = ("early", "late", "random")
CHIPS = ("sm_80", "sm_90a", "sm_120")
# Names of the kernels that were launched, in order, where a test makes it a list.
launched = None
# Their counters, likewise.
counted = None
# The device's memory at its fullest, of the last run that had kernels recorded.
peak_bytes = 0
# What else et-compile is told.
options = []
# In the order of et_dtype.
DTYPES = [
    *(np.dtype(STORAGE[kind]) for kind in ("f32", "f16", "bf16")),
    *(np.dtype(k) for k in (np.float64, np.bool_, np.int8, np.int16, np.int32, np.int64)),
    np.dtype(FP8),
]  # fmt: skip


class Tensor(C.Structure):
    _fields_ = [
        ("data", C.c_void_p),
        ("owner", C.c_void_p),
        ("dtype", C.c_int32),
        ("memory", C.c_int32),
        ("rank", C.c_int32),
        ("reserved", C.c_int32),
        ("sizes", C.c_int64 * 8),
        ("strides", C.c_int64 * 8),
    ]

    def array(self):
        shape = tuple(self.sizes[: self.rank])
        dtype = DTYPES[self.dtype]
        size = int(np.prod(shape)) * dtype.itemsize
        return np.frombuffer(C.string_at(self.data, size), dtype).reshape(shape)


class Status(C.Structure):
    _fields_ = [
        ("code", C.c_int32),
        ("argument", C.c_int32),
        ("message", C.c_char * 504),
    ]


def call(path, arguments, count):
    """The `count` results of the library's function main, as arrays."""
    library = C.CDLL(str(path))
    library.et_tensor_borrow.restype = Tensor
    tensors = (Tensor * max(len(arguments), 1))()
    for k, array in enumerate(arguments):
        sizes = (C.c_int64 * 8)(*array.shape)
        tensors[k] = library.et_tensor_borrow(
            C.c_void_p(array.ctypes.data), DTYPES.index(array.dtype), array.ndim, sizes
        )
    results, status = (Tensor * count)(), Status()
    function = C.byref(C.c_char.in_dll(library, "et_function_main"))
    if library.et_call(
        function, tensors, C.c_size_t(len(arguments)),
        results, C.c_size_t(count), C.byref(status),
    ):  # fmt: skip
        raise RuntimeError(status.message.decode())
    return [result.array() for result in results]


def in_child(folder, settings, path, arguments, count):
    """call() in a forked process with the emulator's settings in its environment."""
    said, counters = folder / "said", folder / "counters.json"
    if launched is not None or counted is not None:
        settings = {**settings, "ET_EMU_STATS": str(counters)}
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with said.open("wb") as log:
                os.dup2(log.fileno(), 2)
            os.environ.update(settings)
            results = call(path, arguments, count)
            for k, array in enumerate(results):
                np.save(folder / f"out{k}.npy", array)
            code = 0
        except Exception as error:
            os.write(2, f"{error}\n".encode())
        finally:
            C.CDLL(None).exit(code)  # as C ends: the driver writes its counters
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError(
            f"status {status} with {settings}:\n{said.read_text()[:4000]}"
        )
    if launched is not None or counted is not None:
        launches = json.loads(counters.read_text())
        for record, key in ((launched, "kernel"), (counted, "counters")):
            if record is not None:
                record.extend(one[key] for one in launches)
        global peak_bytes
        peak_bytes = max(
            (one["counters"]["device.peak_bytes"] for one in launches), default=0
        )
    return [np.load(folder / f"out{k}.npy") for k in range(count)]


def run(module, arguments, results, chip):
    """The results of @main of a module's text, the same under each schedule."""
    driver = et_tools.BUILD / "lib" / "libet_cuda_emu.so"
    if not driver.exists():
        raise FileNotFoundError(f"{driver}: build the emulator, or set ET_BUILD_DIR")
    arguments = [np.ascontiguousarray(a) for a in arguments]
    with tempfile.TemporaryDirectory(prefix="et-") as name:
        folder = Path(name)
        source, library = folder / "module.mlir", folder / "module.so"
        source.write_text(module)
        command = [et_tools.tool("et-compile"), source, "--target=cuda"]
        command += [f"--chip={chip}", *options, "-o", library]
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(
                f"et-compile --chip={chip}:\n{done.stderr[:4000]}\n{module}"
            )
        seed = secrets.randbits(32)
        first = None
        for schedule in SCHEDULES:
            settings = {
                "ET_CUDA_DRIVER": str(driver),
                "ET_EMU_CHIP": chip,
                "ET_EMU_CHECK": "all",
                "ET_EMU_THREADS": "1",  # the tests themselves run side by side
                "ET_EMU_SCHEDULE": schedule,
                "ET_EMU_SEED": str(seed),
            }
            try:
                found = in_child(folder, settings, library, arguments, len(results))
            except RuntimeError as error:
                raise RuntimeError(f"{chip}, {schedule}: {error}\n{module}") from None
            first = first or found
            for k, (a, b) in enumerate(zip(first, found, strict=True)):
                assert a.tobytes() == b.tobytes(), (
                    f"{chip}: result {k} differs between the schedules early and "
                    f"{schedule} (ET_EMU_SEED={seed})\n{module}"
                )
        return [
            array.view(STORAGE[kind]) if kind in STORAGE else array
            for array, kind in zip(first, results, strict=True)
        ]
