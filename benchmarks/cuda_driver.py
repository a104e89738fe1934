# ===- cuda_driver.py - memory, kernels and time on a CUDA device ------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""The CUDA driver's C interface, as far as the benchmarks need it.

The library is $ET_CUDA_DRIVER (the emulator, say), else the machine's libcuda.so.1.
"""

import ctypes as C
import os
from dataclasses import dataclass

import numpy as np

ATTRIBUTE_MAJOR, ATTRIBUTE_MINOR = 75, 76
FUNCTION_MAX_DYNAMIC_SHARED = 8


class CudaError(Exception):
    pass


@dataclass
class Buffer:
    """An array's copy on the device, or room for one."""

    address: int
    shape: tuple
    dtype: np.dtype

    @property
    def nbytes(self):
        return int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize


class Driver:
    def __init__(self):
        name = os.environ.get("ET_CUDA_DRIVER", "libcuda.so.1")
        try:
            self.lib = C.CDLL(name)
        except OSError as error:
            raise CudaError(f"no CUDA driver: {error}") from None
        self.call("cuInit", 0)
        self.device, context = C.c_int(), C.c_void_p()
        self.call("cuDeviceGet", C.byref(self.device), 0)
        # The one that the CUDA runtime, and so PyTorch, uses.
        self.call("cuDevicePrimaryCtxRetain", C.byref(context), self.device)
        self.call("cuCtxSetCurrent", context)

    def call(self, name, *arguments):
        code = getattr(self.lib, name)(*arguments)
        if code:
            text = C.c_char_p()
            self.lib.cuGetErrorString(code, C.byref(text))
            raise CudaError(f"{name}: error {code}, {(text.value or b'').decode()}")

    def name(self):
        text = C.create_string_buffer(256)
        self.call("cuDeviceGetName", text, len(text), self.device)
        return text.value.decode()

    def capability(self):
        """10 * major + minor."""
        parts = [C.c_int(), C.c_int()]
        for part, which in zip(parts, (ATTRIBUTE_MAJOR, ATTRIBUTE_MINOR), strict=True):
            self.call("cuDeviceGetAttribute", C.byref(part), which, self.device)
        return 10 * parts[0].value + parts[1].value

    def empty(self, shape, dtype):
        buffer = Buffer(0, tuple(shape), np.dtype(dtype))
        address = C.c_uint64()
        self.call("cuMemAlloc_v2", C.byref(address), C.c_size_t(max(buffer.nbytes, 1)))
        buffer.address = address.value
        return buffer

    def upload(self, array):
        array = np.ascontiguousarray(array)
        buffer = self.empty(array.shape, array.dtype)
        self.call("cuMemcpyHtoD_v2", C.c_uint64(buffer.address),
                  C.c_void_p(array.ctypes.data), C.c_size_t(array.nbytes))  # fmt: skip
        return buffer

    def download(self, buffer):
        array = np.empty(buffer.shape, buffer.dtype)
        self.call("cuMemcpyDtoH_v2", C.c_void_p(array.ctypes.data),
                  C.c_uint64(buffer.address), C.c_size_t(array.nbytes))  # fmt: skip
        return array

    def free(self, buffer):
        self.call("cuMemFree_v2", C.c_uint64(buffer.address))

    def synchronize(self):
        self.call("cuCtxSynchronize")

    def milliseconds(self, run, repeats):
        """Of each of the runs, by events on the default stream."""
        events = []
        for _ in range(repeats + 1):
            events.append(C.c_void_p())
            self.call("cuEventCreate", C.byref(events[-1]), 0)
        self.call("cuEventRecord", events[0], None)
        for event in events[1:]:
            run()
            self.call("cuEventRecord", event, None)
        self.synchronize()
        times = []
        for first, last in zip(events, events[1:], strict=False):
            time = C.c_float()
            self.call("cuEventElapsedTime", C.byref(time), first, last)
            times.append(time.value)
        for event in events:
            self.call("cuEventDestroy_v2", event)
        return times


class Kernel:
    """A kernel of a PTX module, ready to be launched on the default stream."""

    def __init__(self, driver, ptx, name, shared=0):
        self.driver, self.shared, self.function = driver, shared, C.c_void_p()
        module = C.c_void_p()
        driver.call("cuModuleLoadData", C.byref(module), ptx.encode())
        driver.call(
            "cuModuleGetFunction", C.byref(self.function), module, name.encode()
        )
        if shared > 48 * 1024:
            driver.call("cuFuncSetAttribute", self.function,
                        FUNCTION_MAX_DYNAMIC_SHARED, shared)  # fmt: skip

    def launch(self, grid, threads, arguments):
        """Arguments are buffers, 32-bit integers, or None for no address."""
        values = [
            C.c_int32(a) if isinstance(a, int) else C.c_uint64(a.address if a else 0)
            for a in arguments
        ]
        pointers = (C.c_void_p * len(values))(*map(C.addressof, values))
        x, y, z = (*grid, 1, 1)[:3]
        self.driver.call("cuLaunchKernel", self.function, x, y, z, threads, 1, 1,
                         self.shared, None, pointers, None)  # fmt: skip
