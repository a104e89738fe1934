# ===- fatbin.py - PTX out of nvcc's fatbins -------------------------------===#
#
# Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
# RUN: env ET_CUDA_DRIVER=%et_lib/libet_cuda_emu%shlibext %python %s
# REQUIRES: cuda-toolkit
"""The driver reads PTX that nvcc packed, in every way that it packs it."""

import ctypes as C
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "Inputs"))
import emu
import numpy as np

driver = emu.Driver()
rng = np.random.default_rng(0)
zstd, lz4 = 0x8000, 0x2000
seen = 0


def load(image):
    module = object.__new__(emu.Module)
    module.driver, module.handle = driver, C.c_void_p()
    driver.call("cuModuleLoadData", C.byref(module.handle), bytes(image))
    return module


for mode in ("default", "size", "speed", "balance", "none"):
    path = emu.SCRATCH / f"warp-{mode}.fatbin"
    subprocess.run(
        [emu.CUDA / "bin" / "nvcc", "-fatbin", "-arch=compute_80"]
        + [f"--compress-mode={mode}", "-o", path, emu.SOURCES / "warp.cu"],
        env=emu.OTHERS,
        check=True,
    )
    image = bytearray(path.read_bytes())
    flags = int.from_bytes(image[16 + 40 : 16 + 48], "little")
    seen |= flags
    a = rng.integers(0, 8, 777).astype(np.int32)
    o = emu.Empty(777, np.int32)
    load(image).launch("recursion", 7, 128, a, o, 777)
    fib = [0, 1]
    while len(fib) < 8:
        fib.append(fib[-1] + fib[-2])
    assert (o.value == np.array(fib)[a]).all(), mode
    print("ok", mode, hex(flags & (zstd | lz4)))

    # A piece that is cut out is missed when it is packed: one clear error.
    if flags & (zstd | lz4):
        damaged = image.copy()
        damaged[200:260] = bytes(60)
        try:
            load(damaged)
            raise AssertionError(f"{mode}: damage is not noticed")
        except emu.Fault as fault:
            assert "error" in fault.said or "damaged" in fault.said, fault.said
assert seen & zstd, "nvcc packed nothing with zstd"
