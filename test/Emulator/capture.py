# ===- capture.py - what a capture forbids ---------------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext %python %s
"""A capture forbids what a driver's does: calls that are on no stream."""

import ctypes as c
import os

cu = c.CDLL(os.environ["ET_CUDA_DRIVER"])
GLOBAL, RELAXED = 0, 2
context, stream, graph = c.c_void_p(), c.c_void_p(), c.c_void_p()
address, other = c.c_uint64(), c.c_uint64()
bytes_ = c.c_size_t(64)


def ok(code):
    assert code == 0, code


ok(cu.cuInit(0))
ok(cu.cuDevicePrimaryCtxRetain(c.byref(context), 0))
ok(cu.cuCtxSetCurrent(context))
ok(cu.cuStreamCreate(c.byref(stream), 1))
ok(cu.cuMemAlloc_v2(c.byref(address), bytes_))
for mode in (GLOBAL, RELAXED):
    refuses = mode == GLOBAL
    ok(cu.cuStreamBeginCapture_v2(stream, mode))
    assert cu.cuMemAlloc_v2(c.byref(other), bytes_) == 900 * refuses
    assert cu.cuCtxSynchronize() == 900 * refuses
    assert cu.cuMemsetD32_v2(address, 0, c.c_size_t(4)) == 906 * refuses
    assert cu.cuStreamSynchronize(stream) == 900
    ok(cu.cuMemAllocAsync(c.byref(other), bytes_, stream))
    ok(cu.cuMemsetD32Async(other, 0, c.c_size_t(4), stream))
    ok(cu.cuMemFreeAsync(other, stream))
    ok(cu.cuStreamEndCapture(stream, c.byref(graph)))
    ok(cu.cuGraphDestroy(graph))
ok(cu.cuMemFree_v2(address))
assert cu.cuMemFree_v2(address) == 1
