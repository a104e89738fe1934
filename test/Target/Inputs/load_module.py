# ===- load_module.py - a module into a CUDA driver --------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Loads a file into the driver of ET_CUDA_DRIVER; the status says whether it did."""

import ctypes
import os
import sys
from pathlib import Path

driver = ctypes.CDLL(os.environ["ET_CUDA_DRIVER"])
device, context, module = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_void_p()
for code in (
    driver.cuInit(0),
    driver.cuDeviceGet(ctypes.byref(device), 0),
    driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), device),
    driver.cuCtxPushCurrent_v2(context),
):
    assert code == 0, code
image = Path(sys.argv[1]).read_bytes()
sys.exit(driver.cuModuleLoadData(ctypes.byref(module), image) != 0)
